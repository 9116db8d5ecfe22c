//! What a reading is to deliver, and where a record stands.

use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};

use crate::filter::RowFilter;
use crate::table::header;

/// What a reading is to deliver: columns by canonical name, and the rows worth building.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Canonical (lower-case) names of the columns, in the order of the batches.
    pub columns: Vec<String>,
    /// Rows that need not be built.
    pub filter: RowFilter,
    /// Whether the names of all fields are to be learnt, also of those that are no columns here.
    pub discover: bool,
}

impl Plan {
    /// A reading of these columns, every row.
    pub fn of(columns: Vec<String>) -> Self {
        Self {
            columns,
            filter: RowFilter::default(),
            discover: false,
        }
    }

    /// A reading that builds nothing and learns which fields there are.
    pub fn discovery() -> Self {
        Self {
            columns: Vec::new(),
            filter: RowFilter::default(),
            discover: true,
        }
    }

    /// The Arrow schema of the batches.
    pub fn schema(&self) -> SchemaRef {
        Arc::new(Schema::new(
            self.columns
                .iter()
                .map(|c| header::arrow_field(c))
                .collect::<Vec<_>>(),
        ))
    }
}

/// Where a record stands.
#[derive(Clone, Copy, Debug)]
pub struct Position<'a> {
    /// The file, with the archive it lies in.
    pub source: &'a str,
    /// Byte offset in the (decompressed) file.
    pub offset: u64,
}
