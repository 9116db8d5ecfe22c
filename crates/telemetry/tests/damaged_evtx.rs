//! Event logs that are not as Windows leaves them: chunks off their places, headers that count too little, records that
//! were deleted.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeSet;

use common::{Table, file, read, read_with, shared};
use telemetry::Options;

fn records(table: &Table, source: &str) -> BTreeSet<u64> {
    let of = |at| {
        table
            .cell(at, "source_file")
            .is_some_and(|s| s.ends_with(source))
    };
    let id = |at| {
        table
            .cell(at, "eventrecordid")
            .and_then(|id| id.parse().ok())
    };
    table.each().filter(|at| of(*at)).filter_map(id).collect()
}

#[test]
fn records_that_the_header_counts_as_free_space_are_read() {
    let Some(cases) = shared("cases/readers") else {
        return;
    };
    let log = cases.join("14_evtx_free_space_offset_too_small.evtx");
    let table = read(std::slice::from_ref(&log));
    assert_eq!(table.rows(), 6);
    assert!(table.report.diagnostics.damaged > 0);
    let options = Options {
        recover: true,
        ..Options::default()
    };
    let table = read_with(&[log], options);
    assert_eq!(table.rows(), 87);
    let marked = table.column("source_file").into_iter().flatten();
    let marked = marked.filter(|s| s.ends_with(".evtx (recovered)"));
    assert_eq!(marked.count(), 81);
    assert_eq!(table.report.diagnostics.recovered, 81);
    // Their templates are gone; the header is told by the places of its values, and the data is numbered.
    let old = table
        .each()
        .find(|at| table.cell(*at, "eventrecordid").as_deref() == Some("20306"));
    let cell = |column: &str| old.and_then(|at| table.cell(at, column));
    assert_eq!(cell("eventid").as_deref(), Some("217"));
    assert_eq!(cell("executionprocessid").as_deref(), Some("3548"));
    let provider = cell("provider").unwrap();
    assert!(provider.starts_with("Microsoft-Windows-"), "{provider}");
    assert!(
        cell("timecreated").unwrap().starts_with("2020-07-1"),
        "{:?}",
        cell("timecreated")
    );
}

#[test]
fn chunks_off_their_places_are_found() {
    let Some(cases) = shared("cases/readers") else {
        return;
    };
    let table = read(&[cases.join("15_evtx_chunks_misaligned.evtx")]);
    let found = records(&table, ".evtx");
    // What zeroes in the file have not taken away, chunk by chunk.
    let whole = (46728..=46740).chain(47628..=47639).chain(47675..=47705);
    let whole = whole.chain(45691..=45819).chain(45820..=45932);
    let missing: Vec<u64> = whole.filter(|id| !found.contains(id)).collect();
    assert_eq!(missing, [0; 0]);
}

/// Whatever stands before, between and behind chunks costs no record of theirs.
#[test]
fn junk_around_chunks_costs_nothing() {
    let Some(recordings) = shared("data/evtx") else {
        return;
    };
    let log = std::fs::read(recordings.join("sysmon_10_1_ppid_spoofing.evtx")).unwrap();
    let (_guard, path) = file("x.evtx", &log);
    let good = records(&read(&[path]), "x.evtx");
    assert!(good.len() > 1);
    let junk = [b'j', 0].repeat(500);
    let (head, chunks) = log.split_at(4096);
    let with = [
        ("before", [&junk[..], &log].concat()),
        ("behind the header", [head, &junk, chunks].concat()),
        ("instead of it", [&junk[..], chunks].concat()),
        ("between two", [head, chunks, &junk, chunks].concat()),
        ("at the end", [&log[..], &junk].concat()),
    ];
    for (place, bytes) in with {
        let (_guard, path) = file("x.evtx", &bytes);
        let table = read(&[path]);
        assert_eq!(records(&table, "x.evtx"), good, "{place}");
        assert!(table.report.diagnostics.damaged > 0, "{place}");
    }
}

/// Chunks inside something else: a disk image, a dump of memory.
#[test]
fn chunks_are_carved_out_of_anything_where_that_is_asked_for() {
    let Some(recordings) = shared("data/evtx") else {
        return;
    };
    let log = std::fs::read(recordings.join("sysmon_10_1_ppid_spoofing.evtx")).unwrap();
    let (_guard, path) = file("x.evtx", &log);
    let good = records(&read(&[path]), "x.evtx");
    let noise: Vec<u8> = (0..300_000u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let image = [
        &[0xeb, 0x52, 0x90, 0][..],
        &noise,
        &log[4096..],
        &noise,
        &log[4096..],
        &noise[..777],
    ]
    .concat();
    let (_guard, path) = file("disk.img", &image);
    assert_eq!(read(std::slice::from_ref(&path)).rows(), 0);
    let options = Options {
        recover: true,
        ..Options::default()
    };
    let table = read_with(&[path], options);
    assert_eq!(records(&table, "disk.img"), good);
    let offsets = table.column("source_offset").into_iter().flatten();
    assert!(
        offsets
            .map(|o| o.parse::<u64>().unwrap())
            .all(|o| o > 300_000)
    );
}
