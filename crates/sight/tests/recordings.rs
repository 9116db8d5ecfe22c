//! Recordings of attacks against what the catalog predicts of them: the table of docs/sight.md is what is measured.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use analytics::pack;
use catalog::BehaviourId;
use sight::recorded::{RecordedSight, recorded};
use telemetry::Options;

fn shared() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    if path.is_dir() {
        return Some(path);
    }
    println!("skipped: there is no folder `shared` beside the clone");
    None
}

/// The rows of the table: recording, technique, and the line as it stands.
fn table() -> Vec<(String, String, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/sight.md");
    let text = std::fs::read_to_string(path).unwrap();
    let rows = text
        .lines()
        .filter(|l| l.starts_with("| `") && l.matches('|').count() == 6);
    rows.map(|line| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let name = |n: usize| cells[n].trim_matches('`').to_owned();
        (name(1), name(2), line.to_owned())
    })
    .collect()
}

fn row(file: &str, sight: &RecordedSight) -> String {
    let events: Vec<String> = sight
        .events
        .iter()
        .map(|e| match e.known.is_empty() {
            true => format!("{}: {} of the type", e.event, e.of_type),
            false => format!("{}: {} of {}", e.event, e.count, e.of_type),
        })
        .collect();
    let hits: Vec<&sight::recorded::RecordedHit> =
        sight.analytics.iter().filter(|a| a.about).collect();
    let hunts = pack::built_in().unwrap();
    let is_hunt = |name: &str| hunts.iter().any(|h| h.id == name);
    let fired: Vec<&str> = hits
        .iter()
        .map(|h| h.name.as_str())
        .filter(|n| is_hunt(n))
        .collect();
    format!(
        "| `{file}` | `{}` | {} | {} | {} |",
        sight.technique,
        events.join(", "),
        if fired.is_empty() {
            "none".to_owned()
        } else {
            fired.join(", ")
        },
        hits.len() - fired.len(),
    )
}

#[test]
fn what_was_recorded_is_what_the_table_says() {
    let Some(shared) = shared() else { return };
    let rules = sigma::Pack::read(
        &[shared.join("conformance/sigma/rules")],
        &sigma::Placeholders::new(),
    )
    .unwrap()
    .rules;
    let hunts = pack::built_in().unwrap();
    let rows = table();
    assert!(rows.len() >= 15, "{}", rows.len());
    let mut measured = Vec::new();
    for (file, technique, _) in &rows {
        let path = shared.join("data").join(file);
        let technique = BehaviourId::named(technique).unwrap();
        let options = Options::default();
        let (found, report) = recorded(&[path], &[technique], &rules, &hunts, &options).unwrap();
        assert!(report.records > 0, "{file}");
        measured.push(row(file, &found[0]));
    }
    let stated: Vec<String> = rows.into_iter().map(|(_, _, line)| line).collect();
    assert_eq!(
        stated.join("\n"),
        measured.join("\n"),
        "\n{}\n",
        measured.join("\n")
    );
}
