//! `scotoma sql`: a question in, rows out.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;

use crate::cli::{RowFormat, SqlArgs};
use crate::output::Rows;
use crate::reading::Session;

pub(crate) fn run(args: &SqlArgs) -> anyhow::Result<ExitCode> {
    let split = args.paths_and_query.split_last();
    let Some((query, paths)) = split.filter(|(_, paths)| !paths.is_empty()) else {
        bail!(
            "files and a query are needed, the query last, as in: scotoma sql samples/ 'SELECT count(*) FROM events'"
        );
    };
    let format = args
        .format
        .unwrap_or_else(|| by_ending(args.output.as_ref()));
    if format == RowFormat::Parquet && args.output.is_none() {
        bail!("Parquet goes into a file: add -o FILE.parquet");
    }
    let paths: Vec<PathBuf> = paths.iter().map(PathBuf::from).collect();
    let mut session = Session::begin(&paths, &args.view, &args.manner)?;
    let (prepared, answer) = session.engine.query(query)?;
    let mut rows = Rows::begin(format, args.output.as_deref(), &answer.columns)?;
    for batch in answer {
        let batch = batch?;
        if batch.num_rows() > 0 {
            session.hush();
            rows.write(&batch)?;
        }
    }
    session.hush();
    let count = rows.finish()?;
    let outcome = session.engine.outcome(&[&prepared]);
    session.end(&outcome, count > 0, &args.fail_on)
}

fn by_ending(output: Option<&PathBuf>) -> RowFormat {
    match output
        .and_then(|o| o.extension())
        .and_then(|e| e.to_str())
        .map(str::to_ascii_lowercase)
        .as_deref()
    {
        Some("json") => RowFormat::Json,
        Some("ndjson" | "jsonl") => RowFormat::Ndjson,
        Some("csv") => RowFormat::Csv,
        Some("parquet") => RowFormat::Parquet,
        _ => RowFormat::Table,
    }
}
