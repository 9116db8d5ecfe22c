//! Columnar against row-wise decision: a published configuration over recorded events, replicated to a
//! million rows in batches with dictionaries of their own, as a reader makes them. Prints the ratio.
#![allow(missing_docs, clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{ArrayRef, DictionaryArray, RecordBatch, UInt32Array};
use arrow::datatypes::Int32Type;
use criterion::{Criterion, Throughput};
use sysmon::columnar::{Decider, Input};
use sysmon::event::Event;
use sysmon::text::Environment;
use sysmon::{Config, Engine, reference};

const ROWS: usize = 1_000_000;
const BATCH: usize = 8192;

fn batch(events: &[Event]) -> RecordBatch {
    let names: BTreeSet<&String> = events.iter().flat_map(|e| e.fields.keys()).collect();
    let ids = UInt32Array::from_iter_values(events.iter().map(|e| e.id));
    let mut columns: Vec<(&str, ArrayRef, bool)> = vec![("EventID", Arc::new(ids), true)];
    for name in names {
        let values = events
            .iter()
            .map(|e| e.fields.get(name).map(String::as_str));
        let column: DictionaryArray<Int32Type> = values.collect();
        columns.push((name, Arc::new(column), true));
    }
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

fn main() {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance/sysmon");
    let Ok(text) = std::fs::read_to_string(vectors.join("real_psinject__swiftonsecurity.jsonl"))
    else {
        println!("skipped: no `shared` folder beside the workspace");
        return;
    };
    let xml = std::fs::read(vectors.join("configs/swiftonsecurity.xml")).unwrap();
    let config = Config::parse("swiftonsecurity.xml", &xml, Engine::Strict);
    let recorded: Vec<Event> = text
        .lines()
        .skip(1)
        .map(|l| {
            serde_json::from_str::<Event>(l)
                .unwrap()
                .as_before_filtering()
        })
        .collect();
    let many: Vec<Event> = recorded.iter().cycle().take(ROWS).cloned().collect();
    let batches: Vec<RecordBatch> = many.chunks(BATCH).map(batch).collect();
    let environment = Environment::new();
    let columnar = || {
        let mut decider = Decider::new(&config.rules, &environment, Input::Recorded);
        let mut kept = 0usize;
        for b in &batches {
            for row in decider.decide(b).unwrap() {
                kept += usize::from(decider.decisions()[row as usize].log);
            }
        }
        kept
    };
    let row_wise = |events: &[Event]| {
        events
            .iter()
            .filter(|e| reference::decide(&config.rules, &environment, e).log)
            .count()
    };
    // A tenth of the rows is enough to time the slow one; both must agree on it.
    let sample = &many[..ROWS / 10];
    let start = Instant::now();
    let kept_rows = row_wise(sample);
    let slow = start.elapsed().as_secs_f64() / sample.len() as f64;
    let start = Instant::now();
    let kept_columns = columnar();
    let fast = start.elapsed().as_secs_f64() / ROWS as f64;
    println!(
        "{} recorded events as {ROWS} rows: row-wise {:.2} us, columnar {:.3} us an event: ratio {:.1}",
        recorded.len(),
        slow * 1e6,
        fast * 1e6,
        slow / fast
    );
    println!(
        "kept {kept_columns} of {ROWS}; row-wise {kept_rows} of the first {}",
        sample.len()
    );
    assert!(
        slow / fast >= 20.0,
        "the columnar decision must be at least 20 times as fast"
    );

    let mut criterion = Criterion::default().sample_size(10).configure_from_args();
    let mut group = criterion.benchmark_group("decide");
    group.throughput(Throughput::Elements(ROWS as u64));
    group.bench_function("columnar", |b| b.iter(|| black_box(columnar())));
    group.throughput(Throughput::Elements(recorded.len() as u64));
    group.bench_function("row-wise", |b| b.iter(|| black_box(row_wise(&recorded))));
    group.finish();
}
