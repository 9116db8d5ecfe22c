#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod census;
mod describe;
pub mod detection_functions;
mod engine;
mod findings;
mod inventory;
pub mod only;
pub mod pack;
pub mod render;
mod survival;
mod sweep;
mod table;
mod visibility;

pub use census::{BatchSources, Census, EventSource};
pub use engine::{Answer, Engine, Error, Outcome, Prepared};
pub use findings::{Finding, Gatherer};
pub use inventory::{Count, FileCount, HoleCount, Inventory, inventory};
pub use survival::{Standing, Survival};
pub use sweep::{Sweep, SweepColumns};
pub use visibility::{EventNeed, QueryVisibility, Requirement, short_name};
