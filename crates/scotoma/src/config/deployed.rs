//! `compile` and `decompile`.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use app::output::Destination;
use sysmon::blob::{self, BinaryVersion};
use sysmon::deployed;

use super::args::{CompileArgs, DecompileArgs};
use super::load;
use crate::output::{Sink, clean, say_written};

pub(crate) fn compile(args: &CompileArgs) -> anyhow::Result<ExitCode> {
    let version = args
        .binary_version
        .split_once('.')
        .and_then(|(major, minor)| {
            Some(BinaryVersion::new(major.parse().ok()?, minor.parse().ok()?))
        })
        .with_context(|| format!("`{}` is no binary version", args.binary_version))?;
    if version < BinaryVersion::new(14, 0) {
        bail!("blobs are written for binary versions from 14.0 on; {version} has another layout");
    }
    let inputs = [args.file.clone()];
    let destination = Destination::new(&args.output, args.force, &inputs)?;
    let config = load::accepted(&args.file, args.how.engine.into())?;
    let bytes = blob::encode(&config.rules, version);
    if bytes.is_empty() {
        eprintln!(
            "warning: {} has no rules, so Sysmon stores no blob; the file is empty",
            args.file.display()
        );
    }
    let mut out = destination.create()?;
    out.write_all(&bytes)?;
    out.keep()?;
    say_written(&args.output);
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn decompile(args: &DecompileArgs) -> anyhow::Result<ExitCode> {
    let destination = args.to.destination(std::slice::from_ref(&args.file))?;
    let bytes = sysmon::config::read_file(&args.file)?;
    let made = match load::restored(&bytes).with_context(|| args.file.display().to_string())? {
        Some(made) => made,
        // The reader of blobs says what is wrong with it.
        None => deployed::read(&bytes)
            .with_context(|| args.file.display().to_string())?
            .to_xml(),
    };
    for problem in &made.problems {
        eprintln!("warning: {}", clean(problem));
    }
    let mut out = Sink::new(destination.map(Destination::create).transpose()?);
    out.write_all(made.xml.as_bytes())?;
    out.keep()?;
    args.to.say_written(false);
    Ok(ExitCode::SUCCESS)
}
