//! The tables as Spark SQL: `events`, `sysmon`, a view for each event type, `sysmon_events` and `security_events`, over one
//! table with the raw columns. Spark names a column that is not there an error, so the text is made for the columns that
//! are; every other one that a hunt may name is a typed NULL.

mod expression;
mod functions;

use std::collections::{BTreeMap, BTreeSet};

use schema::{Sensor, ossem, sysmon};
use telemetry::header::{self, Kind};

use expression::{bits, boolean, literal, quoted, take, time};
pub use functions::functions;

/// A name and the text that makes it.
pub type NamedStatement = (String, String);

/// The views over the table `raw`, which has these columns, in the order in which they have to be made.
pub fn views(columns: &[String], raw: &str) -> Vec<NamedStatement> {
    let table = RawTable::new(columns);
    let raw = quoted(raw);
    let mut views = vec![("events".to_owned(), table.events(&raw))];
    let records = |sensor| records_of(sensor, &table);
    let of = |sensor| format!("SELECT * FROM `events` WHERE {}", records(sensor));
    views.push(("sysmon".to_owned(), of(Sensor::Sysmon)));
    for (name, ids) in sysmon::views() {
        views.push((name.to_owned(), of_event(ids)));
    }
    for (name, sensor, naming) in [
        ("sysmon_events", Sensor::Sysmon, ossem::sysmon_events()),
        (
            "security_events",
            Sensor::Security,
            ossem::security_events(),
        ),
    ] {
        let text = table.named(naming);
        let text = format!("SELECT\n  {text}\nFROM {raw} WHERE {}", records(sensor));
        views.push((name.to_owned(), text));
    }
    views
}

/// Statements that make the views and functions over a file or folder of Parquet, each ended by a semicolon.
pub fn script(columns: &[String], path: &str, with_functions: bool) -> String {
    const RAW: &str = "scotoma_raw";
    let mut text = format!(
        "CREATE OR REPLACE TEMPORARY VIEW {RAW} USING parquet\nOPTIONS (path {}, mergeSchema 'true');\n",
        literal(path)
    );
    for (name, query) in views(columns, RAW) {
        let name = quoted(&name);
        text += &format!("\nCREATE OR REPLACE TEMPORARY VIEW {name} AS\n{query};\n");
    }
    for (_, statement) in functions().into_iter().filter(|_| with_functions) {
        text += &format!("\n{statement};\n");
    }
    text
}

/// A table of raw columns, by their names in lower case.
struct RawTable {
    columns: BTreeMap<String, String>,
}

impl RawTable {
    fn new(columns: &[String]) -> Self {
        let named = columns.iter().map(|c| (c.to_lowercase(), c.clone()));
        Self {
            columns: named.collect(),
        }
    }

    /// The column of that name, quoted.
    fn column(&self, name: &str) -> Option<String> {
        self.columns.get(&name.to_lowercase()).map(|c| quoted(c))
    }

    fn column_or_null(&self, name: &str) -> String {
        let kind = header::kind(&name.to_lowercase());
        self.column(name)
            .unwrap_or_else(|| format!("CAST(NULL AS {})", sql_type(kind)))
    }

    /// The header under all its names, every field of Sysmon's, and whatever else there is.
    fn events(&self, raw: &str) -> String {
        let mut out = Columns::default();
        for column in header::columns() {
            let value = self.column_or_null(&column.name);
            for name in std::iter::once(&column.name).chain(column.names()) {
                out.add(name, &value);
            }
        }
        for name in [header::SOURCE_FILE, header::SOURCE_OFFSET] {
            out.add(name, &self.column_or_null(name));
        }
        self.fields(&mut out);
        format!("SELECT\n  {}\nFROM {raw}", out.text())
    }

    /// Every field of Sysmon's, and whatever else there is, under the raw names.
    fn fields(&self, out: &mut Columns) {
        for field in sysmon::events().iter().flat_map(|e| &e.fields) {
            out.add(&field.name, &self.column_or_null(&field.name));
        }
        for (name, column) in &self.columns {
            if !header::is_header(name) {
                out.add(column, &quoted(column));
            }
        }
    }

    /// The columns under the OSSEM and HELK names, and the raw ones besides.
    fn named(&self, naming: &ossem::Naming) -> String {
        let mut out = Columns::default();
        for column in naming.columns() {
            let value = self.of_naming(column);
            for name in column.names() {
                out.add(name, &value);
            }
        }
        for column in header::columns() {
            let value = self.column_or_null(&column.name);
            for name in std::iter::once(&column.name).chain(column.names()) {
                out.add(name, &value);
            }
        }
        self.fields(&mut out);
        out.text()
    }

    /// The first of the raw fields that has a value, else what a document says that HELK has transformed.
    fn of_naming(&self, column: &ossem::Column) -> String {
        let typed = |value: &str| match column.kind {
            ossem::Type::Text => value.to_owned(),
            ossem::Type::Int => bits(value),
            ossem::Type::Time => time(value),
            ossem::Type::Bool => boolean(value),
        };
        let mut choices = Vec::new();
        if !column.values.is_empty() {
            let texts = column.values.iter();
            let texts: Vec<String> = texts
                .map(|(id, text)| format!("WHEN {id} THEN {}", literal(text)))
                .collect();
            let id = self.column_or_null("EventID");
            choices.push(format!("CASE {id} {} END", texts.join(" ")));
        }
        for feed in &column.from {
            let Some(raw) = self.column(&feed.field) else {
                continue;
            };
            let text = header::kind(&feed.field.to_lowercase()) == Kind::Text;
            let value = match column.take {
                Some(part) => take(part, column.key.as_deref().unwrap_or_default(), &raw),
                None if text => typed(&raw),
                None => raw,
            };
            choices.push(match feed.events.as_slice() {
                [] => value,
                ids => {
                    let id = self.column_or_null("EventID");
                    format!("CASE WHEN {id} IN ({}) THEN {value} END", list(ids))
                }
            });
        }
        let own = column
            .names()
            .filter(|n| !header::is_header(&n.to_lowercase()));
        choices.extend(
            own.filter_map(|name| self.column(name))
                .map(|raw| typed(&raw)),
        );
        match choices.as_slice() {
            [] => format!("CAST(NULL AS {})", type_of(column.kind)),
            [only] => only.clone(),
            several => format!("coalesce({})", several.join(", ")),
        }
    }
}

