//! A predicate shipped as SQL text gives the engine's answer what the predicate itself gives: random
//! predicates over values that are absent, empty, numbers, addresses, paths and odd characters.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use analytics::{Engine, render};
use datafusion::arrow::array::{ArrayRef, RecordBatch, StringArray};
use datafusion::prelude::SessionContext;
use predicate::sql::{Dialect, condition};
use predicate::{Predicate, Test};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::sync::Arc;

#[path = "../../predicate/tests/common/mod.rs"]
mod random;

const VALUES: [Option<&str>; 24] = [
    None,
    Some(""),
    Some("a"),
    Some("A"),
    Some("ab"),
    Some("aB\\b"),
    Some("\\a"),
    Some("é"),
    Some("É;a"),
    Some("b;A"),
    Some("bé\n"),
    Some("%_'\"`"),
    Some("0x3"),
    Some("0X0002"),
    Some("+3"),
    Some("-1"),
    Some("18446744073709551615"),
    Some("18446744073709551616"),
    Some("0xfffffffffffffffff"),
    Some("1"),
    Some("10.0.3.7"),
    Some("10.0.03.7"),
    Some("10.0.4.0\n"),
    Some("::b"),
];

/// Atoms that the shared generator does not make.
fn more() -> impl Strategy<Value = Predicate> {
    let block = prop::sample::select(vec!["10.0.0.0/22", "0.0.0.0/0", "10.0.3.7/32"]);
    let atom = prop_oneof![
        block.prop_map(|b| Test::Cidr(b.parse().unwrap())),
        any::<u64>().prop_map(|m| Test::BitsSet(m & 0x1003)),
        Just(Test::BitsSet(1 << 63)),
        random::test(),
    ];
    (
        prop::sample::select(vec!["Image", "image2"]),
        atom,
        any::<bool>(),
    )
        .prop_map(|(field, test, holds)| {
            let atom = Predicate::atom(field, test);
            if holds { atom } else { atom.negate() }
        })
}

#[test]
fn the_engines_agree_with_the_predicate() {
    let rows: Vec<[Option<&str>; 2]> = VALUES
        .iter()
        .enumerate()
        .map(|(i, v)| [*v, VALUES[(i * 7 + 3) % VALUES.len()]])
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rows.json");
    let lines: Vec<String> = rows
        .iter()
        .enumerate()
        .map(|(i, row)| {
            let mut line = serde_json::json!({
                "EventID": 1, "Channel": "Microsoft-Windows-Sysmon/Operational", "row": i.to_string(),
            });
            for (name, value) in ["Image", "image2"].iter().zip(row) {
                if let Some(value) = value {
                    line[*name] = (*value).into();
                }
            }
            line.to_string()
        })
        .collect();
    std::fs::write(&file, lines.join("\n")).unwrap();
    let engine = Engine::new(&[file], &[], telemetry::Options::default()).unwrap();

    let context = SessionContext::new();
    let column =
        |i: usize| -> ArrayRef { Arc::new(rows.iter().map(|r| r[i]).collect::<StringArray>()) };
    let numbers: StringArray = (0..rows.len()).map(|i| Some(i.to_string())).collect();
    let batch = RecordBatch::try_from_iter_with_nullable([
        ("row", Arc::new(numbers) as ArrayRef, true),
        ("Image", column(0), true),
        ("image2", column(1), true),
        ("Absent", Arc::new(StringArray::new_null(rows.len())), true),
    ])
    .unwrap();
    context.register_batch("events", batch).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();

    let mut runner = TestRunner::deterministic();
    let strategy = prop_oneof![random::predicate(), more()];
    let (mut asked, mut refused) = (0, 0);
    for _ in 0..300 {
        let p = strategy.new_tree(&mut runner).unwrap().current();
        let expected: BTreeSet<String> = (0..rows.len())
            .filter(|i| p.holds(&[("Image", rows[*i][0]), ("image2", rows[*i][1])]))
            .map(|i| i.to_string())
            .collect();
        match condition(&p, Dialect::Spark) {
            Err(_) => refused += 1,
            Ok(text) => {
                asked += 1;
                let (_, answer) = engine
                    .query(&format!("SELECT `row` FROM events WHERE {text}"))
                    .unwrap_or_else(|e| panic!("{text}: {e}"));
                let mut found = BTreeSet::new();
                for batch in answer {
                    let batch = batch.unwrap_or_else(|e| panic!("{text}: {e}"));
                    found.extend(
                        (0..batch.num_rows()).filter_map(|r| render::text(batch.column(0), r)),
                    );
                }
                assert_eq!(found, expected, "{text}");
            }
        }
        match condition(&p, Dialect::DataFusion) {
            Err(_) => refused += 1,
            Ok(text) => {
                asked += 1;
                let query = format!("SELECT \"row\" FROM events WHERE {text}");
                let batches = runtime
                    .block_on(async { context.sql(&query).await?.collect().await })
                    .unwrap_or_else(|e| panic!("{text}: {e}"));
                let mut found = BTreeSet::new();
                for batch in &batches {
                    found.extend(
                        (0..batch.num_rows()).filter_map(|r| render::text(batch.column(0), r)),
                    );
                }
                assert_eq!(found, expected, "{text}");
            }
        }
    }
    println!("{asked} conditions asked, {refused} without an exact form");
    assert!(asked > 200);
}
