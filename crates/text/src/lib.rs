#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod nearest;
mod number;
mod visible;

pub use nearest::{did_you_mean, meant, nearest};
pub use number::{decimal, grouped, interval, percent, plural, plural_of};
pub use visible::{is_hidden, visible, visible_in_place, visible_json, visible_lines};
