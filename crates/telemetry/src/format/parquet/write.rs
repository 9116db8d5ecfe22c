//! Writing the event table: one file, or one for each channel and event id. Dictionaries stay dictionaries, names keep
//! the spelling the logs have, and memory is bounded by flushing the fullest file. It refuses to overwrite.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::{Field, Int32Type, Int64Type, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use super::{MARK, MARK_VERSION};
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

/// A file, or a folder of files, being written.
pub struct Writer {
    root: PathBuf,
    schema: SchemaRef,
    partitioned: bool,
    files: BTreeMap<Partition, ArrowWriter<File>>,
    rows: u64,
}

/// Channel and event id, as far as an event has them.
type Partition = Option<(Option<String>, Option<i64>)>;

impl Writer {
    /// Begins to write to `path`: a file, or where `partitioned` a folder that does not exist yet or is empty.
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
            writer.files.insert(None, writer.open(path)?);
        }
        Ok(writer)
    }

    fn open(&self, path: &Path) -> io::Result<ArrowWriter<File>> {
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
        let file = File::create_new(path)?;
        ArrowWriter::try_new(file, Arc::clone(&self.schema), Some(properties))
            .map_err(io::Error::other)
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
            Some(file) => file.write(batch).map_err(disk),
            None => Ok(()),
        }
    }

    fn open_partition(&self, partition: &Partition) -> io::Result<ArrowWriter<File>> {
        let (channel, id) = partition.clone().unwrap_or_default();
        let folder = self.root.join(file_name(channel.as_deref()));
        fs::create_dir_all(&folder)?;
        self.open(&folder.join(format!(
            "{}.parquet",
            id.map_or_else(|| "none".to_owned(), |id| id.to_string())
        )))
    }

    fn bound_memory(&mut self) -> io::Result<()> {
        while self
            .files
            .values()
            .map(ArrowWriter::memory_size)
            .sum::<usize>()
            > BUFFERED
        {
            let Some(fullest) = self.files.values_mut().max_by_key(|f| f.memory_size()) else {
                break;
            };
            if fullest.in_progress_rows() == 0 {
                break;
            }
            fullest.flush().map_err(disk)?;
        }
        Ok(())
    }

    /// Finishes the files; gives the number of rows and of files.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn close(self) -> io::Result<(u64, usize)> {
        let files = self.files.len();
        for file in self.files.into_values() {
            file.close().map_err(disk)?;
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

/// A channel as the name of a folder: what an event says must not lead out of the output.
fn file_name(channel: Option<&str>) -> String {
    let Some(channel) = channel else {
        return "none".to_owned();
    };
    let safe: String = channel
        .chars()
        .take(120)
        .map(|c| {
            if c.is_ascii_alphanumeric() || "-_ ".contains(c) {
                c
            } else {
                '_'
            }
        })
        .collect();
    // Channels that differ only in what was replaced still get folders of their own; only `/` is replaced silently.
    if !channel.contains('_') && channel.replace('/', "_") == safe && !safe.is_empty() {
        return safe;
    }
    format!("{safe}-{:08x}", crc32(channel.as_bytes()))
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channel_names_stay_inside_the_folder() {
        assert_eq!(
            file_name(Some("Microsoft-Windows-Sysmon/Operational")),
            "Microsoft-Windows-Sysmon_Operational"
        );
        assert_eq!(file_name(Some("Windows PowerShell")), "Windows PowerShell");
        for odd in ["../../etc", "a\\b", "..", "", "a\u{0}b", "x/../y"] {
            let name = file_name(Some(odd));
            assert!(!name.contains(['/', '\\', '\u{0}', '.']), "{name}");
        }
        assert_ne!(file_name(Some("a\\b")), file_name(Some("a:b")));
    }
}
