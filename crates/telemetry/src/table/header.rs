//! The event header: which columns every event has, where each input dialect keeps them, and every name the field
//! uses for them. The facts are data (`data/header.toml`); this module only looks them up. It refuses to know what an
//! event means.

use std::collections::HashMap;
use std::sync::LazyLock;

use arrow::datatypes::Field;
use serde::Deserialize;

pub use crate::value::Kind;

/// One header column.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeaderColumn {
    /// The column's name as it is shown.
    pub name: String,
    /// The kind of value it holds.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// Paths that feed it, best first.
    from: Vec<String>,
    /// Paths that feed it only when nothing else does, and that keep their own column.
    #[serde(default)]
    also: Vec<String>,
    /// Paths that feed it when nothing before them does, in this spelling only and beside the writer's thread, and keep a column of their own if they do not.
    #[serde(default)]
    exact: Vec<String>,
    /// Like `also`, in a nested Winlogbeat document only.
    #[serde(default)]
    beat: Vec<String>,
    /// Other names a query may use.
    names: Vec<String>,
}

impl HeaderColumn {
    /// Other names a query may use.
    pub fn names(&self) -> impl Iterator<Item = &String> {
        self.names.iter()
    }
}

#[derive(Deserialize)]
struct HeaderFile {
    column: Vec<HeaderColumn>,
}

/// How a path feeds a header column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Feed {
    /// Index into [`columns`].
    pub column: u16,
    /// Lower wins.
    pub priority: u16,
    /// The path keeps a column of its own besides.
    pub keeps_column: bool,
    /// It feeds the column in one spelling only, and has a column of its own where it does not.
    pub exact: bool,
    /// It counts in a nested Winlogbeat document only.
    pub beat_only: bool,
}

struct Tables {
    columns: Vec<HeaderColumn>,
    feeds: HashMap<String, Feed>,
    exact: HashMap<String, Feed>,
    names: HashMap<String, usize>,
}

static TABLES: LazyLock<Tables> = LazyLock::new(|| {
    let file: HeaderFile = toml::from_str(include_str!("../../data/header.toml"))
        .expect("data/header.toml is checked by a test");
    let mut feeds = HashMap::new();
    let mut exact = HashMap::new();
    let mut names = HashMap::new();
    for (column, c) in file.column.iter().enumerate() {
        let number = u16::try_from(column).expect("data/header.toml is checked by a test");
        let groups = [
            (&c.from, false, false, false),
            (&c.exact, false, false, true),
            (&c.also, true, false, false),
            (&c.beat, true, true, false),
        ];
        let mut priority = 0;
        for (paths, keeps_column, beat_only, is_exact) in groups {
            for path in paths {
                let feed = Feed {
                    column: number,
                    priority,
                    keeps_column,
                    exact: is_exact,
                    beat_only,
                };
                match is_exact {
                    true => exact.insert(path.clone(), feed),
                    false => feeds.insert(path.to_lowercase(), feed),
                };
                priority += 1;
            }
        }
        names.insert(c.name.to_lowercase(), column);
        for name in &c.names {
            names.insert(name.to_lowercase(), column);
        }
    }
    Tables {
        columns: file.column,
        feeds,
        exact,
        names,
    }
});

/// Name of the column that holds the file an event was read from.
pub const SOURCE_FILE: &str = "source_file";
/// Name of the column that holds the byte offset of the event in its (decompressed) file.
pub const SOURCE_OFFSET: &str = "source_offset";

/// The header columns in their order; `source_file` and `source_offset` follow them in a table.
pub fn columns() -> &'static [HeaderColumn] {
    &TABLES.columns
}

/// Index of the header column that answers to this name (any case), if one does.
pub fn by_name(lowercase_name: &str) -> Option<usize> {
    TABLES.names.get(lowercase_name).copied()
}

/// How an input path feeds the header that does so in this spelling only.
pub(crate) fn exact_feed(path: &str) -> Option<Feed> {
    TABLES.exact.get(path).copied()
}

/// How a normalised lower-case input path feeds the header.
pub(crate) fn feed(lowercase_path: &str) -> Option<Feed> {
    TABLES.feeds.get(lowercase_path).copied()
}

/// The paths that feed a column, best first.
pub(crate) fn paths(column: &str) -> impl Iterator<Item = &'static str> {
    let column = TABLES.columns.iter().find(|c| c.name == column);
    column
        .into_iter()
        .flat_map(|c| c.from.iter().chain(&c.also).map(String::as_str))
}

/// The one lower-case name under which a column of the event table is known, whatever name a query uses for it.
///
/// Header names resolve through the alias table; a path to a value as a dialect spells it resolves to the column that has
/// the value; every other name is itself in lower case.
pub fn canonical(name: &str) -> String {
    let lower = name.to_lowercase();
    let known = |name: &str| by_name(name).map(|i| TABLES.columns[i].name.to_lowercase());
    if let Some(column) = known(&lower) {
        return column;
    }
    match column_of_path(&lower) {
        Some(path) => known(&path).unwrap_or(path),
        None => lower,
    }
}

