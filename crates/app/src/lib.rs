#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod baseline;
pub mod convert;
pub mod hunt;
pub mod navigator;
pub mod output;
