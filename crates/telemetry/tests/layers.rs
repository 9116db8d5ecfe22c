//! What stands below knows nothing of what stands above it: told by the `use` lines and paths of every file.

use std::fs;
use std::path::{Path, PathBuf};

/// The rooms of the crate, and which others each may name.
const ROOMS: [(&str, &[&str]); 5] = [
    ("value", &[]),
    ("input", &["diagnostics"]),
    ("table", &["value", "filter"]),
    (
        "format",
        &["value", "table", "filter", "select", "diagnostics"],
    ),
    (
        "scan",
        &[
            "format",
            "table",
            "input",
            "diagnostics",
            "filter",
            "select",
            "value",
        ],
    ),
];

fn files(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("sources are readable") {
        let path = entry.expect("sources are readable").path();
        if path.is_dir() {
            files(&path, out);
        } else {
            out.push(path);
        }
    }
}

/// The rooms that a text names, tests within the file aside.
fn named(text: &str) -> impl Iterator<Item = &str> {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = code.lines().filter(|l| !l.trim_start().starts_with("//"));
    lines.flat_map(|line| {
        line.split("crate::").skip(1).flat_map(|path| {
            let end = |c: char| !c.is_alphanumeric() && c != '_';
            match path.strip_prefix('{') {
                Some(list) => list.split(',').map(str::trim).collect::<Vec<_>>(),
                None => vec![path],
            }
            .into_iter()
            .map(move |p| p.split(end).next().unwrap_or_default())
        })
    })
}

#[test]
fn every_room_names_only_what_stands_below_it() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut checked = 0;
    for (room, allowed) in ROOMS {
        let mut all = Vec::new();
        files(&source.join(room), &mut all);
        for file in all {
            if file.components().any(|c| c.as_os_str() == "tests")
                || file.file_name().is_some_and(|n| n == "tests.rs")
            {
                continue;
            }
            let text = fs::read_to_string(&file).expect("sources are readable");
            for name in named(&text).filter(|n| *n != room && n.starts_with(char::is_lowercase)) {
                checked += 1;
                assert!(allowed.contains(&name), "{} names {name}", file.display());
            }
        }
    }
    assert!(checked > 50, "{checked} names looked at");
}
