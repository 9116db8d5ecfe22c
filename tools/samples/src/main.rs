//! Writes the recordings in `samples/`: `cargo run -p samples`, or `cargo run -p samples -- DIR` for another folder.
//!
//! Inside: hosts with a role, behaviours that leave events on them, and the formats recordings come in. The same code
//! gives the same bytes on every machine. Not inside: any real recording; nothing here was copied from one.

mod attack;
mod model;
mod noise;
mod role;
mod writer;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The recordings: file name and content.
fn recordings() -> [(&'static str, String); 2] {
    [
        (
            "workstation.ndjson",
            writer::nxlog::write(&role::workstation::record()),
        ),
        (
            "server.xml",
            writer::wevtutil::write(&role::server::record()),
        ),
    ]
}

/// The folder of the recordings in this repository.
fn samples_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples")
}

fn main() -> ExitCode {
    let folder = std::env::args_os()
        .nth(1)
        .map_or_else(samples_folder, PathBuf::from);
    for (name, content) in recordings() {
        let path = folder.join(name);
        if let Err(error) = std::fs::write(&path, content) {
            eprintln!("{}: {error}", path.display());
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

#[cfg(test)]
mod tests;
