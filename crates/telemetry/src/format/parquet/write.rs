//! Writing the event table: one file, or one for each channel and event id. Names keep the spelling the logs have, memory
//! is bounded by flushing the fullest file, and nothing is overwritten.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::{Field, Int32Type, Int64Type, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use super::{MARK, MARK_VERSION, hive, seal};
use crate::table::header;

/// Rows of a row group: enough for good dictionaries, few enough to skip by statistics.
const GROUP_ROWS: usize = 128 << 10;
/// Bytes that may wait in all files together before the fullest is flushed.
const BUFFERED: usize = 256 << 20;

/// The columns a table over all of these fields has, as shown: the header, where the events came from, the fields.
pub fn column_names(fields: &[String]) -> Vec<String> {
    let mut names: Vec<String> = header::columns().iter().map(|c| c.name.clone()).collect();
    names.extend([
        header::SOURCE_FILE.to_owned(),
        header::SOURCE_OFFSET.to_owned(),
    ]);
    for field in fields {
        if !names
            .iter()
            .any(|n| n.to_lowercase() == field.to_lowercase())
        {
            names.push(field.clone());
        }
    }
    names
}

/// The columns that stand in the path of a partitioned table, in its order.
const PARTITIONED_BY: [&str; 2] = ["Channel", "EventID"];

/// A file, or a folder of files, being written.
pub struct Writer {
    root: PathBuf,
    schema: SchemaRef,
    partitioned: bool,
    files: BTreeMap<Partition, Part>,
    rows: u64,
}

/// One file.
struct Part {
    file: ArrowWriter<File>,
    /// Which of the writer's columns it has.
    columns: Vec<usize>,
}

/// Channel and event id, as far as an event has them.
type Partition = Option<(Option<String>, Option<i64>)>;

impl Writer {
    /// Begins to write to `path`: a file, or where `partitioned` a folder that does not exist yet or is empty, laid out as
    /// Hive does: `Channel=.../EventID=.../part-0.parquet`.
    ///
    /// # Errors
    /// When the path exists or cannot be made.
    pub fn create(path: &Path, columns: &[String], partitioned: bool) -> io::Result<Self> {
        let fields = columns
            .iter()
            .map(|name| Field::new(name, header::kind(&name.to_lowercase()).data_type(), true));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let mut writer = Self {
            root: path.to_owned(),
            schema,
            partitioned,
            files: BTreeMap::new(),
            rows: 0,
        };
        if partitioned {
            fs::create_dir_all(path)?;
            if fs::read_dir(path)?.next().is_some() {
                return Err(io::Error::new(
                    io::ErrorKind::AlreadyExists,
                    "the folder is not empty",
                ));
            }
        } else {
            let all = (0..writer.schema.fields().len()).collect();
            writer.files.insert(None, writer.open(path, all)?);
        }
        Ok(writer)
    }

