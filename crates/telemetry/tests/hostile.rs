//! Inputs from compromised machines: whatever is wrong with a file, reading ends, the rest is read, and what is wrong is
//! named.
#![allow(clippy::unwrap_used)]

mod common;

use std::io::Write;

use common::{file, read, read_with, shared};
use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use telemetry::{Limits, Options, Plan, Problem, Scan, discover};

fn event(n: usize) -> String {
    format!(
        r#"{{"EventID":{n},"Channel":"Security","Hostname":"h","@timestamp":"2020-08-07T18:32:07.555Z"}}"#
    )
}

fn gz(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn small() -> Options {
    let limits = Limits {
        record: 1 << 20,
        block: 64 << 10,
        expansion_floor: 1 << 20,
        ..Limits::default()
    };
    Options {
        limits,
        ..Options::default()
    }
}

/// More than is buffered for a consumer that does not come.
#[test]
fn a_scan_that_nobody_reads_ends_when_it_is_dropped() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    for n in 0..20_000 {
        writeln!(file, "{}", event(n)).unwrap();
    }
    let origins = discover(&[file.path().to_owned()]).unwrap();
    for wait in [0, 1, 30] {
        let options = Options {
            limits: Limits {
                buffered: 1 << 10,
                ..small().limits
            },
            ..Options::default()
        };
        let plan = Plan::of(vec!["eventid".to_owned()]);
        let scan = Scan::new(origins.clone(), plan, options);
        std::thread::sleep(std::time::Duration::from_millis(wait));
        drop(scan);
    }
}

fn problems(report: &telemetry::Report) -> Vec<Problem> {
    report
        .diagnostics
        .listed
        .iter()
        .map(|d| d.problem.clone())
        .collect()
}

#[test]
fn a_half_written_line_costs_itself() {
    let text = format!(
        "\u{feff}{}\r\n\r\n{}\r\n{}",
        event(1),
        event(2),
        &event(3)[..40]
    );
    let (_guard, path) = file("log", text.as_bytes());
    let table = read(&[path]);
    assert_eq!(table.rows(), 2);
    assert_eq!(
        table.report.diagnostics.damaged, 1,
        "{:?}",
        table.report.diagnostics.listed
    );
}

#[test]
fn a_broken_line_among_many_costs_itself() {
    let lines: Vec<String> = (0..1000)
        .map(|n| {
            if n == 500 {
                "{\"EventID\": oops}".to_owned()
            } else {
                event(n)
            }
        })
        .collect();
    let (_guard, path) = file("log", lines.join("\n").as_bytes());
    let table = read(&[path]);
    assert_eq!(table.rows(), 999);
    let listed = &table.report.diagnostics.listed;
    assert_eq!(listed.len(), 1);
    let before: usize = lines[..500].iter().map(|l| l.len() + 1).sum();
    assert_eq!(listed[0].offset, Some(before as u64 + 12));
}

#[test]
fn an_endless_line_ends_its_file_only() {
    let folder = tempfile::tempdir().unwrap();
    let endless = format!("{}\n{{\"Message\":\"{}", event(1), "x".repeat(3 << 20));
    std::fs::write(folder.path().join("a"), endless).unwrap();
    std::fs::write(folder.path().join("b"), event(2)).unwrap();
    let table = read_with(&[folder.path().to_owned()], small());
    assert_eq!(
        table.column("eventid"),
        [Some("1".to_owned()), Some("2".to_owned())]
    );
    assert_eq!(problems(&table.report), [Problem::TooLong(1 << 20)]);
}

#[test]
fn a_bomb_ends_its_file_only() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.gz"), gz(&vec![b'\n'; 64 << 20])).unwrap();
    std::fs::write(folder.path().join("b.gz"), gz(event(2).as_bytes())).unwrap();
    let table = read_with(&[folder.path().to_owned()], small());
    assert_eq!(table.rows(), 1);
    assert!(
        matches!(problems(&table.report)[..], [Problem::Bomb { .. }]),
        "{:?}",
        problems(&table.report)
    );
}

#[test]
fn archives_in_archives_end_somewhere() {
    let mut content = gz(event(1).as_bytes());
    for _ in 0..2 {
        content = gz(&content);
    }
    let (_guard, path) = file("three", &content);
    assert_eq!(read(&[path]).rows(), 1);
    for _ in 0..10 {
        content = gz(&content);
    }
    let (_guard, path) = file("many", &content);
    let table = read(&[path]);
    assert_eq!(table.rows(), 0);
    assert_eq!(problems(&table.report), [Problem::TooDeep]);
}

