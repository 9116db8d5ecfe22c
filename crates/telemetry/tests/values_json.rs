//! Every value of every recorded JSON document is in the table: walked with `serde_json`, looked up cell by cell.
#![allow(clippy::unwrap_used)]

mod common;

use std::io::Read;

use serde_json::Value;

/// The unpacked text of an archive, its lines in order, by other means than the reader's.
fn unpack(path: &std::path::Path) -> String {
    let file = std::fs::File::open(path).unwrap();
    let mut text = String::new();
    if path.extension().is_some_and(|e| e == "zip") {
        let mut archive = zip::ZipArchive::new(file).unwrap();
        for i in 0..archive.len() {
            let mut entry = archive.by_index(i).unwrap();
            let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
            if entry.is_file()
                && !name.contains("__MACOSX")
                && !name.contains("/._")
                && !name.starts_with("._")
            {
                entry.read_to_string(&mut text).unwrap();
            }
        }
    } else {
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(file));
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let name = entry.path().unwrap().display().to_string();
            if entry.header().entry_type().is_file()
                && !name.contains("__MACOSX")
                && !name.contains("._")
            {
                entry.read_to_string(&mut text).unwrap();
            }
        }
    }
    text
}

/// Leaves of a document with their dotted paths; arrays are leaves.
fn leaves(value: &Value, path: &str, out: &mut Vec<(String, String)>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, v) in map {
                let path = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                leaves(v, &path, out);
            }
        }
        Value::Null => {}
        Value::String(s) => out.push((path.to_owned(), s.clone())),
        other => out.push((path.to_owned(), other.to_string())),
    }
}

/// The columns in which the value at this path may stand.
fn candidates(path: &str) -> Vec<String> {
    let prefixes = [
        "winlog.event_data.",
        "event_data.",
        "winlog.user_data.",
        "user_data.",
    ];
    let data = prefixes.iter().find_map(|p| path.strip_prefix(p));
    let own = data.unwrap_or(path).to_lowercase();
    vec![
        own.clone(),
        // Two keys of one document that differ in case only are two values of one column.
        format!("{own}#2"),
        format!("eventdata.{own}"),
        telemetry::header::canonical(path),
        format!("{own}#raw"),
        "providerguid".to_owned(),
        // Beside the thread it is the writer's.
        if path == "ProcessID" {
            "executionprocessid"
        } else {
            "providerguid"
        }
        .to_owned(),
    ]
}

fn same(cell: &str, value: &str) -> bool {
    cell == value
        || telemetry::time::parse(cell).is_some_and(|t| telemetry::time::parse(value) == Some(t))
        || (value.starts_with(['[', '{'])
            && serde_json::from_str::<Value>(cell).ok() == serde_json::from_str(value).ok())
}

fn check(path: &std::path::Path) -> (usize, usize) {
    let text = unpack(path);
    let table = common::read(&[path.to_owned()]);
    let mut rows = table.each();
    let (mut events, mut values) = (0, 0);
    for line in text.lines().filter(|l| !l.trim().is_empty()) {
        let document: Value = serde_json::from_str(line).unwrap();
        let at = rows
            .next()
            .unwrap_or_else(|| panic!("{}: row {events} is missing", path.display()));
        events += 1;
        let mut found = Vec::new();
        leaves(&document, "", &mut found);
        for (field, value) in found {
            values += 1;
            let there = candidates(&field)
                .iter()
                .any(|c| table.cell(at, c).is_some_and(|cell| same(&cell, &value)));
            assert!(
                there,
                "{} event {events}: {field} = {value:?}",
                path.display()
            );
        }
    }
    assert!(
        rows.next().is_none(),
        "{}: more rows than lines",
        path.display()
    );
    assert_eq!(table.report.records, events as u64);
    assert_eq!(
        table.report.diagnostics.damaged,
        0,
        "{:?}",
        table.report.diagnostics.listed.first()
    );
    (events, values)
}

#[test]
fn every_value_of_the_recordings_is_in_the_table() {
    for folder in ["data/security-datasets", "conformance/spark-sql/data"] {
        let Some(folder) = common::shared(folder) else {
            return;
        };
        let (mut events, mut values) = (0, 0);
        for path in common::files(&folder) {
            let (e, v) = check(&path);
            events += e;
            values += v;
        }
        println!("{}: {events} events, {values} values", folder.display());
        assert!(events > 0);
    }
}
