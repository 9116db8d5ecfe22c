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

/// The folders of vectors in the one format: small and generated configurations, and published ones.
pub fn all_vectors() -> Vec<PathBuf> {
    let Some(root) = shared() else {
        return Vec::new();
    };
    let folders = ["conformance/sysmon", "conformance/sysmon-real"].map(|f| root.join(f));
    folders.into_iter().filter(|f| f.is_dir()).collect()
}
