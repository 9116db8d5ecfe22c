//! Events for `decide` and `explain`: JSON objects with an id and fields, and whatever else the readers of
//! logs know.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use arrow::array::{Array as _, AsArray as _, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use schema::{LogSource, Sensor};
use serde_json::Value;
use sysmon::event::Event;
use sysmon::text::Environment;
use telemetry::{Atom, Plan, RowFilter, Test};

use crate::cli::Manner;
use crate::reading::{Reading, origins};

/// What stands before the events of a file of recorded decisions.
pub(crate) struct Head {
    /// The environment in which they were made.
    pub(crate) environment: Option<Environment>,
}

/// Hands over the events of a file, or of standard input for `-`, in their order.
pub(crate) fn each(
    path: &Path,
    manner: &Manner,
    mut f: impl FnMut(Option<&Head>, Event) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut input: Box<dyn BufRead> = if path.as_os_str() == "-" {
        Box::new(io::stdin().lock())
    } else {
        let file = File::open(path).with_context(|| path.display().to_string())?;
        Box::new(BufReader::new(file))
    };
    let mut first = Vec::new();
    (&mut input).take(64 << 20).read_until(b'\n', &mut first)?;
    let object: Option<Value> = serde_json::from_slice(&first).ok();
    if !object.as_ref().is_some_and(|o| is_plain(o) || is_head(o)) {
        if path.as_os_str() != "-" {
            return logged(path, manner, |event| f(None, event));
        }
        let spooled = spool(&first, input)?;
        return logged(spooled.path(), manner, |event| f(None, event));
    }
    let (mut head, mut number) = (None, 0);
    let mut line = first;
    while !line.is_empty() {
        number += 1;
        let place = || format!("{}:{number}", path.display());
        if !line.trim_ascii().is_empty() {
            let value: Value = serde_json::from_slice(&line).with_context(place)?;
            if number == 1 && is_head(&value) {
                let environment = value.get("env").cloned();
                head = Some(Head {
                    environment: environment.and_then(|e| serde_json::from_value(e).ok()),
                });
            } else if value.get("id").is_none() {
                bail!("{}: an event needs \"id\" and \"fields\"", place());
            } else {
                f(
                    head.as_ref(),
                    serde_json::from_value(value).with_context(place)?,
                )?;
            }
        }
        line.clear();
        input.read_until(b'\n', &mut line)?;
    }
    Ok(())
}

/// An object with an id and fields.
fn is_plain(object: &Value) -> bool {
    object.get("id").is_some() && object.get("fields").is_some_and(Value::is_object)
}

/// The first line of a file of recorded decisions, which tells about the file.
fn is_head(object: &Value) -> bool {
    object.get("id").is_none() && object.get("config").is_some_and(Value::is_string)
}

/// The one event on standard input.
pub(crate) fn typed(manner: &Manner) -> anyhow::Result<Event> {
    let mut bytes = Vec::new();
    io::stdin().lock().take(64 << 20).read_to_end(&mut bytes)?;
    if let Ok(object) = serde_json::from_slice::<Value>(&bytes)
        && object.get("id").is_some()
    {
        return serde_json::from_value(object)
            .context("standard input: {\"id\": N, \"fields\": {...}} is expected");
    }
    let spooled = spool(&bytes, io::empty())?;
    let (mut found, mut count) = (None, 0);
    logged(spooled.path(), manner, |event| {
        count += 1;
        found.get_or_insert(event);
        Ok(())
    })
    .context("standard input: {\"id\": N, \"fields\": {...}} or a log record is expected")?;
    if count > 1 {
        eprintln!("warning: standard input has {count} Sysmon events; this is the first");
    }
    let event: Option<Event> = found;
    event
        .map(Event::as_before_filtering)
        .context("standard input has no Sysmon event")
}

fn spool(first: &[u8], mut rest: impl io::Read) -> anyhow::Result<tempfile::NamedTempFile> {
    let mut file = tempfile::NamedTempFile::new()?;
    file.write_all(first)?;
    io::copy(&mut rest, &mut file)?;
    file.flush()?;
    Ok(file)
}

/// The Sysmon events of a log.
fn logged(
    path: &Path,
    manner: &Manner,
    mut f: impl FnMut(Event) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let log = OpenLog::open(path, manner)?;
    let report = log.scan(RowFilter::default(), |_, event| match event {
        Some(event) => f(event),
        None => Ok(()),
    })?;
    log.reading.end(&report, &[])
}

