//! A baseline kept in a file, for another day to be compared with: Parquet with one row for each group, and what it was
//! counted by in the file's metadata. Reading trusts nothing: not the form, not the sizes, not the numbers. It refuses
//! to keep hosts, users and times of single events.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Int64Array, ListArray, ListBuilder, RecordBatch, StringArray,
    StringBuilder, UInt64Array,
};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, UInt64Type};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use crate::report::{Parameters, Report, Time};

/// Key of the file metadata that marks a saved baseline; its value is the version of the form.
pub const MARK: &str = "scotoma.baseline";
/// The form written today.
pub const VERSION: &str = "1";
/// Largest file that is read, in bytes.
const MAX_BYTES: u64 = 512 << 20;
/// Most groups that are read.
const MAX_ROWS: usize = 2_000_000;
/// Most bytes of text that are read.
const MAX_TEXT: usize = 512 << 20;
/// Rows of a batch.
const BATCH: usize = 8 << 10;

/// A group as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedGroup {
    /// The stream's name.
    pub stream: String,
    /// The fields it was grouped by.
    pub keys: Vec<String>,
    /// Their values.
    pub values: Vec<Option<String>>,
    /// Events.
    pub count: u64,
    /// How much the count may be too high.
    pub error: u64,
    /// Different hosts.
    pub hosts: u64,
    /// First time.
    pub first: Option<Time>,
    /// Last time.
    pub last: Option<Time>,
}

/// A baseline as it was.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Saved {
    /// How it was counted.
    pub parameters: Parameters,
    /// Host-days observed.
    pub host_days: f64,
    /// The groups, in the order of the file.
    pub groups: Vec<SavedGroup>,
    /// Streams that were sketched: no group of theirs that is not here had more events than this.
    pub errors: Vec<(String, u64)>,
}

/// Why a saved baseline cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SavedError {
    /// The file cannot be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It is none, or damaged.
    #[error("{0}")]
    Form(String),
}

fn form(what: impl ToString) -> SavedError {
    SavedError::Form(what.to_string())
}

fn schema() -> Schema {
    let text = |name: &str| Field::new(name, DataType::Utf8, false);
    let list =
        |name: &str| Field::new_list(name, Field::new_list_field(DataType::Utf8, true), false);
    let number = |name: &str| Field::new(name, DataType::UInt64, false);
    let time = |name: &str| Field::new(name, DataType::Int64, true);
    Schema::new(vec![
        text("stream"),
        list("keys"),
        list("values"),
        number("count"),
        number("error"),
        number("hosts"),
        time("first"),
        time("last"),
    ])
}

/// Writes a report's groups into a new file.
///
/// # Errors
/// When the file exists or the disk refuses.
pub fn save(report: &Report, path: &Path) -> Result<(), SavedError> {
    let file = File::create_new(path)?;
    let parameters = &report.parameters;
    let mut metadata = vec![
        (MARK, VERSION.to_owned()),
        ("host_days", report.exposure.host_days.to_string()),
        ("startup_minutes", parameters.startup_minutes.to_string()),
        ("max_groups", parameters.max_groups.to_string()),
        ("confidence", parameters.confidence.to_string()),
    ];
    for stream in &report.streams {
        if let Some(sketch) = &stream.sketch {
            metadata.push(("sketch", format!("{} {}", sketch.error, stream.name)));
        }
    }
    let metadata = metadata
        .into_iter()
        .map(|(key, value)| KeyValue::new(key.to_owned(), value))
        .collect();
    let level = ZstdLevel::try_new(3).map_err(form)?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_key_value_metadata(Some(metadata))
        .set_created_by(concat!("scotoma ", env!("CARGO_PKG_VERSION")).to_owned())
        .build();
    let schema = Arc::new(schema());
    let mut writer =
        ArrowWriter::try_new(file, Arc::clone(&schema), Some(properties)).map_err(form)?;
    for stream in &report.streams {
        for groups in stream.groups.chunks(BATCH) {
            let tallies = || groups.iter().map(|g| &g.tally);
            let columns: Vec<ArrayRef> = vec![
                Arc::new(StringArray::from_iter_values(
                    groups.iter().map(|_| &stream.name),
                )),
                Arc::new(lists(groups.iter().map(|_| stream.keys.iter().map(Some)))),
                Arc::new(lists(
                    groups.iter().map(|g| g.values.iter().map(Option::as_ref)),
                )),
                Arc::new(UInt64Array::from_iter_values(tallies().map(|t| t.count))),
                Arc::new(UInt64Array::from_iter_values(
                    groups.iter().map(|g| g.error),
                )),
                Arc::new(UInt64Array::from_iter_values(
                    tallies().map(|t| t.hosts_total),
                )),
                Arc::new(tallies().map(|t| t.first).collect::<Int64Array>()),
                Arc::new(tallies().map(|t| t.last).collect::<Int64Array>()),
            ];
            let batch = RecordBatch::try_new(Arc::clone(&schema), columns).map_err(form)?;
            writer.write(&batch).map_err(form)?;
        }
    }
    writer.close().map_err(form)?;
    Ok(())
}

