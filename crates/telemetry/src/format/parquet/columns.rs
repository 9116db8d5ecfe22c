//! From the columns of a file to those of the event table. A file that Scotoma wrote has them by name; a foreign one may
//! call the header otherwise, spell numbers as text, and write a name twice in different case.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch, RecordBatchOptions,
    StringArray, TimestampMicrosecondArray, new_null_array,
};
use arrow::compute::kernels::zip::zip;
use arrow::compute::{cast, is_not_null};
use arrow::datatypes::{DataType, Field, Int32Type, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;

use super::hive;
use crate::filter::{Atom, RowFilter};
use crate::table::header::{self, Kind};
use crate::value::time;

/// What a file has of the event table.
#[derive(Debug)]
pub(super) struct ColumnMapping {
    columns: Vec<FileColumn>,
    /// Columns that stand in the path, with the value of all rows.
    constants: Vec<(String, Option<String>)>,
    /// What has no place in the table: values inside values.
    pub(super) nested: Vec<String>,
}

#[derive(Debug)]
struct FileColumn {
    /// The canonical name.
    name: String,
    shown: String,
    /// Its place in the file.
    root: usize,
    /// Of several that mean the same, lower is better.
    priority: u16,
}

impl ColumnMapping {
    /// Of a file with these columns at this path. The names in a file that Scotoma wrote are the table's (`own_names`).
    pub(super) fn new(schema: &Schema, path: &str, own_names: bool) -> Self {
        let (mut columns, mut nested) = (Vec::new(), Vec::new());
        for (root, field) in schema.fields().iter().enumerate() {
            if field.data_type().is_nested() {
                nested.push(field.name().clone());
                continue;
            }
            let lower = field.name().to_lowercase();
            let feed = header::feed(&lower).filter(|feed| !feed.beat_only && !own_names);
            let (name, priority) = match (feed, header::by_name(&lower).filter(|_| !own_names)) {
                (Some(feed), _) => (header_name(feed.column.into()), feed.priority),
                (None, Some(i)) => (header_name(i), u16::MAX),
                (None, None) => (lower.clone(), 0),
            };
            let own = name == lower;
            let shown = match header::by_name(&name) {
                Some(i) => header::columns()[i].name.clone(),
                None => field.name().clone(),
            };
            columns.push(FileColumn {
                priority: if own { 0 } else { priority.max(1) },
                name,
                shown,
                root,
            });
            // What feeds the header only where nothing better does is a column of its own besides.
            if feed.is_some_and(|f| f.keeps_column && !own) {
                columns.push(FileColumn {
                    name: lower,
                    shown: field.name().clone(),
                    root,
                    priority: 0,
                });
            }
        }
        columns.sort_by_key(|c| c.priority);
        let mut constants = Vec::new();
        for (column, value) in hive::columns(path) {
            let name = header::canonical(&column);
            // What the file itself says is better.
            if header::is_header(&name) && !columns.iter().any(|c| c.name == name) {
                constants.push((name, value));
            }
        }
        Self {
            columns,
            constants,
            nested,
        }
    }

    /// The columns the table gets from the file, as shown.
    pub(super) fn shown(&self) -> impl Iterator<Item = &str> {
        let constants = self.constants.iter().map(|(name, _)| name.as_str());
        self.columns
            .iter()
            .map(|c| c.shown.as_str())
            .chain(constants)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.roots(name).next().is_some() || self.constants.iter().any(|(c, _)| c == name)
    }

    /// The places in the file of what feeds a column, best first.
    pub(super) fn roots(&self, name: &str) -> impl Iterator<Item = usize> {
        let named = self.columns.iter().filter(move |c| c.name == name);
        named.map(|c| c.root)
    }

    /// What of a filter is left to ask of the rows; `None` where no row of this path passes.
    pub(super) fn left_of(&self, filter: &RowFilter) -> Option<RowFilter> {
        let mut clauses = Vec::new();
        'clauses: for clause in &filter.clauses {
            let mut open = Vec::new();
            for atom in clause {
                match self.constants.iter().find(|(c, _)| *c == atom.column) {
                    Some((_, value)) if passes(atom, value.as_deref()) => continue 'clauses,
                    Some(_) => {}
                    None => open.push(atom.clone()),
                }
            }
            if open.is_empty() {
                return None;
            }
            clauses.push(open);
        }
        Some(RowFilter { clauses })
    }

    /// Rows of the file as rows of the table with these columns. `file` is the schema of the whole file.
    pub(super) fn fit(
        &self,
        batch: &RecordBatch,
        file: &Schema,
        names: &[String],
        schema: &SchemaRef,
    ) -> Result<RecordBatch, ArrowError> {
        let column = |(name, field): (&String, &Arc<Field>)| -> Result<ArrayRef, ArrowError> {
            let mut made: Option<ArrayRef> = None;
            for root in self.roots(name) {
                let held = batch.column_by_name(file.field(root).name());
                let Some(next) = held.map(|h| convert(h, field.data_type())).transpose()? else {
                    continue;
                };
                made = Some(match made {
                    Some(better) => zip(&is_not_null(&better)?, &better, &next)?,
                    None => next,
                });
                if made.as_ref().is_some_and(|m| m.null_count() == 0) {
                    break;
                }
            }
            match (made, self.constants.iter().find(|(c, _)| c == name)) {
                (Some(made), _) => Ok(made),
                (None, Some((_, value))) => {
                    let texts = StringArray::from(vec![value.as_deref(); batch.num_rows()]);
                    let texts = Arc::new(texts) as ArrayRef;
                    convert(&texts, field.data_type())
                }
                (None, None) => Ok(new_null_array(field.data_type(), batch.num_rows())),
            }
        };
        let columns = names.iter().zip(schema.fields()).map(column);
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)
    }
}

