//! Findings as SARIF 2.1.0: a result for each finding, at the records it stands on.

use std::collections::BTreeMap;

use app::hunt::{AnalyticReport, HuntAnswer, HuntFinding};
use serde_json::{Value, json};

/// Places of a result; the format is for people who click on each.
const MAX_PLACES: usize = 100;

/// A SARIF log with one run.
pub(crate) fn log(answer: &HuntAnswer) -> Value {
    let rules: Vec<Value> = answer.analytics.iter().map(rule).collect();
    let places: BTreeMap<&str, usize> = answer
        .analytics
        .iter()
        .zip(0..)
        .map(|(a, n)| (a.id.as_str(), n))
        .collect();
    let results = answer.findings.iter().map(|f| result(f, &places));
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "scotoma",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "results": results.collect::<Vec<_>>(),
        }],
    })
}

fn rule(analytic: &AnalyticReport) -> Value {
    json!({
        "id": analytic.id,
        "shortDescription": {"text": analytic.title},
        "defaultConfiguration": {"level": level(&analytic.level)},
        "properties": {
            "kind": analytic.kind,
            "level": analytic.level,
            "tags": analytic.technique,
            "outcome": analytic.outcome,
            "needs": analytic.needs,
            "couldNotSee": analytic.why,
        },
    })
}

fn result(finding: &HuntFinding, places: &BTreeMap<&str, usize>) -> Value {
    let about = &finding.finding;
    let who: Vec<&str> = [&about.actor, &about.target]
        .into_iter()
        .flatten()
        .map(String::as_str)
        .collect();
    let on = about
        .host
        .as_ref()
        .map_or_else(String::new, |h| format!(" on {h}"));
    let text = match who.is_empty() {
        true => format!("{}{on}", about.title),
        false => format!("{}: {}{on}", about.title, who.join(" -> ")),
    };
    let locations = about.records.iter().take(MAX_PLACES).map(|r| place(r));
    json!({
        "ruleId": about.hunt,
        "ruleIndex": places.get(about.hunt.as_str()),
        "level": level(&about.level),
        "message": {"text": text},
        "locations": locations.collect::<Vec<_>>(),
        "occurrenceCount": about.count,
        "properties": {
            "first": about.first,
            "last": about.last,
            "details": about.details,
            "why": finding.why,
            "falsePositives": finding.false_positives,
        },
    })
}

/// Where a record is: its file, and its number there.
fn place(record: &str) -> Value {
    let (file, number) = match record.rfind(['#', '@']) {
        Some(at) => record.split_at(at),
        None => (record, ""),
    };
    json!({
        "physicalLocation": {"artifactLocation": {"uri": uri(file)}},
        "logicalLocations": [{"name": number, "fullyQualifiedName": record, "kind": "record"}],
    })
}

/// A path as a reference, what a reference cannot hold encoded.
fn uri(path: &str) -> String {
    let mut out = String::new();
    for byte in path.replace('\\', "/").bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(byte));
            }
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

fn level(level: &str) -> &'static str {
    match level {
        "critical" | "high" => "error",
        "medium" => "warning",
        _ => "note",
    }
}
