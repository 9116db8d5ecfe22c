//! `scotoma rules match`: the records that Sigma rules match, one JSON object a line.

use std::collections::{BTreeSet, HashMap};
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use app::hunt::{column_of, no_fields, source_columns};
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::TimestampMicrosecondType;
use clap::Args;
use predicate::eval::{Distinct, column};
use serde::Serialize;
use sigma::{Match, Matcher, Pack, Placeholders};
use telemetry::{Origin, Plan, header};

use crate::cli::Reading as Paths;
use crate::output::{clean, plural, write_json};
use crate::reading::{Reading, origins};

#[derive(Args, Debug)]
pub(super) struct MatchArgs {
    #[command(flatten)]
    reading: Paths,
    /// Sigma rules, correlations and filters: files, or folders with all that lies below.
    #[arg(long, required = true, value_name = "PATH")]
    rules: Vec<PathBuf>,
}

/// A match as it is written.
#[derive(Serialize)]
struct MatchLine<'a> {
    rule: Option<&'a str>,
    title: &'a str,
    level: Option<&'a str>,
    file: &'a str,
    record: Option<i64>,
    offset: Option<u64>,
}

/// A correlation that fired, as it is written.
#[derive(Serialize)]
struct FiredLine<'a> {
    rule: Option<&'a str>,
    title: &'a str,
    level: Option<&'a str>,
    group: &'a std::collections::BTreeMap<String, String>,
    first: String,
    last: String,
    records: Vec<&'a str>,
}

pub(super) fn run(args: &MatchArgs) -> anyhow::Result<ExitCode> {
    let pack = Pack::read(&args.rules, &Placeholders::new())?;
    tell_refused(&pack);
    if pack.rules.is_empty() {
        bail!("no rule could be loaded");
    }
    let matcher = Matcher::new(&pack.rules, source_columns(), &column_of, &no_fields());
    let origins = origins(&args.reading.paths)?;
    let mut reading = Reading::begin(&args.reading.manner);
    let columns = columns(&pack, &matcher, &reading, &origins)?;
    let mut matching = Matching::new(&pack, &matcher);
    let report = reading.scan(&origins, Plan::of(columns), |batch| matching.add(batch))?;
    matching.correlations()?;
    reading.hush();
    let unfed = pack.rules.iter().filter(|r| r.feeds.is_empty()).count();
    let mut warnings = Vec::new();
    if unfed > 0 {
        warnings.push(format!(
            "{} that no Windows event log feeds",
            plural(unfed as u64, "rule")
        ));
    }
    reading.end(&report, &warnings)?;
    Ok(ExitCode::SUCCESS)
}

fn tell_refused(pack: &Pack) {
    for refusal in &pack.refused {
        eprintln!("refused: {}", clean(&refusal.to_string()));
    }
}

/// The columns to read: those the rules name, and all where one looks for words in every field.
fn columns(
    pack: &Pack,
    matcher: &Matcher,
    reading: &Reading,
    origins: &[Origin],
) -> anyhow::Result<Vec<String>> {
    let needed = [
        "timecreated",
        "channel",
        "provider",
        "eventid",
        "eventrecordid",
    ];
    let places = [header::SOURCE_FILE, header::SOURCE_OFFSET];
    let mut columns: BTreeSet<String> = needed
        .iter()
        .chain(&places)
        .map(|c| (*c).to_owned())
        .collect();
    columns.extend(matcher.columns().map(str::to_owned));
    columns.extend(
        pack.correlations
            .iter()
            .flat_map(|c| c.fields())
            .map(column_of),
    );
    if matcher.has_keywords() {
        let report = reading.scan(origins, Plan::discovery(), |_| Ok(()))?;
        columns.extend(report.fields.iter().map(|f| f.to_lowercase()));
        columns.extend(header::columns().iter().map(|c| c.name.to_lowercase()));
    }
    Ok(columns.into_iter().collect())
}

/// Writes matches as they come, and keeps what correlations need.
struct Matching<'a> {
    pack: &'a Pack,
    matcher: &'a Matcher,
    kept: Vec<Match>,
    /// The names of the records behind the kept matches.
    records: Vec<String>,
    out: io::BufWriter<io::StdoutLock<'static>>,
}

impl<'a> Matching<'a> {
    fn new(pack: &'a Pack, matcher: &'a Matcher) -> Self {
        Self {
            pack,
            matcher,
            kept: Vec::new(),
            records: Vec::new(),
            out: io::BufWriter::new(io::stdout().lock()),
        }
    }

    fn add(&mut self, batch: &RecordBatch) -> anyhow::Result<()> {
        let matches = self.matcher.matches(batch)?;
        if matches.is_empty() {
            return Ok(());
        }
        let named = |name: &str| column(batch, name)?.with_context(|| format!("no column {name}"));
        let (file, offset) = (named(header::SOURCE_FILE)?, named(header::SOURCE_OFFSET)?);
        let id = named("eventrecordid")?;
        for (rule, row) in matches {
            let about = &self.pack.rules[rule];
            let line = MatchLine {
                rule: about.id.as_deref(),
                title: &about.title,
                level: about.level.as_deref(),
                file: cell(&file, row).unwrap_or_default(),
                record: cell(&id, row).and_then(|t| t.parse().ok()),
                offset: cell(&offset, row).and_then(|t| t.parse().ok()),
            };
            if !self.pack.correlations.is_empty() {
                let record = match line.record {
                    Some(id) => format!("{}#{id}", line.file),
                    None => format!("{}@{}", line.file, line.offset.unwrap_or_default()),
                };
                self.keep(batch, rule, row, record)?;
            }
            if !about.counted_only {
                write_json(&mut self.out, &line, false)?;
                writeln!(self.out)?;
            }
        }
        Ok(())
    }

    fn keep(
        &mut self,
        batch: &RecordBatch,
        rule: usize,
        row: usize,
        record: String,
    ) -> anyhow::Result<()> {
        let time = batch
            .column_by_name("timecreated")
            .and_then(|c| c.as_primitive_opt::<TimestampMicrosecondType>())
            .filter(|times| times.is_valid(row))
            .map(|times| times.value(row));
        // A record without a time lies in no window.
        let Some(time) = time else { return Ok(()) };
        let mut values = HashMap::new();
        for name in self.pack.correlations.iter().flat_map(|c| c.fields()) {
            let values_of = column(batch, &column_of(name))?;
            if let Some(value) = values_of.as_ref().and_then(|c| cell(c, row)) {
                values.insert(name.to_owned(), value.to_owned());
            }
        }
        self.kept.push(Match {
            rule,
            time,
            record: self.records.len(),
            values,
        });
        self.records.push(record);
        Ok(())
    }

    fn correlations(&mut self) -> anyhow::Result<()> {
        for fired in sigma::correlate(&self.pack.correlations, &self.kept) {
            let about = &self.pack.correlations[fired.correlation];
            let mut records: Vec<&str> = fired
                .records
                .iter()
                .map(|r| self.records[*r].as_str())
                .collect();
            records.dedup();
            let line = FiredLine {
                rule: about.id.as_deref(),
                title: &about.title,
                level: about.level.as_deref(),
                group: &fired.group,
                first: telemetry::time::format(fired.first),
                last: telemetry::time::format(fired.last),
                records,
            };
            write_json(&mut self.out, &line, false)?;
            writeln!(self.out)?;
        }
        self.out.flush()?;
        Ok(())
    }
}

/// A cell's text.
fn cell<'d>(column: &'d Distinct<'_>, row: usize) -> Option<&'d str> {
    column.values.get(column.keys[row] as usize)?.as_deref()
}
