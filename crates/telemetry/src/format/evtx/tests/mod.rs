//! The reader against the reference implementation's own rendering, on recordings and on chunks written here, whole
//! and damaged.

#![allow(clippy::unwrap_used)]

mod damage;
mod sample;

use std::collections::BTreeMap;

use evtx::{EvtxParser, ParserSettings};
use proptest::prelude::*;
use serde_json::Value as Json;

use crate::diagnostics::Diagnostics;
use crate::filter::RowFilter;
use crate::table::batch_builder::BatchBuilder;
use crate::table::header;
use crate::table::plan::Plan;
use crate::{probe, testing};
use sample::{Chunk, Typed, X, data, element, event, file, head, text, wide};

type Row = BTreeMap<String, String>;

fn read(chunks: &[u8]) -> (Vec<Row>, Diagnostics) {
    let (batch, diagnostics) = probe::evtx(chunks, &probe::evtx_plan(chunks));
    (
        batch.as_ref().map_or_else(Vec::new, testing::rows),
        diagnostics,
    )
}

/// Every value of a record as the reference shows it: column, text.
fn expected(json: &Json) -> Vec<(String, String)> {
    let mut out = Vec::new();
    let event = json["Event"].as_object().unwrap();
    for (key, value) in event {
        match key.as_str() {
            "#attributes" => leaves("", value, &mut out),
            "System" => leaves("System", value, &mut out),
            "EventData" => leaves("", value, &mut out),
            "UserData" => {
                for (wrapper, value) in value.as_object().into_iter().flatten() {
                    let local = wrapper.rsplit(':').next().unwrap();
                    out.push(("UserData".to_owned(), local.to_owned()));
                    leaves("", value, &mut out);
                }
            }
            other => leaves(other, value, &mut out),
        }
    }
    out
}

fn leaves(path: &str, value: &Json, out: &mut Vec<(String, String)>) {
    let leaf = |text: String, out: &mut Vec<_>| {
        if !(text.is_empty() && (path.is_empty() || path.starts_with("System"))) {
            out.push((path.to_owned(), text));
        }
    };
    match value {
        Json::Null => leaf(String::new(), out),
        Json::Bool(b) => leaf(b.to_string(), out),
        Json::Number(n) => leaf(n.to_string(), out),
        Json::String(s) => leaf(s.clone(), out),
        Json::Array(items) => items.iter().for_each(|v| leaves(path, v, out)),
        Json::Object(map) => {
            for (key, v) in map {
                match key.as_str() {
                    "#attributes" | "#text" => leaves(path, v, out),
                    // Namespaces are part of names.
                    key if key == "xmlns" || key.starts_with("xmlns:") => {}
                    _ if path.is_empty() => leaves(key, v, out),
                    _ => leaves(&format!("{path}.{key}"), v, out),
                }
            }
        }
    }
}

/// The columns that may hold a value at this path.
fn columns(path: &str) -> Vec<String> {
    let lower = path.to_lowercase();
    let mut names = Vec::new();
    if let Some(feed) = header::feed(&lower).filter(|_| lower.starts_with("system.")) {
        names.push(
            header::columns()[usize::from(feed.column)]
                .name
                .to_lowercase(),
        );
    }
    names.extend([lower.clone(), format!("eventdata.{lower}")]);
    if lower == "system.provider.guid" {
        names.push("providerguid".to_owned());
    }
    // The reference numbers repeated elements from 1 behind an underscore; here values are numbered from 2, each field
    // for itself, behind the whole name.
    let mut repeated = vec![lower.clone()];
    for (i, part) in lower.split('.').enumerate() {
        if let Some((name, n)) = part.rsplit_once('_')
            && n.parse::<u32>().is_ok()
        {
            let mut parts: Vec<_> = lower.split('.').collect();
            parts[i] = name;
            repeated.push(parts.join("."));
        }
    }
    for name in repeated {
        names.push(name.clone());
        for n in 2..100 {
            names.push(format!("{name}#{n}"));
            names.push(format!("eventdata.{name}#{n}"));
        }
    }
    names
}

