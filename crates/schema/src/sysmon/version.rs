//! What each published schema version declares: event types with their fields, options, conditions. Versions 4.82 and
//! 4.83 were never published as source: their tables are 4.81 plus the events that Windows releases added.

use std::fmt;

use serde::Deserialize;

use super::{data, tables};

/// A schema version, packed as Sysmon packs it: major in the high, minor in the low 16 bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct SchemaVersion(pub u32);

impl TryFrom<String> for SchemaVersion {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| format!("{text:?} is no schema version"))
    }
}

impl SchemaVersion {
    /// `major.minor`, where the minor part is hundredths: 4.5 is `new(4, 50)`.
    pub const fn new(major: u32, minor: u32) -> Self {
        Self((major << 16) | (minor & 0xFFFF))
    }

    /// Reads a version as Sysmon does: the longest numeric prefix, two decimals, so `4.5`, `4.50x`
    /// and `4.501` are all 4.50. `None` where Sysmon says "Invalid schema version number".
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '\x0b');
        let end = numeric_prefix(text);
        let value: f64 = text.get(..end)?.parse().ok()?;
        if !value.is_finite() || !(0.0..65536.0).contains(&value) {
            return None;
        }
        let printed = format!("{value:.2}");
        let (major, minor) = printed.split_once('.')?;
        if major.starts_with('0') {
            return None;
        }
        Some(Self::new(major.parse().ok()?, minor.parse().ok()?))
    }

    /// True where event elements outside a group relation AND their conditions (newer than 4.1).
    pub fn combines_with_and(self) -> bool {
        self > Self::new(4, 10)
    }
}

/// Length of the longest prefix that is a decimal number with optional fraction and exponent.
fn numeric_prefix(text: &str) -> usize {
    let b = text.as_bytes();
    let digits = |mut i: usize| {
        while b.get(i).is_some_and(u8::is_ascii_digit) {
            i += 1;
        }
        i
    };
    let start = usize::from(matches!(b.first(), Some(b'+' | b'-')));
    let whole = digits(start);
    let mut end = whole;
    if b.get(whole) == Some(&b'.') {
        let fraction = digits(whole + 1);
        if fraction > whole + 1 || whole > start {
            end = fraction;
        }
    }
    if end == start {
        return 0;
    }
    if matches!(b.get(end), Some(b'e' | b'E')) {
        let sign = end + 1 + usize::from(matches!(b.get(end + 1), Some(b'+' | b'-')));
        let exponent = digits(sign);
        if exponent > sign {
            end = exponent;
        }
    }
    end
}

impl fmt::Display for SchemaVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.0 >> 16, self.0 & 0xFFFF)
    }
}

impl fmt::Debug for SchemaVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Whether something is kept or dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The event is logged.
    Include,
    /// The event is not logged.
    Exclude,
}

/// How many arguments an option takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Argument {
    /// None; as an XML element it must be empty.
    None,
    /// One, which may be left out.
    Optional,
    /// One (not enforced for XML).
    Required,
}

/// One option that a configuration file may set.
#[derive(Clone, Debug, Deserialize)]
pub struct OptionType {
    /// Its name, which is also its element name.
    pub name: String,
    /// What it takes.
    pub argument: Argument,
    /// True where an event type of the same name exists, whose presence sets the option.
    #[serde(default)]
    pub rule: bool,
    /// True where its element is called `<name>Config`.
    #[serde(default)]
    pub config_only: bool,
    /// True for options of internal builds.
    #[serde(default)]
    pub internal: bool,
}

/// One event type of a schema version.
#[derive(Clone, Debug)]
pub struct EventType {
    /// The event id.
    pub id: u32,
    /// The element name in a configuration; none for events that are never filtered.
    pub tag: Option<String>,
    /// The event's title as Sysmon prints it.
    pub description: String,
    /// What happens when a configuration does not mention the tag.
    pub default: Option<Verdict>,
    /// Field names in order; the position is the field index of a rule blob.
    pub fields: Vec<String>,
}

impl EventType {
    /// The index of a field, by its exact name.
    pub fn field(&self, name: &str) -> Option<u32> {
        self.fields
            .iter()
            .position(|f| f == name)
            .and_then(|i| u32::try_from(i).ok())
    }
}

/// One schema version.
#[derive(Debug)]
pub struct Schema {
    /// The version.
    pub version: SchemaVersion,
    /// The version of rule blob that binaries with this schema write: major and minor.
    pub binary: (u16, u16),
    /// The condition names that this version lists (never enforced by Sysmon).
    pub conditions: Vec<String>,
    /// Options in manifest order.
    pub options: Vec<OptionType>,
    /// Event types by ascending id.
    pub events: Vec<EventType>,
}

impl Schema {
    /// The event type with an id.
    pub fn event(&self, id: u32) -> Option<&EventType> {
        self.events.iter().find(|e| e.id == id)
    }

    /// The event types that share a tag, by ascending id.
    pub fn series<'a>(&'a self, tag: &'a str) -> impl Iterator<Item = &'a EventType> {
        self.events
            .iter()
            .filter(move |e| e.tag.as_deref() == Some(tag))
    }