/// Columns of a query, each name once without regard to case.
#[derive(Default)]
struct Columns {
    taken: BTreeSet<String>,
    listed: Vec<String>,
}

impl Columns {
    fn add(&mut self, name: &str, value: &str) {
        if self.taken.insert(name.to_lowercase()) {
            self.listed.push(format!("{value} AS {}", quoted(name)));
        }
    }

    fn text(&self) -> String {
        self.listed.join(",\n  ")
    }
}

/// One event type, or those of one configuration tag, with the header and their own fields.
fn of_event(ids: &[u32]) -> String {
    let mut names: Vec<String> = Vec::new();
    for column in header::columns() {
        names.extend(std::iter::once(&column.name).chain(column.names()).cloned());
    }
    names.extend([header::SOURCE_FILE, header::SOURCE_OFFSET].map(str::to_owned));
    names.extend(sysmon::fields_of(ids).iter().map(|f| f.name.clone()));
    let mut seen = BTreeSet::new();
    names.retain(|n| seen.insert(n.to_lowercase()));
    let names: Vec<String> = names.iter().map(|n| quoted(n)).collect();
    let names = names.join(", ");
    format!(
        "SELECT {names} FROM `sysmon` WHERE `EventID` IN ({})",
        list(ids)
    )
}

/// That a record is the sensor's, as [`schema::LogSource`] tells.
fn records_of(sensor: Sensor, table: &RawTable) -> String {
    let lower = |name: &str| format!("lower(coalesce({}, ''))", table.column_or_null(name));
    let (channel, provider) = (lower("Channel"), lower("Provider"));
    let among = |value: &str, names: &[String]| {
        let names: Vec<String> = names.iter().map(|n| literal(n)).collect();
        format!("{value} IN ({})", names.join(", "))
    };
    let own = among(&channel, &sensor.channel_spellings());
    let mut told = vec![among(&provider, &sensor.provider_spellings())];
    if let Some(word) = sensor.word() {
        let has = |value: &str| format!("instr({value}, {}) > 0", literal(word));
        let others = Sensor::all().filter(|s| *s != sensor);
        let others: Vec<String> = others.flat_map(Sensor::provider_spellings).collect();
        told.push(format!(
            "(({} OR {}) AND NOT {})",
            has(&channel),
            has(&provider),
            among(&provider, &others)
        ));
    }
    format!(
        "({own} OR (({}) AND NOT {}))",
        told.join(" OR "),
        among(&channel, &sensor.foreign_channel_spellings())
    )
}

fn list(ids: &[u32]) -> String {
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    ids.join(", ")
}

fn sql_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "STRING",
        Kind::Int => "BIGINT",
        Kind::Time => "TIMESTAMP",
    }
}

fn type_of(kind: ossem::Type) -> &'static str {
    match kind {
        ossem::Type::Text => "STRING",
        ossem::Type::Int => "BIGINT",
        ossem::Type::Time => "TIMESTAMP",
        ossem::Type::Bool => "BOOLEAN",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(columns: &[&str]) -> BTreeMap<String, String> {
        let columns: Vec<String> = columns.iter().map(|c| (*c).to_owned()).collect();
        views(&columns, "raw").into_iter().collect()
    }

    #[test]
    fn every_table_is_there() {
        let views = all(&["EventID"]);
        assert_eq!(views.len(), 4 + sysmon::views().count());
        for name in [
            "events",
            "sysmon",
            "sysmon_process_access",
            "sysmon_events",
            "security_events",
        ] {
            assert!(views.contains_key(name), "{name}");
        }
    }

    #[test]
    fn no_name_is_there_twice() {
        let view = &all(&["EventID", "port#2", "eventid_x", "SourceProcessGuid"])["events"];
        let mut seen = BTreeSet::new();
        for line in view.lines().filter(|l| l.contains(" AS `")) {
            let name = line
                .rsplit(" AS `")
                .next()
                .unwrap_or_default()
                .to_lowercase();
            assert!(seen.insert(name.trim_end_matches(',').to_owned()), "{name}");
        }
        assert!(view.contains("`port#2` AS `port#2`"));
    }

    #[test]
    fn names_and_texts_cannot_leave_their_quotes() {
        let view = &all(&["a`b", "EventID"])["events"];
        assert!(view.contains("`a``b` AS `a``b`"));
        assert!(script(&[], "it's\\here", false).contains(r"path 'it\'s\\here'"));
    }

    #[test]
    fn a_field_counts_in_its_own_events_alone() {
        let view = &all(&["EventID", "EventType"])["sysmon_events"];
        let line = view.lines().find(|l| l.contains("AS `event_type`"));
        assert!(
            line.is_some_and(|l| l.contains("CASE WHEN `EventID` IN (")),
            "{line:?}"
        );
    }
}
