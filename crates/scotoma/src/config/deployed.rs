//! `compile` and `decompile`.

use std::io::{self, Write as _};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use sysmon::blob::{self, BinaryVersion};
use sysmon::deployed;

use super::args::{CompileArgs, DecompileArgs};
use super::load;
use crate::output::clean;

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
    let config = load::accepted(&args.file, args.how.engine.into())?;
    let bytes = blob::encode(&config.rules, version);
    if bytes.is_empty() {
        eprintln!(
            "warning: {} has no rules, so Sysmon stores no blob; the file is empty",
            args.file.display()
        );
    }
    std::fs::write(&args.output, bytes).with_context(|| args.output.display().to_string())?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn decompile(args: &DecompileArgs) -> anyhow::Result<ExitCode> {
    let bytes = sysmon::config::read_file(&args.file)?;
    let found = deployed::read(&bytes).with_context(|| args.file.display().to_string())?;
    let made = found.to_xml();
    for problem in &made.problems {
        eprintln!("warning: {}", clean(problem));
    }
    match &args.output {
        Some(path) => {
            std::fs::write(path, &made.xml).with_context(|| path.display().to_string())?
        }
        None => io::stdout().lock().write_all(made.xml.as_bytes())?,
    }
    Ok(ExitCode::SUCCESS)
}
