//! Recorded Windows telemetry, whatever it was written with, as Arrow batches of one event table.
//!
//! Inside: finding inputs, unpacking them, telling formats apart, and turning records into rows under the names the
//! sensor gave its fields. Not inside: SQL, hunts, and what an event means.

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
