//! Where the conformance data lies; tests that need it say so and stop when it is absent.
#![allow(dead_code)]

use std::path::PathBuf;

/// The folder beside the workspace that holds specification, vectors and recordings.
pub fn shared() -> Option<PathBuf> {
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared"));
    if root.is_dir() {
        Some(root)
    } else {
        println!("skipped: no `shared` folder beside the workspace");
        None
    }
}

/// The folder of the Sysmon vectors.
pub fn vectors() -> Option<PathBuf> {
    Some(shared()?.join("conformance/sysmon"))
}
