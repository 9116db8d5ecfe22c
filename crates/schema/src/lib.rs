#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod log_source;
mod sensor;
pub mod taxonomy;

pub use log_source::{LogSource, Origin};
pub use sensor::Sensor;