    /// The tags in the order in which Sysmon walks them.
    pub fn tags(&self) -> Vec<&str> {
        let mut tags: Vec<&str> = self
            .events
            .iter()
            .filter_map(|e| e.tag.as_deref())
            .collect();
        tags.dedup();
        tags
    }

    /// The option whose element has this name, in the way Sysmon looks it up: exact case, with a
    /// trailing `Config` taken off.
    pub fn option(&self, element: &str) -> Option<&OptionType> {
        let name = element.strip_suffix("Config").unwrap_or(element);
        self.options.iter().find(|o| o.name == name)
    }
}

/// The schemas of all versions, newest first.
pub(super) fn schemas(file: &data::File) -> Vec<Schema> {
    let (mut conditions, mut options) = (&[][..], &[][..]);
    let mut schemas: Vec<Schema> = Vec::new();
    for version in &file.version {
        if let Some(own) = &version.conditions {
            conditions = own;
        }
        if let Some(own) = &version.options {
            options = own;
        }
        schemas.push(Schema {
            version: version.version,
            binary: version.binary,
            conditions: conditions.to_vec(),
            options: options.to_vec(),
            events: file
                .event
                .iter()
                .filter_map(|e| event_type(e, version.version))
                .collect(),
        });
    }
    schemas.reverse();
    schemas
}

/// The event type as a version has it; none where it does not, or has it on Linux alone.
fn event_type(event: &data::Event, version: SchemaVersion) -> Option<EventType> {
    if event.linux_only || event.until.is_some_and(|until| until < version) {
        return None;
    }
    let layout = event.layouts.iter().rev().find(|l| l.since <= version)?;
    Some(EventType {
        id: event.id,
        tag: layout.tag.clone(),
        description: layout.title.clone(),
        default: layout.default,
        fields: layout.fields.clone(),
    })
}

/// All schema versions, newest first.
pub fn all() -> &'static [Schema] {
    &tables().schemas
}

/// The newest schema, whose tables Sysmon uses for every lookup whatever a file names.
pub fn newest() -> &'static Schema {
    &all()[0]
}

/// The schema whose document type a file of this version is validated with: the newest one, or the
/// first below it that is not newer than the file. `None` where Sysmon refuses the version (< 4.0).
pub fn for_validation(version: SchemaVersion) -> Option<&'static Schema> {
    if version < SchemaVersion::new(4, 0) {
        return None;
    }
    if version == newest().version {
        return Some(newest());
    }
    all()[1..].iter().find(|s| s.version <= version)
}

/// True where a missing value of the field reads as `-`; false where the lookup itself fails
/// (numbers, GUIDs, booleans). The published manifests give every field name one type.
pub fn is_text(field: &str) -> bool {
    !tables().types.contains_key(field)
}

/// The first schema version whose tag has the field (or, without a field, that has the tag).
pub fn since(tag: &str, field: Option<&str>) -> Option<SchemaVersion> {
    all()
        .iter()
        .rev()
        .find(|s| {
            s.series(tag)
                .any(|e| field.is_none_or(|f| e.field(f).is_some()))
        })
        .map(|s| s.version)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn versions_parse_like_stod() {
        let v = |t: &str| SchemaVersion::parse(t).map(|v| v.to_string());
        assert_eq!(v("4.5").unwrap(), "4.50");
        assert_eq!(v(" 4.90x").unwrap(), "4.90");
        assert_eq!(v("4.901").unwrap(), "4.90");
        assert_eq!(v("4.100").unwrap(), "4.10");
        assert_eq!(v("5").unwrap(), "5.00");
        assert_eq!(v("4.").unwrap(), "4.00");
        for bad in ["", "abc", "-4.9", "0.5", ".5", "nan", "inf", "1e999"] {
            assert_eq!(v(bad), None, "{bad}");
        }
        assert_eq!(SchemaVersion::new(4, 50).0, 0x0004_0032);
    }

    #[test]
    fn the_ladder_of_validation_schemas() {
        let f = |a, b| for_validation(SchemaVersion::new(a, b)).map(|s| s.version.to_string());
        assert_eq!(f(4, 90).as_deref(), Some("4.90"));
        assert_eq!(f(4, 91).as_deref(), Some("4.83"));
        assert_eq!(f(5, 0).as_deref(), Some("4.83"));
        assert_eq!(f(4, 20).as_deref(), Some("4.20"));
        assert_eq!(f(4, 5).as_deref(), Some("4.00"));
        assert_eq!(f(3, 91), None);
    }

    #[test]
    fn shared_tags_stand_together() {
        let ids: Vec<u32> = newest().series("RegistryEvent").map(|e| e.id).collect();
        assert_eq!(ids, [12, 13, 14]);
        assert_eq!(newest().tags().len(), 22);
        assert!(!is_text("ProcessId") && is_text("Image"));
        assert_eq!(
            since("ProcessCreate", Some("ParentUser"))
                .unwrap()
                .to_string(),
            "4.80"
        );
    }
}