fn lists<'a, V>(rows: impl Iterator<Item = V>) -> ListArray
where
    V: Iterator<Item = Option<&'a String>>,
{
    let mut builder = ListBuilder::new(StringBuilder::new());
    for row in rows {
        for value in row {
            builder.values().append_option(value);
        }
        builder.append(true);
    }
    builder.finish()
}

/// Reads a saved baseline.
///
/// # Errors
/// When the file cannot be read, is no saved baseline, is damaged, or larger than any that is written.
pub fn load(path: &Path) -> Result<Saved, SavedError> {
    let mut file = File::open(path)?;
    let length = file.seek(SeekFrom::End(0))?;
    if length > MAX_BYTES {
        return Err(form(format!("larger than {} MiB", MAX_BYTES >> 20)));
    }
    file.rewind()?;
    let mut bytes = Vec::new();
    file.take(MAX_BYTES).read_to_end(&mut bytes)?;
    parse(bytes)
}

/// Reads a saved baseline from memory.
///
/// # Errors
/// When it is none, is damaged, or has more groups than any that is written.
pub fn parse(bytes: Vec<u8>) -> Result<Saved, SavedError> {
    // The library checks most of what it reads, but not all.
    catch_unwind(AssertUnwindSafe(|| read(Bytes::from(bytes))))
        .unwrap_or_else(|_| Err(form("damaged Parquet")))
}

fn read(bytes: Bytes) -> Result<Saved, SavedError> {
    // The types are known; what the file says of Arrow's is one more thing that could be damaged.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let builder =
        ParquetRecordBatchReaderBuilder::try_new_with_options(bytes, options).map_err(form)?;
    let meta = builder.metadata().file_metadata();
    let pairs = meta.key_value_metadata().map_or(&[][..], |m| m);
    let value = |key: &str| {
        let pair = pairs.iter().find(|p| p.key == key)?;
        pair.value.as_deref()
    };
    match value(MARK) {
        Some(VERSION) => {}
        Some(other) => {
            return Err(form(format!(
                "a saved baseline of form {other}; form {VERSION} is read"
            )));
        }
        None => {
            return Err(form(
                "no saved baseline (scotoma baseline --save writes one)",
            ));
        }
    }
    let number = |key: &str| -> Result<f64, SavedError> {
        let number = value(key).and_then(|v| v.parse::<f64>().ok());
        number
            .filter(|n| n.is_finite() && *n >= 0.0)
            .ok_or_else(|| form(format!("{key} is missing or no number")))
    };
    let mut saved = Saved {
        parameters: Parameters {
            startup_minutes: number("startup_minutes")? as u32,
            max_groups: number("max_groups")? as usize,
            confidence: number("confidence")?.clamp(0.5, 0.999_999),
        },
        host_days: number("host_days")?,
        ..Saved::default()
    };
    for pair in pairs.iter().filter(|p| p.key == "sketch") {
        let told = pair.value.as_deref().and_then(|v| v.split_once(' '));
        if let Some((error, stream)) = told
            && let Ok(error) = error.parse()
        {
            saved.errors.push((stream.to_owned(), error));
        }
    }
    if builder.schema().fields() != schema().fields() {
        return Err(form("its columns are not those of a saved baseline"));
    }
    let rows: i64 = builder
        .metadata()
        .row_groups()
        .iter()
        .map(|g| g.num_rows())
        .sum();
    if usize::try_from(rows).map_or(true, |rows| rows > MAX_ROWS) {
        return Err(form(format!("more than {MAX_ROWS} groups")));
    }
    let mut text = 0;
    for batch in builder.with_batch_size(BATCH).build().map_err(form)? {
        let batch = batch.map_err(form)?;
        text += batch.get_array_memory_size();
        if text > MAX_TEXT || saved.groups.len() + batch.num_rows() > MAX_ROWS {
            return Err(form("unpacks to more than a saved baseline holds"));
        }
        take(&batch, &mut saved.groups);
    }
    Ok(saved)
}

