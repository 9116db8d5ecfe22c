//! The second naming of Sysmon's fields: the OSSEM and HELK names that published hunts over `sysmon_events` use, and
//! the raw fields that feed them (`data/ossem.toml`). A value keeps the sensor's case, where HELK lowers it.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use serde::Deserialize;

/// The type of a column's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Type {
    /// Text as the sensor wrote it.
    Text,
    /// A signed 64-bit integer, from decimal or `0x` text.
    Int,
    /// Microseconds since 1970 in UTC.
    Time,
    /// From `true` and `false` in any case.
    Bool,
}

/// What of the raw text makes the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Take {
    /// What follows the last `\` or `/`.
    FileName,
    /// The part of `DOMAIN\name` before the last `\`; nothing where there is none.
    AccountDomain,
    /// The part of `DOMAIN\name` after the last `\`; all of it where there is none.
    AccountName,
    /// The value of [`Column::key`] in `KEY=value,KEY=value`; the key in any case.
    Pair,
    /// The whole text if it is an IPv6 address.
    Ipv6,
}

/// A raw field that feeds a column.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feed {
    /// Name of the raw column of the event table.
    pub field: String,
    /// The event ids it counts for; empty for all.
    #[serde(default)]
    pub events: Vec<u32>,
    /// Whether no Sysmon schema has it: a header column, or what a shipper adds.
    #[serde(default)]
    pub outside: bool,
}

/// A column of `sysmon_events`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Further names of the same column.
    #[serde(default)]
    pub also: Vec<String>,
    /// The type of its values.
    #[serde(rename = "type")]
    pub kind: Type,
    /// The raw fields that feed it, best first. Where none has a value, the raw column of the same name is taken.
    pub from: Vec<Feed>,
    /// What is taken of the raw text; all of it if `None`.
    pub take: Option<Take>,
    /// The key for [`Take::Pair`].
    pub key: Option<String>,
    /// Its constant text, by event id.
    #[serde(default, deserialize_with = "by_id")]
    pub values: BTreeMap<u32, String>,
    /// Whether HELK stores the value in lower case.
    #[serde(default)]
    pub lowered: bool,
    /// What a hunter should know of it.
    pub note: Option<String>,
    /// Where the name comes from.
    pub source: String,
}

impl Column {
    /// All names of the column, its own first. They are also the raw columns that a document transformed by HELK fills.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.name)
            .chain(&self.also)
            .map(String::as_str)
    }
}

/// TOML keys are text.
fn by_id<'de, D: serde::Deserializer<'de>>(d: D) -> Result<BTreeMap<u32, String>, D::Error> {
    BTreeMap::<String, String>::deserialize(d)?
        .into_iter()
        .map(|(id, text)| {
            id.parse()
                .map(|id| (id, text))
                .map_err(serde::de::Error::custom)
        })
        .collect()
}

#[derive(Deserialize)]
struct ColumnFile {
    column: Vec<Column>,
}

/// The columns of one table, by all their names.
pub struct Naming {
    columns: Vec<Column>,
    names: HashMap<String, usize>,
}

impl Naming {
    fn new(columns: Vec<Column>) -> Self {
        let mut names = HashMap::new();
        for (i, column) in columns.iter().enumerate() {
            for name in column.names() {
                names.insert(name.to_lowercase(), i);
            }
        }
        Self { columns, names }
    }

    /// The columns in their order, each with all its names.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The column with this name (any case).
    pub fn column(&self, name: &str) -> Option<&Column> {
        let place = self.names.get(&name.to_lowercase());
        place.map(|i| &self.columns[*i])
    }
}

fn read(text: &str) -> Vec<Column> {
    let file: ColumnFile = toml::from_str(text).expect("the data files are checked by a test");
    file.column
}

const SYSMON: &str = include_str!("../data/ossem.toml");

/// The columns that both tables have.
const OF_THE_RECORD: [&str; 13] = [
    "event_id",
    "@timestamp",
    "host_name",
    "log_name",
    "source_name",
    "provider_guid",
    "record_number",
    "level",
    "task",
    "opcode",
    "keywords",
    "source_file",
    "source_offset",
];

static SYSMON_EVENTS: LazyLock<Naming> = LazyLock::new(|| Naming::new(read(SYSMON)));

static SECURITY_EVENTS: LazyLock<Naming> = LazyLock::new(|| {
    // What is said of a record is called the same in both tables.
    let said = |c: &Column| OF_THE_RECORD.contains(&c.name.as_str());
    let header = read(SYSMON).into_iter().filter(said);
    let own = read(include_str!("../data/ossem_security.toml"));
    Naming::new(header.chain(own).collect())
});

