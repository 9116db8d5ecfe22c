//! `scotoma convert`: everything into Parquet.

use std::process::ExitCode;

use analytics::Outcome;
use anyhow::{Context, bail};
use app::output::Destination;
use telemetry::Plan;
use telemetry::parquet::{Writer, column_names};

use crate::cli::ConvertArgs;
use crate::output::{must_end_in, plural, say};
use crate::reading::Session;

pub(crate) fn run(args: &ConvertArgs) -> anyhow::Result<ExitCode> {
    let target = || format!("cannot write {}", args.output.display());
    let destination = if args.partition {
        Destination::folder(&args.output)?
    } else {
        must_end_in(&args.output, &["parquet"])?;
        Destination::new(&args.output, args.force, &args.reading.paths)?
    };
    let mut session = Session::begin(&args.reading.paths, &[], &args.reading.manner)?;
    // Nothing may be lost, so the fields are learnt before the first row is written.
    let columns = column_names(&session.engine.fields());
    let outcome = session.engine.outcome(&[]);
    if outcome.report.as_ref().is_none_or(|r| r.records == 0) {
        return session.end(&outcome, false, &[]);
    }
    let staged = destination.stage()?;
    let mut writer =
        Writer::create(staged.path(), &columns, args.partition).with_context(target)?;
    let plan = Plan::of(columns.iter().map(|c| c.to_lowercase()).collect());
    let mut scan = session.engine.read(plan);
    for batch in &mut scan {
        writer.write(&batch).with_context(target)?;
    }
    let (rows, files) = writer.close().with_context(target)?;
    session.hush();
    let report = scan.report();
    if rows != report.records {
        bail!(
            "{} of {} were written; the output is not whole",
            plural(rows, "event"),
            plural(report.records, "event")
        );
    }
    staged.keep()?;
    say!(
        "{} with {} in {}",
        plural(rows, "event"),
        plural(columns.len() as u64, "column"),
        plural(files as u64, "file")
    )?;
    session.end(
        &Outcome {
            report: Some(report),
            warnings: Vec::new(),
        },
        false,
        &[],
    )
}
