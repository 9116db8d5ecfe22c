//! Published hunts in Spark SQL must give the rows that Spark gave.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::HashMap;

use common::{Recorded, load, run, shared};
use serde_json::Value;

/// Values as Spark printed them, in a form in which an integer equals itself however it is kept.
fn printed(row: &[Value]) -> Vec<String> {
    row.iter()
        .map(|v| match v {
            Value::String(s) => s.clone(),
            other => other.to_string(),
        })
        .collect()
}

#[test]
fn published_hunts_give_sparks_rows() {
    let Some(folder) = shared("conformance/spark-sql") else {
        return;
    };
    let cases: Vec<Value> =
        serde_json::from_slice(&std::fs::read(folder.join("cases.json")).unwrap()).unwrap();
    let mut recordings: HashMap<String, Recorded> = HashMap::new();
    let mut differences = Vec::new();
    for case in &cases {
        let text = |key: &str| case[key].as_str().unwrap().to_owned();
        let views: Vec<String> = serde_json::from_value(case["view"].clone()).unwrap();
        let tables = recordings.entry(text("dataset")).or_insert_with(|| {
            Recorded::new(&[], load(&folder.join("data").join(text("dataset"))))
        });
        tables.names = views;
        let id = text("id");
        let answer = match run(&text("sql"), tables) {
            Ok(answer) => answer,
            Err(error) => {
                differences.push(format!("{id}: {error}"));
                continue;
            }
        };
        let expected: Vec<Vec<Value>> = serde_json::from_value(case["rows"].clone()).unwrap();
        let columns: Vec<String> = serde_json::from_value(case["columns"].clone()).unwrap();
        if answer.names != columns {
            differences.push(format!("{id}: columns {:?} for {columns:?}", answer.names));
        }
        let mut ours: Vec<_> = answer.rows.iter().map(|r| printed(r)).collect();
        let mut sparks: Vec<_> = expected.iter().map(|r| printed(r)).collect();
        ours.sort();
        sparks.sort();
        if ours != sparks {
            let first = ours.iter().zip(&sparks).find(|(a, b)| a != b);
            differences.push(format!(
                "{id}: {} rows for {}; {first:?}",
                ours.len(),
                sparks.len()
            ));
        }
    }
    assert!(
        differences.is_empty(),
        "{} of {} cases differ:\n{}",
        differences.len(),
        cases.len(),
        differences.join("\n")
    );
}
