//! What exclusions may be made of: the lists of fields per event type, from narrow to wide
//! (`data/ladders.toml`). It refuses to know values.

use std::sync::OnceLock;

use serde::Deserialize;

/// The lists of one event type.
#[derive(Clone, Debug, Deserialize)]
pub struct Ladder {
    /// The element of a configuration.
    pub tag: String,
    /// The event ids that the element stands for.
    pub ids: Vec<u32>,
    /// The field that names who did it.
    pub source: String,
    /// The fields by which hidden events are told apart when it is asked whether one is rare.
    pub judge: Vec<String>,
    /// Lists of fields, narrow to wide.
    pub rungs: Vec<Vec<String>>,
}

impl Ladder {
    /// All fields of all lists: the keys to count by.
    pub fn keys(&self) -> Vec<String> {
        let mut keys: Vec<String> = Vec::new();
        for field in self.rungs.iter().flatten() {
            if !keys.contains(field) {
                keys.push(field.clone());
            }
        }
        keys
    }
}

/// All ladders, by event id.
///
/// # Panics
/// Never: the file is carried and read by a test.
#[allow(clippy::expect_used)]
pub fn ladders() -> &'static [Ladder] {
    #[derive(Deserialize)]
    struct File {
        ladder: Vec<Ladder>,
    }
    static ALL: OnceLock<Vec<Ladder>> = OnceLock::new();
    ALL.get_or_init(|| {
        toml::from_str::<File>(include_str!("../../data/ladders.toml"))
            .expect("the carried file is read by a test")
            .ladder
    })
}

/// The ladder of an event id.
pub fn ladder(id: u32) -> Option<&'static Ladder> {
    ladders().iter().find(|l| l.ids.contains(&id))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use sysmon::schema;

    #[test]
    fn every_field_can_be_filtered_on() {
        for ladder in ladders() {
            let ids: Vec<u32> = schema::newest().series(&ladder.tag).map(|e| e.id).collect();
            assert_eq!(ids, ladder.ids, "{}", ladder.tag);
            for event in schema::newest().series(&ladder.tag) {
                for field in ladder.keys().iter().chain(&ladder.judge) {
                    assert!(event.field(field).is_some(), "{} {field}", ladder.tag);
                }
            }
            for rung in &ladder.rungs {
                assert!(rung.contains(&ladder.source), "{} {rung:?}", ladder.tag);
                assert!(ladder.ids.len() == 1 || rung[0] == "EventType");
            }
        }
    }
}
