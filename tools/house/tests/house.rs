//! The rules of the house, held against the source as it stands.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

const MOST_LINES: usize = 80;

/// What does not keep the rules yet. Lists only get shorter.
#[derive(serde::Deserialize)]
struct Debts {
    /// `file function`, longer than [`MOST_LINES`].
    long_functions: BTreeSet<String>,
    /// Names that several types bear.
    shared_names: BTreeSet<String>,
    /// Crates without a page.
    no_page: BTreeSet<String>,
}

fn debts() -> Debts {
    let path = house::workspace().join("tools/house/debts.toml");
    toml::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// Fails where something new breaks a rule, and where a debt is paid and still listed.
fn hold(rule: &str, broken: &BTreeSet<String>, known: &BTreeSet<String>) {
    let new: Vec<&String> = broken.difference(known).collect();
    assert!(new.is_empty(), "{rule}: {new:#?}");
    let paid: Vec<&String> = known.difference(broken).collect();
    assert!(
        paid.is_empty(),
        "paid, take it out of tools/house/debts.toml: {paid:#?}"
    );
}

#[test]
fn the_source_is_read() {
    let source = house::read(&house::workspace()).unwrap();
    assert!(source.unread.is_empty(), "{:?}", source.unread);
    assert!(source.functions.len() > 1000 && source.types.len() > 300);
}

#[test]
fn a_function_fits_a_screen_or_says_why_not() {
    let source = house::read(&house::workspace()).unwrap();
    let long = source
        .functions
        .iter()
        .filter(|f| f.lines > MOST_LINES && !f.reasoned)
        .map(|f| format!("{} {}", f.file.display(), f.name))
        .collect();
    let rule = "longer than 80 lines without a comment `Long because ...`";
    hold(rule, &long, &debts().long_functions);
}

#[test]
fn a_type_name_means_one_thing() {
    let source = house::read(&house::workspace()).unwrap();
    let mut places: BTreeMap<String, BTreeSet<PathBuf>> = BTreeMap::new();
    for t in source.types {
        places.entry(t.name).or_default().insert(t.file);
    }
    let several = places.into_iter().filter(|(_, files)| files.len() > 1);
    let shared = several.map(|(name, _)| name).collect();
    hold("types of one name", &shared, &debts().shared_names);
}

/// The floor of each crate, from the table of rooms in ARCHITECTURE.md.
fn floors() -> BTreeMap<String, u32> {
    let text = fs::read_to_string(house::workspace().join("ARCHITECTURE.md")).unwrap();
    let mut floors = BTreeMap::new();
    for line in text.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let Some(floor) = cells.first().and_then(|cell| cell.parse().ok()) else {
            continue;
        };
        for name in cells[1].split(',') {
            floors.insert(name.trim().trim_matches('`').to_owned(), floor);
        }
    }
    floors
}

#[test]
fn imports_point_down() {
    let floors = floors();
    let mut wrong = Vec::new();
    for entry in fs::read_dir(house::workspace().join("crates")).unwrap() {
        let manifest = entry.unwrap().path().join("Cargo.toml");
        let table: toml::Table = toml::from_str(&fs::read_to_string(manifest).unwrap()).unwrap();
        let name = table["package"]["name"].as_str().unwrap();
        let Some(floor) = floors.get(name) else {
            wrong.push(format!("{name} has no floor in ARCHITECTURE.md"));
            continue;
        };
        let needs = table.get("dependencies").and_then(|d| d.as_table());
        for needed in needs.into_iter().flat_map(toml::Table::keys) {
            if floors.get(needed).is_some_and(|below| below >= floor) {
                wrong.push(format!("{name} (floor {floor}) imports {needed}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_crate_has_a_page() {
    let mut missing = BTreeSet::new();
    for entry in fs::read_dir(house::workspace().join("crates")).unwrap() {
        let folder = entry.unwrap().path();
        let page = fs::read_to_string(folder.join("README.md")).unwrap_or_default();
        if !page.contains("```") {
            let name = folder.file_name().unwrap_or_default();
            missing.insert(name.display().to_string());
        }
    }
    hold("no README.md with an example", &missing, &debts().no_page);
}
