//! ATT&CK's techniques: id, name, tactics on Windows, and what a revoked id became.

use crate::source::{Failure, Sources};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};

const FILE: &str = "misp-galaxy/clusters/mitre-attack-pattern.json";

/// `id`, `name`, `tactics` (comma), `now` (the id it was revoked for); one line each, by id.
pub fn techniques(sources: &Sources) -> Result<String, Failure> {
    let json: Value = serde_json::from_str(&sources.text(FILE)?)
        .map_err(|e| sources.wrong(FILE, e.to_string()))?;
    let rows = json["values"].as_array().cloned().unwrap_or_default();
    let ids: HashMap<&str, &str> = rows
        .iter()
        .filter_map(|r| Some((r["uuid"].as_str()?, r["meta"]["external_id"].as_str()?)))
        .collect();
    let mut table: BTreeMap<String, String> = BTreeMap::new();
    for row in &rows {
        let id = row["meta"]["external_id"].as_str().unwrap_or_default();
        let name = row["value"].as_str().unwrap_or_default();
        let name = name.trim_end_matches(id).trim_end_matches(" - ");
        let phases: Vec<_> = row["meta"]["kill_chain"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        if !is_technique(id) || !phases.iter().any(|p| p.starts_with("attack-")) {
            continue;
        }
        let revoked_by = row["related"].as_array().into_iter().flatten();
        let now = revoked_by
            .filter(|r| r["type"] == "revoked-by")
            .find_map(|r| ids.get(r["dest-uuid"].as_str()?).copied());
        let revoked = row["revoked"] == true;
        if revoked && now.is_none() {
            continue;
        }
        let windows = phases
            .iter()
            .filter_map(|p| p.strip_prefix("attack-Windows:"));
        let tactics: Vec<_> = if revoked {
            Vec::new()
        } else {
            windows.collect()
        };
        let line = format!("{id}\t{name}\t{}\t{}", tactics.join(","), now.unwrap_or(""));
        // An id that was given anew stands; the revoked one of the same number does not hide it.
        if !revoked || !table.contains_key(id) {
            table.insert(id.to_owned(), line);
        }
    }
    if table.len() < 500 {
        return Err(sources.wrong(FILE, "fewer than 500 techniques"));
    }
    Ok(table.into_values().map(|line| line + "\n").collect())
}

fn is_technique(id: &str) -> bool {
    let digits = |text: &str, n| text.len() == n && text.bytes().all(|b| b.is_ascii_digit());
    id.strip_prefix('T')
        .is_some_and(|rest| match rest.split_once('.') {
            Some((parent, sub)) => digits(parent, 4) && digits(sub, 3),
            None => digits(rest, 4),
        })
}
