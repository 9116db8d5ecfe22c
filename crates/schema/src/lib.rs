#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod ecs;
mod form;
mod log_source;
pub mod ossem;
mod sensor;
pub mod sysmon;
pub mod taxonomy;

pub use form::{FieldForm, Spelling, ValueForm};
pub use log_source::{Attribution, LogSource};
pub use sensor::Sensor;
