//! `scotoma sql`: a question in, rows out.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::bail;
use app::output::Destination;

use crate::cli::{RowFormat, SqlArgs};
use crate::output::{Cells, Rows, ending, must_end_in};
use crate::reading::Session;

pub(crate) fn run(args: &SqlArgs) -> anyhow::Result<ExitCode> {
    let split = args.paths_and_query.split_last();
    let Some((query, paths)) = split.filter(|(_, paths)| !paths.is_empty()) else {
        bail!(
            "files and a query are needed, the query last, as in: scotoma sql samples/ 'SELECT count(*) FROM events'"
        );
    };
    let output = args.to.output.as_deref();
    let format = args.format.unwrap_or_else(|| by_ending(output));
    if let Some(path) = output {
        must_end_in(path, endings(format))?;
    } else if format == RowFormat::Parquet {
        bail!("Parquet goes into a file: add -o FILE.parquet");
    }
    let paths: Vec<PathBuf> = paths.iter().map(PathBuf::from).collect();
    let destination = args.to.destination(&paths)?;
    let mut session = Session::begin(&paths, &args.view, &args.manner)?;
    let (prepared, answer) = session.engine.query(query)?;
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
        RowFormat::Table => &["txt"],
        RowFormat::Json => &["json"],
        RowFormat::Ndjson => &["ndjson", "jsonl", "json"],
        RowFormat::Csv => &["csv"],
        RowFormat::Parquet => &["parquet"],
    }
}
