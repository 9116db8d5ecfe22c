//! Inputs unpacked before it is known what they are wanted for: the rows are the same, and nothing waits for ever.
#![allow(clippy::unwrap_used)]

use std::io::Write;
use std::path::PathBuf;

use arrow::array::RecordBatch;
use telemetry::{Ahead, Options, Origin, Plan, Scan, discover};

fn plan() -> Plan {
    Plan::of(
        ["eventid", "image", "source_file", "source_offset"]
            .map(str::to_owned)
            .to_vec(),
    )
}

fn read(mut scan: Scan) -> (Vec<RecordBatch>, u64, u64) {
    let batches = scan.by_ref().collect();
    let report = scan.report();
    (batches, report.records, report.expanded)
}

fn both(origins: &[Origin]) -> (Vec<RecordBatch>, u64, u64) {
    let plain = read(Scan::new(origins.to_vec(), plan(), Options::default()));
    let ahead = Ahead::new(origins.to_vec(), Options::default());
    // Time enough for some of it to be unpacked.
    std::thread::sleep(std::time::Duration::from_millis(20));
    let ahead = read(ahead.deliver(plan()));
    assert_eq!(plain, ahead);
    plain
}

/// More lines than are unpacked ahead.
fn long() -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let line = format!("{{\"EventID\":1,\"Image\":\"{}\"}}\n", "x".repeat(500));
    let block = line.repeat(2000);
    for _ in 0..40 {
        file.write_all(block.as_bytes()).unwrap();
    }
    file
}

#[test]
fn the_rows_are_those_of_a_plain_reading() {
    let samples = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../samples"));
    let (batches, records, _) = both(&discover(&[samples]).unwrap());
    assert!(records > 0);
    assert!(batches.iter().map(RecordBatch::num_rows).sum::<usize>() > 0);
    let long = long();
    let (_, records, _) = both(&discover(&[long.path().to_owned()]).unwrap());
    assert_eq!(records, 80_000);
}

#[test]
fn nothing_waits_for_a_plan_that_never_comes() {
    let long = long();
    let origins = discover(&[long.path().to_owned()]).unwrap();
    for wait in [0, 1, 50] {
        let ahead = Ahead::new(origins.clone(), Options::default());
        std::thread::sleep(std::time::Duration::from_millis(wait));
        drop(ahead);
    }
}
