//! The rows of a query, written as they come in; only the table for reading is held back until its widths are known.

use std::borrow::Cow;
use std::io::Write;

use analytics::render;
use anyhow::bail;
use app::output::Output;
use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use serde_json::{Map, Value};
use telemetry::parquet::RowWriter;

use super::{Sink as Out, clean, table, write_json};
use crate::cli::RowFormat;

/// Where rows go.
pub(crate) struct Rows {
    columns: Vec<String>,
    sink: Sink,
    count: u64,
}

enum Sink {
    Table {
        out: Out,
        rows: Vec<Vec<String>>,
        numbers: Vec<usize>,
    },
    Json {
        out: Out,
        array: bool,
    },
    Record {
        out: Out,
        width: usize,
    },
    Csv {
        writer: Box<csv::Writer<Out>>,
        cells: Cells,
    },
    Parquet(Box<RowWriter<Output>>),
}

/// How the cells of comma-separated rows are written.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cells {
    /// As they are, control characters included.
    pub(crate) raw: bool,
    /// So that no spreadsheet takes one for a formula.
    pub(crate) guarded: bool,
}

impl Cells {
    fn show(self, text: &str) -> Cow<'_, str> {
        let text = match self.raw {
            true => Cow::Borrowed(text),
            false => text::visible_lines(text),
        };
        // What makes a spreadsheet compute; blanks before it do not stop it.
        let computes = |t: &str| t.trim_start().starts_with(['=', '+', '-', '@', '|', '%']);
        match self.guarded && computes(&text) {
            true => Cow::Owned(format!("'{text}")),
            false => text,
        }
    }
}

/// Rows a table for reading holds; a longer answer wants another format.
const MAX_TABLE: usize = 100_000;

impl Rows {
    /// Begins an output of rows of this schema, under the names of the query's columns.
    pub(crate) fn begin(
        format: RowFormat,
        output: Option<Output>,
        columns: &[String],
        schema: &Schema,
        cells: Cells,
    ) -> anyhow::Result<Self> {
        let sink = match (format, output) {
            (RowFormat::Parquet, None) => {
                bail!("Parquet goes into a file: add -o FILE.parquet")
            }
            (RowFormat::Parquet, Some(file)) => {
                let writer = RowWriter::new(file, schema, &render::distinct_names(columns))?;
                Sink::Parquet(Box::new(writer))
            }
            (RowFormat::Table, output) => Sink::Table {
                out: Out::new(output),
                rows: Vec::new(),
                numbers: (0..schema.fields().len())
                    .filter(|i| schema.field(*i).data_type().is_numeric())
                    .collect(),
            },
            (RowFormat::Record, output) => Sink::Record {
                out: Out::new(output),
                width: columns
                    .iter()
                    .map(|c| clean(c).chars().count())
                    .max()
                    .unwrap_or(0),
            },
            (RowFormat::Json, output) => Sink::Json {
                out: Out::new(output),
                array: true,
            },
            (RowFormat::Ndjson, output) => Sink::Json {
                out: Out::new(output),
                array: false,
            },
            (RowFormat::Csv, output) => {
                let mut writer = csv::Writer::from_writer(Out::new(output));
                writer.write_record(columns.iter().map(|c| cells.show(c).into_owned()))?;
                Sink::Csv {
                    writer: Box::new(writer),
                    cells,
                }
            }
        };
        let columns = match format {
            RowFormat::Json | RowFormat::Ndjson | RowFormat::Parquet => {
                render::distinct_names(columns)
            }
            RowFormat::Table | RowFormat::Record | RowFormat::Csv => columns.to_vec(),
        };
        Ok(Self {
            columns,
            sink,
            count: 0,
        })
    }

    pub(crate) fn write(&mut self, batch: &RecordBatch) -> anyhow::Result<()> {
        for row in 0..batch.num_rows() {
            match &mut self.sink {
                Sink::Table { rows, .. } => {
                    if rows.len() < MAX_TABLE {
                        let cells = batch.columns().iter();
                        rows.push(
                            cells
                                .map(|c| {
                                    render::text(c, row)
                                        .map_or_else(|| "NULL".to_owned(), |t| clean(&t))
                                })
                                .collect(),
                        );
                    }
                }
                Sink::Json { out, array } => {
                    let object: Map<String, Value> = self
                        .columns
                        .iter()
                        .zip(batch.columns())
                        .map(|(name, c)| (name.clone(), render::json(c, row)))
                        .filter(|(_, value)| *array || !value.is_null())
                        .collect();
                    let lead = match (*array, self.count) {
                        (true, 0) => "[\n",
                        (true, _) => ",\n",
                        (false, 0) => "",
                        (false, _) => "\n",
                    };
                    out.write_all(lead.as_bytes())?;
                    write_json(out, &object, false)?;
                }
                Sink::Record { out, width } => {
                    writeln!(out, "-- {}", self.count + 1)?;
                    for (name, column) in self.columns.iter().zip(batch.columns()) {
                        if let Some(text) = render::text(column, row) {
                            writeln!(out, "{:width$}  {}", clean(name), clean(&text))?;
                        }
                    }
                }
                Sink::Csv { writer, cells } => {
                    let texts = batch.columns().iter().map(|c| render::text(c, row));
                    writer.write_record(texts.map(|t| match t {
                        Some(text) => cells.show(&text).into_owned(),
                        None => String::new(),
                    }))?;
                }
                Sink::Parquet(_) => {}
            }
            self.count += 1;
        }
        if let Sink::Parquet(file) = &mut self.sink {
            file.write(batch)?;
        }
        Ok(())
    }

    /// Finishes the output; gives the number of rows.
    pub(crate) fn finish(self) -> anyhow::Result<u64> {
        match self.sink {
            Sink::Table {
                mut out,
                rows,
                numbers,
            } => {
                let names: Vec<String> = self.columns.iter().map(|c| clean(c)).collect();
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                let shown = rows.len() as u64;
                writeln!(out, "{}", table(&names, rows, &numbers))?;
                if shown < self.count {
                    writeln!(
                        out,
                        "({} of {} rows; --format csv or ndjson gives all)",
                        shown, self.count
                    )?;
                } else {
                    writeln!(out, "({})", super::plural(self.count, "row"))?;
                }
                out.keep()?;
            }
            Sink::Record { mut out, .. } => {
                writeln!(out, "({})", super::plural(self.count, "row"))?;
                out.keep()?;
            }
            Sink::Json { mut out, array } => {
                match (array, self.count) {
                    (true, 0) => writeln!(out, "[]")?,
                    (true, _) => writeln!(out, "\n]")?,
                    (false, 0) => {}
                    (false, _) => writeln!(out)?,
                }
                out.keep()?;
            }
            Sink::Csv { writer, .. } => {
                let out = writer.into_inner();
                out.map_err(csv::IntoInnerError::into_error)?.keep()?;
            }
            Sink::Parquet(file) => file.close()?.keep()?,
        }
        Ok(self.count)
    }
}