/// The columns of `sysmon_events`.
pub fn sysmon_events() -> &'static Naming {
    &SYSMON_EVENTS
}

/// The columns of `security_events`.
pub fn security_events() -> &'static Naming {
    &SECURITY_EVENTS
}

/// The columns of `sysmon_events` in their order.
pub fn columns() -> &'static [Column] {
    SYSMON_EVENTS.columns()
}

/// The column of `sysmon_events` with this name (any case).
pub fn column(name: &str) -> Option<&'static Column> {
    SYSMON_EVENTS.column(name)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::sysmon;

    #[test]
    fn names_of_the_security_log_are_there_and_mean_one_column() {
        let naming = security_events();
        let mut seen = HashMap::new();
        for c in naming.columns() {
            for name in c.names() {
                let before = seen.insert(name.to_lowercase(), &c.name);
                assert!(before.is_none(), "{name} names {} and {before:?}", c.name);
            }
            assert!(
                !c.from.is_empty() && c.take != Some(Take::Pair),
                "{}",
                c.name
            );
            // A name that both tables have is of one type, or they could not be joined.
            if let Some(other) = column(&c.name) {
                assert_eq!(other.kind, c.kind, "{}", c.name);
            }
        }
        for name in OF_THE_RECORD {
            assert!(naming.column(name).is_some(), "{name}");
        }
        for name in [
            "process_name",
            "user_name",
            "user_logon_id",
            "src_ip_addr",
            "logon_type",
        ] {
            assert!(naming.column(name).is_some(), "{name}");
        }
    }

    #[test]
    fn a_name_belongs_to_one_column() {
        let mut seen = HashMap::new();
        for c in columns() {
            for name in c.names() {
                let before = seen.insert(name.to_lowercase(), &c.name);
                assert!(before.is_none(), "{name} names {} and {before:?}", c.name);
            }
        }
    }

    #[test]
    fn every_feed_is_a_field_of_its_events() {
        for c in columns() {
            for feed in &c.from {
                let known = sysmon::field_type(&feed.field).is_some();
                assert_eq!(feed.outside, !known, "{} of {}", feed.field, c.name);
                for id in &feed.events {
                    let event = sysmon::event(*id).unwrap();
                    assert!(event.has(&feed.field), "event {id} has no {}", feed.field);
                }
            }
            assert_eq!(c.take == Some(Take::Pair), c.key.is_some(), "{}", c.name);
            for id in c.values.keys() {
                assert!(sysmon::event(*id).is_some(), "{} of {}", id, c.name);
            }
        }
    }

    /// Nothing a sensor writes may be out of reach of a hunt over `sysmon_events`.
    #[test]
    fn every_field_of_every_event_feeds_a_column() {
        for event in sysmon::events() {
            for field in &event.fields {
                let fed = columns().iter().any(|c| {
                    c.from.iter().any(|feed| {
                        feed.field.eq_ignore_ascii_case(&field.name)
                            && (feed.events.is_empty() || feed.events.contains(&event.id))
                    })
                });
                assert!(fed, "{} of event {} feeds no column", field.name, event.id);
            }
        }
    }

    #[test]
    fn numbers_are_typed_as_numbers() {
        use crate::sysmon::FieldType::{Boolean, Guid, UnicodeString};
        for c in columns() {
            for feed in c.from.iter().filter(|f| !f.outside) {
                let kind = sysmon::field_type(&feed.field).unwrap();
                match kind {
                    UnicodeString => assert_ne!(c.kind, Type::Int, "{}", c.name),
                    Guid => assert_eq!(c.kind, Type::Text, "{}", c.name),
                    Boolean => assert_eq!(c.kind, Type::Bool, "{}", c.name),
                    _ => assert_eq!(c.kind, Type::Int, "{}", c.name),
                }
            }
        }
    }

    #[test]
    fn the_names_of_published_hunts_are_there() {
        let published = "process_path process_target_name process_target_id thread_new_id process_id \
            process_granted_access event_id process_guid host_name process_parent_name user_reporter_name \
            process_target_guid registry_key_path module_loaded process_target_path process_call_trace \
            target_process_name target_process_guid process_command_line user_name dst_ip_addr hash_imphash";
        for name in published.split_whitespace() {
            assert!(column(name).is_some(), "{name}");
        }
        assert_eq!(
            column("Target_Process_ID").unwrap().name,
            "process_target_id"
        );
        assert_eq!(column("process_granted_access").unwrap().kind, Type::Int);
    }
}
