//! `scotoma sql`: a question in, rows out.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use app::output::Destination;
use arrow::array::RecordBatch;

use crate::cli::{RowFormat, SqlArgs};
use crate::output::{Cells, Rows, ending, must_end_in};
use crate::reading::Session;

/// Bytes of a query in a file; the engine takes no longer ones.
const MAX_QUERY: u64 = 8 << 20;

pub(crate) fn run(args: &SqlArgs) -> anyhow::Result<ExitCode> {
    let (paths, query) = paths_and_query(args)?;
    let output = args.to.output.as_deref();
    let format = args.format.unwrap_or_else(|| by_ending(output));
    if let Some(path) = output {
        must_end_in(path, endings(format))?;
    } else if format == RowFormat::Parquet {
        bail!("Parquet goes into a file: add -o FILE.parquet");
    }
    let destination = args.to.destination(&paths)?;
    let mut session = Session::over(&paths, &args.view, args.events.filter()?, &args.manner)?;
    if let Some(described) = session.engine.describe(&query) {
        session.hush();
        return describe(args, format, &described?, destination);
    }
    if paths.is_empty() {
        bail!(
            "files and a query are needed, the query last, as in: scotoma sql samples/ 'SELECT count(*) FROM events'"
        );
    }
    let (prepared, answer) = session.engine.query(&query)?;
    let file = destination.map(Destination::create).transpose()?;
    let cells = Cells {
        // No terminal shows a file by itself.
        raw: args.raw || file.is_some(),
        guarded: args.csv_safe,
    };
    let mut rows = Rows::begin(format, file, &answer.columns, &answer.schema(), cells)?;
    for batch in answer {
        let batch = batch?;
        if batch.num_rows() > 0 {
            session.hush();
            rows.write(&batch)?;
        }
    }
    session.hush();
    let count = rows.finish()?;
    args.to.say_written(args.manner.quiet);
    let outcome = session.engine.outcome(&[&prepared]);
    session.end(&outcome, count > 0, &args.fail_on)
}

/// The paths, and the query: the last argument, or what a file holds.
fn paths_and_query(args: &SqlArgs) -> anyhow::Result<(Vec<PathBuf>, String)> {
    let all = &args.paths_and_query;
    let paths = |texts: &[String]| texts.iter().map(PathBuf::from).collect::<Vec<_>>();
    let Some(file) = &args.file else {
        let (query, before) = all.split_last().context("a query is needed")?;
        return Ok((paths(before), query.clone()));
    };
    let mut query = String::new();
    if file.as_os_str() == "-" {
        if all.iter().any(|p| p == "-") {
            bail!("standard input cannot hold both the query and the logs");
        }
        io::stdin()
            .take(MAX_QUERY)
            .read_to_string(&mut query)
            .context("standard input")?;
    } else {
        fs::File::open(file)
            .and_then(|f| f.take(MAX_QUERY).read_to_string(&mut query))
            .with_context(|| file.display().to_string())?;
    }
    let query = query.trim_start_matches('\u{feff}').to_owned();
    Ok((paths(all), query))
}

/// Shows what can be asked.
fn describe(
    args: &SqlArgs,
    format: RowFormat,
    rows: &RecordBatch,
    destination: Option<Destination>,
) -> anyhow::Result<ExitCode> {
    let schema = rows.schema();
    let names: Vec<String> = schema.fields().iter().map(|f| f.name().clone()).collect();
    let file = destination.map(Destination::create).transpose()?;
    let mut shown = Rows::begin(format, file, &names, &schema, Cells::default())?;
    shown.write(rows)?;
    shown.finish()?;
    args.to.say_written(args.manner.quiet);
    Ok(ExitCode::SUCCESS)
}

fn by_ending(output: Option<&Path>) -> RowFormat {
    let Some(is) = output.and_then(ending) else {
        return RowFormat::Table;
    };
    let formats = [
        RowFormat::Json,
        RowFormat::Ndjson,
        RowFormat::Csv,
        RowFormat::Parquet,
    ];
    let named = formats
        .into_iter()
        .find(|f| endings(*f).contains(&is.as_str()));
    named.unwrap_or(RowFormat::Table)
}

/// The endings of a format's files, of which the first is the usual one.
fn endings(format: RowFormat) -> &'static [&'static str] {
    match format {
        RowFormat::Table | RowFormat::Record => &["txt"],
        RowFormat::Json => &["json"],
        RowFormat::Ndjson => &["ndjson", "jsonl", "json"],
        RowFormat::Csv => &["csv"],
        RowFormat::Parquet => &["parquet"],
    }
}