    fn open(&self, path: &Path, columns: Vec<usize>) -> io::Result<Part> {
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(
                ZstdLevel::try_new(3).map_err(io::Error::other)?,
            ))
            .set_max_row_group_row_count(Some(GROUP_ROWS))
            .set_key_value_metadata(Some(vec![KeyValue::new(
                MARK.to_owned(),
                MARK_VERSION.to_owned(),
            )]))
            .set_created_by(concat!("scotoma ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        // What is written is read once more for its checksums.
        let mut options = File::options();
        let file = options.read(true).write(true).create_new(true).open(path)?;
        let schema = Arc::new(self.schema.project(&columns).map_err(io::Error::other)?);
        // The Arrow schema would make every text a category where others read it.
        let options = ArrowWriterOptions::new()
            .with_properties(properties)
            .with_skip_arrow_metadata(true);
        let file =
            ArrowWriter::try_new_with_options(file, schema, options).map_err(io::Error::other)?;
        Ok(Part { file, columns })
    }

    /// Writes rows whose columns are the writer's, in its order.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn write(&mut self, batch: &RecordBatch) -> io::Result<()> {
        self.rows += batch.num_rows() as u64;
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), batch.columns().to_vec())
            .map_err(io::Error::other)?;
        if self.partitioned {
            for (partition, rows) in partitions(&batch) {
                let part = take_record_batch(&batch, &rows).map_err(io::Error::other)?;
                if !self.files.contains_key(&partition) {
                    let file = self.open_partition(&partition)?;
                    self.files.insert(partition.clone(), file);
                }
                self.write_to(&partition, &part)?;
            }
        } else {
            self.write_to(&None, &batch)?;
        }
        self.bound_memory()
    }

    fn write_to(&mut self, partition: &Partition, batch: &RecordBatch) -> io::Result<()> {
        match self.files.get_mut(partition) {
            Some(part) => {
                let batch = batch.project(&part.columns).map_err(io::Error::other)?;
                part.file.write(&batch).map_err(disk)
            }
            None => Ok(()),
        }
    }

    /// The file of a partition. Values that make no name of a folder stay in the file as well, under a name of their own.
    fn open_partition(&self, partition: &Partition) -> io::Result<Part> {
        let (channel, id) = partition.clone().unwrap_or_default();
        let values = [channel, id.map(|id| id.to_string())];
        let (mut folder, mut in_path) = (self.root.clone(), Vec::new());
        for (column, value) in PARTITIONED_BY.into_iter().zip(&values) {
            match hive::folder(column, value.as_deref()) {
                Some(name) => {
                    folder.push(name);
                    in_path.push(column);
                }
                None => folder.push(format!(
                    "{column}=_{:08x}",
                    crc32fast::hash(value.as_deref().unwrap_or_default().as_bytes())
                )),
            }
        }
        fs::create_dir_all(&folder)?;
        let fields = self.schema.fields().iter().enumerate();
        let kept = fields.filter(|(_, f)| !in_path.contains(&f.name().as_str()));
        let columns = kept.map(|(i, _)| i).collect();
        self.open(&folder.join("part-0.parquet"), columns)
    }

    fn bound_memory(&mut self) -> io::Result<()> {
        let waiting = |part: &Part| part.file.memory_size();
        while self.files.values().map(waiting).sum::<usize>() > BUFFERED {
            let Some(fullest) = self.files.values_mut().max_by_key(|p| waiting(p)) else {
                break;
            };
            if fullest.file.in_progress_rows() == 0 {
                break;
            }
            fullest.file.flush().map_err(disk)?;
        }
        Ok(())
    }

    /// Finishes the files with their checksums; gives the number of rows and of files.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn close(self) -> io::Result<(u64, usize)> {
        let files = self.files.len();
        for part in self.files.into_values() {
            let mut file = part.file.inner().try_clone()?;
            let metadata = part.file.close().map_err(disk)?;
            seal::seal(&mut file, &metadata)?;
        }
        Ok((self.rows, files))
    }
}

fn disk(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(e) => io::Error::other(e.to_string()),
        other => io::Error::other(other),
    }
}

/// The rows of each channel and event id, in order.
fn partitions(batch: &RecordBatch) -> BTreeMap<Partition, UInt32Array> {
    let column = |name: &str| batch.column_by_name(name);
    let channels = column("Channel").map(|c| c.as_dictionary::<Int32Type>());
    let ids = column("EventID").map(|c| c.as_primitive::<Int64Type>());
    let mut rows: BTreeMap<(Option<usize>, Option<i64>), Vec<u32>> = BTreeMap::new();
    for row in 0..batch.num_rows() {
        let channel = channels.and_then(|c| c.key(row));
        let id = ids.and_then(|c| (!c.is_null(row)).then(|| c.value(row)));
        rows.entry((channel, id))
            .or_default()
            .push(u32::try_from(row).unwrap_or(u32::MAX));
    }
    let name = |key: usize| channels.map(|c| c.values().as_string::<i32>().value(key).to_owned());
    rows.into_iter()
        .map(|((channel, id), rows)| (Some((channel.and_then(name), id)), UInt32Array::from(rows)))
        .collect()
}