/// The name of the column for a path outside of the event that fills no header column, so that it answers to what
/// [`canonical`] makes of the path.
pub(crate) fn column_name(path: &str) -> String {
    let canonical = canonical(path);
    if canonical == path.to_lowercase() || by_name(&canonical).is_some() {
        return path.to_owned();
    }
    let tail = path.len().checked_sub(canonical.len());
    let tail = tail.and_then(|at| path.get(at..));
    match tail.filter(|tail| tail.eq_ignore_ascii_case(&canonical)) {
        Some(spelled) => spelled.to_owned(),
        None => canonical,
    }
}

/// The column of a path into an event, as the steps say that are described in `docs/event-table.md`.
fn column_of_path(path: &str) -> Option<String> {
    if !path.contains('.') {
        return None;
    }
    let silent = |part: &&str| !matches!(*part, "#attributes" | "#text" | "_attributes");
    let mut parts: Vec<&str> = path.split('.').filter(silent).collect();
    if let ["event", "system" | "eventdata" | "userdata", _, ..] = parts.as_slice() {
        parts.remove(0);
    }
    match parts.as_slice() {
        ["system", rest @ ..] if !rest.is_empty() => {
            let bare = |part: &&str| {
                let part = part.strip_prefix('@').unwrap_or(part);
                part.strip_suffix("_attributes").unwrap_or(part).to_owned()
            };
            let rest: Vec<String> = rest.iter().map(bare).collect();
            Some(match rest.join(".").as_str() {
                "provider.guid" => "providerguid".to_owned(),
                rest => format!("system.{rest}"),
            })
        }
        ["winlog", "event_data", rest @ ..]
        | ["eventdata" | "event_data", rest @ ..]
        | ["userdata", _, rest @ ..]
            if !rest.is_empty() =>
        {
            let field = rest.join(".");
            // A field that is named like a header column stands beside it.
            Some(match by_name(&field) {
                Some(_) => format!("eventdata.{field}"),
                None => field,
            })
        }
        _ => None,
    }
}

/// Whether this canonical (lower-case) name is one of the columns every table has.
pub fn is_header(canonical: &str) -> bool {
    by_name(canonical).is_some() || canonical == SOURCE_FILE || canonical == SOURCE_OFFSET
}

/// The kind of the column with this canonical (lower-case) name.
pub fn kind(canonical: &str) -> Kind {
    if canonical == SOURCE_OFFSET {
        return Kind::Int;
    }
    match by_name(canonical) {
        Some(i) => TABLES.columns[i].kind,
        None => Kind::Text,
    }
}

/// An Arrow field for the column with this canonical name.
pub fn arrow_field(canonical: &str) -> Field {
    Field::new(canonical, kind(canonical).data_type(), true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_to_one_column() {
        let mut seen = HashMap::new();
        for c in columns() {
            for name in std::iter::once(&c.name).chain(&c.names) {
                let before = seen.insert(name.to_lowercase(), &c.name);
                assert!(
                    before.is_none(),
                    "{name} names both {} and {}",
                    c.name,
                    before.unwrap_or(&c.name)
                );
            }
        }
        assert_eq!(canonical("@timestamp"), "timecreated");
        assert_eq!(canonical("Log_Name"), "channel");
        assert_eq!(canonical("SourceProcessGUID"), "sourceprocessguid");
    }

    #[test]
    fn paths_into_an_event_lead_to_its_columns() {
        for (path, column) in [
            ("System.TimeCreated.SystemTime", "timecreated"),
            (
                "Event.System.TimeCreated.#attributes.SystemTime",
                "timecreated",
            ),
            ("Event.System.Provider.#attributes.Name", "provider"),
            ("System.Provider.@Name", "provider"),
            ("System.Provider.Guid", "providerguid"),
            ("Event.System.EventID.#text", "eventid"),
            (
                "Event.System.EventID.#attributes.Qualifiers",
                "system.eventid.qualifiers",
            ),
            ("Event.System.Version", "system.version"),
            ("Event.EventData.Image", "image"),
            ("winlog.event_data.Image", "image"),
            ("event_data.TargetObject", "targetobject"),
            ("EventData.Level", "eventdata.level"),
            ("winlog.event_data.Level", "eventdata.level"),
            ("UserData.EventXML.Address", "address"),
            ("winlog.api", "winlog.api"),
            ("Event.Other", "event.other"),
            ("EventData", "eventdata"),
        ] {
            assert_eq!(canonical(path), column, "{path}");
            assert_eq!(canonical(column), column);
        }
    }

    #[test]
    fn a_path_as_one_key_has_the_column_that_it_leads_to() {
        for (path, column) in [
            ("winlog.event_data.TargetObject", "TargetObject"),
            ("EventData.Level", "EventData.Level"),
            ("winlog.event_data.Level", "eventdata.level"),
            ("agent.version", "agent.version"),
            ("Event.System.EventID", "Event.System.EventID"),
            ("Image", "Image"),
        ] {
            assert_eq!(column_name(path), column);
            let found = by_name(&canonical(path)).is_some();
            assert!(found || canonical(path) == column.to_lowercase(), "{path}");
        }
    }

    #[test]
    fn every_path_feeds_one_column() {
        let mut seen = HashMap::new();
        for c in columns() {
            for path in c.from.iter().chain(&c.also).chain(&c.beat) {
                let before = seen.insert(path.to_lowercase(), &c.name);
                assert!(before.is_none(), "{path} feeds {} and another", c.name);
            }
        }
    }
}
