//! Whose a record is: every verb gives the same answer, for every dialect and whatever the header leaves out.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

const KEEP_ALL: &str = r#"<Sysmon schemaversion="4.90"><EventFiltering><RuleGroup groupRelation="or">
<ProcessCreate onmatch="exclude"></ProcessCreate></RuleGroup></EventFiltering></Sysmon>"#;
const SYSMON: &str = "Microsoft-Windows-Sysmon";
const OPERATIONAL: &str = "Microsoft-Windows-Sysmon/Operational";

/// Channel, provider, and whether the record is Sysmon's.
const HEADERS: [(Option<&str>, Option<&str>, bool); 13] = [
    (Some(OPERATIONAL), Some(SYSMON), true),
    (Some(OPERATIONAL), None, true),
    (None, Some(SYSMON), true),
    (None, None, false),
    (Some("microsoft-windows-sysmon/operational"), None, true),
    (None, Some("{5770385F-C22A-43E0-BF4C-06F5698FFBD9}"), true),
    (Some("ForwardedEvents"), Some(SYSMON), true),
    (Some("WEC-Process-Execution"), Some(SYSMON), true),
    (Some("WEC-Sysmon"), None, true),
    (Some("Linux-Sysmon/Operational"), Some("Linux-Sysmon"), true),
    (
        Some("ForwardedEvents"),
        Some("Microsoft-Windows-Security-Auditing"),
        false,
    ),
    (
        Some("WEC-Sysmon"),
        Some("Microsoft-Windows-Security-Auditing"),
        false,
    ),
    (
        Some("Security"),
        Some("Microsoft-Windows-Security-Auditing"),
        false,
    ),
];

type Dialect = fn(Option<&str>, Option<&str>, i64) -> Value;

/// As NXLog writes it, as Winlogbeat does, and as EvtxECmd's and other converters' nested form.
const DIALECTS: [Dialect; 3] = [
    |channel, provider, record| {
        json!({"EventID": 1, "@timestamp": "2026-03-10T12:10:06.460Z", "Hostname": "WS07", "RecordNumber": record,
            "Channel": channel, "SourceName": provider, "Image": "C:\\Windows\\System32\\cmd.exe"})
    },
    |channel, provider, record| {
        json!({"@timestamp": "2026-03-10T12:10:06.460Z", "winlog": {"channel": channel, "provider_name": provider,
            "event_id": 1, "record_id": record, "computer_name": "WS07",
            "event_data": {"Image": "C:\\Windows\\System32\\cmd.exe"}}})
    },
    |channel, provider, record| {
        json!({"Event": {"System": {"Provider": {"#attributes": {"Name": provider}}, "EventID": 1,
            "TimeCreated": {"#attributes": {"SystemTime": "2026-03-10T12:10:06.460Z"}}, "EventRecordID": record,
            "Channel": channel, "Computer": "WS07"}, "EventData": {"Image": "C:\\Windows\\System32\\cmd.exe"}}})
    },
];

/// The record without the keys that have no value.
fn pruned(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let kept = map.into_iter().filter(|(_, v)| !v.is_null());
            Value::Object(kept.map(|(k, v)| (k, pruned(v))).collect())
        }
        other => other,
    }
}

fn output(dir: &Path, args: &[&str]) -> String {
    let command = Command::new(env!("CARGO_BIN_EXE_scotoma"))
        .args(args)
        .current_dir(dir)
        .output();
    String::from_utf8(command.unwrap().stdout).unwrap()
}

/// How many Sysmon events each verb counts in a file.
fn counts(dir: &Path, file: &str) -> Vec<(&'static str, u64)> {
    let number = |text: &str| -> u64 {
        let digits = text
            .rsplit([' ', ':', '\n', '[', ','])
            .find(|w| !w.is_empty());
        digits.and_then(|w| w.parse().ok()).unwrap_or(0)
    };
    let before = |text: &str, mark: &str| text.split(mark).next().map_or(0, &number);
    let sql = |table: &str| {
        let query = format!("SELECT count(*) AS n FROM {table}");
        let text = output(dir, &["sql", file, &query, "--format", "json"]);
        let rows: Value = serde_json::from_str(&text).unwrap();
        rows[0]["n"].as_u64().unwrap()
    };
    let replay = output(dir, &["config", "replay", "c.xml", file]);
    let baseline = output(dir, &["baseline", file, "--event", "1"]);
    vec![
        ("sysmon", sql("sysmon")),
        ("sysmon_process_create", sql("sysmon_process_create")),
        ("sysmon_events", sql("sysmon_events")),
        ("config replay", before(&replay, " event")),
        (
            "baseline",
            match baseline.contains(" ProcessCreate event") {
                true => before(&baseline, " ProcessCreate event"),
                false => 0,
            },
        ),
    ]
}