fn header_name(column: usize) -> String {
    header::columns()[column].name.to_lowercase()
}

fn passes(atom: &Atom, value: Option<&str>) -> bool {
    let text = value.unwrap_or_default();
    let int = || match header::kind(&atom.column) {
        Kind::Time => time::parse(text),
        _ => text.trim().parse().ok(),
    };
    atom.test.passes(value.is_some(), || text, int)
}

/// The schema that text is read with: as dictionaries, which the rest of the program works on.
pub(super) fn with_dictionaries(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| match field.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Arc::new(
            field
                .as_ref()
                .clone()
                .with_data_type(Kind::Text.data_type()),
        ),
        _ => Arc::clone(field),
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// A column as the table has it. What cannot be said in the table's type is missing.
fn convert(array: &ArrayRef, to: &DataType) -> Result<ArrayRef, ArrowError> {
    if array.data_type() == to {
        return Ok(Arc::clone(array));
    }
    match (array.data_type(), to) {
        (DataType::Dictionary(..) | DataType::Utf8, DataType::Timestamp(..)) => {
            let texts = cast(array, &Kind::Text.data_type())?;
            let texts = texts.as_dictionary::<Int32Type>();
            let values = texts.values().as_string::<i32>();
            let parsed: Vec<Option<i64>> = values.iter().map(|v| v.and_then(time::parse)).collect();
            let times = texts.keys().iter();
            let times = times.map(|k| parsed.get(usize::try_from(k?).ok()?).copied().flatten());
            let times: TimestampMicrosecondArray = times.collect();
            Ok(Arc::new(times.with_timezone("UTC")))
        }
        // A time without a zone is in UTC, as all times of the table are.
        (DataType::Timestamp(_, None), DataType::Timestamp(..)) => {
            let micros = DataType::Timestamp(TimeUnit::Microsecond, None);
            let times = cast(array, &micros)?;
            let times = times.as_primitive::<arrow::datatypes::TimestampMicrosecondType>();
            Ok(Arc::new(times.clone().with_timezone("UTC")))
        }
        // JSON has no whole numbers of its own: 1.0 is an id too.
        (DataType::Float32 | DataType::Float64, _) => {
            let floats = cast(array, &DataType::Float64)?;
            cast(&whole(floats.as_primitive()), to)
        }
        _ => cast(array, to),
    }
}

fn whole(floats: &Float64Array) -> ArrayRef {
    let is_whole = |f: f64| f.fract() == 0.0 && f.abs() < 9e15;
    if floats.iter().flatten().all(is_whole) {
        let whole: Int64Array = floats.iter().map(|f| f.map(|f| f as i64)).collect();
        return Arc::new(whole);
    }
    Arc::new(floats.clone())
}