fn take(batch: &RecordBatch, groups: &mut Vec<SavedGroup>) {
    let stream = batch.column(0).as_string::<i32>();
    let (keys, values) = (
        batch.column(1).as_list::<i32>(),
        batch.column(2).as_list::<i32>(),
    );
    let number = |i: usize| batch.column(i).as_primitive::<UInt64Type>();
    let (count, error, hosts) = (number(3), number(4), number(5));
    let time = |i: usize, row: usize| {
        let array = batch.column(i).as_primitive::<Int64Type>();
        array.is_valid(row).then(|| array.value(row))
    };
    let texts = |list: &ListArray, row: usize| -> Vec<Option<String>> {
        let values = list.value(row);
        let texts = values.as_string::<i32>();
        texts.iter().map(|v| v.map(str::to_owned)).collect()
    };
    for row in 0..batch.num_rows() {
        groups.push(SavedGroup {
            stream: stream.value(row).to_owned(),
            keys: texts(keys, row).into_iter().flatten().collect(),
            values: texts(values, row),
            count: count.value(row),
            error: error.value(row).min(count.value(row)),
            hosts: hosts.value(row),
            first: time(6, row),
            last: time(7, row),
        });
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;
    use crate::report::{Exposure, Group, Sketch, Stream, Tally};

    fn report(groups: Vec<(Vec<Option<String>>, u64)>) -> Report {
        let group = |(values, count): (Vec<Option<String>>, u64)| Group {
            values,
            tally: Tally {
                count,
                first: Some(1),
                ..Tally::default()
            },
            share: 0.0,
            error: 0,
            example: None,
            marks: Vec::new(),
        };
        Report {
            exposure: Exposure {
                host_days: 12.5,
                ..Exposure::default()
            },
            streams: vec![Stream {
                name: "CreateRemoteThread".into(),
                sysmon: true,
                channel: None,
                event_id: Some(8),
                keys: vec!["SourceImage".into(), "TargetImage".into()],
                user: None,
                summary: String::new(),
                total: Tally::default(),
                groups: groups.into_iter().map(group).collect(),
                distinct: 0,
                distinct_outside: 0,
                sketch: Some(Sketch { kept: 5, error: 7 }),
                comparison: None,
            }],
            ..Report::default()
        }
    }

    fn written(report: &Report) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("b.parquet");
        save(report, &path).unwrap();
        assert!(save(report, &path).is_err(), "a file is not overwritten");
        std::fs::read(path).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn what_is_saved_is_loaded(
            groups in prop::collection::vec(
                (prop::collection::vec(prop::option::of(".{0,12}"), 2), 0u64..u64::MAX), 0..20)
        ) {
            let report = report(groups.clone());
            let saved = parse(written(&report)).unwrap();
            prop_assert_eq!(saved.parameters, report.parameters);
            prop_assert_eq!(saved.host_days, 12.5);
            prop_assert_eq!(saved.errors, vec![("CreateRemoteThread".to_owned(), 7)]);
            let back: Vec<_> = saved.groups.iter().map(|g| (g.values.clone(), g.count)).collect();
            prop_assert_eq!(back, groups);
            prop_assert!(saved.groups.iter().all(|g| g.keys == ["SourceImage", "TargetImage"]));
        }

        #[test]
        fn damage_is_an_error_and_never_a_panic(
            at in any::<prop::sample::Index>(), bytes in prop::collection::vec(any::<u8>(), 1..8), cut in any::<prop::sample::Index>(),
        ) {
            let groups = (0..50).map(|i| (vec![Some(format!("C:\\p{i}.exe")), None], i)).collect();
            let mut file = written(&report(groups));
            let at = at.index(file.len());
            for (place, byte) in file[at..].iter_mut().zip(bytes) {
                *place = byte;
            }
            let _ = parse(file.clone());
            file.truncate(cut.index(file.len()));
            prop_assert!(parse(file).is_err());
        }
    }

    #[test]
    fn other_parquet_is_refused_by_name() {
        assert!(parse(b"PAR1".to_vec()).is_err());
        let schema = Arc::new(Schema::new(vec![Field::new("a", DataType::Int64, true)]));
        let mut bytes = Vec::new();
        let writer = ArrowWriter::try_new(&mut bytes, schema, None).unwrap();
        writer.close().unwrap();
        let error = parse(bytes).unwrap_err().to_string();
        assert!(error.contains("no saved baseline"), "{error}");
    }
}
