//! `scotoma hunt`: hunts and rules over one reading, and what is said of those that found nothing.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

const SYSMON: &str = "Microsoft-Windows-Sysmon/Operational";

const RULES: &str = r"title: Command shell
id: 11111111-1111-4111-8111-111111111111
name: shell
status: stable
level: low
tags: [attack.execution, attack.t1059.003]
falsepositives: [Administrators]
logsource: {product: windows, category: process_creation}
detection:
    selection: {Image|endswith: '\cmd.exe'}
    filter: {ParentImage|endswith: '\explorer.exe'}
    condition: selection and not filter
---
title: Who am I
id: 22222222-2222-4222-8222-222222222222
status: test
level: critical
tags: [attack.t1033]
logsource: {product: windows, category: process_creation}
detection:
    selection: {CommandLine|contains: whoami}
    condition: selection
---
title: Original name
id: 33333333-3333-4333-8333-333333333333
level: medium
logsource: {product: windows, category: process_creation}
detection:
    selection: {OriginalFileName: cmd.exe}
    condition: selection
---
title: Tasks
id: 44444444-4444-4444-8444-444444444444
level: high
logsource: {product: windows, service: taskscheduler}
detection:
    selection: {EventID: 140}
    condition: selection
---
title: Never there
id: 55555555-5555-4555-8555-555555555555
level: high
logsource: {product: windows, category: process_creation}
detection:
    selection: {Image|endswith: '\never.exe'}
    condition: selection
---
title: Words
id: 66666666-6666-4666-8666-666666666666
level: medium
logsource: {product: windows, service: application}
detection:
    keywords: ['*heap corruption*']
    condition: keywords
";

/// A folder with a log and rules, and the program run in it.
struct Case(tempfile::TempDir);

impl Case {
    fn new(log: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("log.ndjson"), log).unwrap();
        fs::write(folder.path().join("rules.yml"), RULES).unwrap();
        Self(folder)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn run(&self, args: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_scotoma"))
            .arg("hunt")
            .args(args)
            .current_dir(self.0.path())
            .output()
            .unwrap()
    }

    fn shown(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        // Lines are broken to fit a terminal.
        let text = String::from_utf8(output.stdout).unwrap();
        text.replace("\n  ", " ")
    }

