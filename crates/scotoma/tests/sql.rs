//! `scotoma sql`: what can be asked, where a query comes from, how rows look, and what is said of doubtful queries.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::io::Write as _;
use std::process::{Command, Output, Stdio};

const LOG: &str = r#"{"Channel":"Microsoft-Windows-Sysmon/Operational","EventID":1,"EventRecordID":7,"@timestamp":"2019-03-10T12:00:00.000Z","Image":"C:\\Windows\\System32\\cmd.exe"}
{"Channel":"Microsoft-Windows-Sysmon/Operational","EventID":1,"EventRecordID":8,"@timestamp":"2019-02-10T12:00:00.000Z","Image":"C:\\Windows\\notepad.exe"}
"#;

fn run_with(args: &[&str], query: Option<(&str, &str)>, input: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("log.ndjson"), LOG).unwrap();
    if let Some((name, text)) = query {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let mut child = Command::new(env!("CARGO_BIN_EXE_scotoma"))
        .arg("sql")
        .args(args)
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    child.wait_with_output().unwrap()
}

fn run(args: &[&str]) -> (String, String) {
    let output = run_with(args, None, "");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr))
}

#[test]
fn what_can_be_asked_is_told() {
    let (tables, _) = run(&["log.ndjson", "SHOW TABLES"]);
    assert!(tables.contains("sysmon_process_create"), "{tables}");
    // Nothing needs to be read for that.
    let (columns, _) = run(&["DESCRIBE sysmon_events", "--format", "csv"]);
    assert!(
        columns.contains("process_granted_access,bigint,"),
        "{columns}"
    );
    let (functions, _) = run(&["SHOW FUNCTIONS", "--format", "ndjson"]);
    assert!(
        functions.contains("{\"function\":\"has_rights\"}"),
        "{functions}"
    );
    let (events, _) = run(&["log.ndjson", "DESCRIBE events", "--format", "csv"]);
    assert!(events.contains("Image,string,"), "{events}");
    let wrong = run_with(&["DESCRIBE sysmon_event"], None, "");
    assert_eq!(wrong.status.code(), Some(2));
    let nothing = run_with(&["SELECT 1"], None, "");
    assert_eq!(nothing.status.code(), Some(2));
}

#[test]
fn a_query_may_stand_in_a_file() {
    let query = "-- a comment with 'quotes'\nSELECT count(*) AS n FROM sysmon\n";
    let from_file = run_with(
        &["log.ndjson", "-f", "q.sql", "--format", "csv"],
        Some(("q.sql", query)),
        "",
    );
    assert_eq!(String::from_utf8(from_file.stdout).unwrap(), "n\n2\n");
    let from_input = run_with(&["log.ndjson", "-f", "-", "--format", "csv"], None, query);
    assert_eq!(String::from_utf8(from_input.stdout).unwrap(), "n\n2\n");
}

#[test]
fn records_show_what_they_have() {
    let query = "SELECT EventRecordID, Image, CommandLine FROM sysmon ORDER BY EventRecordID";
    let (text, _) = run(&["log.ndjson", query, "--format", "record"]);
    assert_eq!(
        text,
        "-- 1\nEventRecordID  7\nImage          C:\\Windows\\System32\\cmd.exe\n-- 2\nEventRecordID  8\n\
         Image          C:\\Windows\\notepad.exe\n(2 rows)\n"
    );
}

#[test]
fn doubtful_queries_are_warned_of() {
    let said = |query: &str| run(&["-q", "log.ndjson", query]).1;
    let single = said(r"SELECT 1 FROM sysmon WHERE Image = 'C:\Windows\notepad.exe'");
    assert!(
        single.contains(r"write 'C:\\Windows\\notepad.exe'"),
        "{single}"
    );
    let four = said(r"SELECT 1 FROM sysmon WHERE Image = 'C:\\\\Windows\\\\notepad.exe'");
    assert!(
        four.contains(r"write 'C:\\Windows\\notepad.exe' for one"),
        "{four}"
    );
    for fine in [
        r"SELECT 1 FROM sysmon WHERE Image LIKE '%\\\\notepad.exe'",
        r"SELECT 1 FROM sysmon WHERE Image = r'C:\Windows\notepad.exe'",
        r"SELECT 1 FROM sysmon WHERE Image = 'C:\\Windows\\notepad.exe'",
    ] {
        assert_eq!(said(fine), "", "{fine}");
    }
    let limited = said("SELECT Imge FROM sysmon LIMIT 1");
    assert!(
        limited.contains("no record has a field Imge; did you mean Image?"),
        "{limited}"
    );
}

/// As Spark does over the raw files, where the time of a record is a text.
#[test]
fn a_time_is_a_text_beside_what_is_no_date() {
    let count = |condition: &str| {
        let query = format!("SELECT count(*) AS n FROM events WHERE {condition}");
        run(&["log.ndjson", &query, "--format", "csv"]).0
    };
    assert_eq!(count("`@timestamp` >= '2019-03-00 00:00:00.000'"), "n\n1\n");
    assert_eq!(count("`@timestamp` < '2019-03-00 00:00:00.000'"), "n\n1\n");
    assert_eq!(
        count("`@timestamp` BETWEEN '2019-02-00 00:00:00.000' AND '2019-04-31 00:00:00.000'"),
        "n\n2\n"
    );
    // A date is one, however it is spelled.
    assert_eq!(count("`@timestamp` >= '2019-03-10 12:00:00'"), "n\n1\n");
    assert_eq!(count("`@timestamp` = '2019-03-10T12:00:00Z'"), "n\n1\n");
}
