//! Parquet gives back what was written, whoever reads at the same time.
#![allow(clippy::unwrap_used)]

mod common;

use common::{file, read};
use telemetry::parquet::{Writer, column_names};
use telemetry::{Atom, Options, Plan, RowFilter, Scan, Test, discover};

const EVENTS: usize = 300_000;

/// A file of several row groups, and how many of its events have the id 8.
fn written() -> (tempfile::TempDir, std::path::PathBuf, usize) {
    let lines: String = (0..EVENTS)
        .map(|n| format!("{{\"EventID\":{},\"Channel\":\"c{}\",\"RecordNumber\":{n},\"Image\":\"C:\\\\{}.exe\"}}\n", n % 30, n % 7, n % 997))
        .collect();
    let (guard, log) = file("log.json", lines.as_bytes());
    let origins = discover(&[log]).unwrap();
    let columns = column_names(&["Image".to_owned()]);
    let plan = Plan::of(columns.iter().map(|c| c.to_lowercase()).collect());
    let path = guard.path().join("out.parquet");
    let mut writer = Writer::create(&path, &columns, false).unwrap();
    for batch in Scan::new(origins, plan, Options::default()) {
        writer.write(&batch).unwrap();
    }
    assert_eq!(writer.close().unwrap(), (EVENTS as u64, 1));
    (guard, path, (0..EVENTS).filter(|n| n % 30 == 8).count())
}

#[test]
fn readers_side_by_side_do_not_disturb_each_other() {
    let (_guard, path, eights) = written();
    let atom = Atom {
        column: "eventid".to_owned(),
        test: Test::IntIn(vec![8]),
    };
    let plan = Plan {
        columns: vec!["eventrecordid".to_owned(), "image".to_owned()],
        filter: RowFilter {
            clauses: vec![vec![atom]],
        },
        discover: false,
    };
    for _ in 0..20 {
        let options = Options {
            threads: 4,
            ..Options::default()
        };
        let mut scan = Scan::new(
            discover(std::slice::from_ref(&path)).unwrap(),
            plan.clone(),
            options,
        );
        let rows: usize = (&mut scan).map(|b| b.num_rows()).sum();
        assert_eq!(scan.report().diagnostics.listed, []);
        assert_eq!(rows, eights);
    }
}

#[test]
fn a_damaged_file_is_named() {
    let (guard, path, _) = written();
    let whole = std::fs::read(&path).unwrap();
    for (name, bytes) in [("cut", &whole[..whole.len() / 2]), ("short", &whole[..10])] {
        let broken = guard.path().join(name);
        std::fs::write(&broken, bytes).unwrap();
        assert_eq!(read(&[broken]).report.diagnostics.count, 1);
    }
    let mut flipped = whole.clone();
    flipped.iter_mut().step_by(331).for_each(|b| *b ^= 0x5a);
    let broken = guard.path().join("flipped");
    std::fs::write(&broken, flipped).unwrap();
    let table = read(&[broken]);
    assert!(table.report.diagnostics.count > 0);
}
