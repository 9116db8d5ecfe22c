#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod nearest;
mod number;

pub use nearest::{did_you_mean, meant, nearest};
pub use number::{decimal, grouped, interval, percent, plural, plural_of};
