//! `scotoma baseline`: how often does this happen in normal use?

mod args;
mod attacks;
mod count;
mod propose;
mod streams;
mod table;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use app::output::Destination;
use baseline::{Report, compare, saved};

pub(crate) use args::BaselineArgs;
use args::Format;

use crate::output::{Sink, must_end_in, say_written, write_json};

pub(crate) fn run(args: &BaselineArgs) -> anyhow::Result<ExitCode> {
    if args.propose {
        return propose::run(args);
    }
    if let Some(path) = &args.to.output {
        must_end_in(path, endings(args.format))?;
    }
    let mut inputs = args.reading.paths.clone();
    inputs.extend(args.against.clone());
    let destination = args.to.destination(&inputs)?;
    let save = saving(args, &inputs)?;
    // A file that cannot be used is told before the logs are read.
    let before = match &args.against {
        Some(path) => Some(saved::load(path).with_context(|| path.display().to_string())?),
        None => None,
    };
    let (mut report, end) = count::run(args)?;
    if report.exposure.events > 0 {
        if let Some(before) = &before {
            compare(&mut report, before);
        }
        if let Some(save) = save {
            let staged = save.stage()?;
            saved::save(&report, staged.path())?;
            let path = staged.keep()?;
            if !args.reading.manner.quiet {
                say_written(&path);
            }
        }
        let mut out = Sink::new(destination.map(Destination::create).transpose()?);
        show(args, &report, &mut out)?;
        out.keep()?;
        args.to.say_written(args.reading.manner.quiet);
    }
    end.tell()
}

fn saving(args: &BaselineArgs, inputs: &[PathBuf]) -> anyhow::Result<Option<Destination>> {
    let Some(path) = &args.save else {
        return Ok(None);
    };
    must_end_in(path, &["parquet"])?;
    Ok(Some(Destination::new(path, args.to.force, inputs)?))
}

/// The endings of a format's files.
fn endings(format: Format) -> &'static [&'static str] {
    match format {
        Format::Table => &["txt"],
        Format::Json => &["json"],
        Format::Html => &["html"],
    }
}

fn show(args: &BaselineArgs, report: &Report, out: &mut impl Write) -> anyhow::Result<()> {
    match args.format {
        Format::Table => out.write_all(table::draw(report, args.top).as_bytes())?,
        Format::Json => {
            write_json(out, report, true)?;
            writeln!(out)?;
        }
        Format::Html => out.write_all(baseline::html(report).as_bytes())?,
    }
    out.flush()?;
    Ok(())
}
