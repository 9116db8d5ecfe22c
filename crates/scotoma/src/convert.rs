//! `scotoma convert`: everything into Parquet.

use std::process::ExitCode;

use analytics::Outcome;
use anyhow::Context;
use app::convert::convert;
use app::output::Destination;

use crate::cli::ConvertArgs;
use crate::output::{must_end_in, plural, say};
use crate::reading::Session;

pub(crate) fn run(args: &ConvertArgs) -> anyhow::Result<ExitCode> {
    let destination = if args.partition {
        Destination::folder(&args.output)?
    } else {
        must_end_in(&args.output, &["parquet"])?;
        Destination::new(&args.output, args.force, &args.reading.paths)?
    };
    let mut session = Session::begin(&args.reading.paths, &[], &args.reading.manner)?;
    let written = convert(&session.engine, destination, args.partition)
        .with_context(|| args.output.display().to_string())?;
    session.hush();
    if written.rows > 0 {
        say!(
            "{} with {} in {}",
            plural(written.rows, "event"),
            plural(written.columns as u64, "column"),
            plural(written.files as u64, "file")
        )?;
    }
    session.end(
        &Outcome {
            report: Some(written.report),
            warnings: Vec::new(),
        },
        false,
        &[],
    )
}
