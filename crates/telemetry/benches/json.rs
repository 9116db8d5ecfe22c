//! NDJSON to Arrow, all columns wanted, one thread, against `arrow-json` with the full schema given and against
//! `serde_json` to `Value`, on each kind of recording. Prints the ratios.

use std::hint::black_box;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::{DataType, Field, Fields, Schema};
use criterion::{Criterion, Throughput};
use telemetry::probe::{self, medians};

/// The allocator of the program, for the rivals as well.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Bytes handed to the reader at a time, as in a scan.
const BLOCK: usize = 1 << 20;

/// At most so much of a recording, cut at a line's end.
const TEXT: usize = 16 << 20;

/// Recordings of each kind, in the folder `shared` beside the clone.
const RECORDED: [(&str, &str); 6] = [
    (
        "NXLog, long PowerShell texts",
        "data/security-datasets/empire_psinject_PEinjection.zip",
    ),
    (
        "NXLog, Security and Sysmon",
        "data/security-datasets/empire_dllinjection_LoadLibrary_CreateRemoteThread.zip",
    ),
    (
        "NXLog, few long texts",
        "data/security-datasets/rdp_interactive_taskmanager_lsass_dump.zip",
    ),
    (
        "Get-WinEvent",
        "data/security-datasets/metasploit_logonpasswords_lsass_memory_dump.zip",
    ),
    (
        "Winlogbeat 6, nested",
        "data/security-datasets/empire_invoke_runas.tar.gz",
    ),
    (
        "Winlogbeat 7, nested",
        "conformance/spark-sql/data/remoteinteractive_taskmngr_lsass_dump_4e5f52cd6eaf.ndjson.zip",
    ),
];

/// The kinds of text there are at hand; the repository's own sample where there are no recordings.
fn texts() -> Vec<(&'static str, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut texts: Vec<_> = RECORDED
        .iter()
        .filter_map(|(kind, path)| Some((*kind, unpack(&root.join("../shared").join(path))?)))
        .collect();
    if texts.is_empty() {
        println!("skipped: no recordings in ../shared; the sample of the repository instead");
        let sample = std::fs::read_to_string(root.join("samples/workstation.ndjson"));
        texts.push(("sample", sample.expect("the sample").repeat(20)));
    }
    for (_, text) in &mut texts {
        let end = text.floor_char_boundary(text.len().min(TEXT));
        let end = text[..end].rfind('\n').map_or(end, |n| n + 1);
        text.truncate(end);
    }
    texts
}

/// The first file in the archive.
fn unpack(path: &Path) -> Option<String> {
    let file = std::fs::File::open(path).ok()?;
    let mut text = String::new();
    if path.extension().is_some_and(|e| e == "zip") {
        let mut archive = zip::ZipArchive::new(file).expect("a zip");
        let mut entry = archive.by_index(0).expect("an entry");
        entry.read_to_string(&mut text).expect("UTF-8");
    } else {
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(file));
        let mut entries = archive.entries().expect("a tar");
        while text.is_empty() {
            let mut entry = entries.next()?.expect("an entry");
            if entry.header().entry_type().is_file() && !entry.path_bytes().starts_with(b"./._") {
                entry.read_to_string(&mut text).expect("UTF-8");
            }
        }
    }
    Some(text)
}

/// The keys of objects, those in objects that are their values included.
#[derive(Default)]
struct Shape(std::collections::BTreeMap<String, (Option<DataType>, Self)>);

impl Shape {
    fn add(&mut self, document: serde_json::Map<String, serde_json::Value>) {
        use serde_json::Value;
        for (key, value) in document {
            let (known, inner) = self.0.entry(key).or_default();
            let kind = match value {
                Value::Object(object) => {
                    inner.add(object);
                    continue;
                }
                Value::Null => continue,
                Value::Number(_) => DataType::Int64,
                Value::Array(_) => DataType::new_list(DataType::Utf8, true),
                _ => DataType::Utf8,
            };
            *known = match known.take() {
                Some(other) if other != kind => Some(DataType::Utf8),
                _ => Some(kind),
            };
        }
    }

    fn fields(&self) -> Fields {
        let field = |(key, (kind, inner)): (&String, &(Option<DataType>, Self))| {
            let kind = match inner.0.is_empty() {
                true => kind.clone().unwrap_or(DataType::Utf8),
                false => DataType::Struct(inner.fields()),
            };
            Field::new(key, kind, true)
        };
        self.0.iter().map(field).collect()
    }
}

/// The full schema as `arrow-json` wants it: every key of every document, exactly spelled.
fn schema(text: &str) -> Arc<Schema> {
    let mut shape = Shape::default();
    for line in text.lines() {
        shape.add(serde_json::from_str(line).expect("an object"));
    }
    Arc::new(Schema::new(shape.fields()))
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
    let mut criterion = Criterion::default().configure_from_args().sample_size(10);
    let mut all = [Duration::ZERO; 3];
    for (kind, text) in texts() {
        let medians = compare(&mut criterion, kind, &text);
        for (all, median) in all.iter_mut().zip(medians) {
            *all += median;
        }
    }
    print_ratios("all kinds together", all);
    criterion.final_summary();
}

fn print_ratios(of: &str, [ours, arrow, serde]: [Duration; 3]) {
    println!(
        "{of}: ratio to arrow-json with the schema given: {:.2}, to serde_json to Value: {:.2}\n",
        arrow.as_secs_f64() / ours.as_secs_f64(),
        serde.as_secs_f64() / ours.as_secs_f64()
    );
}

/// The medians of ours, `arrow-json` and `serde_json`.
fn compare(criterion: &mut Criterion, kind: &str, text: &str) -> [Duration; 3] {
    let events = text.lines().count();
    let plan = probe::json_plan(text.as_bytes());
    let schema = schema(text);
    let ours = || {
        let (rows, problems) = probe::json_blocks(black_box(text.as_bytes()), BLOCK, &plan);
        assert_eq!((problems.damaged, rows), (0, events));
    };
    let theirs = || assert_eq!(black_box(arrow_json(text, &schema)), events);
    let trees = || assert_eq!(black_box(values(text)), events);

    let mut group = criterion.benchmark_group(kind);
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("to Arrow, all columns", |b| b.iter(ours));
    group.bench_function("arrow-json, schema given", |b| b.iter(theirs));
    group.bench_function("serde_json to Value", |b| b.iter(trees));
    group.finish();

    let [a, b, c] = medians(11, [&ours, &theirs, &trees]);
    let rate = |d: Duration| text.len() as f64 / 1e6 / d.as_secs_f64();
    println!(
        "{kind}: {events} events of {} bytes, {} columns",
        text.len() / events,
        plan.columns.len()
    );
    println!(
        "ours {:.0} MB/s, arrow-json {:.0}, serde_json {:.0}",
        rate(a),
        rate(b),
        rate(c)
    );
    print_ratios(kind, [a, b, c]);
    [a, b, c]
}
