//! Configurations from files, whatever their form, and environments from arguments.

use std::path::Path;

use anyhow::{Context as _, bail};
use sysmon::text::Environment;
use sysmon::{Config, Engine, deployed};

/// Reads a configuration; a deployed one is first turned into the file that stands for it.
pub(crate) fn any(path: &Path, engine: Engine) -> anyhow::Result<Config> {
    let bytes = sysmon::config::read_file(path)?;
    let name = path.display().to_string();
    if !deployed::looks_deployed(&bytes) {
        return Ok(Config::parse(&name, &bytes, engine));
    }
    let found = deployed::read(&bytes).with_context(|| name.clone())?;
    let made = found.to_xml();
    for problem in &made.problems {
        eprintln!("warning: {name}: {}", crate::output::clean(problem));
    }
    let config = Config::parse_text(&name, &made.xml, engine);
    if config.accepted {
        return Ok(config);
    }
    // What is deployed was accepted once; a field newer than the version it names needs the other one.
    let lenient = Config::parse_text(&name, &made.xml, Engine::Lenient);
    Ok(if lenient.accepted { lenient } else { config })
}

/// Reads a configuration that Sysmon accepts.
pub(crate) fn accepted(path: &Path, engine: Engine) -> anyhow::Result<Config> {
    let config = any(path, engine)?;
    if config.accepted {
        return Ok(config);
    }
    let why = config
        .diagnostics
        .iter()
        .find(|d| d.severity == sysmon::diagnostic::Severity::Error);
    let Some(d) = why else {
        bail!("{}: Sysmon rejects this configuration", path.display());
    };
    let (line, column) = config.source.position(d.span.start);
    bail!(
        "{}:{line}:{column}: Sysmon rejects this configuration: {} [{}] (see `scotoma config check`)",
        path.display(),
        d.message,
        d.code
    );
}

/// `NAME=VALUE` arguments.
pub(crate) fn environment(pairs: &[String]) -> anyhow::Result<Environment> {
    pairs
        .iter()
        .map(|pair| {
            let (name, value) = pair
                .split_once('=')
                .with_context(|| format!("--env needs NAME=VALUE, not `{pair}`"))?;
            Ok((name.to_ascii_lowercase(), value.to_owned()))
        })
        .collect()
}
