//! What the SQL tests share: a plain loader of recorded JSON events and a catalog over it.
#![allow(clippy::unwrap_used, dead_code)]

use std::collections::BTreeMap;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringDictionaryBuilder,
    TimestampMicrosecondArray,
};
use datafusion::arrow::datatypes::{
    DataType, Field, Float64Type, Int32Type, Int64Type, Schema, TimeUnit, TimestampMicrosecondType,
};
use datafusion::datasource::MemTable;
use serde_json::{Map, Value};
use spark::dialect::{self, SessionOptions, SqlError, Tables};
use spark::functions::{double_text, timestamp_text};

/// `shared` beside the workspace, where it is present.
pub fn shared(path: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared")
        .join(path);
    if root.exists() {
        return Some(root);
    }
    println!("skipped: {} is not there", root.display());
    None
}

/// One event: lower-case column name to value.
pub type Event = BTreeMap<String, Value>;

/// The events of a zipped NDJSON recording, nested Winlogbeat documents lifted.
pub fn load(path: &Path) -> Vec<Event> {
    let mut archive = zip::ZipArchive::new(std::fs::File::open(path).unwrap()).unwrap();
    let mut events = Vec::new();
    for n in 0..archive.len() {
        let text = read(&mut archive, n);
        events.extend(
            text.lines()
                .filter(|l| !l.trim().is_empty())
                .map(|l| event(serde_json::from_str(l).unwrap())),
        );
    }
    events
}

fn read<R: Read + Seek>(archive: &mut zip::ZipArchive<R>, n: usize) -> String {
    let mut bytes = Vec::new();
    archive
        .by_index(n)
        .unwrap()
        .read_to_end(&mut bytes)
        .unwrap();
    String::from_utf8_lossy(&bytes)
        .trim_start_matches('\u{feff}')
        .to_owned()
}

pub fn event(document: Map<String, Value>) -> Event {
    let mut event = Event::new();
    let mut document = document;
    if let Some(Value::Object(winlog)) = document.get_mut("winlog")
        && let Some(Value::Object(data)) = winlog.remove("event_data")
    {
        lift("", data, &mut event);
    }
    lift("", document, &mut event);
    event
}

/// A field of the event's own data wins over one of the shipper's of the same name.
fn lift(prefix: &str, fields: Map<String, Value>, event: &mut Event) {
    let (data, rest): (Vec<_>, Vec<_>) = fields
        .into_iter()
        .partition(|(name, v)| name == "event_data" && v.is_object());
    for (name, value) in data.into_iter().chain(rest) {
        let path = format!("{prefix}{name}").to_lowercase();
        match value {
            Value::Object(inner) if name == "event_data" => lift("", inner, event),
            Value::Object(inner) => lift(&format!("{path}."), inner, event),
            Value::Null => {}
            value => {
                let name = header(&path).map_or_else(
                    || path.strip_prefix("winlog.").unwrap_or(&path).to_owned(),
                    str::to_owned,
                );
                event.entry(name).or_insert(value);
            }
        }
    }
}

fn header(name: &str) -> Option<&'static str> {
    Some(match name {
        "eventid" | "event_id" | "winlog.event_id" | "event.code" => "eventid",
        "channel" | "log_name" | "winlog.channel" => "channel",
        "computer" | "hostname" | "computer_name" | "winlog.computer_name" => "computer",
        "timecreated" | "@timestamp" => "timecreated",
        _ => return None,
    })
}

/// A catalog of tables that all hold the same events.
pub struct Recorded {
    pub names: Vec<String>,
    pub events: Vec<Event>,
}

impl Recorded {
    pub fn new(names: &[&str], events: Vec<Event>) -> Self {
        Self {
            names: names.iter().map(|n| (*n).to_owned()).collect(),
            events,
        }
    }

    /// Events written as JSON lines.
    pub fn of(names: &[&str], lines: &str) -> Self {
        let events = lines
            .lines()
            .filter(|l| !l.trim().is_empty())
            .map(|l| event(serde_json::from_str(l).unwrap()))
            .collect();
        Self::new(names, events)
    }

    fn knows(&self, column: &str) -> bool {
        header(column).is_some_and(|h| h == column)
            || self.events.iter().any(|e| e.contains_key(column))
    }

    fn all_columns(&self) -> Vec<String> {
        let mut names: Vec<String> = self.events.iter().flat_map(|e| e.keys().cloned()).collect();
        names.sort();
        names.dedup();
        names
    }

