//! The fleet in the repository is the one the generator writes, and what the generator says about a fleet is true of
//! its events. The events are read here as plain JSON, not with the project's own readers.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use samples::fleet::{self, Settings};
use schema::sysmon as sysmon_fields;
use serde_json::Value;

const SYSMON: &str = "Microsoft-Windows-Sysmon/Operational";

/// Files by name, unpacked.
fn unpacked(folder: &Path) -> BTreeMap<String, String> {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "zst"))
        .map(|path| {
            let text = zstd::decode_all(fs::File::open(&path).unwrap()).unwrap();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, String::from_utf8(text).unwrap())
        })
        .collect()
}

fn written(settings: &Settings) -> (fleet::Written, BTreeMap<String, String>) {
    let folder = tempfile::tempdir().unwrap();
    let written = fleet::write(folder.path(), settings).unwrap();
    (written, unpacked(folder.path()))
}

/// The fleet of the repository.
static DEFAULT: LazyLock<(fleet::Written, BTreeMap<String, String>)> =
    LazyLock::new(|| written(&Settings::default()));

fn events(files: &BTreeMap<String, String>) -> impl Iterator<Item = Value> {
    files
        .values()
        .flat_map(|text| text.lines())
        .map(|line| serde_json::from_str(line).unwrap())
}

fn text<'e>(event: &'e Value, field: &str) -> &'e str {
    event["winlog"]["event_data"][field].as_str().unwrap_or("")
}

fn host(event: &Value) -> &str {
    event["winlog"]["computer_name"].as_str().unwrap()
}

fn is(event: &Value, channel: &str, id: u32) -> bool {
    event["winlog"]["channel"] == channel && event["winlog"]["event_id"] == id
}

fn time(event: &Value) -> i64 {
    telemetry::time::parse(event["@timestamp"].as_str().unwrap()).unwrap()
}

#[test]
fn the_fleet_in_the_repository_is_this() {
    let stored = unpacked(&samples::folder("samples-fleet"));
    let (written, made) = &*DEFAULT;
    assert_eq!(written.files, 12);
    assert_eq!(
        made.keys().collect::<Vec<_>>(),
        stored.keys().collect::<Vec<_>>()
    );
    for (name, text) in made {
        assert!(
            stored[name] == *text,
            "samples-fleet/{name} differs: cargo run -p samples"
        );
    }
    let size: u64 = fs::read_dir(samples::folder("samples-fleet"))
        .unwrap()
        .map(|e| e.unwrap().metadata().unwrap().len())
        .sum();
    assert!(size < 600_000, "{size} bytes");
}

#[test]
fn a_seed_is_a_fleet() {
    let settings = Settings {
        hosts: 3,
        days: 2,
        ..Settings::default()
    };
    let other = Settings {
        seed: 2,
        ..settings
    };
    assert!(written(&settings) == written(&settings));
    assert!(written(&settings) != written(&other));
}

#[test]
fn the_truth_is_in_the_events() {
    let stored = Settings::default();
    for seed in 1..3 {
        let settings = Settings {
            seed,
            ..Settings::default()
        };
        let truth = fleet::truth(&settings);
        let all: Vec<Value> = if seed == stored.seed {
            events(&DEFAULT.1).collect()
        } else {
            events(&written(&settings).1).collect()
        };

        // The kernel tells of every boot, to the millisecond, on the hosts whose System log is collected.
        let told: BTreeSet<(String, i64)> = all
            .iter()
            .filter(|e| is(e, "System", 12))
            .map(|e| (host(e).to_owned(), time(e)))
            .collect();
        let hosts: BTreeSet<&str> = told.iter().map(|(host, _)| host.as_str()).collect();
        let expected: BTreeSet<(String, i64)> = truth
            .boots
            .iter()
            .filter(|b| hosts.contains(b.host.as_str()))
            .map(|b| (b.host.clone(), b.time))
            .collect();
        assert_eq!(told, expected);
        assert_eq!(hosts.len(), 9);

        // Each boot starts one wininit, except where Sysmon does not log processes.
        let started = all
            .iter()
            .filter(|e| is(e, SYSMON, 1) && text(e, "Image").ends_with(r"\wininit.exe"))
            .count();
        let seen = truth.boots.iter().filter(|b| !b.host.starts_with("KIOSK"));
        assert_eq!(started, seen.count());

        // Later sessions start their own csrss and winlogon, outside session 0.
        let later = all
            .iter()
            .filter(|e| is(e, SYSMON, 1) && text(e, "Image").ends_with(r"\csrss.exe"))
            .filter(|e| text(e, "TerminalSessionId") == "2")
            .count();
        assert_eq!(later, truth.sessions.len());
        assert!(later > 0);

        let restarts = all.iter().filter(|e| is(e, SYSMON, 16)).count();
        assert_eq!(restarts, truth.sysmon_restarts.len());
        assert!(restarts > 0);

        let intrusion = truth.intrusion.unwrap();
        let threads: Vec<&Value> = all
            .iter()
            .filter(|e| is(e, SYSMON, 8) && text(e, "SourceImage") == intrusion.source)
            .collect();
        assert_eq!(threads.len(), 1);
        assert_eq!(text(threads[0], "TargetImage"), intrusion.target);
        assert_eq!(host(threads[0]), intrusion.host);
        assert!((0..10_000_000).contains(&(time(threads[0]) - intrusion.time)));
    }
}

#[test]
fn sysmon_events_have_the_fields_of_the_schema_in_order() {
    for event in events(&DEFAULT.1).filter(|e| e["winlog"]["channel"] == SYSMON) {
        let id = u32::try_from(event["winlog"]["event_id"].as_u64().unwrap()).unwrap();
        let schema: Vec<&str> = sysmon_fields::event(id)
            .unwrap()
            .fields
            .iter()
            .filter(|f| f.until.is_none())
            .map(|f| f.name.as_str())
            .collect();
        let data = event["winlog"]["event_data"].as_object().unwrap();
        let written: Vec<&str> = data.keys().map(String::as_str).collect();
        assert_eq!(written, schema, "event {id}");
    }
}

#[test]
fn records_are_numbered_and_in_the_order_of_time() {
    for (name, text) in &DEFAULT.1 {
        let mut last = i64::MIN;
        let mut next: BTreeMap<String, u64> = BTreeMap::new();
        for line in text.lines() {
            let event: Value = serde_json::from_str(line).unwrap();
            assert!(time(&event) >= last, "{name}");
            last = time(&event);
            let channel = event["winlog"]["channel"].as_str().unwrap().to_owned();
            let record = event["winlog"]["record_id"].as_u64().unwrap();
            let expected = *next.get(&channel).unwrap_or(&record);
            assert_eq!(record, expected, "{name}");
            next.insert(channel, record + 1);
        }
    }
}

#[test]
fn a_fleet_has_about_as_many_events_as_were_asked_for() {
    let settings = Settings {
        hosts: 6,
        days: 2,
        seed: 5,
        events: Some(40_000),
    };
    let (written, files) = written(&settings);
    assert!(
        (39_600..40_400).contains(&written.events),
        "{}",
        written.events
    );
    assert_eq!(events(&files).count() as u64, written.events);
    // Ordinary work starts no remote threads.
    let sources = events(&files)
        .filter(|e| is(e, SYSMON, 8))
        .map(|e| text(&e, "SourceImage").to_owned());
    assert!(sources.collect::<BTreeSet<_>>().len() <= 8);
}