/// Takes every expected value out of the row and fails over what is missing or left.
fn compare(mut row: Row, json: &Json, at: &str) {
    row.remove("source_file");
    row.remove("source_offset");
    for (path, text) in expected(json) {
        let found = columns(&path).into_iter().find(|c| {
            row.get(c).is_some_and(|v| {
                *v == text
                    || (crate::value::time::parse(v).is_some()
                        && c == "timecreated"
                        && crate::value::time::parse(v) == crate::value::time::parse(&text))
                    || same_number(v, &text)
            })
        });
        match found {
            Some(column) => row.remove(&column),
            None => panic!("{at}: no {path} = {text:?} in {row:?}\n{json:#}"),
        };
    }
    assert!(row.is_empty(), "{at}: {row:?} is in no\n{json:#}");
}

/// JSON numbers lose their spelling on the way through the comparison.
fn same_number(a: &str, b: &str) -> bool {
    a.contains(['.', 'e']) && a.parse::<f64>().is_ok_and(|a| b.parse() == Ok(a))
}

fn reference(file: Vec<u8>) -> Vec<Json> {
    let settings = ParserSettings::default().num_threads(1);
    let mut parser = EvtxParser::from_buffer(file)
        .unwrap()
        .with_configuration(settings);
    parser
        .records_json_value()
        .map(|r| r.unwrap().data)
        .collect()
}

fn agree(chunks: &[u8]) {
    let (rows, diagnostics) = read(chunks);
    assert_eq!(diagnostics.listed[..], []);
    let json = reference(file(chunks));
    assert_eq!(rows.len(), json.len());
    for (i, (row, json)) in rows.into_iter().zip(&json).enumerate() {
        compare(row, json, &format!("record {i}"));
    }
}

#[test]
fn every_value_of_every_recording_is_in_the_table() {
    let Some(folder) = testing::shared("data/evtx") else {
        return;
    };
    let mut records = 0;
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    paths.sort();
    for path in paths
        .iter()
        .filter(|p| p.extension().is_some_and(|e| e == "evtx"))
    {
        let bytes = std::fs::read(path).unwrap();
        let (rows, diagnostics) = read(&bytes[4096..]);
        assert_eq!(diagnostics.listed[..], [], "{}", path.display());
        let json = reference(bytes);
        assert_eq!(rows.len(), json.len(), "{}", path.display());
        for (row, json) in rows.into_iter().zip(&json) {
            compare(row, json, &path.display().to_string());
            records += 1;
        }
    }
    println!("{records} records compared");
    assert!(records > 0);
}

#[test]
fn what_is_compiled_is_what_is_walked() {
    let Some(folder) = testing::shared("data/evtx") else {
        return;
    };
    for entry in std::fs::read_dir(folder).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        let plan = probe::evtx_plan(&bytes[4096..]);
        let mut walked = BatchBuilder::new(&plan);
        super::read(
            &bytes[4096..],
            4096,
            "probe.evtx",
            super::EvtxOptions {
                walk: true,
                recover: false,
            },
            &mut super::Templates::default(),
            &mut walked,
            &mut Diagnostics::default(),
        );
        let (compiled, _) = probe::evtx(&bytes[4096..], &plan);
        assert_eq!(
            compiled.as_ref().map(testing::rows),
            walked.finish().as_ref().map(testing::rows)
        );
    }
}

#[test]
fn a_chunk_written_here_reads_as_the_reference_reads_it() {
    let template = event(vec![element(
        "EventData",
        vec![
            data("Image", X::Slot(2, false)),
            data("Rule", X::Slot(3, true)),
            X::Element(
                "Data",
                vec![("Name", X::Text("Gone"))],
                vec![X::Slot(2, false)],
                Some(3),
            ),
            data("Mixed", X::Text("literal")),
            X::Element(
                "Binary",
                vec![("Length", X::Slot(4, false)), ("Unit", X::Slot(3, true))],
                vec![X::Slot(5, false)],
                None,
            ),
            X::Element(
                "Data",
                vec![("Name", X::Text("Pieces"))],
                vec![
                    X::Text("a "),
                    X::Entity("amp"),
                    X::Char(0x263a),
                    X::Slot(2, false),
                    X::Cdata("<b>"),
                ],
                None,
            ),
        ],
    )]);
    let mut chunk = Chunk::new();
    for i in 0..5u16 {
        let mut values = head(i);
        values.push(text("C:\\Windows\\é\u{1F600}.exe"));
        values.push(if i % 2 == 0 {
            (0, vec![])
        } else {
            text("rule\0ignored")
        });
        values.push((0x08, 4u32.to_le_bytes().to_vec()));
        values.push((0x0e, vec![0xca, 0xfe]));
        chunk.record(&template, &values);
    }
    let data = chunk.finish();
    agree(&data);
    let (rows, _) = read(&data);
    let row = &rows[1];
    assert_eq!(row["eventid"], "1");
    assert_eq!(row["image"], "C:\\Windows\\é\u{1F600}.exe");
    assert_eq!(row["rule"], "rule");
    assert_eq!(row["gone"], row["image"]);
    assert_eq!(row["binary"], "CAFE");
    assert_eq!(row["binary.length"], "4");
    assert_eq!(row["pieces"], "a &\u{263a}C:\\Windows\\é\u{1F600}.exe<b>");
    assert_eq!(rows[0]["rule"], "");
    assert!(!rows[0].contains_key("gone"));
    assert!(!row.contains_key("system.security"));
    let start = chunk.starts[1] as u64 + 4096;
    assert_eq!(row["source_offset"], start.to_string());
}