/// The Sysmon event of a log by its record number; in a log without record numbers, by its place.
pub(crate) fn recorded(place: &str, manner: &Manner) -> anyhow::Result<Event> {
    let (path, record) = place
        .rsplit_once('#')
        .with_context(|| format!("`{place}` is not LOG#RECORD"))?;
    let record: i64 = record
        .parse()
        .with_context(|| format!("`{record}` is no record number"))?;
    let log = OpenLog::open(Path::new(path), manner)?;
    let (mut found, mut count) = (None, 0);
    let wanted = RowFilter {
        clauses: vec![vec![Atom {
            column: "eventrecordid".to_owned(),
            test: Test::IntIn(vec![record]),
        }]],
    };
    let mut report = log.scan(wanted, |_, event| {
        if let Some(event) = event {
            count += 1;
            found.get_or_insert(event);
        }
        Ok(())
    })?;
    if found.is_none() {
        let (mut row, mut numbered) = (0, false);
        report = log.scan(RowFilter::default(), |number, event| {
            row += 1;
            numbered |= number.is_some();
            if row == record {
                found = event;
            }
            Ok(())
        })?;
        if numbered {
            found = None;
        }
    }
    log.reading.end(&report, &[])?;
    let event =
        found.with_context(|| format!("{path} has no Sysmon event with record number {record}"))?;
    if count > 1 {
        eprintln!("warning: {count} Sysmon events have record number {record}; this is the first");
    }
    Ok(event.as_before_filtering())
}

/// A log whose fields are known.
struct OpenLog {
    reading: Reading,
    origins: Vec<telemetry::Origin>,
    fields: Vec<String>,
}

/// The columns before the fields.
const HEADER: [&str; 4] = ["eventid", "channel", "provider", "eventrecordid"];

impl OpenLog {
    fn open(path: &Path, manner: &Manner) -> anyhow::Result<Self> {
        let reading = Reading::begin(manner);
        let origins = origins(&[PathBuf::from(path)])?;
        let report = reading.scan(&origins, Plan::discovery(), |_| Ok(()))?;
        Ok(Self {
            reading,
            origins,
            fields: report.fields,
        })
    }

    /// Hands over every row that passes: its record number, and the event where it is one of Sysmon's.
    fn scan(
        &self,
        filter: RowFilter,
        mut f: impl FnMut(Option<&str>, Option<Event>) -> anyhow::Result<()>,
    ) -> anyhow::Result<telemetry::Report> {
        let columns = HEADER.into_iter().map(str::to_owned);
        let plan = Plan {
            columns: columns
                .chain(self.fields.iter().map(|f| f.to_lowercase()))
                .collect(),
            filter,
            discover: false,
        };
        self.reading.scan(&self.origins, plan, |batch| {
            let columns = texts(batch)?;
            for row in 0..batch.num_rows() {
                f(text(&columns[3], row), self.event(&columns, row))?;
            }
            Ok(())
        })
    }

    /// A row as an event; none where it is not Sysmon's.
    fn event(&self, columns: &[StringArray], row: usize) -> Option<Event> {
        let source = LogSource::of(text(&columns[1], row), text(&columns[2], row));
        if source.sensor() != Some(Sensor::Sysmon) {
            return None;
        }
        let id = text(&columns[0], row)
            .and_then(|id| id.parse().ok())
            .unwrap_or(0);
        let mut event = Event {
            id,
            ..Event::default()
        };
        let kind = sysmon::schema::newest().event(id);
        for (field, column) in self.fields.iter().zip(&columns[HEADER.len()..]) {
            let Some(value) = text(column, row) else {
                continue;
            };
            // One column holds spellings of a name that differ in case; the filters use the manifest's.
            let known = kind.and_then(|k| k.fields.iter().find(|f| f.eq_ignore_ascii_case(field)));
            event
                .fields
                .insert(known.unwrap_or(field).clone(), value.to_owned());
        }
        Some(event)
    }
}

fn texts(batch: &RecordBatch) -> anyhow::Result<Vec<StringArray>> {
    batch
        .columns()
        .iter()
        .map(|column| Ok(cast(column, &DataType::Utf8)?.as_string::<i32>().clone()))
        .collect()
}

fn text(column: &StringArray, row: usize) -> Option<&str> {
    (!column.is_null(row)).then(|| column.value(row))
}
