//! The rows of a query, written as they come in; only the table for reading is held back until its widths are known.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use analytics::render;
use anyhow::Context;
use arrow::array::RecordBatch;
use serde_json::{Map, Value};

use super::{clean, table};
use crate::cli::RowFormat;

/// Where rows go.
pub(crate) struct Rows {
    columns: Vec<String>,
    sink: Sink,
    count: u64,
}

enum Sink {
    Table {
        out: Box<dyn Write>,
        rows: Vec<Vec<String>>,
        numbers: Vec<usize>,
    },
    Json {
        out: Box<dyn Write>,
        array: bool,
    },
    Csv(Box<csv::Writer<Box<dyn Write>>>),
    Parquet(Box<ParquetFile>),
}

/// A Parquet file that is created with the first batch, whose types it takes.
pub(crate) struct ParquetFile {
    file: Option<File>,
    writer: Option<telemetry::parquet::RowWriter>,
}

/// Rows a table for reading holds; a longer answer wants another format.
const MAX_TABLE: usize = 100_000;

impl Rows {
    pub(crate) fn begin(
        format: RowFormat,
        output: Option<&Path>,
        columns: &[String],
    ) -> anyhow::Result<Self> {
        let file = |path: &Path| {
            File::create(path).with_context(|| format!("cannot write {}", path.display()))
        };
        let out = || -> anyhow::Result<Box<dyn Write>> {
            Ok(match output {
                Some(path) => Box::new(BufWriter::new(file(path)?)),
                None => Box::new(BufWriter::new(io::stdout())),
            })
        };
        let sink = match format {
            RowFormat::Table => Sink::Table {
                out: out()?,
                rows: Vec::new(),
                numbers: Vec::new(),
            },
            RowFormat::Json => Sink::Json {
                out: out()?,
                array: true,
            },
            RowFormat::Ndjson => Sink::Json {
                out: out()?,
                array: false,
            },
            RowFormat::Csv => {
                let mut writer = csv::Writer::from_writer(out()?);
                writer.write_record(columns)?;
                Sink::Csv(Box::new(writer))
            }
            RowFormat::Parquet => Sink::Parquet(Box::new(ParquetFile {
                file: output.map(file).transpose()?,
                writer: None,
            })),
        };
        let columns = match format {
            RowFormat::Json | RowFormat::Ndjson | RowFormat::Parquet => distinct(columns),
            RowFormat::Table | RowFormat::Csv => columns.to_vec(),
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
                Sink::Table { rows, numbers, .. } => {
                    if rows.is_empty() {
                        *numbers = (0..batch.num_columns())
                            .filter(|i| batch.column(*i).data_type().is_numeric())
                            .collect();
                    }
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
                        .collect();
                    let lead = match (*array, self.count) {
                        (true, 0) => "[\n",
                        (true, _) => ",\n",
                        (false, 0) => "",
                        (false, _) => "\n",
                    };
                    out.write_all(lead.as_bytes())?;
                    serde_json::to_writer(&mut *out, &object)?;
                }
                Sink::Csv(writer) => {
                    let cells = batch.columns().iter();
                    writer.write_record(cells.map(|c| render::text(c, row).unwrap_or_default()))?;
                }
                Sink::Parquet(_) => {}
            }
            self.count += 1;
        }
        if let Sink::Parquet(file) = &mut self.sink {
            file.write(batch, &self.columns)?;
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
                out.flush()?;
            }
            Sink::Json { mut out, array } => {
                match (array, self.count) {
                    (true, 0) => writeln!(out, "[]")?,
                    (true, _) => writeln!(out, "\n]")?,
                    (false, 0) => {}
                    (false, _) => writeln!(out)?,
                }
                out.flush()?;
            }
            Sink::Csv(mut writer) => writer.flush()?,
            Sink::Parquet(file) => file.finish()?,
        }
        Ok(self.count)
    }
}

impl ParquetFile {
    fn write(&mut self, batch: &RecordBatch, columns: &[String]) -> anyhow::Result<()> {
        if let Some(file) = self.file.take() {
            self.writer = Some(telemetry::parquet::RowWriter::new(
                file,
                &batch.schema(),
                columns,
            )?);
        }
        if let Some(writer) = &mut self.writer {
            writer.write(batch)?;
        }
        Ok(())
    }

    fn finish(self) -> anyhow::Result<()> {
        if let Some(writer) = self.writer {
            writer.close()?;
        }
        Ok(())
    }
}

/// Names for formats that cannot repeat one: a repetition gets its number.
fn distinct(names: &[String]) -> Vec<String> {
    let mut out: Vec<String> = Vec::with_capacity(names.len());
    for name in names {
        let mut unique = name.clone();
        let mut n = 1;
        while out.contains(&unique) {
            n += 1;
            unique = format!("{name}_{n}");
        }
        out.push(unique);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_names_are_numbered() {
        let names = ["a", "b", "a", "a_2", "a"].map(str::to_owned);
        assert_eq!(distinct(&names), ["a", "b", "a_2", "a_2_2", "a_3"]);
    }
}
