//! Writes `crates/catalog/data/generated` from public files; see the README beside it.

mod attack;
mod events;
mod functions;
mod source;

use source::{Failure, Sources};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// A table: its file, and how it is made.
type Table = (&'static str, fn(&Sources) -> Result<String, Failure>);

const TABLES: [Table; 7] = [
    ("functions.tsv", functions::functions),
    ("ordinals.tsv", functions::ordinals),
    ("provider_events.tsv", events::provider_events),
    ("security_events.tsv", events::security_events),
    ("syscall_etw.tsv", events::syscall_etw),
    ("attack.tsv", attack::techniques),
    ("defender_tables.tsv", events::defender_tables),
];

fn main() -> ExitCode {
    let paths: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [sources, out] = paths.as_slice() else {
        eprintln!("usage: catalog-tables SOURCES OUT");
        return ExitCode::from(2);
    };
    let sources = Sources::new(sources);
    let mut failed = false;
    for (name, make) in TABLES {
        match make(&sources).and_then(|text| write(&out.join(name), &text)) {
            Ok(lines) => println!("{name}: {lines} lines"),
            Err(failure) => {
                failed = true;
                eprintln!("{name} left as it is: {failure}");
            }
        }
    }
    ExitCode::from(u8::from(failed))
}

fn write(path: &Path, text: &str) -> Result<usize, Failure> {
    std::fs::write(path, text).map_err(|source| Failure::Read {
        path: path.to_owned(),
        source,
    })?;
    Ok(text.lines().count())
}
