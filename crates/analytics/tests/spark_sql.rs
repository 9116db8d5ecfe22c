//! Published hunts in Spark SQL must give the rows that Spark gave, read from the recordings by the real readers.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use analytics::{Engine, render};
use serde_json::Value;
use telemetry::Options;

fn shared(what: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared")
        .join(what);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: ../shared/{what} is not there");
    None
}

/// Columns, and rows as Spark printed them; null stays null.
type Answer = (Vec<String>, Vec<Vec<Option<String>>>);

fn answer(case: &Value, data: &Path) -> Result<Answer, String> {
    let text = |key: &str| case[key].as_str().unwrap();
    let views: Vec<String> = serde_json::from_value(case["view"].clone()).unwrap();
    let engine = Engine::new(&[data.join(text("dataset"))], &views, Options::default())
        .map_err(|e| e.to_string())?;
    let (_, answer) = engine.query(text("sql")).map_err(|e| e.to_string())?;
    let columns = answer.columns.clone();
    let mut rows = Vec::new();
    for batch in answer {
        let batch = batch.map_err(|e| e.to_string())?;
        for row in 0..batch.num_rows() {
            rows.push(
                batch
                    .columns()
                    .iter()
                    .map(|c| render::text(c, row))
                    .collect(),
            );
        }
    }
    rows.sort();
    Ok((columns, rows))
}

#[test]
fn published_hunts_give_sparks_rows() {
    let Some(folder) = shared("conformance/spark-sql") else {
        return;
    };
    let cases: Vec<Value> =
        serde_json::from_slice(&std::fs::read(folder.join("cases.json")).unwrap()).unwrap();
    let mut differences = Vec::new();
    for case in &cases {
        let id = case["id"].as_str().unwrap();
        let columns: Vec<String> = serde_json::from_value(case["columns"].clone()).unwrap();
        let sparks: Vec<Vec<Value>> = serde_json::from_value(case["rows"].clone()).unwrap();
        let mut expected: Vec<Vec<Option<String>>> = sparks
            .iter()
            .map(|row| {
                let cell = |v: &Value| match v {
                    Value::Null => None,
                    Value::String(s) => Some(s.clone()),
                    other => Some(other.to_string()),
                };
                row.iter().map(cell).collect()
            })
            .collect();
        expected.sort();
        match answer(case, &folder.join("data")) {
            Ok(found) if found == (columns, expected) => {}
            Ok((names, rows)) => differences.push(format!(
                "{id}: {} rows under {names:?} for {}",
                rows.len(),
                sparks.len()
            )),
            Err(error) => differences.push(format!("{id}: {error}")),
        }
    }
    assert!(
        differences.is_empty(),
        "{} of {}:\n{}",
        differences.len(),
        cases.len(),
        differences.join("\n")
    );
    println!("{} hunts", cases.len());
}
