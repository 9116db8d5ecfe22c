//! The shape of `data/sysmon.toml`.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use super::history::FieldType;
use super::version::{OptionType, SchemaVersion, Verdict};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    /// Oldest first.
    pub(super) version: Vec<Version>,
    pub(super) types: BTreeMap<String, FieldType>,
    /// By id.
    pub(super) event: Vec<Event>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Version {
    pub(super) version: SchemaVersion,
    #[serde(deserialize_with = "binary")]
    pub(super) binary: (u16, u16),
    pub(super) conditions: Option<Vec<String>>,
    pub(super) options: Option<Vec<OptionType>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Event {
    pub(super) id: u32,
    pub(super) views: Vec<String>,
    pub(super) until: Option<SchemaVersion>,
    #[serde(default)]
    pub(super) linux_only: bool,
    /// Oldest first.
    pub(super) layouts: Vec<Layout>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Layout {
    pub(super) since: SchemaVersion,
    pub(super) tag: Option<String>,
    pub(super) default: Option<Verdict>,
    pub(super) title: String,
    pub(super) fields: Vec<String>,
}

/// `9.10` and `18`: major and minor.
fn binary<'de, D: Deserializer<'de>>(d: D) -> Result<(u16, u16), D::Error> {
    let text = String::deserialize(d)?;
    let (major, minor) = text.split_once('.').unwrap_or((&text, "0"));
    let number = |text: &str| text.parse().map_err(serde::de::Error::custom);
    Ok((number(major)?, number(minor)?))
}
