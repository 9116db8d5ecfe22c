//! Damaged chunks: what is whole is read, what is not is named, nothing breaks off.

use proptest::prelude::*;

use super::super::pieces::CHUNK;
use super::read;
use super::sample::{Chunk, X, data, element, event, head, text, wide};
use crate::diagnostics::{Diagnostics, Problem};
use crate::format::evtx::{self, EvtxOptions, Templates};
use crate::table::batch_builder::BatchBuilder;
use crate::{probe, testing};

#[test]
fn unused_chunks_are_no_damage_and_a_cut_one_is_named() {
    let template = event(vec![element(
        "EventData",
        vec![data("A", X::Slot(2, false))],
    )]);
    let mut chunk = Chunk::new();
    for i in 0..10 {
        chunk.record(&template, &[head(i), vec![text("v")]].concat());
    }
    let whole = chunk.finish();
    let (rows, diagnostics) = read(&[whole.clone(), vec![0; CHUNK]].concat());
    assert_eq!((rows.len(), diagnostics.damaged), (10, 0));
    // Behind the last record nothing is missing.
    let used = chunk.len();
    let cut = chunk.starts[6] + 5;
    let (rows, diagnostics) = read(&whole[..used]);
    assert_eq!((rows.len(), diagnostics.damaged), (10, 0));
    let (rows, diagnostics) = read(&whole[..cut]);
    assert_eq!(rows.len(), 6);
    assert_eq!(diagnostics.listed.last().unwrap().problem, Problem::CutOff);
    assert_eq!(
        diagnostics.listed.last().unwrap().offset,
        Some(4096 + cut as u64)
    );
    // Without its header a chunk is searched.
    let mut headless = whole.clone();
    headless[..8].fill(b'x');
    let (rows, diagnostics) = read(&headless);
    assert_eq!((rows.len(), diagnostics.damaged), (10, 1));
    assert!(matches!(
        diagnostics.listed[0].problem,
        Problem::BadChunk(_)
    ));
}

#[test]
fn records_newer_than_the_header_are_read() {
    let template = event(vec![element(
        "EventData",
        vec![data("A", X::Slot(2, false))],
    )]);
    let mut chunk = Chunk::new();
    for i in 0..10 {
        chunk.record(&template, &[head(i), vec![text("v")]].concat());
    }
    let new = chunk.finish();
    let start = chunk.starts[7];
    chunk.starts.truncate(7);
    let mut stale = chunk.finish();
    stale[48..52].copy_from_slice(&(start as u32).to_le_bytes());
    stale[512..].copy_from_slice(&new[512..]);
    let (rows, _) = read(&stale);
    assert_eq!(rows.len(), 10);
}

/// A chunk of ten records whose header says so of them, and which of them it calls its own.
fn with_header(free: usize, last: u64) -> Vec<u8> {
    let template = event(vec![element(
        "EventData",
        vec![data("A", X::Slot(2, false))],
    )]);
    let mut chunk = Chunk::new();
    for i in 0..10 {
        chunk.record(&template, &[head(i), vec![text("v")]].concat());
    }
    let mut bytes = chunk.finish();
    let free = chunk.starts.get(free).copied().unwrap_or(chunk.len());
    bytes[48..52].copy_from_slice(&(free as u32).to_le_bytes());
    bytes[16..24].copy_from_slice(&last.to_le_bytes());
    bytes[32..40].copy_from_slice(&last.to_le_bytes());
    bytes
}

#[test]
fn free_space_that_begins_too_early_loses_no_record() {
    for free in [1, 4, 9] {
        let (rows, diagnostics) = read(&with_header(free, 10));
        assert_eq!(rows.len(), 10, "free space from record {free} on");
        let said: Vec<String> = diagnostics.listed.iter().map(ToString::to_string).collect();
        assert!(said.iter().any(|s| s.contains("as free space")), "{said:?}");
    }
    // Before the first record no header is sound.
    let mut bytes = with_header(10, 10);
    bytes[48..52].fill(0);
    assert_eq!(read(&bytes).0.len(), 10);
    // And where the records are gone, that is said.
    let (rows, diagnostics) = read(&with_header(10, 13));
    assert_eq!(rows.len(), 10);
    let said: Vec<String> = diagnostics.listed.iter().map(ToString::to_string).collect();
    assert!(
        said.iter().any(|s| s.contains("records 11 to 13")),
        "{said:?}"
    );
}