    fn json(&self, args: &[&str]) -> Value {
        let output = self.run(args);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

fn log() -> String {
    let event = |record: u32, time: &str, rest: &str| {
        format!(
            "{{\"EventRecordID\":{record},\"@timestamp\":\"2026-03-10T{time}Z\",\"Computer\":\"WS{record}.corp.example\",{rest}}}\n"
        )
    };
    let creation = format!("\"Channel\":\"{SYSMON}\",\"EventID\":1,");
    let process = |image: &str, parent: &str| {
        let path = |name: &str| format!("C:\\\\Windows\\\\{name}");
        format!(
            "{creation}\"Image\":\"{}\",\"CommandLine\":\"{image} /c whoami\",\"ParentImage\":\"{}\"",
            path(image),
            path(parent)
        )
    };
    event(7, "12:00:00", &process("cmd.exe", "winword.exe"))
        + &event(8, "12:00:05", &process("cmd.exe", "explorer.exe"))
        + &event(
            9,
            "13:00:00",
            r#""Channel":"Security","EventID":4688,"NewProcessName":"C:\\x\\CMD.EXE""#,
        )
        + &event(
            10,
            "13:00:00",
            r#""Channel":"Application","EventID":1000,"Data":"a heap corruption was met""#,
        )
}

#[test]
fn a_hunt_that_could_not_see_says_what_it_needs() {
    let security = r#"{"Channel":"Security","EventID":4688,"EventRecordID":9,"NewProcessName":"C:\\x\\CMD.EXE"}"#;
    let case = Case::new(security);
    let text = case.shown(&["log.ndjson"]);
    assert!(
        text.contains("could not see: LSASS opened with a right to read, copy or change it [T1003.001]: needs Sysmon 10, these logs have none"),
        "{text}"
    );
    assert!(!text.contains("no match:"), "{text}");
    let last = text.trim_end().lines().last().unwrap();
    assert_eq!(
        last,
        "0 findings from 6 hunts: 0 found, 0 no match, 6 could not see"
    );
}

#[test]
fn found_no_match_and_could_not_see_are_told_apart() {
    let case = Case::new(&log());
    let text = case.shown(&["log.ndjson"]);
    assert!(
        text.contains("Shell or script host started by a process that seldom does"),
        "{text}"
    );
    assert!(
        text.ends_with("1 finding from 6 hunts: 1 found, 0 no match, 5 could not see\n"),
        "{text}"
    );
    // An event 10 without the field that the hunt asks for is no event that it could have found.
    let blank = format!("{{\"Channel\":\"{SYSMON}\",\"EventID\":10,\"SourceImage\":\"a.exe\"}}\n");
    let case = Case::new(&(log() + &blank));
    let text = case.shown(&["log.ndjson", "--only", "lsass_access_by_rights"]);
    assert!(text.contains("could not see: LSASS"), "{text}");
    assert!(text.contains("needs Sysmon 10 with process_granted_access and process_target_name, these logs have no such event"), "{text}");
    let whole = format!(
        "{{\"Channel\":\"{SYSMON}\",\"EventID\":10,\"SourceImage\":\"a.exe\",\"TargetImage\":\"C:\\\\b.exe\",\"GrantedAccess\":\"0x10\"}}\n"
    );
    let case = Case::new(&(log() + &whole));
    let text = case.shown(&["log.ndjson", "--only", "lsass_access_by_rights"]);
    assert!(text.contains("no match: LSASS"), "{text}");
}

#[test]
fn rules_are_run_beside_hunts_the_gravest_first() {
    let case = Case::new(&log());
    let found = case.json(&[
        "log.ndjson",
        "--rules",
        "rules.yml",
        "--format",
        "json",
        "--why",
    ]);
    let titles: Vec<(&str, &str)> = found
        .as_array()
        .unwrap()
        .iter()
        .map(|f| (f["title"].as_str().unwrap(), f["kind"].as_str().unwrap()))
        .collect();
    assert_eq!(
        titles,
        [
            ("Who am I", "sigma"),
            ("Who am I", "sigma"),
            (
                "Shell or script host started by a process that seldom does",
                "sql"
            ),
            ("Words", "sigma"),
            ("Command shell", "sigma"),
            ("Command shell", "sigma"),
        ]
    );
    let shell = &found[4];
    assert_eq!(shell["hunt"], "11111111-1111-4111-8111-111111111111");
    assert_eq!(shell["level"], "low");
    assert_eq!(shell["technique"], serde_json::json!(["T1059.003"]));
    assert_eq!(shell["records"], serde_json::json!(["log.ndjson#7"]));
    assert_eq!(shell["host"], "WS7.corp.example");
    assert_eq!(
        shell["false_positives"],
        serde_json::json!(["Administrators"])
    );
    let why = shell["why"].to_string();
    assert!(
        why.contains("Image ends with") && why.contains("not ParentImage ends with"),
        "{why}"
    );
    // Of the Security log, where the field has another name.
    assert_eq!(found[5]["records"], serde_json::json!(["log.ndjson#9"]));
    assert_eq!(
        found[5]["details"]["NewProcessName"],
        serde_json::json!(["C:\\x\\CMD.EXE"])
    );
    assert_eq!(found[3]["records"], serde_json::json!(["log.ndjson#10"]));
}

#[test]
fn what_became_of_each_rule_is_said() {
    let case = Case::new(&log());
    let report = case.json(&[
        "log.ndjson",
        "--rules",
        "rules.yml",
        "--no-pack",
        "--format",
        "report",
    ]);
    let outcomes: Vec<(&str, &str, &str)> = report["analytics"]
        .as_array()
        .unwrap()
        .iter()
        .map(|a| {
            let text = |key: &str| a[key].as_str().unwrap_or_default();
            (text("title"), text("outcome"), text("why"))
        })
        .collect();
    assert_eq!(
        outcomes,
        [
            ("Who am I", "found", ""),
            (
                "Tasks",
                "could_not_see",
                "needs TaskScheduler 140, these logs have none"
            ),
            ("Never there", "no_match", ""),
            (
                "Original name",
                "could_not_see",
                "needs Sysmon 1 with OriginalFileName or Security 4688 with OriginalFileName, these logs have no such event"
            ),
            ("Words", "found", ""),
            ("Command shell", "found", ""),
        ]
    );
    assert_eq!(
        report["rules"],
        serde_json::json!({"loaded": 6, "refused": 0, "fed": 4, "matched": 3})
    );
    let text = case.shown(&["log.ndjson", "--rules", "rules.yml", "--no-pack"]);
    assert!(
        text.contains("rules: 6 loaded, 0 refused, 4 fed, 3 matched"),
        "{text}"
    );
    assert!(
        text.contains("could not see: 1 rule: needs TaskScheduler 140, these logs have none"),
        "{text}"
    );
    // Where to look first: critical, medium and low findings on each machine.
    let host = text
        .lines()
        .find(|l| l.trim().starts_with("WS7.corp.example "));
    let words: Vec<&str> = host.unwrap().split_whitespace().collect();
    assert_eq!(words, ["WS7.corp.example", "1", "0", "1"], "{text}");
    let all = case.shown(&["log.ndjson", "--rules", "rules.yml", "--no-pack", "--all"]);
    assert!(all.contains("no match: Never there"), "{all}");
}

#[test]
fn rules_are_chosen_and_narrowed() {
    let case = Case::new(&log());
    let titles = |args: &[&str]| -> Vec<String> {
        let all = [
            &["log.ndjson", "--rules", "rules.yml", "--format", "json"],
            args,
        ]
        .concat();
        let mut titles: Vec<String> = case
            .json(&all)
            .as_array()
            .unwrap()
            .iter()
            .map(|f| f["title"].as_str().unwrap().to_owned())
            .collect();
        titles.dedup();
        titles
    };
    assert_eq!(titles(&["--level", "high"]), ["Who am I"]);
    assert_eq!(titles(&["--status", "stable"]), ["Command shell"]);
    assert_eq!(titles(&["--tag", "attack.t1059"]).len(), 2);
    assert_eq!(titles(&["--only", "shell"]), ["Command shell"]);
    case.write(
        "exclude.yml",
        "title: Not the winword\nlogsource: {product: windows, category: process_creation}\nfilter:\n    rules: [shell]\n    selection: {ParentImage|endswith: '\\winword.exe'}\n    condition: not selection\n",
    );
    let all = case.json(&[
        "log.ndjson",
        "--rules",
        "rules.yml",
        "--exclude",
        "exclude.yml",
        "--only",
        "shell",
        "--format",
        "json",
    ]);
    assert_eq!(all[0]["records"], serde_json::json!(["log.ndjson#9"]));
    let unknown = case.run(&["log.ndjson", "--only", "reflective_dll"]);
    assert_eq!(unknown.status.code(), Some(2));
    let said = String::from_utf8(unknown.stderr).unwrap();
    assert!(
        said.contains("did you mean reflective_dll_injection_"),
        "{said}"
    );
}

#[test]
fn some_of_the_events_alone_are_looked_at() {
    let case = Case::new(&log());
    let records = |args: &[&str]| -> Vec<Value> {
        let all = [
            &[
                "log.ndjson",
                "--rules",
                "rules.yml",
                "--no-pack",
                "--only",
                "shell",
                "--format",
                "json",
            ],
            args,
        ]
        .concat();
        let found = case.json(&all);
        let found = found.as_array().unwrap().iter();
        found
            .flat_map(|f| f["records"].as_array().unwrap().clone())
            .collect()
    };
    assert_eq!(records(&[]), ["log.ndjson#7", "log.ndjson#9"]);
    assert_eq!(
        records(&["--since", "2026-03-10T12:30:00Z"]),
        ["log.ndjson#9"]
    );
    assert_eq!(records(&["--until", "2026-03-10 12:30"]), ["log.ndjson#7"]);
    assert_eq!(records(&["--host", "ws9"]), ["log.ndjson#9"]);
    assert_eq!(records(&["--channel", "sysmon"]), ["log.ndjson#7"]);
    assert_eq!(records(&["--id", "4688"]), ["log.ndjson#9"]);
    let wrong = case.run(&["log.ndjson", "--since", "yesterday"]);
    assert_eq!(wrong.status.code(), Some(2));
}

#[test]
fn findings_go_into_files_of_every_format() {
    let case = Case::new(&log());
    let base = ["log.ndjson", "--rules", "rules.yml", "-o"];
    for (name, format) in [
        ("f.json", None),
        ("f.ndjson", None),
        ("f.csv", None),
        ("f.txt", None),
        ("f.sarif", None),
        ("layer.json", Some("navigator")),
    ] {
        let mut args = base.to_vec();
        args.push(name);
        args.extend(format.iter().flat_map(|f| ["--format", f]));
        let output = case.run(&args);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert!(output.stdout.is_empty());
        let text = fs::read_to_string(case.0.path().join(name)).unwrap();
        assert!(
            text.contains("T1059.003") || name == "f.sarif",
            "{name}: {text}"
        );
    }
    let read = |name: &str| -> Value {
        serde_json::from_slice(&fs::read(case.0.path().join(name)).unwrap()).unwrap()
    };
    let run = &read("f.sarif")["runs"][0];
    assert_eq!(run["results"].as_array().unwrap().len(), 6);
    assert_eq!(
        run["results"][0]["ruleId"],
        "22222222-2222-4222-8222-222222222222"
    );
    assert_eq!(run["results"][0]["level"], "error");
    let techniques = read("layer.json")["techniques"].clone();
    let shell = techniques
        .as_array()
        .unwrap()
        .iter()
        .find(|t| t["techniqueID"] == "T1059.003");
    assert_eq!(shell.unwrap()["score"], 2);
    // What is there stays.
    let again = case.run(&["log.ndjson", "-o", "f.json"]);
    assert_eq!(again.status.code(), Some(2));
}

#[test]
fn what_would_be_run_is_listed() {
    let case = Case::new("");
    let listed = case.json(&["--list", "--rules", "rules.yml", "--format", "json"]);
    let find = |id: &str| {
        let listed = listed.as_array().unwrap().iter();
        listed.clone().find(|a| a["id"] == id).unwrap()["needs"].clone()
    };
    assert_eq!(
        find("lsass_access_by_rights"),
        serde_json::json!(["Sysmon 10"])
    );
    assert_eq!(
        find("reflective_dll_injection_corrected"),
        serde_json::json!(["Sysmon 8", "Sysmon 10"])
    );
    assert_eq!(
        find("22222222-2222-4222-8222-222222222222"),
        serde_json::json!(["Sysmon 1", "Security 4688"])
    );
}

#[test]
fn packs_are_checked_when_they_are_loaded() {
    let case = Case::new(&log());
    let hunt = |key: &str, value: &str, sql: &str| {
        let mut keys = vec![
            ("id", "\"mine\""),
            ("title", "\"t\""),
            ("technique", "[\"T1055\"]"),
            ("level", "\"high\""),
            ("actor", "\"actor\""),
            ("target", "\"target\""),
            ("sees", "\"\""),
            ("cannot_see", "\"\""),
            ("false_positives", "\"\""),
            ("source", "\"\""),
        ];
        keys.iter_mut()
            .filter(|(k, _)| *k == key)
            .for_each(|k| k.1 = value);
        let lines: Vec<String> = keys.iter().map(|(k, v)| format!("{k} = {v}")).collect();
        format!("+++\n{}\n+++\n{sql}\n", lines.join("\n"))
    };
    let good = "SELECT UtcTime AS time, Computer AS host, ParentImage AS actor, Image AS target FROM sysmon_process_create";
    let said = |text: &str| {
        case.write("pack/sub/mine.sql", text);
        let output = case.run(&["log.ndjson", "--pack", "pack"]);
        (
            output.status.code(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let (code, text) = said(&hunt("", "", good));
    assert_eq!(code, Some(0), "{text}");
    assert!(
        text.contains("mine.sql:13: findings will name no records"),
        "{text}"
    );
    let (code, text) = said(&hunt("actor", "[\"actor\", \"actor_id\"]", good));
    assert_eq!(code, Some(2));
    assert!(text.contains("mine.sql:6: actor: "), "{text}");
    let (code, text) = said(&hunt("target", "\"victim\"", good));
    assert_eq!(code, Some(2));
    assert!(
        text.contains("mine.sql:7: target: the query gives no column victim"),
        "{text}"
    );
    let (code, text) = said(&hunt("", "", "SELECT Image FORM sysmon"));
    assert_eq!(code, Some(2));
    assert!(text.contains("mine.sql:13: "), "{text}");
    let alone = case.run(&["log.ndjson", "--pack", "pack/sub/mine.sql"]);
    assert_eq!(alone.status.code(), Some(2));
}

#[test]
fn a_record_that_names_a_sensor_and_is_left_out_is_warned_of() {
    let foreign = r#"{"Channel":"Security","SourceName":"Microsoft-Windows-Sysmon","EventID":1,"EventRecordID":3,"Image":"a.exe"}"#;
    let case = Case::new(&(log() + foreign));
    let output = case.run(&["log.ndjson"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("1 event of channel Security, provider Microsoft-Windows-Sysmon left out of the Sysmon tables"),
        "{said}"
    );
}

fn shared(what: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared")
        .join(what);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: ../shared/{what} is not there");
    None
}

/// The records of each rule, as `hunt` and as `rules match` name them.
#[test]
fn a_hunt_finds_what_rules_match() {
    let (Some(log), Some(rules)) = (
        shared("data/security-datasets/empire_psinject_PEinjection.zip"),
        shared("conformance/sigma/rules/rules/windows/create_remote_thread"),
    ) else {
        return;
    };
    let run = |args: &[&str]| {
        let paths = [log.to_str().unwrap(), "--rules", rules.to_str().unwrap()];
        let command = Command::new(env!("CARGO_BIN_EXE_scotoma"))
            .args(args)
            .args(paths)
            .output();
        String::from_utf8(command.unwrap().stdout).unwrap()
    };
    let objects = |text: &str| -> Vec<Value> {
        let lines = text.lines().map(|l| serde_json::from_str(l).unwrap());
        lines.collect()
    };
    let mut matched: Vec<(String, String)> = objects(&run(&["rules", "match"]))
        .iter()
        .map(|m| {
            let text = |key: &str| m[key].as_str().unwrap().to_owned();
            (text("rule"), format!("{}#{}", text("file"), m["record"]))
        })
        .collect();
    let mut found: Vec<(String, String)> =
        objects(&run(&["hunt", "--no-pack", "--format", "ndjson"]))
            .iter()
            .flat_map(|f| {
                let rule = f["hunt"].as_str().unwrap().to_owned();
                let records = f["records"].as_array().unwrap().clone();
                records
                    .into_iter()
                    .map(move |r| (rule.clone(), r.as_str().unwrap().to_owned()))
            })
            .collect();
    matched.sort();
    found.sort();
    assert!(!matched.is_empty());
    assert_eq!(matched, found);
}