#[test]
fn a_template_is_known_again_by_what_it_says() {
    let of = |a, b: X| {
        event(vec![element(
            "EventData",
            vec![data(a, X::Slot(2, false)), b],
        )])
    };
    // Alike in size and identifier, and each says something else.
    let ways = [
        of("A", data("B", X::Slot(3, false))),
        of("B", data("A", X::Slot(3, false))),
        of("A", data("B", X::Slot(3, true))),
        of("A", data("B", X::Text("1"))),
        of("A", data("B", X::Text("2"))),
        of("A", element("B", vec![X::Slot(3, false)])),
        // One that is walked, as no step says what it does.
        of("A", element("B", vec![X::Char(0x263a), X::Slot(3, false)])),
    ];
    let mut chunks = Vec::new();
    // In every chunk another template comes first and brings the names that the others point at.
    for first in 0..2 * ways.len() {
        let mut chunk = Chunk::new();
        for round in 0..2 {
            for n in 0..ways.len() {
                let way = &ways[(first + n) % ways.len()];
                let values = [text("first"), text(["", "second"][round])];
                chunk.record_of(n, way, &[head(n as u16), values.to_vec()].concat());
            }
        }
        chunks.extend(chunk.finish());
    }
    agree(&chunks);
    let mut rows = BatchBuilder::new(&probe::evtx_plan(&chunks));
    let mut templates = super::Templates::default();
    let mut diagnostics = Diagnostics::default();
    super::read(
        &chunks,
        4096,
        "probe.evtx",
        super::EvtxOptions::default(),
        &mut templates,
        &mut rows,
        &mut diagnostics,
    );
    assert_eq!(diagnostics.damaged, 0);
    assert_eq!(templates.count(), ways.len() - 1);
}

#[test]
fn values_that_settle_otherwise_do_not_go_where_those_before_went() {
    // A second channel beside the one in `System`: whether it has a column depends on what both say.
    let template = event(vec![element("Channel", vec![X::Slot(2, false)])]);
    let number = |n: u16| (0x06, n.to_le_bytes().to_vec());
    let large = (0x0a, u64::MAX.to_le_bytes().to_vec());
    let records = [
        (number(1), "Test"),
        (number(2), "Test"),
        (number(3), "Other"),
        (text("none"), "Test"),
        (text("5"), "Test"),
        (large, "Test"),
        (number(7), ""),
        ((0, Vec::new()), "Test"),
        (number(9), "Test"),
    ];
    let mut chunk = Chunk::new();
    for (id, channel) in records {
        let mut values = head(0);
        values[0] = id;
        values.push(text(channel));
        chunk.record(&template, &values);
    }
    // The same again, now that all of it was seen.
    let chunks = [chunk.finish(), chunk.finish()].concat();
    let (rows, diagnostics) = read(&chunks);
    assert_eq!(diagnostics.damaged, 0);
    let shown = |column: &str| -> Vec<&str> {
        let half = rows.len() / 2;
        let shown = |rows: &'_ [Row]| {
            let texts = rows.iter().map(|r| r.get(column).cloned());
            texts.collect::<Vec<_>>()
        };
        assert_eq!(shown(&rows[..half]), shown(&rows[half..]));
        let texts = rows[..half].iter().map(|r| r.get(column));
        texts.map(|t| t.map_or("-", String::as_str)).collect()
    };
    assert_eq!(
        shown("eventid"),
        ["1", "2", "3", "-", "5", "-", "7", "-", "9"]
    );
    let raw = ["-", "-", "-", "none", "-", "18446744073709551615", "-"];
    assert_eq!(shown("system.eventid#raw")[..7], raw);
    assert_eq!(shown("channel"), ["Test"; 9]);
    let raw = ["-", "-", "Other", "-", "-", "-", "", "-", "-"];
    assert_eq!(shown("channel#raw"), raw);
}

