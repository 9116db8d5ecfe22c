//! The recordings are the ones in the repository, their Sysmon events have the sensor's fields in the sensor's order,
//! and they hold what `docs/samples.md` says a hunt finds. The counts here are made from the model, not with SQL.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use schema::sysmon as sysmon_fields;

use crate::model::event::Event;
use crate::model::host::Host;
use crate::{folder, recordings, role};

fn hosts() -> [Host; 2] {
    [role::workstation::record(), role::server::record()]
}

fn sysmon(host: &Host, id: u32) -> impl Iterator<Item = &Event> {
    host.events
        .iter()
        .filter(move |e| e.log.provider == "Microsoft-Windows-Sysmon" && e.id == id)
}

fn value<'a>(event: &'a Event, field: &str) -> &'a str {
    let found = event
        .data
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(field));
    &found.unwrap().1
}

fn rights(event: &Event) -> u32 {
    let text = value(event, "GrantedAccess");
    u32::from_str_radix(text.trim_start_matches("0x"), 16).unwrap()
}

fn name<'a>(event: &'a Event, field: &str) -> &'a str {
    value(event, field).rsplit('\\').next().unwrap()
}

#[test]
fn the_files_in_the_repository_are_these() {
    let mut size = 0;
    for (file, content) in recordings() {
        let stored = std::fs::read(folder("samples").join(file)).unwrap();
        size += stored.len();
        assert!(
            stored == content.as_bytes(),
            "samples/{file} differs: cargo run -p samples"
        );
    }
    assert!(size < 1_000_000, "{size} bytes");
}

#[test]
fn sysmon_events_have_the_fields_of_the_schema_in_order() {
    for host in hosts() {
        for event in host
            .events
            .iter()
            .filter(|e| e.log.channel.contains("Sysmon"))
        {
            let schema: Vec<&str> = sysmon_fields::event(event.id)
                .unwrap()
                .fields
                .iter()
                .filter(|f| f.until.is_none())
                .map(|f| f.name.as_str())
                .collect();
            let written: Vec<&str> = event.data.iter().map(|(n, _)| *n).collect();
            assert_eq!(written, schema, "event {}", event.id);
        }
    }
}

#[test]
fn the_logs_are_as_varied_as_they_are_said_to_be() {
    for (host, events) in hosts().iter().zip([300..500, 200..400]) {
        assert!(events.contains(&host.events.len()), "{}", host.events.len());
        let mut last = i64::MIN;
        for event in &host.events {
            assert!(event.time >= last);
            last = event.time;
        }
        let mut records = BTreeSet::new();
        for event in &host.events {
            assert!(records.insert((event.log.channel, event.record)));
        }
        let ids: BTreeSet<(&str, u32)> =
            host.events.iter().map(|e| (e.log.channel, e.id)).collect();
        for id in [1, 3, 5, 7, 8, 10, 11, 13, 18, 22] {
            assert!(
                ids.contains(&("Microsoft-Windows-Sysmon/Operational", id)),
                "{id}"
            );
        }
        for id in [4624, 4688, 5156] {
            assert!(ids.contains(&("Security", id)), "{id}");
        }
        assert!(ids.contains(&("System", 7036)));
    }
    let workstation = &hosts()[0];
    assert!(workstation.events.iter().any(|e| e.id == 4104));
    assert!(workstation.events.iter().any(|e| e.id == 800));
}

/// The published join: event 8 with every open by the same process that holds the mask.
fn published(host: &Host, mask: u32, same_target: bool) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    for thread in sysmon(host, 8) {
        for open in sysmon(host, 10) {
            let same = value(open, "SourceProcessGUID") == value(thread, "SourceProcessGuid")
                && (!same_target
                    || value(open, "TargetProcessGUID") == value(thread, "TargetProcessGuid"));
            if same && rights(open) & mask == mask {
                rows.push((
                    name(thread, "SourceImage").to_owned(),
                    name(thread, "TargetImage").to_owned(),
                ));
            }
        }
    }
    rows
}

fn pair(actor: &str, target: &str) -> (String, String) {
    (actor.to_owned(), target.to_owned())
}

