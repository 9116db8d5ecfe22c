//! Configurations from files, whatever their form, and environments from arguments.

use std::collections::BTreeSet;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use sysmon::decompile::Decompiled;
use sysmon::text::{self, Environment};
use sysmon::{Config, Engine, console, deployed};

/// Reads a configuration; a deployed one is first turned into the file that stands for it.
pub(crate) fn any(path: &Path, engine: Engine) -> anyhow::Result<Config> {
    let bytes = match path.as_os_str() == "-" {
        true => standard_input()?,
        false => sysmon::config::read_file(path)?,
    };
    let name = path.display().to_string();
    let Some(made) = restored(&bytes).with_context(|| name.clone())? else {
        return Ok(Config::parse(&name, &bytes, engine));
    };
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

/// The file that stands for what a machine has deployed; nothing for what is a file itself.
pub(crate) fn restored(bytes: &[u8]) -> anyhow::Result<Option<Decompiled>> {
    if let Some(made) = console::dump(bytes) {
        return Ok(Some(made));
    }
    if !deployed::looks_deployed(bytes) {
        return Ok(None);
    }
    Ok(Some(deployed::read(bytes)?.to_xml()))
}

fn standard_input() -> anyhow::Result<Vec<u8>> {
    let limit = sysmon::source::MAX_BYTES;
    let mut bytes = Vec::new();
    io::stdin()
        .lock()
        .take(limit as u64 + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() > limit {
        bail!("standard input has more than {limit} bytes");
    }
    Ok(bytes)
}

/// Folders deeper than this are not looked into; it also ends circles of links.
const DEEPEST: usize = 32;

/// The files meant by paths: a folder stands for the configurations in it and below, in order of their
/// names.
pub(crate) fn configurations(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut out = Vec::new();
    for path in paths {
        if !path.is_dir() {
            out.push(path.clone());
            continue;
        }
        let before = out.len();
        below(path, 0, &mut out);
        if out.len() == before {
            bail!("{}: no file with <Sysmon> in it", path.display());
        }
    }
    Ok(out)
}

fn below(folder: &Path, depth: usize, out: &mut Vec<PathBuf>) {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) if depth < DEEPEST => entries,
        Ok(_) => return,
        Err(e) => {
            let place = crate::output::clean(&folder.display().to_string());
            eprintln!("warning: {place}: {e}; skipped");
            return;
        }
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            below(&path, depth + 1, out);
        } else if path
            .extension()
            .is_some_and(|e| e.eq_ignore_ascii_case("xml"))
            && path.is_file()
            && sysmon::config::read_file(&path).is_ok_and(|b| names_sysmon(&b))
        {
            out.push(path);
        }
    }
}

/// Whether an XML file, in whatever encoding, is about Sysmon.
fn names_sysmon(bytes: &[u8]) -> bool {
    let head: Vec<u8> = bytes
        .iter()
        .copied()
        .filter(|b| *b != 0)
        .take(1 << 16)
        .collect();
    head.windows(7).any(|w| w.eq_ignore_ascii_case(b"<sysmon"))
}

/// Reads a configuration that Sysmon accepts.
pub(crate) fn accepted(path: &Path, engine: Engine) -> anyhow::Result<Config> {
    let config = any(path, engine)?;
    if config.accepted {
        return Ok(config);
    }
    let Some(d) = &config.rejection else {
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

/// What Windows sets, with `NAME=VALUE` arguments in its place.
pub(crate) fn environment(pairs: &[String]) -> anyhow::Result<Environment> {
    let mut environment = text::windows_environment();
    add_environment(&mut environment, pairs)?;
    Ok(environment)
}

/// Sets what `NAME=VALUE` arguments say.
pub(crate) fn add_environment(
    environment: &mut Environment,
    pairs: &[String],
) -> anyhow::Result<()> {
    for pair in pairs {
        let (name, value) = pair
            .split_once('=')
            .with_context(|| format!("--env needs NAME=VALUE, not `{pair}`"))?;
        environment.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    Ok(())
}

/// Names the variables of a configuration's values: those that are set by default, and those that are not
/// set and so never match.
pub(crate) fn tell_variables(config: &Config, environment: &Environment) {
    let values = || {
        let filters = config
            .rules
            .kept()
            .flat_map(sysmon::rules::Element::filters);
        filters
            .map(|f| f.value.as_str())
            .filter(|v| v.contains('%'))
    };
    let nothing = Environment::new();
    let used: BTreeSet<String> = values()
        .flat_map(|v| text::unknown_variables(v, &nothing))
        .collect();
    let unset: BTreeSet<String> = values()
        .flat_map(|v| text::unknown_variables(v, environment))
        .collect();
    let list = |names: &mut dyn Iterator<Item = String>| {
        let names: Vec<String> = names.take(8).collect();
        crate::output::clean(&names.join(", "))
    };
    let set = list(
        &mut used
            .iter()
            .filter_map(|n| Some(format!("%{n}% = {}", environment.get(n)?))),
    );
    if !set.is_empty() {
        eprintln!("values use {set} (--env NAME=VALUE sets another)");
    }
    let unset = list(&mut unset.iter().map(|n| format!("%{n}%")));
    if !unset.is_empty() {
        eprintln!(
            "warning: {unset} depends on the user and is not set, so conditions with it do not match (--env NAME=VALUE)"
        );
    }
}
