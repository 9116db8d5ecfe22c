//! The event table as Parquet: written once, read in a fraction of the time the logs take. Only Scotoma's own files are
//! read; foreign Parquet is refused, for its columns would mean something else.

mod file;
mod read;
mod rows;
mod write;

pub(crate) use read::RowGroup;
pub use rows::RowWriter;
pub use write::{Writer, column_names};

/// Key of the file metadata that marks an event table of ours; its value is the version of the table's form.
pub const MARK: &str = "scotoma.event_table";
/// The form written today.
pub const MARK_VERSION: &str = "1";
