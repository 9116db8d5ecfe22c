//! The event table as Parquet: written once, read in a fraction of the time the logs take. Text is plain strings in the
//! file, so that every reader of Parquet takes it, and dictionaries again where it is read here. Parquet that another
//! program wrote of events is read as far as it has the columns.

mod columns;
mod file;
mod hive;
mod read;
mod rows;
mod seal;
mod write;

pub(crate) use read::RowGroup;
pub use rows::RowWriter;
pub use write::{Writer, column_names};

/// Key of the file metadata that marks an event table of ours; its value is the version of the table's form.
pub const MARK: &str = "scotoma.event_table";
/// The form written today: plain strings, checksums.
pub const MARK_VERSION: &str = "2";
/// The form before, which has no checksums.
const UNSEALED: &str = "1";
