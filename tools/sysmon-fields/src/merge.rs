//! Many schema versions become one list of event types, each with its layouts: what it is from one version on. Knows the
//! shape of the dump; knows nothing of what an event means.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct DumpedEvent {
    id: u32,
    rule_name: Option<String>,
    description: String,
    default_when_no_rules: Option<String>,
    target: Option<String>,
    fields: Vec<DumpedField>,
}

#[derive(Deserialize)]
struct DumpedField {
    name: String,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct DumpedMeta {
    binaryversion: String,
    conditions: Vec<String>,
    options: Vec<DumpedOption>,
}

#[derive(Deserialize)]
struct DumpedOption {
    name: String,
    argument: String,
    noconfig: Option<Value>,
    rule: Option<Value>,
    forceconfig: Option<Value>,
    target: String,
}

/// An option that a configuration file may set.
#[derive(Clone, PartialEq)]
pub(crate) struct ConfigOption {
    pub(crate) name: String,
    pub(crate) argument: String,
    pub(crate) rule: bool,
    pub(crate) config_only: bool,
    pub(crate) internal: bool,
}

/// What a schema version has beside its events.
pub(crate) struct Version {
    pub(crate) version: String,
    pub(crate) binary: String,
    pub(crate) conditions: Vec<String>,
    pub(crate) options: Vec<ConfigOption>,
}

/// An event type from one version on.
#[derive(PartialEq)]
pub(crate) struct Layout {
    pub(crate) since: String,
    pub(crate) tag: Option<String>,
    pub(crate) title: String,
    pub(crate) default: Option<String>,
    pub(crate) fields: Vec<String>,
}

/// An event type over all the schema versions that have it.
pub(crate) struct Event {
    pub(crate) id: u32,
    /// The manifest's name of the event, without the id that tells the members of a shared tag apart.
    pub(crate) name: String,
    pub(crate) linux_only: bool,
    pub(crate) until: String,
    /// Oldest first.
    pub(crate) layouts: Vec<Layout>,
}

/// All of the dump.
pub(crate) struct Schemas {
    /// Oldest first.
    pub(crate) versions: Vec<Version>,
    /// The types of fields that are not text, by name.
    pub(crate) types: BTreeMap<String, String>,
    /// By id.
    pub(crate) events: BTreeMap<u32, Event>,
}

/// Schema versions as numbers: `3.10` is older than `3.2`, because Sysmon itself reads them as decimals.
fn version_key(version: &str) -> u64 {
    let (major, minor) = version.split_once('.').unwrap_or((version, "0"));
    let minor: String = minor.chars().chain("00".chars()).take(2).collect();
    major.parse::<u64>().unwrap_or(0) * 100 + minor.parse::<u64>().unwrap_or(0)
}

/// All versions of the dump as one. An element that is no event is passed over.
///
/// # Errors
/// Where a version's `_meta` is not what it should be, or a field has two types.
pub(crate) fn merge(dump: &BTreeMap<String, Value>) -> Result<Schemas, String> {
    let mut versions: Vec<&String> = dump.keys().collect();
    versions.sort_by_key(|v| version_key(v));
    let mut all = Schemas {
        versions: Vec::new(),
        types: BTreeMap::new(),
        events: BTreeMap::new(),
    };
    for version in versions {
        let Some(elements) = dump[version].as_object() else {
            continue;
        };
        for (name, element) in elements {
            if name == "_meta" {
                let meta = DumpedMeta::deserialize(element);
                all.versions.push(
                    meta.map(|m| m.of(version))
                        .map_err(|e| format!("{version}: {e}"))?,
                );
            } else if let Ok(dumped) = DumpedEvent::deserialize(element) {
                all.add(version, name, dumped)?;
            }
        }
    }
    Ok(all)
}

impl DumpedMeta {
    fn of(self, version: &str) -> Version {
        let options = self.options.into_iter().filter(|o| o.noconfig.is_none());
        let option = |o: DumpedOption| ConfigOption {
            internal: o.target != "all",
            name: o.name,
            argument: o.argument,
            rule: o.rule.is_some(),
            config_only: o.forceconfig.is_some(),
        };
        Version {
            version: version.to_owned(),
            binary: self.binaryversion,
            conditions: self.conditions,
            options: options.map(option).collect(),
        }
    }
}

impl Schemas {
    fn add(&mut self, version: &str, name: &str, dumped: DumpedEvent) -> Result<(), String> {
        let event = self.events.entry(dumped.id).or_insert_with(|| Event {
            id: dumped.id,
            name: String::new(),
            linux_only: true,
            until: String::new(),
            layouts: Vec::new(),
        });
        event.name = name.split('/').next().unwrap_or(name).to_owned();
        event.linux_only = dumped.target.as_deref() == Some("linux");
        event.until = version.to_owned();
        for field in &dumped.fields {
            let known = self.types.entry(field.name.clone());
            let known = known.or_insert_with(|| field.kind.clone());
            if *known != field.kind {
                return Err(format!("{} is {known} and {}", field.name, field.kind));
            }
        }
        let mut layout = Layout {
            since: version.to_owned(),
            tag: dumped.rule_name,
            title: dumped.description,
            default: dumped.default_when_no_rules,
            fields: dumped.fields.into_iter().map(|f| f.name).collect(),
        };
        if let Some(last) = event.layouts.last() {
            let since = std::mem::replace(&mut layout.since, last.since.clone());
            if *last == layout {
                return Ok(());
            }
            layout.since = since;
        }
        event.layouts.push(layout);
        Ok(())
    }
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
    fn a_layout_lasts_until_anything_changes() {
        let meta = r#"{"binaryversion": "1", "conditions": [], "options": []}"#;
        let thing = |tag: &str, fields: &str| {
            format!(
                r#"{{"_meta": {meta}, "Thing/7": {{"id": 7, "rule_name": {tag}, "description": "Thing",
                "default_when_no_rules": null, "target": "all", "fields": {fields}}}}}"#
            )
        };
        let b = r#"[{"name": "B", "type": "GUID"}]"#;
        let ab = r#"[{"name": "A", "type": "UInt32"}, {"name": "B", "type": "GUID"}]"#;
        let dump = format!(
            r#"{{"4.2": {}, "4.21": {}, "3.2": {}, "3.10": {}}}"#,
            thing("\"Thing\"", ab),
            thing("\"Thing\"", ab),
            thing("null", b),
            thing("null", b),
        );
        let all = merge(&serde_json::from_str(&dump).unwrap()).unwrap();
        let event = &all.events[&7];
        let layouts = event
            .layouts
            .iter()
            .map(|l| (l.since.as_str(), l.fields.len()));
        assert_eq!(layouts.collect::<Vec<_>>(), [("3.10", 1), ("4.2", 2)]);
        assert_eq!(
            (event.name.as_str(), event.until.as_str()),
            ("Thing", "4.21")
        );
        assert_eq!(all.types["B"], "GUID");
        assert_eq!(all.versions.len(), 4);
    }
}
