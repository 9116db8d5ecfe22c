//! Sysmon's event types and their data fields over all schema versions: what a Sysmon record may hold, in which order
//! and of which type, whatever version wrote it.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::version::SchemaVersion;
use super::{data, tables};

/// The type a manifest gives a field, as Windows names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum FieldType {
    /// Text. Times (`UtcTime` and its kind) are text of the form `2020-08-07 18:32:44.580`, in UTC.
    UnicodeString,
    /// A GUID, written `{297bc33e-9de2-5f2d-2208-000000000400}` in either case.
    #[serde(rename = "GUID")]
    Guid,
    /// Written in decimal.
    UInt16,
    /// Written in decimal.
    UInt32,
    /// Written in decimal.
    UInt64,
    /// Written `0x1f3fff`.
    HexInt32,
    /// Written `0x3e7`.
    HexInt64,
    /// Written `true` or `false`.
    Boolean,
}

/// A data field of an event type.
#[derive(Debug)]
pub struct Field {
    /// The name as the newest schema spells it. Other versions and other events may differ in case.
    pub name: String,
    /// The type its manifests give it.
    pub kind: FieldType,
    /// First schema version that has it.
    pub since: SchemaVersion,
    /// Last schema version that has it, where later ones do not.
    pub until: Option<SchemaVersion>,
}

/// An event type over all schema versions that have it.
#[derive(Debug)]
pub struct EventHistory {
    /// The event id.
    pub id: u32,
    /// The element that filters it in a configuration; `None` where nothing can.
    pub tag: Option<String>,
    /// Sysmon's own title of the event.
    pub title: String,
    /// The SQL views that show it: its own first, then the one all ids of its tag share.
    pub views: Vec<String>,
    /// First schema version that has it.
    pub since: SchemaVersion,
    /// Last schema version that has it, where that is not the newest.
    pub until: Option<SchemaVersion>,
    /// Whether only Sysmon for Linux writes it.
    pub linux_only: bool,
    /// Its data fields in the order of the newest schema, dropped ones last.
    pub fields: Vec<Field>,
    /// The names of its fields in the order of the record, one list for every version that changed them; oldest first.
    layouts: Vec<Vec<String>>,
}

impl EventHistory {
    /// Whether the event has a data field of this name (any case), in any schema version.
    pub fn has(&self, field: &str) -> bool {
        self.fields
            .iter()
            .any(|f| f.name.eq_ignore_ascii_case(field))
    }

    /// The names of the fields of a record that has so many, in the order of the record: of several versions the newest.
    /// This names values that came without their names.
    pub fn names(&self, count: usize) -> Option<&[String]> {
        let mut newest_first = self.layouts.iter().rev();
        newest_first.find(|l| l.len() == count).map(Vec::as_slice)
    }
}

/// The event types that logs have, by id.
pub(super) fn histories(file: &data::File) -> Vec<EventHistory> {
    let shipped = file.event.iter().filter(|e| !e.views.is_empty());
    shipped.filter_map(|e| history(e, file)).collect()
}

fn history(event: &data::Event, file: &data::File) -> Option<EventHistory> {
    let (first, newest) = (event.layouts.first()?, event.layouts.last()?);
    let mut fields: Vec<Field> = Vec::new();
    for layout in &event.layouts {
        let mut old = std::mem::take(&mut fields);
        for name in &layout.fields {
            let before = old
                .iter()
                .position(|f| f.name.eq_ignore_ascii_case(name))
                .map(|at| old.remove(at));
            fields.push(Field {
                name: name.clone(),
                kind: file
                    .types
                    .get(name)
                    .copied()
                    .unwrap_or(FieldType::UnicodeString),
                since: before.map_or(layout.since, |f| f.since),
                until: None,
            });
        }
        // What the newer version has dropped stands last. Its own last version is the one before.
        let before = file.version.iter().rev().map(|v| v.version);
        let last = before.clone().find(|v| *v < layout.since);
        fields.extend(old.into_iter().map(|f| Field {
            until: f.until.or(last),
            ..f
        }));
    }
    Some(EventHistory {
        id: event.id,
        tag: newest.tag.clone(),
        title: newest.title.clone(),
        views: event.views.clone(),
        since: first.since,
        until: event.until,
        linux_only: event.linux_only,
        fields,
        layouts: event.layouts.iter().map(|l| l.fields.clone()).collect(),
    })
}

