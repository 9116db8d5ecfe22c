//! NDJSON to Arrow, all columns wanted, one thread, against `arrow-json` with the full schema given and against
//! `serde_json` to `Value`. Prints the ratios.

use std::hint::black_box;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::{DataType, Field, Schema};
use criterion::{Criterion, Throughput};
use telemetry::probe::{self, medians};

/// The allocator of the program, for the rivals as well.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Bytes handed to the reader at a time, as in a scan.
const BLOCK: usize = 1 << 20;

/// Text for some blocks: the published recording, or the repository's own sample where that is not at hand.
fn text() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let recorded = root.join("../shared/data/security-datasets/empire_psinject_PEinjection.zip");
    let mut text = String::new();
    if let Ok(file) = std::fs::File::open(recorded) {
        let mut archive = zip::ZipArchive::new(file).expect("a zip");
        archive
            .by_index(0)
            .expect("an entry")
            .read_to_string(&mut text)
            .expect("UTF-8");
    } else {
        println!("skipped: no recordings in ../shared; the sample of the repository instead");
        let sample =
            std::fs::read_to_string(root.join("samples/workstation.ndjson")).expect("the sample");
        text = sample.repeat(20);
    }
    let end = text.floor_char_boundary(text.len().min(16 << 20));
    let end = text[..end].rfind('\n').map_or(end, |n| n + 1);
    text.truncate(end);
    text
}

/// The full schema as `arrow-json` wants it: every key of every document, exactly spelled.
fn schema(text: &str) -> Arc<Schema> {
    let mut types: std::collections::BTreeMap<String, DataType> = std::collections::BTreeMap::new();
    for line in text.lines() {
        let document: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(line).expect("an object");
        for (key, value) in document {
            let kind = match value {
                serde_json::Value::Number(_) => DataType::Int64,
                serde_json::Value::Array(_) => DataType::new_list(DataType::Utf8, true),
                _ => DataType::Utf8,
            };
            let known = types.entry(key).or_insert_with(|| kind.clone());
            if *known != kind {
                *known = DataType::Utf8;
            }
        }
    }
    Arc::new(Schema::new(
        types
            .into_iter()
            .map(|(k, t)| Field::new(k, t, true))
            .collect::<Vec<_>>(),
    ))
}

fn arrow_json(text: &str, schema: &Arc<Schema>) -> usize {
    arrow_json::ReaderBuilder::new(Arc::clone(schema))
        .with_coerce_primitive(true)
        .build(text.as_bytes())
        .expect("a reader")
        .map(|batch| batch.expect("rows").num_rows())
        .sum()
}

fn values(text: &str) -> usize {
    text.lines()
        .map(|line| black_box(serde_json::from_str::<serde_json::Value>(line)).map_or(0, |_| 1))
        .sum()
}

fn main() {
    let text = text();
    let events = text.lines().count();
    let plan = probe::json_plan(text.as_bytes());
    let schema = schema(&text);
    let ours = || {
        let (rows, problems) = probe::json_blocks(black_box(text.as_bytes()), BLOCK, &plan);
        assert_eq!((problems.count, rows), (0, events));
    };
    let theirs = || assert_eq!(black_box(arrow_json(&text, &schema)), events);
    let trees = || assert_eq!(black_box(values(&text)), events);

    let mut criterion = Criterion::default().configure_from_args().sample_size(10);
    let mut group = criterion.benchmark_group("json");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("to Arrow, all columns", |b| b.iter(ours));
    group.bench_function("arrow-json, schema given", |b| b.iter(theirs));
    group.bench_function("serde_json to Value", |b| b.iter(trees));
    group.finish();
    criterion.final_summary();

    let [a, b, c] = medians(11, [&ours, &theirs, &trees]);
    let rate = |d: Duration| text.len() as f64 / 1e6 / d.as_secs_f64();
    println!(
        "{} columns ({} for arrow-json); medians of 11 turns",
        plan.columns.len(),
        schema.fields().len()
    );
    println!(
        "ours {:.0} MB/s, arrow-json {:.0}, serde_json {:.0}",
        rate(a),
        rate(b),
        rate(c)
    );
    println!(
        "ratio to arrow-json with the schema given: {:.2}",
        b.as_secs_f64() / a.as_secs_f64()
    );
    println!(
        "ratio to serde_json to Value: {:.2}",
        c.as_secs_f64() / a.as_secs_f64()
    );
}
