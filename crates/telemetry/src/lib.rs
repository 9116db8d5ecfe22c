//! Recorded Windows telemetry, whatever it was written with, as Arrow batches of one event table.
//!
//! Inside: finding inputs, unpacking them, telling formats apart, and turning records into rows under the names the
//! sensor gave its fields. Not inside: SQL, hunts, and what an event means.

mod diagnostics;
mod evtx;
mod filter;
pub mod header;
mod json;
mod names;
pub mod ossem;
mod record;
mod rows;
pub mod sysmon_fields;
pub mod time;
mod xml;

pub use diagnostics::{Diagnostic, Diagnostics, Problem};
pub use filter::{Atom, RowFilter, Test};
pub use rows::Plan;