#[test]
fn the_published_hunt_finds_the_first_injection_and_two_innocents() {
    let [workstation, server] = hosts();
    let (console, rows): (Vec<_>, Vec<_>) = published(&workstation, 0x1440, false)
        .into_iter()
        .partition(|(actor, _)| actor == "csrss.exe");
    assert_eq!(rows, vec![pair("powershell.exe", "notepad.exe"); 24]);
    // csrss holds every right to every process it ever saw start, and it starts a thread to close a console.
    assert_eq!(console, vec![pair("csrss.exe", "cmd.exe"); 12]);
    let rows = published(&server, 0x1440, false);
    assert_eq!(rows, vec![pair("HealthAgent.exe", "w3wp.exe"); 2]);
}

#[test]
fn the_corrected_hunt_finds_both_injections() {
    let [workstation, server] = hosts();
    let mut rows = published(&workstation, 0x143a, true);
    // The hunt leaves out csrss where it closes a console.
    rows.retain(|row| *row != pair("csrss.exe", "cmd.exe"));
    assert_eq!(rows, vec![pair("powershell.exe", "notepad.exe"); 12]);
    let rows = published(&server, 0x143a, true);
    assert_eq!(rows, vec![pair("upd64.exe", "spoolsv.exe"); 3]);
}

#[test]
fn unknown_frames_with_rights_to_change_the_target_are_the_injections() {
    let found: Vec<(String, String)> = hosts()
        .iter()
        .flat_map(|h| {
            sysmon(h, 10)
                .collect::<Vec<_>>()
                .into_iter()
                .map(|e| {
                    let unknown = value(e, "CallTrace").contains("UNKNOWN(");
                    (unknown && rights(e) & 0x2a != 0)
                        .then(|| pair(name(e, "SourceImage"), name(e, "TargetImage")))
                })
                .collect::<Vec<_>>()
        })
        .flatten()
        .collect();
    assert_eq!(
        found,
        [
            pair("powershell.exe", "notepad.exe"),
            pair("upd64.exe", "spoolsv.exe")
        ]
    );
    // And there are innocent opens with such frames for the rights to tell apart.
    let innocent = sysmon(&hosts()[0], 10)
        .filter(|e| value(e, "CallTrace").contains("UNKNOWN(") && rights(e) & 0x2a == 0)
        .count();
    assert_eq!(innocent, 5);
}

#[test]
fn the_security_authority_is_read_by_a_dumper_and_by_the_antimalware_engine() {
    let readers = |host: &Host| -> BTreeSet<String> {
        sysmon(host, 10)
            .filter(|e| name(e, "TargetImage") == "lsass.exe" && rights(e) & 0x10 != 0)
            .map(|e| name(e, "SourceImage").to_owned())
            .collect()
    };
    let [workstation, server] = hosts();
    assert_eq!(readers(&workstation), ["MsMpEng.exe".to_owned()].into());
    assert_eq!(
        readers(&server),
        ["MsMpEng.exe".to_owned(), "rundll32.exe".to_owned()].into()
    );
}

#[test]
fn threads_without_a_module_are_the_injections() {
    let count = |host: &Host| {
        sysmon(host, 8)
            .filter(|e| value(e, "StartModule") == "-")
            .count()
    };
    let [workstation, server] = hosts();
    assert_eq!(
        (count(&workstation), sysmon(&workstation, 8).count()),
        (12, 13)
    );
    assert_eq!((count(&server), sysmon(&server, 8).count()), (3, 4));
}

#[test]
fn three_parents_are_unusual() {
    let starts: Vec<(String, String)> = hosts()
        .iter()
        .flat_map(|h| {
            sysmon(h, 1)
                .map(|e| pair(name(e, "ParentImage"), name(e, "Image")))
                .collect::<Vec<_>>()
        })
        .collect();
    for (parent, child) in [
        ("WINWORD.EXE", "powershell.exe"),
        ("w3wp.exe", "cmd.exe"),
        ("spoolsv.exe", "cmd.exe"),
    ] {
        assert_eq!(
            starts.iter().filter(|s| **s == pair(parent, child)).count(),
            1,
            "{parent}"
        );
    }
}