    fn batch(&self, columns: &[String]) -> RecordBatch {
        let mut fields = Vec::new();
        let mut arrays: Vec<ArrayRef> = Vec::new();
        for name in columns {
            let values = self.events.iter().map(|e| e.get(name));
            let array: ArrayRef = match name.as_str() {
                "eventid" | "eventrecordid" | "executionprocessid" => Arc::new(
                    values
                        .map(|v| {
                            v.and_then(|v| {
                                v.as_i64()
                                    .or_else(|| v.as_str().and_then(|s| s.parse().ok()))
                            })
                        })
                        .collect::<Int64Array>(),
                ),
                "timecreated" => Arc::new(
                    values
                        .map(|v| v.and_then(Value::as_str).and_then(micros))
                        .collect::<TimestampMicrosecondArray>()
                        .with_timezone("UTC"),
                ),
                _ => {
                    let mut out = StringDictionaryBuilder::<Int32Type>::new();
                    for v in values {
                        match v {
                            None => out.append_null(),
                            Some(Value::String(s)) => out.append_value(s),
                            Some(other) => out.append_value(other.to_string()),
                        }
                    }
                    Arc::new(out.finish())
                }
            };
            fields.push(Field::new(name, array.data_type().clone(), true));
            arrays.push(array);
        }
        let options = datafusion::arrow::array::RecordBatchOptions::new()
            .with_row_count(Some(self.events.len()));
        RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options).unwrap()
    }
}

fn micros(text: &str) -> Option<i64> {
    let naive =
        chrono::NaiveDateTime::parse_from_str(text.trim_end_matches('Z'), "%Y-%m-%dT%H:%M:%S%.f")
            .ok()?;
    Some(naive.and_utc().timestamp_micros())
}

impl Tables for Recorded {
    fn table(&self, name: &str) -> Option<String> {
        let lower = name.to_lowercase();
        self.names
            .iter()
            .any(|n| n.to_lowercase() == lower)
            .then_some(lower)
    }

    fn names(&self) -> Vec<String> {
        self.names.clone()
    }

    fn canonical(&self, _table: &str, name: &str) -> Option<String> {
        let lower = name.to_lowercase();
        if let Some(header) = header(&lower) {
            return Some(header.to_owned());
        }
        let bare = ["winlog.event_data.", "event_data."]
            .iter()
            .find_map(|p| lower.strip_prefix(p))
            .unwrap_or(&lower);
        self.knows(bare).then(|| bare.to_owned())
    }

    fn columns(&self, _table: &str) -> Vec<String> {
        self.all_columns()
    }
}

/// The answer to a query: names, and rows as JSON values.
#[derive(Debug, PartialEq)]
pub struct Answer {
    pub names: Vec<String>,
    pub rows: Vec<Vec<Value>>,
}

#[derive(Debug)]
pub enum Failure {
    Sql(SqlError),
    Engine(datafusion::error::DataFusionError),
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sql(e) => write!(f, "{e}"),
            Self::Engine(e) => write!(f, "{e}"),
        }
    }
}

pub fn run(sql: &str, tables: &Recorded) -> Result<Answer, Failure> {
    let prepared = dialect::prepare(sql, tables).map_err(Failure::Sql)?;
    let context = dialect::session_context(&SessionOptions::default(), &[]);
    for name in &tables.names {
        let table = name.to_lowercase();
        let mut columns: Vec<String> = prepared
            .mentioned
            .iter()
            .filter(|m| m.table == table)
            .map(|m| m.column.clone())
            .collect();
        columns.sort();
        columns.dedup();
        let batch = tables.batch(&columns);
        let provider = MemTable::try_new(batch.schema(), vec![vec![batch]]).unwrap();
        context
            .register_table(
                datafusion::common::TableReference::bare(table),
                Arc::new(provider),
            )
            .unwrap();
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime
        .block_on(async {
            let plan = context
                .state()
                .statement_to_plan(prepared.statement.clone())
                .await?;
            let names = prepared.column_names(plan.schema());
            let batches = context.execute_logical_plan(plan).await?.collect().await?;
            let mut rows = Vec::new();
            for batch in &batches {
                for row in 0..batch.num_rows() {
                    rows.push(batch.columns().iter().map(|c| cell(c, row)).collect());
                }
            }
            Ok(Answer { names, rows })
        })
        .map_err(Failure::Engine)
}

fn cell(column: &ArrayRef, row: usize) -> Value {
    if column.is_null(row) {
        return Value::Null;
    }
    match column.data_type() {
        DataType::Dictionary(_, value) => cell(
            &datafusion::arrow::compute::cast(&column.slice(row, 1), value).unwrap(),
            0,
        ),
        DataType::Utf8 => column.as_string::<i32>().value(row).into(),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).into(),
        DataType::Int32 => column.as_primitive::<Int32Type>().value(row).into(),
        DataType::Float64 => double_text(column.as_primitive::<Float64Type>().value(row)).into(),
        DataType::Boolean => column.as_boolean().value(row).into(),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            timestamp_text(column.as_primitive::<TimestampMicrosecondType>().value(row)).into()
        }
        DataType::List(_) => {
            let items = column.as_list::<i32>().value(row);
            Value::Array((0..items.len()).map(|n| cell(&items, n)).collect())
        }
        _ => {
            let text =
                datafusion::arrow::util::display::array_value_to_string(column, row).unwrap();
            text.into()
        }
    }
}
