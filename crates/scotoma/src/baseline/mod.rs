//! `scotoma baseline`: how often does this happen in normal use?

mod args;
mod attacks;
mod count;
mod propose;
mod streams;
mod table;

use std::fs::File;
use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Context as _;
use baseline::{Report, compare, saved};

pub(crate) use args::BaselineArgs;
use args::Format;

pub(crate) fn run(args: &BaselineArgs) -> anyhow::Result<ExitCode> {
    if args.propose {
        return propose::run(args);
    }
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
        if let Some(path) = &args.save {
            saved::save(&report, path).with_context(|| path.display().to_string())?;
        }
        match &args.output {
            Some(path) => {
                let at = || path.display().to_string();
                let mut out = io::BufWriter::new(File::create(path).with_context(at)?);
                show(args, &report, &mut out).and_then(|()| Ok(out.flush()?))?;
            }
            None => show(args, &report, &mut io::BufWriter::new(io::stdout().lock()))?,
        }
    }
    end.tell()
}

fn show(args: &BaselineArgs, report: &Report, out: &mut impl Write) -> anyhow::Result<()> {
    match args.format {
        Format::Table => out.write_all(table::draw(report, args.top).as_bytes())?,
        Format::Json => {
            serde_json::to_writer_pretty(&mut *out, report)?;
            writeln!(out)?;
        }
        Format::Html => out.write_all(baseline::html(report).as_bytes())?,
    }
    out.flush()?;
    Ok(())
}
