//! `scotoma rules match`: which records Sigma rules match, one JSON object a line.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::process::{Command, Output};

use serde_json::Value;

const LOG: &str = r#"{"Channel":"Microsoft-Windows-Sysmon/Operational","EventID":1,"EventRecordID":7,"@timestamp":"2026-03-10T12:00:00Z","Computer":"WS1","Image":"C:\\Windows\\System32\\cmd.exe","CommandLine":"cmd /c whoami"}
{"Channel":"Microsoft-Windows-Sysmon/Operational","EventID":1,"EventRecordID":8,"@timestamp":"2026-03-10T12:00:05Z","Computer":"WS1","Image":"C:\\Windows\\notepad.exe","CommandLine":"notepad"}
{"Channel":"Security","EventID":4688,"EventRecordID":9,"@timestamp":"2026-03-10T12:00:09Z","Computer":"WS1","NewProcessName":"C:\\x\\CMD.EXE","CommandLine":"cmd /c whoami"}
"#;

const RULES: &str = r"title: Command shell
id: 11111111-1111-4111-8111-111111111111
name: shell
level: high
logsource: {product: windows, category: process_creation}
detection:
    selection: {Image|endswith: '\cmd.exe'}
    condition: selection
---
title: Two shells
id: 22222222-2222-4222-8222-222222222222
correlation:
    type: event_count
    rules: [shell]
    group-by: [Computer]
    timespan: 1m
    condition: {gte: 2}
    generate: true
";

fn run(rules: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("log.ndjson"), LOG).unwrap();
    fs::write(folder.path().join("rules.yml"), rules).unwrap();
    Command::new(env!("CARGO_BIN_EXE_scotoma"))
        .args(["rules", "match", "log.ndjson", "--rules", "rules.yml"])
        .current_dir(folder.path())
        .output()
        .unwrap()
}

fn lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect()
}

#[test]
fn matches_name_their_records() {
    let output = run(RULES);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let lines = lines(&output);
    let matched: Vec<(&Value, &Value)> = lines
        .iter()
        .filter(|l| l["title"] == "Command shell")
        .map(|l| (&l["record"], &l["offset"]))
        .collect();
    // Where the third line begins.
    let third = LOG.match_indices('\n').nth(1).unwrap().0 + 1;
    assert_eq!(
        matched,
        [
            (&Value::from(7), &Value::from(0)),
            (&Value::from(9), &Value::from(third))
        ]
    );
    let fired: Vec<&Value> = lines
        .iter()
        .filter(|l| l["title"] == "Two shells")
        .collect();
    assert_eq!(fired.len(), 1);
    assert_eq!(fired[0]["group"]["Computer"], "WS1");
    assert_eq!(
        fired[0]["records"],
        serde_json::json!(["log.ndjson#7", "log.ndjson#9"])
    );
    assert_eq!(fired[0]["first"], "2026-03-10T12:00:00.000Z");
}

#[test]
fn a_refused_rule_is_named_and_fails_where_nothing_else_was_asked() {
    let refused = "title: Wrong\nlogsource: {product: windows, category: process_creation}\ndetection:\n    selection: {Image|nonsense: x}\n    condition: selection\n";
    let output = run(refused);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    assert!(
        said.contains("rules.yml") && said.contains("nonsense"),
        "{said}"
    );
    // With others that load, they are run, and it is named all the same.
    let output = run(&format!("{RULES}---\n{refused}"));
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(lines(&output).len(), 3);
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("nonsense")
    );
}
