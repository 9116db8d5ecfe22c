//! `scotoma baseline` against plain SQL over the same events, and as a person runs it.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn scotoma(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_scotoma"))
        .args(args)
        .current_dir(root())
        .output()
        .unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn json(args: &[&str]) -> Value {
    let output = scotoma(&[args, &["--format", "json"]].concat());
    assert!(output.status.success(), "{}", err(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

/// What to compare over: the fleet of the repository, and recordings from outside it where they are, as Parquet, because
/// they are read many times.
fn recordings(folder: &Path) -> Vec<String> {
    let shared = "../shared/data/security-datasets";
    let there = root().join(shared).exists();
    if !there {
        println!("skipped: {shared} is not there");
    }
    let sources = ["samples-fleet", shared];
    sources[..1 + usize::from(there)]
        .iter()
        .enumerate()
        .map(|(i, source)| {
            let file = folder.join(format!("{i}.parquet")).display().to_string();
            let output = scotoma(&["convert", source, "-o", &file]);
            assert!(output.status.success(), "{}", err(&output));
            file
        })
        .collect()
}

/// A time as SQL answers with it, in microseconds.
fn micros(value: &Value) -> Option<i64> {
    value.as_str().and_then(telemetry::time::parse)
}

/// Count, first, last, hosts.
type Row = (u64, Option<i64>, Option<i64>, u64);

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

#[test]
fn groups_counts_hosts_and_times_are_those_of_sql() {
    let folder = tempfile::tempdir().unwrap();
    for file in recordings(folder.path()) {
        let report = json(&["baseline", &file]);
        let mut ids = BTreeMap::new();
        for stream in list(&report["streams"]) {
            ids.insert(
                stream["event_id"].as_i64().unwrap(),
                stream["total"]["count"].as_u64().unwrap(),
            );
            let counted: BTreeMap<Vec<Option<String>>, Row> = list(&stream["groups"])
                .iter()
                .map(|group| {
                    let tally = &group["tally"];
                    let row = (
                        tally["count"].as_u64().unwrap(),
                        tally["first"].as_i64(),
                        tally["last"].as_i64(),
                        tally["hosts_total"].as_u64().unwrap(),
                    );
                    (list(&group["values"]).iter().map(text).collect(), row)
                })
                .collect();
            assert_eq!(counted, by_sql(&file, stream), "{file} {}", stream["name"]);
        }
        let query = "SELECT EventID AS id, count(*) AS n FROM sysmon GROUP BY EventID";
        let all: BTreeMap<i64, u64> = list(&json(&["sql", &file, query]))
            .iter()
            .map(|r| (r["id"].as_i64().unwrap(), r["n"].as_u64().unwrap()))
            .collect();
        assert_eq!(ids, all, "{file}: event types");
    }
}

fn by_sql(file: &str, stream: &Value) -> BTreeMap<Vec<Option<String>>, Row> {
    let keys: Vec<&str> = list(&stream["keys"])
        .iter()
        .map(|k| k.as_str().unwrap())
        .collect();
    let columns: Vec<String> = keys.iter().map(|k| format!("`{k}`")).collect();
    let columns = columns.join(", ");
    let query = format!(
        "SELECT {columns}, count(*) AS n_, min(TimeCreated) AS first_, max(TimeCreated) AS last_, \
         count(DISTINCT Computer) AS hosts_ FROM sysmon WHERE EventID = {} GROUP BY {columns}",
        stream["event_id"]
    );
    list(&json(&["sql", file, &query]))
        .iter()
        .map(|row| {
            let values = keys.iter().map(|k| text(&row[*k])).collect();
            let number = |name: &str| row[name].as_u64().unwrap();
            let times = (micros(&row["first_"]), micros(&row["last_"]));
            (values, (number("n_"), times.0, times.1, number("hosts_")))
        })
        .collect()
}

#[test]
fn boots_and_the_share_of_start_up_are_those_of_sql() {
    let report = json(&["baseline", "samples-fleet", "--event", "CreateRemoteThread"]);
    let boots: BTreeSet<(String, i64)> = list(&report["boots"])
        .iter()
        .map(|b| {
            let host = usize::try_from(b["host"].as_u64().unwrap()).unwrap();
            let name = text(&report["hosts"][host]["name"]).unwrap();
            (name, b["at"].as_i64().unwrap())
        })
        .collect();
    // What is told of a boot first is the first sign of it, whichever that is; the events tell the same.
    let signs = "SELECT Computer AS host, TimeCreated AS at FROM events WHERE \
                 (Channel LIKE '%Sysmon%' AND EventID = 1 AND TerminalSessionId = '0' \
                  AND (Image LIKE '%\\\\wininit.exe' OR Image LIKE '%\\\\csrss.exe' \
                       OR (Image LIKE '%\\\\smss.exe' AND ParentImage = 'System'))) \
                 OR (Channel LIKE '%Sysmon%' AND EventID = 4 AND State = 'Started') \
                 OR (Channel = 'System' AND EventID IN (6005, 6009)) \
                 OR (Channel = 'System' AND EventID = 12 AND Provider = 'Microsoft-Windows-Kernel-General')";
    let signs: BTreeSet<(String, i64)> = list(&json(&["sql", "samples-fleet", signs]))
        .iter()
        .map(|r| (text(&r["host"]).unwrap(), micros(&r["at"]).unwrap()))
        .collect();
    assert!(!boots.is_empty() && boots.is_subset(&signs));
    let minute = 60_000_000;
    for (host, at) in &signs {
        let near = boots
            .range((host.clone(), at - 10 * minute)..=(host.clone(), *at))
            .next_back();
        // A restart of Sysmon alone is the one sign that is no boot.
        let alone = !signs
            .iter()
            .any(|(h, t)| h == host && t != at && (t - at).abs() <= 10 * minute);
        assert!(near.is_some() || alone, "{host} {at}");
    }
    let query = "SELECT Computer AS host, TimeCreated AS at FROM sysmon WHERE EventID = 8";
    let mut start_up = 0u64;
    let mut outside: BTreeMap<String, u64> = BTreeMap::new();
    for row in list(&json(&["sql", "samples-fleet", query])) {
        let (host, at) = (text(&row["host"]).unwrap(), micros(&row["at"]).unwrap());
        let boot = boots
            .range((host.clone(), i64::MIN)..=(host.clone(), at))
            .next_back();
        if boot.is_some_and(|(_, boot)| at - boot < 3 * minute) {
            start_up += 1;
        } else {
            *outside.entry(host).or_default() += 1;
        }
    }
    let total = &report["streams"][0]["total"];
    assert_eq!(total["start_up"]["count"].as_u64().unwrap(), start_up);
    let by_host: BTreeMap<String, u64> = list(&total["hosts"])
        .iter()
        .filter(|h| h["outside"].as_u64().unwrap() > 0)
        .map(|h| {
            let host = usize::try_from(h["host"].as_u64().unwrap()).unwrap();
            (
                text(&report["hosts"][host]["name"]).unwrap(),
                h["outside"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(by_host, outside);
}

#[test]
fn a_condition_and_a_hunt_count_what_sql_finds() {
    let condition = "GrantedAccess = '0x1fffff'";
    let report = json(&["baseline", "samples", "--event", "10", "--where", condition]);
    let query = format!("SELECT count(*) AS n FROM sysmon WHERE EventID = 10 AND {condition}");
    let n = json(&["sql", "samples", &query])[0]["n"].clone();
    let counted = report["streams"]
        .get(0)
        .map_or(Value::from(0), |s| s["total"]["count"].clone());
    assert_eq!(counted, n);
    let hunt = "remote_thread_without_start_module";
    let report = json(&["baseline", "samples", "--hunt", hunt]);
    let found: u64 = list(&json(&["hunt", "samples", "--only", hunt]))
        .iter()
        .map(|f| f["count"].as_u64().unwrap())
        .sum();
    assert!(found > 0);
    assert_eq!(
        report["streams"][0]["total"]["count"].as_u64().unwrap(),
        found
    );
}

#[test]
fn the_summary_says_it_in_words() {
    let output = scotoma(&["baseline", "samples-fleet", "--event", "CreateRemoteThread"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = words.join(" ");
    for part in [
        "CreateRemoteThread events on 12 hosts in 9 days",
        "within 3 minutes of a boot",
        "source -> target pairs",
        "outside start-up",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn a_saved_baseline_is_compared_with() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("b.parquet");
    let file = file.to_str().unwrap();
    let first = scotoma(&["baseline", "samples-fleet", "--event", "8", "--save", file]);
    assert!(first.status.success(), "{}", err(&first));
    let again = scotoma(&["baseline", "samples-fleet", "--event", "8", "--save", file]);
    assert_eq!(again.status.code(), Some(2), "a file is not overwritten");
    let same = json(&[
        "baseline",
        "samples-fleet",
        "--event",
        "8",
        "--against",
        file,
    ]);
    let comparison = &same["streams"][0]["comparison"];
    assert!(list(&comparison["appeared"]).is_empty() && list(&comparison["vanished"]).is_empty());
    assert!(list(&comparison["changed"]).is_empty());
    let other = json(&["baseline", "samples", "--event", "8", "--against", file]);
    assert!(!list(&other["streams"][0]["comparison"]["appeared"]).is_empty());
    let none = scotoma(&["baseline", "samples", "--against", "README.md"]);
    assert_eq!(none.status.code(), Some(2));
    assert!(err(&none).contains("README.md"), "{}", err(&none));
}

#[test]
fn what_does_not_exist_is_named_with_what_does() {
    for (args, expected) in [
        (
            vec!["--event", "CreateRemoteTread"],
            "did you mean CreateRemoteThread?",
        ),
        (
            vec!["--event", "8", "--by", "SourceImge"],
            "did you mean SourceImage?",
        ),
        (vec!["--by", "SourceImge"], "did you mean SourceImage?"),
        (vec!["--event", "Application/1000"], "--by"),
        (vec!["--hunt", "nothing"], "lsass_access_by_rights"),
    ] {
        let output = scotoma(&[vec!["baseline", "samples"], args].concat());
        assert_eq!(output.status.code(), Some(2));
        assert!(err(&output).contains(expected), "{}", err(&output));
    }
    let folder = tempfile::tempdir().unwrap();
    let output = scotoma(&["baseline", folder.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2), "no events are an error");
}
