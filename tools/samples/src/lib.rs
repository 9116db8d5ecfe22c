//! Recordings that this project wrote itself: the two in `samples/`, and fleets such as the one in `samples-fleet/`.
//!
//! Inside: hosts with a role, behaviours that leave events on them, and the formats recordings come in. The same code
//! gives the same bytes on every machine. Not inside: any real recording; nothing here was copied from one. Tests of
//! other rooms use it for recordings whose truth is known.

#![forbid(unsafe_code)]

mod attack;
pub mod fleet;
mod model;
mod noise;
mod role;
mod writer;

use std::path::{Path, PathBuf};

/// The recordings in `samples/`: file name and content.
pub fn recordings() -> [(&'static str, String); 2] {
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

/// The repository's folder of that name.
pub fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(name)
}

#[cfg(test)]
mod tests;
