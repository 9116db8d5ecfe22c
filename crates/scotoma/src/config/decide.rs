//! `decide` and `explain`: single events.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use schema::{LogSource, Sensor};
use serde_json::{Value, json};
use sysmon::event::Event;
use sysmon::reference;
use telemetry::{Atom, Plan, RowFilter, Test};

use super::args::{DecideArgs, ExplainArgs};
use super::load;
use crate::cli::Manner;
use crate::output::clean;
use crate::reading::{Reading, origins};

pub(crate) fn run(args: &DecideArgs) -> anyhow::Result<ExitCode> {
    let config = load::accepted(&args.file, args.how.engine.into())?;
    let environment = load::environment(&args.env.env)?;
    let input: Box<dyn BufRead> = if args.events.as_os_str() == "-" {
        Box::new(io::stdin().lock())
    } else {
        let file = File::open(&args.events).with_context(|| args.events.display().to_string())?;
        Box::new(BufReader::new(file))
    };
    let mut out = BufWriter::new(io::stdout().lock());
    for (i, line) in input.lines().enumerate() {
        let place = || format!("{}:{}", args.events.display(), i + 1);
        let line = line.with_context(place)?;
        let value: Value = serde_json::from_str(&line).with_context(place)?;
        if value.get("id").is_none() {
            // The vectors' first line tells about the file.
            if i == 0 && value.get("config").is_some() {
                continue;
            }
            bail!("{}: an event needs \"id\" and \"fields\"", place());
        }
        let event: Event = serde_json::from_value(value).with_context(place)?;
        let decision = reference::decide(&config.rules, &environment, &event);
        writeln!(
            out,
            "{}",
            json!({"log": decision.log, "rule": decision.rule})
        )?;
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn explain(args: &ExplainArgs) -> anyhow::Result<ExitCode> {
    let config = load::accepted(&args.file, args.how.engine.into())?;
    let environment = load::environment(&args.env.env)?;
    let typed = args.event.is_none();
    let event = match &args.event {
        Some(place) => recorded(place, &args.manner)?,
        None => {
            let mut text = String::new();
            io::stdin()
                .lock()
                .take(64 << 20)
                .read_to_string(&mut text)?;
            serde_json::from_str(&text)
                .context("standard input: {\"id\": N, \"fields\": {...}} is expected")?
        }
    };
    let explanation = sysmon::explain::explain(&config, &environment, &event);
    // A recorded event has fields of the log beside its own; what a person typed may be misspelt.
    for (field, meant) in explanation
        .strange
        .iter()
        .filter(|_| typed && explanation.known)
    {
        let meant = meant
            .as_ref()
            .map_or(String::new(), |m| format!("; did you mean `{m}`?"));
        let what = format!("event {} has no field `{field}`{meant}", event.id);
        eprintln!("warning: {}", clean(&what));
    }
    let title = sysmon::schema::newest()
        .event(event.id)
        .map_or("", |e| e.description.as_str());
    let mut out = BufWriter::new(io::stdout().lock());
    writeln!(
        out,
        "event {}: {}",
        event.id,
        if title.is_empty() { "unknown" } else { title }
    )?;
    for line in explanation.text(&config, &environment).lines() {
        writeln!(out, "{}", clean(line))?;
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// The Sysmon event with a record number in a log.
fn recorded(place: &str, manner: &Manner) -> anyhow::Result<Event> {
    let (path, record) = place
        .rsplit_once('#')
        .with_context(|| format!("`{place}` is not LOG#RECORD"))?;
    let record: i64 = record
        .parse()
        .with_context(|| format!("`{record}` is no record number"))?;
    let reading = Reading::begin(manner);
    let origins = origins(&[PathBuf::from(path)])?;
    let fields = reading
        .scan(&origins, Plan::discovery(), |_| Ok(()))?
        .fields;
    let columns: Vec<String> = ["eventid", "channel", "provider"]
        .into_iter()
        .map(str::to_owned)
        .chain(fields.iter().map(|f| f.to_lowercase()))
        .collect();
    let plan = Plan {
        columns,
        filter: RowFilter {
            clauses: vec![vec![Atom {
                column: "eventrecordid".to_owned(),
                test: Test::IntIn(vec![record]),
            }]],
        },
        discover: false,
    };
    let (mut found, mut count) = (None, 0);
    let report = reading.scan(&origins, plan, |batch| {
        for row in 0..batch.num_rows() {
            if let Some(event) = event_of(batch, row, &fields)? {
                count += 1;
                found.get_or_insert(event);
            }
        }
        Ok(())
    })?;
    reading.end(&report, &[])?;
    let event =
        found.with_context(|| format!("{path} has no Sysmon event with record number {record}"))?;
    if count > 1 {
        eprintln!("warning: {count} Sysmon events have record number {record}; this is the first");
    }
    Ok(event.as_before_filtering())
}

/// A row as an event; none where it is not Sysmon's. The batch has the three header columns, then
/// the fields in order.
fn event_of(batch: &RecordBatch, row: usize, fields: &[String]) -> anyhow::Result<Option<Event>> {
    let text = |column: usize| -> anyhow::Result<Option<String>> {
        let cell = batch.column(column).slice(row, 1);
        let cell = cast(&cell, &DataType::Utf8)?;
        let cell = cell.as_string::<i32>();
        Ok((!cell.is_null(0)).then(|| cell.value(0).to_owned()))
    };
    let (channel, provider) = (text(1)?, text(2)?);
    let source = LogSource::of(channel.as_deref(), provider.as_deref());
    if source.sensor() != Some(Sensor::Sysmon) {
        return Ok(None);
    }
    let id = text(0)?.and_then(|id| id.parse().ok()).unwrap_or(0);
    let mut event = Event {
        id,
        ..Event::default()
    };
    let kind = sysmon::schema::newest().event(id);
    for (i, field) in fields.iter().enumerate() {
        let Some(value) = text(i + 3)? else { continue };
        // One column holds spellings of a name that differ in case; the filters use the manifest's.
        let known = kind.and_then(|k| k.fields.iter().find(|f| f.eq_ignore_ascii_case(field)));
        event.fields.insert(known.unwrap_or(field).clone(), value);
    }
    Ok(Some(event))
}
