//! From Elastic's Common Schema back to Sysmon's fields (`data/ecs.toml`).

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

/// How a text is made of ECS fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Transform {
    /// The first of them that has a value.
    #[default]
    Text,
    /// `SHA1=...,MD5=...` of SHA-1, MD5, SHA-256 and import hash, in this order, in upper case.
    Hashes,
    /// `domain\name` of the two.
    User,
    /// A time in Sysmon's own spelling.
    Utc,
    /// The only value of a list.
    First,
}

/// The way back to one of Sysmon's fields.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldMapping {
    /// Sysmon's field.
    pub name: String,
    /// The ECS fields that hold it, best first.
    pub from: Vec<String>,
    /// The event ids it is so in; empty for all.
    #[serde(default)]
    pub events: Vec<u32>,
    /// How the text is made of them.
    #[serde(default)]
    pub take: Transform,
    /// The ECS spelling of a value, and Sysmon's.
    #[serde(default)]
    pub values: BTreeMap<String, String>,
    /// What of the value cannot be had back.
    pub lost: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    field: Vec<FieldMapping>,
}

static FIELDS: LazyLock<Vec<FieldMapping>> = LazyLock::new(|| {
    let file: File = toml::from_str(include_str!("../data/ecs.toml"))
        .expect("data/ecs.toml is checked by a test");
    file.field
});

/// All ways back. A field has several where its events keep it in different places.
pub fn fields() -> &'static [FieldMapping] {
    &FIELDS
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::sysmon;

    #[test]
    fn every_way_leads_to_a_field_of_its_events() {
        for field in fields() {
            assert!(sysmon::field_type(&field.name).is_some(), "{}", field.name);
            for id in &field.events {
                let event = sysmon::event(*id).unwrap();
                assert!(event.has(&field.name), "event {id} has no {}", field.name);
            }
            let parts = match field.take {
                Transform::Hashes => 4,
                Transform::User => 2,
                Transform::Utc | Transform::First => 1,
                Transform::Text => field.from.len(),
            };
            assert_eq!(field.from.len(), parts, "{}", field.name);
        }
    }
}