#[test]
fn data_without_names_is_numbered() {
    let array = (0x81, wide("one\0two\0\0four\0"));
    let unnamed = || element("Data", vec![X::Slot(2, false)]);
    let mut chunk = Chunk::new();
    chunk.record(
        &event(vec![element("EventData", vec![unnamed()])]),
        &[head(1), vec![array.clone()]].concat(),
    );
    agree(&chunk.finish());
    // Beside named data the reference leaves it out; here it stays.
    let template = event(vec![element(
        "EventData",
        vec![data("A", X::Text("a")), unnamed()],
    )]);
    let mut chunk = Chunk::new();
    chunk.record(&template, &[head(1), vec![array]].concat());
    let (rows, _) = read(&chunk.finish());
    let values = ["a", "data", "data#2", "data#3", "data#4"].map(|c| rows[0][c].as_str());
    assert_eq!(values, ["a", "one", "two", "", "four"]);
    let plan = Plan {
        columns: vec!["data#4".into()],
        filter: RowFilter {
            clauses: vec![vec![crate::filter::Atom {
                column: "data#2".into(),
                test: crate::filter::Test::TextIn(vec!["two".into()]),
            }]],
        },
        discover: false,
    };
    let (batch, _) = probe::evtx(&chunk.finish(), &plan);
    assert_eq!(testing::rows(&batch.unwrap())[0]["data#4"], "four");
}

#[test]
fn event_data_in_a_template_of_its_own_is_read_in_its_place() {
    let outer = event(vec![X::Slot(2, true)]);
    let event_data = element(
        "EventData",
        vec![data("A", X::Slot(0, false)), data("B", X::Slot(1, false))],
    );
    let user_data = element(
        "UserData",
        vec![X::Element(
            "x:Cleared",
            vec![("xmlns:x", X::Text("urn:x"))],
            vec![
                element("SubjectUserName", vec![X::Slot(0, false)]),
                element("Nested", vec![element("Deep", vec![X::Slot(1, false)])]),
            ],
            None,
        )],
    );
    for inner in [event_data, user_data] {
        let mut chunk = Chunk::new();
        for i in 0..3 {
            chunk.nested(
                &outer,
                &head(i),
                &inner,
                &[text("first"), (0x14, vec![0xff, 0x1f, 0, 0])],
            );
        }
        let data = chunk.finish();
        agree(&data);
        let (rows, _) = read(&data);
        assert_eq!(rows.len(), 3);
        match rows[2].get("userdata") {
            Some(name) => {
                assert_eq!(name, "Cleared");
                assert_eq!(rows[2]["subjectusername"], "first");
                assert_eq!(rows[2]["nested.deep"], "0x1fff");
            }
            None => assert_eq!((&*rows[2]["a"], &*rows[2]["b"]), ("first", "0x1fff")),
        }
    }
}

#[test]
fn a_filter_drops_records_and_a_plan_keeps_columns() {
    let template = event(vec![element(
        "EventData",
        vec![data("A", X::Slot(2, false)), data("B", X::Slot(2, false))],
    )]);
    let mut chunk = Chunk::new();
    for i in 0..10 {
        chunk.record(&template, &[head(i), vec![text("v")]].concat());
    }
    let plan = Plan {
        columns: vec!["b".into(), "eventid".into()],
        filter: RowFilter {
            clauses: vec![vec![crate::filter::Atom {
                column: "eventid".into(),
                test: crate::filter::Test::IntIn(vec![3, 5]),
            }]],
        },
        discover: false,
    };
    let (batch, _) = probe::evtx(&chunk.finish(), &plan);
    let rows = testing::rows(&batch.unwrap());
    let row = |id: &str| Row::from([("b".into(), "v".into()), ("eventid".into(), id.into())]);
    assert_eq!(rows, vec![row("3"), row("5")]);
}

