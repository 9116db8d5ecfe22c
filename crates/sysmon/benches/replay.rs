//! Replay against reading alone: the same file, the same columns, recorded events of Sysmon repeated to a million
//! rows as NDJSON and as Parquet, with a published configuration. Every row is decided, so this is the hardest case:
//! other channels cost replay nothing. Prints the ratios of medians.
#![allow(missing_docs, clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs::File;
use std::hint::black_box;
use std::io::{BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use sysmon::replay::Replay;
use sysmon::text::Environment;
use sysmon::{Config, Engine};
use telemetry::parquet::{Writer, column_names};
use telemetry::{Options, Plan, Scan, discover};

const ROWS: usize = 1_000_000;
const RUNS: usize = 9;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn plan(columns: Vec<String>) -> Plan {
    Plan::of(columns)
}

fn scan(path: &Path, plan: Plan) -> Scan {
    Scan::new(
        discover(&[path.to_owned()]).unwrap(),
        plan,
        Options::default(),
    )
}

fn read(path: &Path, columns: &[String]) -> usize {
    let batches = scan(path, plan(columns.to_vec()));
    batches.map(|b| black_box(b).num_rows()).sum()
}

fn replay(path: &Path, columns: &[String], config: &Config) -> u64 {
    let mut replay = Replay::new(&config.rules, &Environment::new());
    for batch in scan(path, plan(columns.to_vec())) {
        black_box(replay.add(&batch).unwrap());
    }
    let summary = replay.finish(20);
    summary.events.values().map(|c| c.kept).sum()
}

/// The recorded events of Sysmon, a line each; none where the recording is not at hand.
fn recorded(shared: &Path) -> Option<String> {
    let zip = shared.join("data/security-datasets/empire_psinject_PEinjection.zip");
    let mut archive = zip::ZipArchive::new(File::open(zip).ok()?).unwrap();
    let mut text = String::new();
    archive
        .by_index(0)
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    let ours = |l: &&str| l.contains("\"Channel\":\"Microsoft-Windows-Sysmon/Operational\"");
    let lines = text.lines().filter(ours).map(|l| format!("{l}\n"));
    Some(lines.collect())
}

/// The same events a million times over, in the form that the recording has, and in Parquet.
fn inputs(text: &str) -> (PathBuf, PathBuf) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (json, parquet) = (folder.join("replay.json"), folder.join("replay.parquet"));
    let mut out = BufWriter::new(File::create(&json).unwrap());
    for line in text.split_inclusive('\n').cycle().take(ROWS) {
        out.write_all(line.as_bytes()).unwrap();
    }
    out.into_inner().unwrap();
    let mut learning = scan(&json, Plan::discovery());
    for _ in &mut learning {}
    let names = column_names(&learning.report().fields);
    let mut writer = Writer::create(&parquet, &names, false).unwrap();
    for batch in scan(
        &json,
        plan(names.iter().map(|n| n.to_lowercase()).collect()),
    ) {
        writer.write(&batch).unwrap();
    }
    writer.close().unwrap();
    (json, parquet)
}

fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}

fn main() {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let xml = shared.join("conformance/sysmon/configs/swiftonsecurity.xml");
    let Ok(xml) = std::fs::read(xml) else {
        println!("skipped: no `shared` folder beside the workspace");
        return;
    };
    let Some(text) = recorded(&shared) else {
        println!("skipped: the recording is not in `shared`");
        return;
    };
    let config = Config::parse("swiftonsecurity.xml", &xml, Engine::Strict);
    let columns: BTreeSet<String> = config
        .rules
        .kept()
        .flat_map(|e| e.filters())
        .map(|f| f.field_name.to_lowercase())
        .chain(
            [
                "timecreated",
                "channel",
                "provider",
                "eventid",
                "image",
                "sourceimage",
                "imageloaded",
            ]
            .map(str::to_owned),
        )
        .collect();
    let columns: Vec<String> = columns.into_iter().collect();
    let (json, parquet) = inputs(&text);
    for (form, path) in [("NDJSON", json), ("Parquet", parquet)] {
        let (mut reading, mut replaying, mut kept) = (Vec::new(), Vec::new(), 0);
        let bytes = std::fs::metadata(&path).unwrap().len();
        for _ in 0..RUNS {
            let start = Instant::now();
            assert_eq!(read(&path, &columns), ROWS);
            reading.push(start.elapsed().as_secs_f64());
            let start = Instant::now();
            kept = replay(&path, &columns, &config);
            replaying.push(start.elapsed().as_secs_f64());
        }
        let (reading, replaying) = (median(reading), median(replaying));
        println!(
            "{form}: {ROWS} rows, {:.0} MB, {} columns, {kept} kept: read {:.0} ms, replay {:.0} ms: ratio {:.2}",
            bytes as f64 / 1e6,
            columns.len(),
            reading * 1e3,
            replaying * 1e3,
            replaying / reading
        );
        std::fs::remove_file(path).unwrap();
    }
}
