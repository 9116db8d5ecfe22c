//! One event as a filter sees it: its id and its fields as text.
//! Where the event came from is not known here.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::Value as Json;

use crate::schema;

/// An event with its fields by name, as the sensor writes them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Event {
    /// The event id.
    pub id: u32,
    /// Field values by exact name. Numbers and truth values count as their texts, null as absent.
    #[serde(default, deserialize_with = "texts")]
    pub fields: BTreeMap<String, String>,
}

fn texts<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, String>, D::Error> {
    let fields = BTreeMap::<String, Json>::deserialize(from)?;
    let text = |(name, value)| match value {
        Json::Null => None,
        Json::String(text) => Some((name, text)),
        other => Some((name, other.to_string())),
    };
    Ok(fields.into_iter().filter_map(text).collect())
}

/// The value of one field during filtering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// This text.
    Text(&'a str),
    /// The lookup failed: a number, GUID or boolean that is not there.
    Failed,
}

impl Event {
    /// Takes out what a recorded event has only because it was filtered once: Sysmon fills in
    /// `RuleName` after filtering, so a filter on it sees `-`.
    #[must_use]
    pub fn as_before_filtering(mut self) -> Self {
        self.fields.remove("RuleName");
        self
    }

    /// The value that a filter on the field sees: `-` for missing or empty text.
    pub fn value(&self, field: &str) -> Value<'_> {
        match self.fields.get(field).map(String::as_str) {
            Some(text) if !text.is_empty() => Value::Text(text),
            _ if schema::is_text(field) => Value::Text("-"),
            _ => Value::Failed,
        }
    }
}
