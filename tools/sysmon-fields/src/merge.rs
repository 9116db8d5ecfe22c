//! Many schema versions become one list of event types. Knows the shape of the dump; refuses to know what an event
//! means.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// A schema that has not shipped an event yet gives it an id above every real one (0xF001 and up).
const PLACEHOLDER_IDS: u32 = 0xF000;

#[derive(Deserialize)]
struct DumpedEvent {
    id: u32,
    rule_name: Option<String>,
    description: String,
    target: Option<String>,
    fields: Vec<DumpedField>,
}

#[derive(Deserialize)]
struct DumpedField {
    name: String,
    #[serde(rename = "type")]
    kind: String,
}

/// A field over all the schema versions that have it.
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) since: String,
    pub(crate) until: String,
}

/// An event type over all the schema versions that have it.
pub(crate) struct Event {
    pub(crate) id: u32,
    /// The manifest's name of the event, without the id that tells the members of a shared tag apart.
    pub(crate) name: String,
    pub(crate) tag: Option<String>,
    pub(crate) title: String,
    pub(crate) linux_only: bool,
    pub(crate) since: String,
    pub(crate) until: String,
    pub(crate) fields: Vec<Field>,
}

/// Schema versions as numbers: `3.10` is older than `3.2`, because Sysmon itself reads them as decimals.
fn version_key(version: &str) -> u64 {
    let (major, minor) = version.split_once('.').unwrap_or((version, "0"));
    let minor: String = minor.chars().chain("00".chars()).take(2).collect();
    major.parse::<u64>().unwrap_or(0) * 100 + minor.parse::<u64>().unwrap_or(0)
}

/// All event types of the dump, by id. Elements that are not events (`_meta`) are passed over.
pub(crate) fn merge(dump: &BTreeMap<String, Value>) -> Vec<Event> {
    let mut versions: Vec<&String> = dump.keys().collect();
    versions.sort_by_key(|v| version_key(v));
    let mut events: BTreeMap<u32, Event> = BTreeMap::new();
    for version in versions {
        let Some(elements) = dump[version].as_object() else {
            continue;
        };
        for (name, element) in elements {
            let Ok(dumped) = DumpedEvent::deserialize(element) else {
                continue;
            };
            if dumped.id < PLACEHOLDER_IDS {
                add(&mut events, version, name, dumped);
            }
        }
    }
    events.into_values().collect()
}

fn add(events: &mut BTreeMap<u32, Event>, version: &str, name: &str, dumped: DumpedEvent) {
    let event = events.entry(dumped.id).or_insert_with(|| Event {
        id: dumped.id,
        name: String::new(),
        tag: None,
        title: String::new(),
        linux_only: true,
        since: version.to_owned(),
        until: String::new(),
        fields: Vec::new(),
    });
    // The newest version has the last word on everything but the history.
    event.name = name.split('/').next().unwrap_or(name).to_owned();
    event.tag = dumped.rule_name;
    event.title = dumped.description;
    event.linux_only = dumped.target.as_deref() == Some("linux");
    event.until = version.to_owned();
    let mut old = std::mem::take(&mut event.fields);
    for field in dumped.fields {
        let before = old
            .iter()
            .position(|f| f.name.eq_ignore_ascii_case(&field.name))
            .map(|i| old.remove(i));
        event.fields.push(Field {
            name: field.name,
            kind: field.kind,
            since: before.map_or_else(|| version.to_owned(), |f| f.since),
            until: version.to_owned(),
        });
    }
    // What the newer version has dropped stands last.
    event.fields.append(&mut old);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn versions_are_decimals() {
        let mut versions = ["4.21", "3.2", "4.3", "3.10", "4.2", "2.0"];
        versions.sort_by_key(|v| version_key(v));
        assert_eq!(versions, ["2.0", "3.10", "3.2", "4.2", "4.21", "4.3"]);
    }

    #[test]
    fn the_newest_order_leads_and_history_is_kept() {
        let dump = serde_json::from_str(
            r#"{
            "4.2": {"_meta": {}, "Thing/7": {"id": 7, "rule_name": "Thing", "description": "Thing done",
                "target": "all", "fields": [{"name": "B", "type": "GUID"}, {"name": "A", "type": "UInt32"}]}},
            "3.10": {"Thing/7": {"id": 7, "rule_name": null, "description": "Thing", "target": "all",
                "fields": [{"name": "Gone", "type": "UInt64"}, {"name": "A", "type": "UInt32"}]},
                "Later": {"id": 61441, "rule_name": null, "description": "", "target": "all", "fields": []}}
            }"#,
        )
        .unwrap();
        let events = merge(&dump);
        assert_eq!(events.len(), 1);
        let event = &events[0];
        assert_eq!(
            (event.name.as_str(), event.title.as_str()),
            ("Thing", "Thing done")
        );
        assert_eq!(event.tag.as_deref(), Some("Thing"));
        let fields: Vec<_> = event
            .fields
            .iter()
            .map(|f| (f.name.as_str(), f.since.as_str(), f.until.as_str()))
            .collect();
        assert_eq!(
            fields,
            [
                ("B", "4.2", "4.2"),
                ("A", "3.10", "4.2"),
                ("Gone", "3.10", "3.10")
            ]
        );
    }
}