/// The ids each SQL view shows.
pub(super) fn views_of(events: &[EventHistory]) -> BTreeMap<String, Vec<u32>> {
    let mut views: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for event in events {
        for view in &event.views {
            views.entry(view.clone()).or_default().push(event.id);
        }
    }
    views
}

/// All event types, by id.
pub fn events() -> &'static [EventHistory] {
    &tables().events
}

/// The event type with this id.
pub fn event(id: u32) -> Option<&'static EventHistory> {
    let events = events();
    events
        .binary_search_by_key(&id, |e| e.id)
        .ok()
        .map(|i| &events[i])
}

/// The type of the data field with this name (any case); a name has one type in all events that have it.
pub fn field_type(name: &str) -> Option<FieldType> {
    tables().by_lower_name.get(&name.to_lowercase()).copied()
}

/// The SQL views over single event types, by name, with the ids each one shows.
pub fn views() -> impl Iterator<Item = (&'static str, &'static [u32])> {
    tables()
        .views
        .iter()
        .map(|(name, ids)| (name.as_str(), ids.as_slice()))
}

/// The data fields the events with these ids have, each once, in the order they are first met.
pub fn fields_of(ids: &[u32]) -> Vec<&'static Field> {
    let mut fields: Vec<&'static Field> = Vec::new();
    for field in ids
        .iter()
        .filter_map(|id| event(*id))
        .flat_map(|e| &e.fields)
    {
        if !fields
            .iter()
            .any(|f| f.name.eq_ignore_ascii_case(&field.name))
        {
            fields.push(field);
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::HashMap;

    use super::*;

    #[test]
    fn every_documented_event_is_there_in_order() {
        let ids: Vec<u32> = events().iter().map(|e| e.id).collect();
        let expected: Vec<u32> = (1..=29).chain([100, 255]).collect();
        assert_eq!(ids, expected);
        assert!(event(30).is_none());
    }

    #[test]
    fn a_field_name_has_one_type() {
        let mut seen: HashMap<String, FieldType> = HashMap::new();
        for e in events() {
            for f in &e.fields {
                let before = seen.insert(f.name.to_lowercase(), f.kind);
                assert!(
                    before.is_none_or(|b| b == f.kind),
                    "{} of event {}",
                    f.name,
                    e.id
                );
            }
        }
        assert_eq!(field_type("grantedaccess"), Some(FieldType::HexInt32));
        assert_eq!(field_type("SourceProcessGUID"), Some(FieldType::Guid));
        assert_eq!(field_type("NoSuchField"), None);
    }

    #[test]
    fn fields_of_an_event_are_unique_and_ordered() {
        for e in events() {
            let mut names: Vec<String> = e.fields.iter().map(|f| f.name.to_lowercase()).collect();
            names.sort();
            names.dedup();
            assert_eq!(names.len(), e.fields.len(), "event {}", e.id);
        }
        let create = event(1).unwrap();
        assert_eq!(create.fields[0].name, "RuleName");
        assert!(create.has("parentuser"));
        let access: Vec<&str> = event(10)
            .unwrap()
            .fields
            .iter()
            .map(|f| f.name.as_str())
            .collect();
        let rights = access.iter().position(|f| *f == "GrantedAccess").unwrap();
        assert_eq!(access[rights + 1], "CallTrace");
    }

    #[test]
    fn views_are_named_alike_and_cover_every_event() {
        let views: BTreeMap<&str, &[u32]> = views().collect();
        assert_eq!(views["sysmon_process_create"], [1]);
        assert_eq!(views["sysmon_create_remote_thread"], [8]);
        assert_eq!(views["sysmon_process_access"], [10]);
        assert_eq!(views["sysmon_registry_event"], [12, 13, 14]);
        assert_eq!(views["sysmon_registry_value_set"], [13]);
        for e in events() {
            assert_eq!(views[e.views[0].as_str()], [e.id], "event {}", e.id);
        }
        for name in views.keys() {
            assert!(name.starts_with("sysmon_"), "{name}");
            assert!(
                name.chars().all(|c| c.is_ascii_lowercase() || c == '_'),
                "{name}"
            );
        }
        let fields = fields_of(views["sysmon_registry_event"]);
        assert!(fields.iter().any(|f| f.name == "Details"));
        assert!(fields.iter().any(|f| f.name == "NewName"));
        assert_eq!(fields.iter().filter(|f| f.name == "Image").count(), 1);
    }
}
