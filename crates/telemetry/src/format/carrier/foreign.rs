//! Saying what a record looks like that holds no event.

use serde_json::Value;

use super::{Foreign, Object};

/// What every event needs.
pub(super) const HEADER: &str = "an event id, and a channel or a provider";

/// Keys that tell a kind of record, and what it is.
const KINDS: [(&[&str], &str); 12] = [
    (
        &["ActionType", "DeviceName"],
        "a Microsoft Defender hunting table",
    ),
    (&["id.orig_h"], "a Zeek log"),
    (&["_path", "ts"], "a Zeek log"),
    (&["__REALTIME_TIMESTAMP"], "a systemd journal entry"),
    (&["event_type", "flow_id"], "a Suricata log"),
    (&["hostIdentifier", "calendarTime"], "an osquery result"),
    (&["preview", "result"], "a Splunk export"),
    (&["rule", "agent", "manager"], "a Wazuh alert"),
    (&["hits", "took"], "an answer of Elasticsearch"),
    (&["eventVersion", "awsRegion"], "an AWS CloudTrail event"),
    (&["dependencies", "version"], "a package description"),
    (&["ecs", "@timestamp"], "an ECS document of another source"),
];

/// What Scotoma wrote itself, by keys that only it uses together.
const OWN: [(&[&str], &str); 3] = [
    (&["hunt", "title", "events"], "findings written by scotoma"),
    (&["analytic", "findings"], "findings written by scotoma"),
    (&["scotoma"], "an answer written by scotoma"),
];

/// The kind of Scotoma's own output that an object is.
pub(super) fn own_output(object: &Object) -> Option<&'static str> {
    kind(object, &OWN)
}

fn kind(object: &Object, kinds: &[(&[&str], &'static str)]) -> Option<&'static str> {
    let all = |keys: &[&str]| keys.iter().all(|k| object.contains_key(*k));
    kinds
        .iter()
        .find(|(keys, _)| all(keys))
        .map(|(_, name)| *name)
}

/// What an object looks like, and what it lacks.
pub(super) fn describe(object: &Object) -> Foreign {
    let looks_like = kind(object, &KINDS).map_or_else(|| listed(object), str::to_owned);
    let has = |names: &[&str]| {
        let mut keys = object.iter().filter(|(_, v)| !matches!(v, Value::Null));
        keys.any(|(k, _)| names.iter().any(|n| k.eq_ignore_ascii_case(n)))
    };
    let id = has(&["EventID", "event_id", "EventCode"]);
    let source = has(&[
        "Channel",
        "Provider",
        "log_name",
        "SourceName",
        "ProviderName",
    ]);
    Foreign {
        looks_like,
        needs: match (id, source) {
            (true, false) => "a channel or a provider",
            (false, true) => "an event id",
            _ => HEADER,
        },
    }
}

/// The first keys of an object, sorted, so that their order in the record says nothing.
fn listed(object: &Object) -> String {
    const SHOWN: usize = 4;
    const LONGEST: usize = 32;
    let mut keys: Vec<&String> = object.keys().collect();
    keys.sort_unstable();
    let shown = keys.iter().take(SHOWN).map(|key| {
        let plain = key.chars().map(|c| if c.is_control() { '?' } else { c });
        plain.take(LONGEST).collect::<String>()
    });
    let shown = shown.collect::<Vec<_>>().join(", ");
    let more = if keys.len() > SHOWN { ", ..." } else { "" };
    format!("JSON with {shown}{more}")
}
