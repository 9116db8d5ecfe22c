//! Recorded Windows telemetry, whatever it was written with, as Arrow batches of one event table.
//!
//! Inside: finding inputs, unpacking them, telling formats apart, and turning records into rows under the names the
//! sensor gave its fields. Not inside: SQL, hunts, and what an event means.

mod beginning;
mod buffer;
mod column;
mod diagnostics;
mod dictionary;
mod encoding;
mod evtx;
mod familiar;
mod filter;
mod frame;
pub mod header;
mod input;
mod json;
mod keys;
mod names;
pub mod parquet;
#[doc(hidden)]
pub mod probe;
mod record;
mod route;
mod rows;
mod scan;
mod select;
mod sequel;
mod shape;
mod sniff;
#[cfg(test)]
mod testing;
pub mod time;
mod xml;

pub use diagnostics::{Diagnostic, Diagnostics, Problem};
pub use filter::{Atom, RowFilter, Test};
pub use input::{Limits, Origin, discover};
pub use rows::Plan;
pub use scan::{Options, Progress, Report, Scan};
pub use select::{filter_batch, filter_columns};