fn typed() -> impl Strategy<Value = Typed> {
    let bytes = |kind: u8, len: usize| {
        proptest::collection::vec(any::<u8>(), len)
            .prop_map(move |b| (kind, b))
            .boxed()
    };
    let units = |kind: u8| {
        proptest::collection::vec(any::<u16>(), 0..40)
            .prop_map(move |u| (kind, u.into_iter().flat_map(u16::to_le_bytes).collect()))
            .boxed()
    };
    let mut kinds = vec![
        Just((0x00, vec![])).boxed(),
        "[ -~é日😀]{0,60}".prop_map(|t| text(&t)).boxed(),
        "[a-c\0]{0,20}".prop_map(|t| text(&t)).boxed(),
        units(0x01),
        proptest::collection::vec(any::<u8>(), 0..40)
            .prop_map(|b| (0x02, b))
            .boxed(),
        proptest::collection::vec(any::<u8>(), 0..80)
            .prop_map(|b| (0x0e, b))
            .boxed(),
        "([a-z]{0,5}\0){0,5}".prop_map(|t| (0x81, wide(&t))).boxed(),
        (0u8..2).prop_map(|b| (0x0d, vec![b, 0, 0, 0])).boxed(),
        (0u8..5)
            .prop_flat_map(|n| {
                proptest::collection::vec(any::<u8>(), 6 + 4 * usize::from(n))
                    .prop_map(move |rest| (0x13, [vec![1, n], rest].concat()))
            })
            .boxed(),
        (proptest::collection::vec(1u16..3000, 8))
            .prop_map(|f| (0x12, f.into_iter().flat_map(u16::to_le_bytes).collect()))
            .boxed(),
    ];
    for (kind, len) in [
        (0x03, 1),
        (0x04, 1),
        (0x05, 2),
        (0x06, 2),
        (0x07, 4),
        (0x08, 4),
        (0x09, 8),
        (0x0a, 8),
        (0x0d, 4),
        (0x0f, 16),
        (0x10, 4),
        (0x10, 8),
        (0x11, 8),
        (0x12, 16),
        (0x14, 4),
        (0x15, 8),
        (0x83, 3),
        (0x84, 2),
        (0x85, 4),
        (0x86, 4),
        (0x87, 8),
        (0x88, 12),
        (0x89, 16),
        (0x8a, 16),
        (0x8d, 8),
        (0x8f, 32),
        (0x91, 16),
        (0x92, 32),
        (0x94, 8),
        (0x95, 8),
    ] {
        kinds.push(bytes(kind, len));
    }
    proptest::strategy::Union::new(kinds)
}

proptest! {
    #[test]
    fn values_of_every_type_are_shown_as_the_reference_shows_them(
        values in proptest::collection::vec((typed(), typed(), typed()), 1..6),
    ) {
        let template = event(vec![element(
            "EventData",
            vec![
                data("A", X::Slot(2, false)),
                data("B", X::Slot(3, true)),
                X::Element("C", vec![("attribute", X::Slot(4, true))], vec![X::Text("c")], None),
                X::Element("D", vec![], vec![X::Text("<"), X::Slot(2, true), X::Text(">")], Some(3)),
            ],
        )]);
        let mut chunk = Chunk::new();
        for (i, (a, b, c)) in values.into_iter().enumerate() {
            chunk.record(&template, &[head(i as u16), vec![a, b, c]].concat());
        }
        agree(&chunk.finish());
    }

    #[test]
    fn real_numbers_are_shown_as_the_reference_shows_them(a in any::<f32>(), b in any::<f64>()) {
        prop_assume!(a.is_finite() && b.is_finite());
        let template = event(vec![element("EventData", vec![data("A", X::Slot(2, false)), data("B", X::Slot(3, false))])]);
        let mut chunk = Chunk::new();
        let values = vec![(0x0b, a.to_le_bytes().to_vec()), (0x0c, b.to_le_bytes().to_vec())];
        chunk.record(&template, &[head(1), values].concat());
        let (rows, _) = read(&chunk.finish());
        prop_assert_eq!(rows[0]["a"].parse(), Ok(a));
        prop_assert_eq!(rows[0]["b"].parse(), Ok(b));
    }
}
