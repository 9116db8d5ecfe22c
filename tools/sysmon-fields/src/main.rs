//! Writes `crates/schema/data/sysmon.toml` from a dump of all Sysmon schemas.
//!
//! `cargo run -p sysmon-fields -- SCHEMA.json > crates/schema/data/sysmon.toml`. It merges the schema versions into one
//! list of event types and has no knowledge of its own about any event.

#![forbid(unsafe_code)]

mod merge;
mod render;

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

/// Why no file could be written.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{path}: {source}")]
    Read {
        path: String,
        source: std::io::Error,
    },
    #[error("{path}: {source}")]
    Parse {
        path: String,
        source: serde_json::Error,
    },
    #[error("{path}: {what}")]
    Merge { path: String, what: String },
    #[error("cannot write: {0}")]
    Write(std::io::Error),
}

/// The data file as text, from the dump at `path`.
fn generate(path: &Path) -> Result<String, Failure> {
    let shown = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|source| Failure::Read {
        path: shown.clone(),
        source,
    })?;
    let dump: std::collections::BTreeMap<String, serde_json::Value> =
        serde_json::from_str(&text).map_err(|source| Failure::Parse {
            path: shown.clone(),
            source,
        })?;
    let schemas = merge::merge(&dump).map_err(|what| Failure::Merge { path: shown, what })?;
    Ok(render::render(&schemas))
}

fn main() -> ExitCode {
    let Some(path) = std::env::args_os().nth(1) else {
        eprintln!("usage: sysmon-fields SCHEMA.json > crates/schema/data/sysmon.toml");
        return ExitCode::from(2);
    };
    let written = generate(Path::new(&path)).and_then(|text| {
        std::io::stdout()
            .write_all(text.as_bytes())
            .map_err(Failure::Write)
    });
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::from(2)
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_carried_file_is_what_the_schemas_give() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let schema = root.join("../shared/spec/sysmon-schema.json");
        if !schema.exists() {
            println!("skipped: {} is absent", schema.display());
            return;
        }
        let carried = std::fs::read_to_string(root.join("crates/schema/data/sysmon.toml")).unwrap();
        let fresh = generate(&schema).unwrap();
        assert!(
            carried == fresh,
            "run the generator: the carried file differs from what the schemas give"
        );
    }

    #[test]
    fn a_missing_dump_is_named() {
        let error = generate(Path::new("no/such/schema.json")).unwrap_err();
        assert!(error.to_string().contains("no/such/schema.json"));
    }
}