#[test]
fn deleted_records_are_read_where_that_is_asked_for() {
    let mut bytes = with_header(4, 4);
    // The log began anew at this record.
    for (n, at) in memchr::memmem::find_iter(&bytes.clone(), b"\x2a\x2a\0\0")
        .enumerate()
        .skip(4)
    {
        bytes[at + 8..at + 16].copy_from_slice(&(900 + n as u64).to_le_bytes());
        // Samples say another template's identifier, which matters here.
        bytes[at + 30..at + 34].fill(7);
    }
    // What a newer record took the place of has the beginning of an older one behind it.
    let gone = memchr::memmem::rfind(&bytes, b"\x2a\x2a\0\0").unwrap();
    bytes[gone + 24..gone + 40].fill(0);
    let read = |recover: bool| {
        let mut rows = BatchBuilder::new(&probe::evtx_plan(&bytes));
        let mut found = Diagnostics::default();
        let options = EvtxOptions {
            recover,
            walk: false,
        };
        let templates = &mut Templates::default();
        evtx::read(
            &bytes, 4096, "f.evtx", options, templates, &mut rows, &mut found,
        );
        let batch = rows.finish().unwrap();
        (testing::rows(&batch), found)
    };
    let ids = |rows: &[std::collections::BTreeMap<String, String>], source: &str| -> Vec<String> {
        let of = rows.iter().filter(|r| r["source_file"] == source);
        of.map(|r| r["eventid"].clone()).collect()
    };
    let (rows, found) = read(true);
    assert_eq!(ids(&rows, "f.evtx"), ["0", "1", "2", "3"]);
    assert_eq!(ids(&rows, "f.evtx (recovered)"), ["4", "5", "6", "7", "8"]);
    assert_eq!((found.recovered, found.unrecoverable), (5, 1));
}

#[test]
fn a_record_that_repeats_its_value_without_end_is_stopped() {
    // Each of a thousand records shows one long value a thousand times.
    let many = (0..1000)
        .map(|_| element("Data", vec![X::Slot(2, false)]))
        .collect();
    let template = event(vec![element("EventData", many)]);
    let mut chunk = Chunk::new();
    for i in 0..12 {
        chunk.record(
            &template,
            &[head(i), vec![text(&"x".repeat(1500))]].concat(),
        );
    }
    let (rows, diagnostics) = read(&chunk.finish());
    assert!(rows.len() < 12);
    assert_eq!(rows.len() as u64 + diagnostics.damaged, 12);
}

proptest! {
    #[test]
    fn damage_costs_no_more_than_what_is_damaged(
        flips in proptest::collection::vec((0usize..CHUNK, 0u8..8), 1..4),
        cut in proptest::option::of(0usize..CHUNK),
    ) {
        let template = event(vec![element("EventData", vec![data("A", X::Slot(2, false))])]);
        let mut chunk = Chunk::new();
        for i in 0..40 {
            chunk.record(&template, &[head(i), vec![text(&format!("value {i}"))]].concat());
        }
        let mut bytes = chunk.finish();
        let used = chunk.len();
        let flips: Vec<_> = flips.into_iter().map(|(at, bit)| (at % used, bit)).collect();
        for (at, bit) in &flips {
            bytes[*at] ^= 1 << bit;
        }
        let cut = cut.map_or(CHUNK, |cut| cut % used);
        bytes.truncate(cut);
        let (rows, diagnostics) = read(&bytes);
        // The first record brings the template along, and the header says where to look: with those whole, every
        // record that nothing happened to is there.
        let essential = chunk.starts[1];
        if cut >= essential && flips.iter().all(|(at, _)| *at >= essential) {
            for (i, start) in chunk.starts.iter().enumerate() {
                let end = chunk.starts.get(i + 1).copied().unwrap_or(used);
                let hit = cut < end || flips.iter().any(|(at, _)| (*start..end).contains(at));
                let expected = format!("value {i}");
                let found = rows.iter().any(|r| r.get("a") == Some(&expected));
                prop_assert!(hit || found, "{} of {:?}: {:?}", i, flips, diagnostics.listed);
            }
        }
        // The bytes that say whether there are checksums are in none.
        let unchecked = flips.iter().any(|(at, _)| (120..124).contains(at));
        let harmed = !unchecked && flips.iter().any(|(at, _)| *at >= 512 && *at < cut);
        prop_assert!(!harmed || diagnostics.damaged > 0, "{:?} went unnoticed", flips);
    }

    #[test]
    fn any_bytes_end_without_panic(seed in any::<u64>(), flips in 1usize..200) {
        let template = event(vec![element("EventData", vec![data("A", X::Slot(2, false)), X::Slot(3, true)])]);
        let mut chunk = Chunk::new();
        let inner = element("Extra", vec![X::Slot(0, true)]);
        for i in 0..20 {
            chunk.nested(&template, &[head(i), vec![text("v")]].concat(), &inner, &[(0x81, wide("a\0b\0"))]);
        }
        let mut bytes = chunk.finish();
        let used = chunk.len();
        let mut state = seed | 1;
        for _ in 0..flips {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let at = (state >> 33) as usize % used;
            bytes[at] = (state >> 24) as u8;
        }
        let _ = read(&bytes);
    }
}
