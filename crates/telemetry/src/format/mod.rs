//! One reader per format, and what tells the formats apart and cuts streams where records end. Readers find keys and
//! values; what a key means is asked of the table.

pub(crate) mod carrier;
pub(crate) mod csv;
pub(crate) mod evtx;
pub(crate) mod json;
pub(crate) mod lines;
pub(crate) mod other_files;
pub mod parquet;
pub(crate) mod record_splitter;
pub(crate) mod sniff;
pub(crate) mod xml;
