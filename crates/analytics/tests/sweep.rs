//! One reading for many queries: it is one, its rows are those of each query alone, and it tells what was there.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use analytics::{Engine, Error, Prepared, Sweep, SweepColumns, pack};
use telemetry::Options;

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples")
}

/// What a sweep found, how many events were read for it, and the rows of each query.
fn sweep(paths: &[PathBuf], queries: &[&str], columns: &SweepColumns) -> (Sweep, u64, Vec<usize>) {
    let options = Options::default();
    let progress = options.progress.clone();
    let engine = Engine::new(paths, &[], options).unwrap();
    let prepared: Vec<Prepared> = engine
        .prepare_sweep(queries.iter().copied(), columns)
        .into_iter()
        .map(Result::unwrap)
        .collect();
    let all: Vec<&Prepared> = prepared.iter().collect();
    let mut seen = 0;
    let swept = engine.sweep(&all, columns, |batch, sources| {
        assert_eq!(sources.of_row.len(), batch.num_rows());
        seen += batch.num_rows() as u64;
        Ok::<_, Error>(())
    });
    let rows = engine.run_all(&prepared, |_, answer| {
        let rows = answer.map(|batch| batch.map(|b| b.num_rows()));
        rows.sum::<Result<usize, Error>>()
    });
    let swept = swept.unwrap();
    let counted: u64 = swept.census.iter().map(|(_, n)| n).sum();
    assert_eq!(counted, seen);
    (
        swept,
        progress.records.load(Ordering::Relaxed),
        rows.unwrap(),
    )
}

fn alone(query: &str) -> usize {
    let engine = Engine::new(&[samples()], &[], Options::default()).unwrap();
    let (_, answer) = engine.query(query).unwrap();
    answer.map(|batch| batch.unwrap().num_rows()).sum()
}

#[test]
fn a_pack_is_read_once_and_finds_what_its_hunts_find_alone() {
    let hunts = pack::built_in().unwrap();
    let queries: Vec<&str> = hunts.iter().map(|h| h.sql.as_str()).collect();
    let expected: Vec<usize> = queries.iter().map(|q| alone(q)).collect();
    assert!(expected.iter().all(|n| *n > 0), "{expected:?}");
    for columns in [
        SweepColumns::default(),
        SweepColumns {
            names: vec!["image".to_owned()],
            learn: true,
        },
    ] {
        let (swept, read, rows) = sweep(&[samples()], &queries, &columns);
        assert_eq!(
            read, swept.report.records,
            "the files were read more than once"
        );
        assert_eq!(rows, expected);
        assert!(swept.visibility.iter().all(|v| v.blind().is_none()));
    }
}

#[test]
fn what_a_query_cannot_do_without_is_read_off_its_plan() {
    let creations = "SELECT ProcessGuid FROM sysmon_process_create";
    // No recording of the samples has events 25.
    let tampering = "SELECT ProcessGuid FROM sysmon WHERE EventID = 25";
    let blind = |query: &str| {
        let (swept, _, _) = sweep(&[samples()], &[query], &SweepColumns::default());
        swept.visibility[0].blind()
    };
    let missing = Some("needs Sysmon 25, these logs have none".to_owned());
    let joined = |kind: &str| {
        format!(
            "SELECT a.ProcessGuid FROM ({creations}) a {kind} ({tampering}) b ON a.ProcessGuid = b.ProcessGuid"
        )
    };
    assert_eq!(blind(creations), None);
    assert_eq!(blind(tampering), missing);
    assert_eq!(blind(&joined("JOIN")), missing);
    assert_eq!(blind(&joined("LEFT JOIN")), None);
    assert_eq!(blind(&joined("RIGHT JOIN")), missing);
    assert_eq!(blind(&joined("FULL JOIN")), None);
    assert_eq!(blind(&joined("LEFT ANTI JOIN")), None);
    assert_eq!(blind(&format!("{creations} UNION ALL {tampering}")), None);
    assert_eq!(
        blind("SELECT 1 FROM security_events WHERE event_id = 4663").unwrap(),
        "needs Security 4663, these logs have none"
    );
    assert_eq!(
        blind("SELECT count(*) FROM events WHERE Channel = 'None/Such' AND EventID IN (3, 4)")
            .unwrap(),
        "needs None/Such 3 or 4, these logs have none"
    );
    // A field that none of the events has.
    assert_eq!(
        blind("SELECT 1 FROM sysmon_process_create WHERE TargetObject LIKE '%x'").unwrap(),
        "needs Sysmon 1 with TargetObject, these logs have no such event"
    );
    // It may be absent.
    assert_eq!(
        blind(
            "SELECT 1 FROM sysmon_process_create WHERE coalesce(TargetObject, '') = '' AND Image = 'no.exe'"
        ),
        None
    );
}
