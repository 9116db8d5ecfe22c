#![doc = include_str!("../README.md")]
mod diagnostics;
mod filter;
mod format;
pub mod holes;
mod input;
#[doc(hidden)]
pub mod probe;
mod scan;
mod select;
mod table;
#[cfg(test)]
mod testing;
mod value;

pub use diagnostics::{Diagnostic, Diagnostics, FirstProblems, NotUnderstood, Problem};
pub use filter::{Atom, RowFilter, Test};
pub use format::parquet;
pub use input::{Limits, Origin, discover};
pub use scan::{Options, Progress, Report, Scan};
pub use select::{filter_batch, filter_columns};
pub use table::header;
pub use table::plan::Plan;
pub use value::time;
pub use value::time_rules::{DayOrder, LocalZone, NoZone};