#[test]
fn names_in_archives_are_shown_and_never_used() {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for name in ["../../escape.json", "__MACOSX/._x.json", "a/._x.json"] {
        archive
            .start_file(name, zip::write::SimpleFileOptions::default())
            .unwrap();
        archive.write_all(event(1).as_bytes()).unwrap();
    }
    let (guard, path) = file("x.zip", &archive.finish().unwrap().into_inner());
    let table = read(&[path]);
    assert_eq!(table.rows(), 1, "resource forks are no data");
    assert!(
        table.column("source_file")[0]
            .as_ref()
            .unwrap()
            .ends_with("x.zip/../../escape.json")
    );
    assert_eq!(
        std::fs::read_dir(guard.path()).unwrap().count(),
        1,
        "nothing was written"
    );
}

#[test]
fn damaged_compression_gives_what_it_can() {
    let text: String = (0..20_000).map(|n| event(n) + "\n").collect();
    let whole = gz(text.as_bytes());
    let (_guard, path) = file("x.gz", &whole[..whole.len() / 2]);
    let table = read(&[path]);
    assert!(table.rows() > 1000, "{}", table.rows());
    assert!(table.report.diagnostics.damaged > 0);
}

#[test]
fn deep_nesting_stays_text() {
    let deep = format!(
        r#"{{"EventID":1,"x":{}1{}}}"#,
        "{\"y\":".repeat(10_000),
        "}".repeat(10_000)
    );
    let lists = format!(
        r#"{{"EventID":2,"x":{}{}}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    let (_guard, path) = file("log", format!("{deep}\n{lists}\n").as_bytes());
    assert_eq!(read(&[path]).rows(), 2);
}

#[test]
fn very_many_keys_are_bounded_and_told() {
    let lines: String = (0..1200)
        .map(|l| {
            let keys: String = (0..1000).map(|k| format!("\"k{l}_{k}\":1,")).collect();
            format!("{{{keys}\"EventID\":1}}\n")
        })
        .collect();
    let (_guard, path) = file("log", lines.as_bytes());
    let mut scan = Scan::new(
        discover(&[path]).unwrap(),
        Plan::discovery(),
        Options::default(),
    );
    let records: usize = (&mut scan).map(|b| b.num_rows()).sum();
    assert_eq!(records, 1200);
    let report = scan.report();
    assert!(report.fields.len() <= 600_000);
    assert!(
        report
            .diagnostics
            .listed
            .iter()
            .any(|d| matches!(d.problem, Problem::TooManyFields(_))),
        "{:?}",
        report.diagnostics.listed
    );
}

/// Real files of every format, broken in every way.
#[test]
fn broken_recordings_of_every_format_are_survived() {
    let Some(shared) = shared("data") else { return };
    let mut originals = Vec::new();
    for name in [
        "security-datasets/cmd_lsass_memory_dumpert_syscalls.zip",
        "security-datasets/covenant_persistwmi.tar.gz",
        "evtx/sysmon_10_1_ppid_spoofing.evtx",
    ] {
        originals.push((name, std::fs::read(shared.join(name)).unwrap()));
    }
    let folder = tempfile::tempdir().unwrap();
    for (name, original) in originals {
        let flip = |every: usize| {
            let mut bytes = original.clone();
            bytes.iter_mut().step_by(every).for_each(|b| *b ^= 0x55);
            bytes
        };
        let mut cases = vec![
            Vec::new(),
            vec![0; 100_000],
            original[..original.len() / 2].to_vec(),
            original[..100].to_vec(),
        ];
        cases.extend([7, 97, 997, 9973, 49_999].map(flip));
        cases.push([&b"{\"EventID\":1}\n"[..], &original].concat());
        for (i, case) in cases.iter().enumerate() {
            let path = folder.path().join(format!("{i}.json"));
            std::fs::write(&path, case).unwrap();
            let table = read(&[path]);
            let told = &table.report.diagnostics;
            let damaged = told.damaged + told.no_logs_count > 0;
            assert!(
                damaged || table.rows() > 0 || case.is_empty() || case.iter().all(|b| *b == 0),
                "{name} case {i} says nothing"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..4000), lead in prop::sample::select(vec![&b""[..], b"{", b"[{", b"<Event>", b"ElfFile\0", b"ElfChnk\0", b"PAR1", b"PK\x03\x04", b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"\xff\xfe"])) {
        let (_guard, path) = file("x", &[lead, &bytes].concat());
        let _ = read(&[path]);
    }

    #[test]
    fn json_with_bytes_changed_is_survived(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20)) {
        let mut bytes: Vec<u8> = (0..50).flat_map(|n| (event(n) + "\n").into_bytes()).collect();
        for (index, byte) in changes {
            let i = index.index(bytes.len());
            bytes[i] = byte;
        }
        let (_guard, path) = file("x", &bytes);
        let table = read(&[path]);
        prop_assert!(table.rows() <= 60);
    }
}
