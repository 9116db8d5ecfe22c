//! `scotoma views`: text for another engine, whole or not at all.

#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::{Command, Output};

fn scotoma(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_scotoma"))
        .args(arguments)
        .output()
        .unwrap()
}

fn samples() -> &'static str {
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../samples")
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn views_are_made_for_a_file_and_for_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let (file, parts) = (folder.path().join("a.parquet"), folder.path().join("parts"));
    for arguments in [
        vec!["convert", samples(), "-o", text(&file), "-q"],
        vec![
            "convert",
            samples(),
            "-o",
            text(&parts),
            "--partition",
            "-q",
        ],
    ] {
        assert!(scotoma(&arguments).status.success());
    }
    let of_file = scotoma(&["views", text(&file)]);
    let of_parts = scotoma(&["views", text(&parts)]);
    for (made, path) in [(&of_file, &file), (&of_parts, &parts)] {
        let made = String::from_utf8(made.stdout.clone()).unwrap();
        assert!(made.contains(&format!("OPTIONS (path '{}'", path.display())));
        assert!(made.contains("VIEW `sysmon_events` AS"));
        // Two columns of the folder stand in the names of its folders.
        assert!(made.contains("`EventID` AS `EventID`") && made.contains("`Channel` AS `Channel`"));
        assert!(made.contains("FUNCTION has_rights("));
    }
    let elsewhere = [
        "views",
        text(&file),
        "--location",
        "s3a://b/e",
        "--without-functions",
    ];
    let elsewhere = String::from_utf8(scotoma(&elsewhere).stdout).unwrap();
    assert!(elsewhere.contains("path 's3a://b/e'") && !elsewhere.contains("FUNCTION"));
}

#[test]
fn what_is_no_parquet_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let refused = scotoma(&["views", text(folder.path())]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("no Parquet files"));
    let log = folder.path().join("log.ndjson");
    std::fs::write(&log, "{}").unwrap();
    let refused = scotoma(&["views", text(&log)]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("log.ndjson"));
    let out = scotoma(&["views", text(&log), "-o", text(&log), "--force"]);
    assert_eq!(out.status.code(), Some(2));
    assert_eq!(std::fs::read(&log).unwrap(), b"{}");
}
