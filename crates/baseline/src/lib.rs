#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod boots;
mod collect;
mod columns;
mod compare;
mod counting;
mod finish;
mod groups;
mod holes;
pub mod keys;
mod local;
mod numbered;
mod page;
mod pairs;
pub mod propose;
pub mod rate;
mod report;
pub mod saved;
mod survey;
mod tally;
pub mod words;

pub use collect::{Collector, Names, Select, Spec, columns};
pub use columns::CountError;
pub use compare::compare;
pub use holes::hole_notes;
pub use page::html;

pub use report::{
    Boot, Comparison, Example, Exposure, Group, GroupChange, Host, HostCount, Interval, MAX_HOSTS,
    MAX_MINUTES, MAX_USERS, Mark, Parameters, Regularity, Report, Sign, Sketch, StartUp, Stream,
    Strength, Tally, Time, Timeline,
};
pub use survey::{Survey, with_survey};
