//! Rows of any query as Parquet, for whoever goes on with them elsewhere. They are no event table and carry no mark.

use std::io::{self, Write};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

/// A Parquet file of query rows being written.
pub struct RowWriter<W: Write + Send> {
    schema: SchemaRef,
    writer: ArrowWriter<W>,
}

impl<W: Write + Send> RowWriter<W> {
    /// A file for rows of this schema, under these names.
    ///
    /// # Errors
    /// When the disk refuses, or Parquet has no such type.
    pub fn new(file: W, schema: &Schema, names: &[String]) -> io::Result<Self> {
        let fields = schema
            .fields()
            .iter()
            .zip(names)
            .map(|(f, name)| Field::new(name, f.data_type().clone(), true));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let level = ZstdLevel::try_new(3).map_err(io::Error::other)?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(level))
            .build();
        // The Arrow schema would make every text a category where others read it.
        let options = ArrowWriterOptions::new()
            .with_properties(properties)
            .with_skip_arrow_metadata(true);
        let writer = ArrowWriter::try_new_with_options(file, Arc::clone(&schema), options)
            .map_err(io::Error::other)?;
        Ok(Self { schema, writer })
    }

    /// Writes rows.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn write(&mut self, batch: &RecordBatch) -> io::Result<()> {
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), batch.columns().to_vec())
            .map_err(io::Error::other)?;
        self.writer.write(&batch).map_err(io::Error::other)
    }

    /// Finishes what is written and gives the file back; one without rows is a valid file, too.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn close(self) -> io::Result<W> {
        self.writer.into_inner().map_err(io::Error::other)
    }
}