fn folder(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::write(dir.join("c.xml"), KEEP_ALL).unwrap();
    dir
}

#[test]
fn every_verb_gives_one_answer_in_every_dialect() {
    let dir = folder("log_source");
    for (at, dialect) in DIALECTS.iter().enumerate() {
        let records = (1..).zip(HEADERS).map(|(n, (channel, provider, _))| {
            format!("{}\n", pruned(dialect(channel, provider, n)))
        });
        std::fs::write(dir.join("log.ndjson"), records.collect::<String>()).unwrap();
        let expected = HEADERS.iter().filter(|(_, _, ours)| *ours).count() as u64;
        for (verb, count) in counts(&dir, "log.ndjson") {
            assert_eq!(count, expected, "{verb} of dialect {at}");
        }
        for (n, (channel, provider, ours)) in (1..).zip(HEADERS) {
            let event = format!("log.ndjson#{n}");
            let text = output(&dir, &["config", "explain", "c.xml", &event]);
            let found = text.contains("event 1");
            assert_eq!(found, ours, "{channel:?} {provider:?} of dialect {at}");
        }
    }
}

/// The order of records decides nothing, nor does what else a file holds.
#[test]
fn one_record_alone_is_told_like_among_others() {
    let dir = folder("log_source_alone");
    for (channel, provider, ours) in [HEADERS[2], HEADERS[3], HEADERS[6], HEADERS[10]] {
        let record = pruned(DIALECTS[0](channel, provider, 1)).to_string();
        std::fs::write(dir.join("one.ndjson"), record).unwrap();
        for (verb, count) in counts(&dir, "one.ndjson") {
            assert_eq!(count, u64::from(ours), "{verb}: {channel:?} {provider:?}");
        }
    }
}

/// The Security log under HELK's names, joined with Sysmon's events under theirs.
#[test]
fn security_events_are_asked_by_the_names_of_published_hunts() {
    let dir = folder("security_events");
    let log = [
        json!({"EventID": 4624, "Channel": "Security", "TargetUserName": "bob", "SubjectUserName": "WS$", "TargetLogonId": "0x3e8",
            "LogonType": "3", "IpAddress": "10.0.0.9", "IpPort": "50000", "RecordNumber": 1}),
        json!({"EventID": 4688, "SourceName": "Microsoft-Windows-Security-Auditing", "NewProcessName": "C:\\Windows\\cmd.exe",
            "NewProcessId": "0x10", "ProcessId": "0x4", "SubjectUserName": "bob", "SubjectLogonId": "0x3e8", "RecordNumber": 2}),
        json!({"EventID": 1, "Channel": OPERATIONAL, "Image": "C:\\Windows\\cmd.exe", "ProcessId": "16", "LogonId": "0x3e8",
            "RecordNumber": 3}),
    ];
    let text: String = log.iter().map(|line| format!("{line}\n")).collect();
    std::fs::write(dir.join("log.ndjson"), text).unwrap();
    let query = "SELECT p.process_name, p.process_id, p.process_parent_id, l.user_name, l.user_reporter_name, l.src_ip_addr, \
        s.process_path FROM security_events p JOIN security_events l ON p.user_logon_id = l.user_logon_id \
        JOIN sysmon_events s ON s.user_logon_id = l.user_logon_id AND s.process_id = p.process_id \
        WHERE p.event_id = 4688 AND l.event_id = 4624 AND l.logon_type = 3";
    let answer = output(&dir, &["sql", "log.ndjson", query, "--format", "json"]);
    let rows: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(
        rows,
        json!([{"process_name": "cmd.exe", "process_id": 16, "process_parent_id": 4, "user_name": "bob",
            "user_reporter_name": "WS$", "src_ip_addr": "10.0.0.9", "process_path": "C:\\Windows\\cmd.exe"}])
    );
}

#[test]
fn a_hunt_finds_what_the_provider_alone_tells() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/cases/log-source");
    if !cases.exists() {
        println!("skipped: {} is absent", cases.display());
        return;
    }
    for file in ["provider_only.ndjson", "with_channel.ndjson"] {
        let only = "process_creation_by_unusual_parent";
        let text = output(&cases, &["hunt", file, "--only", only]);
        assert!(text.contains("1 finding"), "{file}: {text}");
    }
    for (file, expected) in [("ch.ndjson", 4), ("prov.ndjson", 4), ("wlb.ndjson", 4)] {
        for (verb, count) in counts(&cases, file) {
            assert_eq!(count, expected, "{verb} of {file}");
        }
    }
}
