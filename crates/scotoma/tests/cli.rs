//! The program as a person runs it: what it prints, what it refuses, how it exits.
#![allow(clippy::unwrap_used)]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn shared(what: &str) -> Option<PathBuf> {
    let path = root().join("../shared").join(what);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: ../shared/{what} is not there");
    None
}

fn scotoma(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_scotoma"))
        .args(args)
        .current_dir(root())
        .output()
        .unwrap()
}

/// Runs it with nobody listening.
fn unheard(args: &[&str]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_scotoma"))
        .args(args)
        .current_dir(root())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    child.wait_with_output().unwrap()
}

fn with_input(args: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_scotoma"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn json(output: &Output) -> serde_json::Value {
    assert!(output.status.success(), "{}", err(output));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_first_run_finds_the_injections_of_the_samples() {
    let run = scotoma(&["hunt", "samples/"]);
    assert_eq!(run.status.code(), Some(0), "{}", err(&run));
    let text = out(&run);
    for expected in [
        "powershell.exe",
        "notepad.exe",
        "T1620",
        "workstation.ndjson#",
        "server.xml#",
    ] {
        assert!(text.contains(expected), "{expected} is missing in\n{text}");
    }
    assert!(
        text.lines()
            .all(|l| l.chars().count() <= 80 || !l.trim().contains(' ')),
        "{text}"
    );
    assert!(err(&run).contains("590 events in 2 files"), "{}", err(&run));
    assert_eq!(
        scotoma(&["hunt", "samples/", "--fail-on"]).status.code(),
        Some(1)
    );
    assert_eq!(
        scotoma(&["hunt", "samples/", "--fail-on=damage"])
            .status
            .code(),
        Some(0)
    );
}

#[test]
fn findings_are_the_same_in_every_format() {
    let found = json(&scotoma(&["hunt", "samples/", "--format", "json"]));
    let lines = scotoma(&["hunt", "samples/", "--format", "ndjson"]);
    let table = scotoma(&["hunt", "samples/", "--format", "csv"]);
    let count = found.as_array().unwrap().len();
    assert!(count > 0);
    assert_eq!(out(&lines).lines().count(), count);
    assert_eq!(out(&table).lines().count(), count + 1);
    for finding in found.as_array().unwrap() {
        assert!(
            !finding["records"].as_array().unwrap().is_empty(),
            "{finding}"
        );
    }
    assert_eq!(
        out(&scotoma(&["hunt", "samples/"])),
        out(&scotoma(&["hunt", "samples/", "--threads", "1"]))
    );
}

#[test]
fn a_query_carries_the_names_it_used() {
    let query = "SELECT `@timestamp`, Hostname, event_id, EventID, Image, Image FROM dataTable WHERE channel = \"Microsoft-Windows-Sysmon/Operational\" AND event_id = 1 LIMIT 1";
    let run = scotoma(&[
        "sql",
        "samples/",
        query,
        "--view",
        "dataTable",
        "--format",
        "csv",
    ]);
    assert!(run.status.success(), "{}", err(&run));
    assert_eq!(
        out(&run).lines().next(),
        Some("@timestamp,Hostname,event_id,EventID,Image,Image")
    );
    let rows = json(&scotoma(&[
        "sql",
        "samples/",
        query,
        "--view",
        "dataTable",
        "--format",
        "json",
    ]));
    assert_eq!(rows[0]["event_id"], 1);
    assert_eq!(rows[0]["Image"], rows[0]["Image_2"]);
}

#[test]
fn options_may_stand_anywhere_among_paths_and_query() {
    let query = "SELECT count(*) AS n FROM dataTable";
    let (paths, view) = (
        ["samples/workstation.ndjson", "samples/server.xml"],
        "dataTable",
    );
    let orders = [
        vec![paths[0], paths[1], query, "--view", view, "--quiet"],
        vec![paths[0], paths[1], "--view", view, query, "--quiet"],
        vec![paths[0], "--view", view, paths[1], "--quiet", query],
        vec!["--view", view, paths[0], "--quiet", paths[1], query],
    ];
    for order in orders {
        let run = scotoma(&[&["sql", "--format", "csv"], order.as_slice()].concat());
        assert_eq!(out(&run), "n\n590\n", "{order:?}: {}", err(&run));
    }
    for one in [query, "samples/"] {
        let run = scotoma(&["sql", one, "--format", "csv"]);
        assert_eq!(run.status.code(), Some(2));
        assert!(err(&run).contains("the query last"), "{}", err(&run));
    }
}

#[test]
fn everything_comes_with_a_star() {
    let run = scotoma(&[
        "sql",
        "samples/",
        "SELECT * FROM sysmon WHERE EventID = 10",
        "--format",
        "ndjson",
    ]);
    assert!(run.status.success(), "{}", err(&run));
    let first: serde_json::Value = serde_json::from_str(out(&run).lines().next().unwrap()).unwrap();
    for column in [
        "TimeCreated",
        "SourceImage",
        "GrantedAccess",
        "source_file",
        "source_offset",
    ] {
        assert!(first.get(column).is_some(), "{column} in {first}");
    }
}

#[test]
fn wrong_input_is_named_and_exits_with_two() {
    let wrong: [(&[&str], &str); 9] = [
        (&["hunt", "no/such/path"], "no/such/path"),
        (&["sql", "samples/", "SELECT FROM"], "error"),
        (&["sql", "samples/", "SELECT * FROM evnts"], "events"),
        (
            &["sql", "samples/", "SELECT lowr(Image) FROM sysmon"],
            "lower",
        ),
        (&["sql", "samples/", "COPY events TO 'x.csv'"], "error"),
        (
            &[
                "sql",
                "samples/",
                "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
            ],
            "error",
        ),
        (&["sql", "samples/", "SELECT * FROM '/etc/passwd'"], "error"),
        (
            &["sql", "samples/", "SELECT 1", "--format", "parquet"],
            "-o",
        ),
        (
            &["hunt", "samples/", "--only", "nothing"],
            "no hunt nothing",
        ),
    ];
    for (args, named) in wrong {
        let run = scotoma(args);
        assert_eq!(run.status.code(), Some(2), "{args:?}: {}", err(&run));
        assert!(err(&run).contains(named), "{args:?}: {}", err(&run));
        assert!(!err(&run).contains("panicked"), "{args:?}: {}", err(&run));
    }
}

#[test]
fn no_events_are_an_error() {
    for input in [&b""[..], b"\n\n", b"no log at all\n", b"{}\n"] {
        let run = with_input(&["events", "-"], input);
        assert_eq!(run.status.code(), Some(2), "{input:?}");
        assert!(err(&run).contains("no events"), "{}", err(&run));
    }
}

#[test]
fn standard_input_is_read_like_a_file() {
    let log = std::fs::read(root().join("samples/workstation.ndjson")).unwrap();
    let run = with_input(
        &[
            "sql",
            "-",
            "SELECT count(*) AS n, min(source_file) AS f FROM events",
            "--format",
            "json",
        ],
        &log,
    );
    let rows = json(&run);
    assert_eq!(rows[0]["n"], 305);
    assert_eq!(rows[0]["f"], "-");
}

#[test]
fn an_unknown_field_is_doubted() {
    let run = scotoma(&[
        "sql",
        "samples/",
        "SELECT GrantedAcess FROM sysmon WHERE EventID = 10",
        "--format",
        "csv",
    ]);
    assert!(run.status.success());
    assert!(err(&run).contains("GrantedAccess"), "{}", err(&run));
}

#[test]
fn converted_events_give_the_same_answers() {
    let folder = tempfile::tempdir().unwrap();
    let (one, many) = (
        folder.path().join("all.parquet"),
        folder.path().join("parts"),
    );
    let (one, many) = (one.to_str().unwrap(), many.to_str().unwrap());
    let run = scotoma(&["convert", "samples/", "-o", one]);
    assert!(run.status.success(), "{}", err(&run));
    assert!(
        scotoma(&["convert", "samples/", "-o", many, "--partition"])
            .status
            .success()
    );
    assert_eq!(
        scotoma(&["convert", "samples/", "-o", one]).status.code(),
        Some(2),
        "nothing is overwritten"
    );
    let hunt = |path: &str| json(&scotoma(&["hunt", path, "--format", "json"]));
    let findings = hunt("samples/");
    assert_eq!(hunt(one), findings);
    let parts = hunt(many);
    assert_eq!(
        parts.as_array().unwrap().len(),
        findings.as_array().unwrap().len()
    );
    let star = |path: &str| {
        out(&scotoma(&[
            "sql",
            path,
            "SELECT * FROM events ORDER BY source_file, source_offset",
            "--format",
            "ndjson",
        ]))
    };
    assert_eq!(star(one), star("samples/"));
}

#[test]
fn hostile_text_does_not_reach_the_terminal() {
    let event = r#"{"EventID":1,"Channel":"Microsoft-Windows-Sysmon/Operational","Image":"a\u001b[2Jb","Hostname":"h"}"#;
    let run = with_input(&["sql", "-", "SELECT Image FROM sysmon"], event.as_bytes());
    assert!(run.status.success(), "{}", err(&run));
    assert!(!out(&run).contains('\u{1b}'));
}

#[test]
fn a_closed_pipe_is_no_failure() {
    let query = "SELECT * FROM events e CROSS JOIN events f";
    let run = unheard(&["sql", "samples/", query, "--format", "ndjson"]);
    assert!(run.status.success());
}

#[test]
fn no_verb_minds_that_nobody_listens() {
    let config = "docs/remote-threads.xml";
    let verbs: [&[&str]; 16] = [
        &["hunt", "samples/"],
        &["events", "samples/"],
        &["baseline", "samples-fleet"],
        &["baseline", "samples-fleet", "--format", "json"],
        &["baseline", "samples-fleet", "--event", "8", "--propose"],
        &["config", "check", config],
        &["config", "rule"],
        &["config", "show", config],
        &["config", "explain", config, "samples/", "--record", "1"],
        &["config", "decide", config, "samples/"],
        &["config", "replay", config, "samples/"],
        &["config", "diff", config, config],
        &["config", "compile", config, "--format", "json"],
        &["map"],
        &["rights", "0x143A"],
        &["technique", "T1055.001"],
    ];
    for args in verbs {
        let run = unheard(args);
        assert!(!err(&run).contains("panicked"), "{args:?}: {}", err(&run));
    }
}

/// The published hunt as it was published, comment and line breaks included.
const PUBLISHED: &str = "SELECT  b.process_path, b.process_target_name, b.process_target_id, b.thread_new_id, a.process_id, a.process_granted_access
FROM sysmon_events b
INNER JOIN(
    SELECT event_id, process_granted_access, process_guid, process_id
    FROM sysmon_events
    WHERE event_id = 10
        AND (process_granted_access & 5184) == 5184 -- 5184 is decimal for 0x1440. The minimal privileges you need to access process handle
    ) a
ON a.process_guid = b.process_guid
WHERE b.event_id = 8";

#[test]
fn the_published_hunt_finds_what_was_published() {
    let Some(log) = shared("data/security-datasets/empire_psinject_PEinjection.zip") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let converted = folder.path().join("psinject.parquet");
    let (log, converted) = (log.to_str().unwrap(), converted.to_str().unwrap());
    let run = scotoma(&["convert", log, "-o", converted]);
    assert!(
        out(&run).contains("5,898 events"),
        "{}{}",
        out(&run),
        err(&run)
    );
    for path in [log, converted] {
        let ask = |query: &str| json(&scotoma(&["sql", path, query, "--format", "json"]));
        let rows = ask(PUBLISHED);
        assert_eq!(rows.as_array().unwrap().len(), 88);
        for row in rows.as_array().unwrap() {
            assert!(
                row["process_path"]
                    .as_str()
                    .unwrap()
                    .ends_with("powershell.exe"),
                "{row}"
            );
            assert_eq!(row["process_target_name"], "notepad.exe");
            assert_eq!(
                (
                    row["process_id"].as_i64(),
                    row["process_target_id"].as_i64()
                ),
                (Some(6008), Some(2576))
            );
            assert_eq!(row["process_granted_access"], 0x1f3fff);
        }
        let count = |query: &str| ask(query)[0]["n"].as_i64().unwrap();
        assert_eq!(count("SELECT count(*) AS n FROM events"), 5898);
        assert_eq!(count("SELECT count(*) AS n FROM sysmon"), 1165);
        assert_eq!(
            count(
                "SELECT count(*) AS n FROM sysmon_events WHERE event_id = 10 AND process_granted_access & 5184 = 5184"
            ),
            6
        );
        assert_eq!(
            count(
                "SELECT count(*) AS n FROM sysmon_events WHERE event_id = 10 AND process_granted_access & 5178 = 5178"
            ),
            3
        );
        assert_eq!(
            count(
                "SELECT count(*) AS n FROM sysmon_process_access WHERE has_rights(GrantedAccess, 'PROCESS_CREATE_THREAD|PROCESS_VM_WRITE')"
            ),
            3
        );
    }
}
