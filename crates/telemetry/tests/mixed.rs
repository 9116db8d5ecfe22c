//! Files put together from others, and bytes between records that belong to none: every record is read, and the bytes are
//! told of.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Table, file, read, read_with};
use proptest::prelude::*;
use telemetry::Options;

fn line(n: usize) -> String {
    format!("{{\"EventID\":{n},\"Channel\":\"Security\"}}\n")
}

fn pretty(n: usize) -> String {
    format!(
        "{{\n  \"EventID\": {n},\n  \"Channel\": \"Security\",\n  \"Data\": {{\n    \"a\": \"b\"\n  }}\n}}\n"
    )
}

fn xml(n: usize) -> String {
    format!("<Event><System><EventID>{n}</EventID><Channel>Security</Channel></System></Event>")
}

fn ids(table: &Table) -> Vec<usize> {
    let ids = table.column("eventid").into_iter().flatten();
    ids.map(|id| id.parse().unwrap()).collect()
}

/// The text of records of these kinds, one after the other: 0 line, 1 over many lines, 2 event XML, 3 a document of it.
fn text(kinds: &[usize]) -> String {
    let record = |(n, kind): (usize, &usize)| match kind {
        0 => line(n),
        1 => pretty(n),
        2 => xml(n) + "\n",
        _ => format!("<?xml version=\"1.0\"?>\n<Events>\n{}\n</Events>\n", xml(n)),
    };
    kinds.iter().enumerate().map(record).collect()
}

fn check(kinds: &[usize], options: Options) {
    let text = text(kinds);
    let (_guard, path) = file("x", text.as_bytes());
    let table = read_with(&[path], options);
    assert_eq!(
        ids(&table),
        (0..kinds.len()).collect::<Vec<_>>(),
        "{kinds:?}"
    );
    let told = &table.report.diagnostics;
    assert_eq!(told.damaged, 0, "{kinds:?}: {:?}", told.listed);
}

#[test]
fn xml_and_json_in_one_file() {
    for kinds in [
        &[2, 2, 0, 0][..],
        &[0, 0, 2, 2],
        &[3, 1, 1],
        &[1, 3, 1, 2, 0],
        &[2, 0, 2, 0, 2],
        &[3, 3, 0, 3],
    ] {
        check(kinds, Options::default());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// However they follow each other, and wherever blocks are cut.
    #[test]
    fn records_of_all_kinds_in_any_order(
        kinds in prop::collection::vec(0usize..4, 1..30),
        block in 64usize..1000,
    ) {
        let mut options = Options::default();
        options.limits.block = block;
        check(&kinds, options);
    }
}

#[test]
fn bytes_between_records_cost_no_record() {
    let junk: [&[u8]; 3] = [&[0; 40], b"\x01\xff\xfe\x80junk", b"\0\0{ x \0"];
    for junk in junk {
        for end in [&b""[..], b"\n"] {
            let between = [junk, end].concat();
            let mixed = |records: [Vec<u8>; 3]| records.join(&between[..]);
            let json = mixed([1, 2, 3].map(|n| line(n).into_bytes()));
            let xml = mixed([1, 2, 3].map(|n| (xml(n) + "\n").into_bytes()));
            for (kind, bytes) in [("JSON", json), ("XML", xml)] {
                let (_guard, path) = file("x", &bytes);
                let table = read(&[path]);
                let told = &table.report.diagnostics;
                assert_eq!(
                    ids(&table),
                    [1, 2, 3],
                    "{kind} {junk:?} {end:?}: {:?}",
                    told.listed
                );
                assert_eq!(
                    told.damaged, 2,
                    "{kind} {junk:?} {end:?}: {:?}",
                    told.listed
                );
            }
        }
    }
    // In front of the first and behind the last.
    for bytes in [
        [&[0; 700][..], line(1).as_bytes(), line(2).as_bytes()].concat(),
        [line(1).as_bytes(), line(2).as_bytes(), &[0; 700][..]].concat(),
    ] {
        let (_guard, path) = file("x", &bytes);
        let table = read(&[path]);
        assert_eq!(ids(&table), [1, 2]);
        assert_eq!(table.report.diagnostics.damaged, 1);
    }
}
