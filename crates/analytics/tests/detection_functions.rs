//! The functions of detection engineering, called in queries over recorded events.
#![allow(clippy::unwrap_used)]

use analytics::{Engine, render};
use telemetry::Options;

/// The rows a query gives over one event of ProcessAccess.
fn rows(sql: &str) -> Vec<Vec<Option<String>>> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("events.ndjson");
    let event = serde_json::json!({
        "Channel": "Microsoft-Windows-Sysmon/Operational",
        "EventID": 10,
        "SourceImage": "C:\\Users\\x\\evil.exe",
        "GrantedAccess": "0x1f3fff",
        "CallTrace": "a.dll+1|UNKNOWN(01)",
    });
    std::fs::write(&file, event.to_string()).unwrap();
    let engine = Engine::new(&[file], &[], Options::default()).unwrap();
    let (_, answer) = engine.query(sql).unwrap();
    let batches: Vec<_> = answer.map(Result::unwrap).collect();
    let cells = |batch: &datafusion::arrow::array::RecordBatch, row| {
        let columns = batch.columns().iter();
        columns.map(|c| render::text(c, row)).collect()
    };
    batches
        .iter()
        .flat_map(|batch| (0..batch.num_rows()).map(move |row| cells(batch, row)))
        .collect()
}

#[test]
fn they_read_columns() {
    assert_eq!(
        rows(
            "SELECT file_name(SourceImage), access_names(GrantedAccess & 0x22), call_trace_unknown_count(CallTrace), \
             has_rights(GrantedAccess, 'PROCESS_VM_WRITE|PROCESS_CREATE_THREAD') FROM events"
        ),
        [[
            Some("evil.exe".to_owned()),
            Some("PROCESS_CREATE_THREAD|PROCESS_VM_WRITE".to_owned()),
            Some("1".to_owned()),
            Some("true".to_owned()),
        ]]
    );
    assert!(
        rows("SELECT EventID FROM events WHERE has_rights(GrantedAccess, '0x200000')").is_empty()
    );
}

#[test]
fn they_read_constants() {
    assert_eq!(
        rows(
            "SELECT has_rights(5178, '0x143a'), has_rights(5184, 5178), file_name('C:\\\\Windows\\\\lsass.exe'), \
             call_trace_unknown('a.dll+1|UNKNOWN(01)')[0]"
        ),
        [[
            Some("true".to_owned()),
            Some("false".to_owned()),
            Some("lsass.exe".to_owned()),
            Some("UNKNOWN(01)".to_owned()),
        ]]
    );
}
