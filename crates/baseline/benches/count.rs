//! Counting against reading alone: a generated fleet as Parquet, the same columns of the same events, read to nothing and
//! read into a baseline; remote threads only, and every event type. Prints the ratios of medians.
//!
//! `cargo bench -p baseline` takes a million events, `cargo bench -p baseline -- 10000000` ten.
#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::Instant;

use baseline::{Collector, Names, Parameters, Spec, Survey, columns, keys, with_survey};
use samples::fleet::{self, Settings};
use telemetry::parquet::{Writer, column_names};
use telemetry::{Options, Plan, Scan, discover};

const RUNS: usize = 7;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn scan(path: &Path, columns: Vec<String>) -> Scan {
    let plan = Plan::of(columns);
    Scan::new(
        discover(&[path.to_owned()]).unwrap(),
        plan,
        Options::default(),
    )
}

/// The fleet's events in one file, made where it is not there from before.
fn table(events: u64) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let table = folder.join(format!("fleet-{events}.parquet"));
    if table.exists() {
        return table;
    }
    let logs = folder.join("fleet-logs");
    let settings = Settings {
        hosts: 40,
        days: 14,
        events: Some(events),
        ..Settings::default()
    };
    fleet::write(&logs, &settings).unwrap();
    let mut learning = Scan::new(
        discover(std::slice::from_ref(&logs)).unwrap(),
        Plan::discovery(),
        Options::default(),
    );
    for _ in &mut learning {}
    let names = column_names(&learning.report().fields);
    let unfinished = table.with_extension("unfinished");
    let mut writer = Writer::create(&unfinished, &names, false).unwrap();
    for batch in scan(&logs, names.iter().map(|n| n.to_lowercase()).collect()) {
        writer.write(&batch).unwrap();
    }
    writer.close().unwrap();
    std::fs::rename(unfinished, &table).unwrap();
    std::fs::remove_dir_all(logs).unwrap();
    table
}

fn wanted(specs: &[Spec]) -> Vec<String> {
    with_survey(columns(specs))
}

fn read(path: &Path, columns: &[String]) -> usize {
    let batches = scan(path, columns.to_vec());
    batches.map(|b| black_box(b).num_rows()).sum()
}

fn count(path: &Path, specs: &[Spec]) -> u64 {
    let mut survey = Survey::default();
    let mut collector = Collector::new(specs.to_vec(), Names::default(), Parameters::default());
    for batch in scan(path, wanted(specs)) {
        survey.add(&batch).unwrap();
        collector.add(&batch, &mut survey).unwrap();
    }
    assert!(!survey.late());
    let report = collector.finish(&survey);
    report.streams.iter().map(|s| s.total.count).sum()
}

fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}

fn main() {
    let sizes: Vec<u64> = std::env::args().filter_map(|a| a.parse().ok()).collect();
    let all: Vec<Spec> = keys::all()
        .iter()
        .filter(|k| k.channel.is_none())
        .map(|k| Spec::of(k, None))
        .collect();
    let threads = vec![Spec::of(keys::sysmon(8).unwrap(), None)];
    for events in if sizes.is_empty() {
        vec![1_000_000]
    } else {
        sizes
    } {
        let path = table(events);
        let mut learning = Scan::new(
            discover(std::slice::from_ref(&path)).unwrap(),
            Plan::discovery(),
            Options::default(),
        );
        for _ in &mut learning {}
        let names = column_names(&learning.report().fields);
        let whole: Vec<String> = names.iter().map(|n| n.to_lowercase()).collect();
        for (what, specs) in [("remote threads", &threads), ("every event type", &all)] {
            let (mut reading, mut counting, mut counted) = (Vec::new(), Vec::new(), 0);
            let mut reading_all = Vec::new();
            for _ in 0..RUNS {
                let start = Instant::now();
                read(&path, &wanted(specs));
                reading.push(start.elapsed().as_secs_f64());
                let start = Instant::now();
                read(&path, &whole);
                reading_all.push(start.elapsed().as_secs_f64());
                let start = Instant::now();
                counted = count(&path, specs);
                counting.push(start.elapsed().as_secs_f64());
            }
            let (reading, counting) = (median(reading), median(counting));
            let reading_all = median(reading_all);
            println!(
                "{events} events, {what}, {counted} counted: baseline {:.0} ms; its {} columns read {:.0} ms: ratio {:.2}; all {} columns read {:.0} ms: ratio {:.2}",
                counting * 1e3,
                wanted(specs).len(),
                reading * 1e3,
                counting / reading,
                whole.len(),
                reading_all * 1e3,
                counting / reading_all
            );
        }
    }
}
