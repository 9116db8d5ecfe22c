//! What can be asked: tables, their columns, functions. `SHOW TABLES`, `DESCRIBE table`, `SHOW COLUMNS IN table` and
//! `SHOW FUNCTIONS` are answered as rows. It refuses to read events, but for the names of their fields.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use schema::{ossem, sysmon};
use spark::dialect::Tables as _;
use telemetry::header::{self, Kind};

use crate::detection_functions::FUNCTIONS;
use crate::engine::{Engine, Error};
use crate::table::{Catalog, EVENTS, naming_of};

/// A statement that asks what can be asked.
enum CatalogQuestion {
    Tables,
    Functions,
    Table(String),
}

impl CatalogQuestion {
    fn of(sql: &str) -> Option<Self> {
        let sql = sql.trim().trim_end_matches(';');
        let words: Vec<&str> = sql.split_whitespace().collect();
        let lower: Vec<String> = words.iter().map(|w| w.to_lowercase()).collect();
        let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
        let table = |name: &str| Some(Self::Table(name.trim_matches('`').to_owned()));
        match lower.as_slice() {
            ["show", "tables" | "views"] => Some(Self::Tables),
            ["show", "functions"] | ["show", "all" | "system" | "user", "functions"] => {
                Some(Self::Functions)
            }
            ["show", "columns", "in" | "from", name] => table(name),
            ["describe" | "desc", "table" | "extended", name] => table(name),
            ["describe" | "desc", name] if *name != "function" => table(name),
            _ => None,
        }
    }
}

/// The answer to such a statement; `None` for any other.
///
/// # Errors
/// When there is no such table.
pub(crate) fn answer(
    engine: &Engine,
    catalog: &Catalog,
    sql: &str,
) -> Option<Result<RecordBatch, Error>> {
    Some(match CatalogQuestion::of(sql)? {
        CatalogQuestion::Tables => rows(["tableName", "comment"], tables(catalog)),
        CatalogQuestion::Functions => {
            let names = spark::functions::names(FUNCTIONS).into_iter();
            rows(["function"], names.map(|n| [n.to_owned()]).collect())
        }
        CatalogQuestion::Table(name) => match catalog.table(&name) {
            Some(name) => rows(
                ["col_name", "data_type", "comment"],
                columns(catalog, &name),
            ),
            None => Err(no_table(engine, &name)),
        },
    })
}

fn no_table(engine: &Engine, name: &str) -> Error {
    let names = engine.tables();
    let near = text::did_you_mean(name, names.iter().map(String::as_str));
    Error::Run(format!("no table {name}{near}; SHOW TABLES lists them"))
}

fn rows<const N: usize>(names: [&str; N], rows: Vec<[String; N]>) -> Result<RecordBatch, Error> {
    let fields: Vec<Field> = names
        .iter()
        .map(|n| Field::new(*n, DataType::Utf8, true))
        .collect();
    let column = |i: usize| -> ArrayRef {
        let cells = rows
            .iter()
            .map(|row| Some(row[i].as_str()).filter(|t| !t.is_empty()));
        Arc::new(cells.collect::<StringArray>())
    };
    let columns = (0..N).map(column).collect();
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns);
    batch.map_err(|e| Error::Run(e.to_string()))
}

fn tables(catalog: &Catalog) -> Vec<[String; 2]> {
    let about = |name: &str| {
        if let Some((_, ids)) = sysmon::views().find(|(view, _)| *view == name) {
            return format!("Sysmon {}", listed(ids.iter().map(u32::to_string)));
        }
        match name {
            EVENTS => "all events".to_owned(),
            "sysmon" => "all events of Sysmon, under the names it gives".to_owned(),
            "sysmon_events" => "all events of Sysmon, under the names of OSSEM and HELK".to_owned(),
            "security_events" => "the Security log, under the names of HELK".to_owned(),
            _ => "all events, as --view names them".to_owned(),
        }
    };
    let names = catalog.names().into_iter();
    names.map(|name| [name.clone(), about(&name)]).collect()
}

fn columns(catalog: &Catalog, table: &str) -> Vec<[String; 3]> {
    if let Some(naming) = naming_of(table) {
        let column = |c: &ossem::Column| {
            let from: Vec<&str> = c.from.iter().map(|f| f.field.as_str()).collect();
            let from = match from.is_empty() {
                true => String::new(),
                false => format!("from {}", from.join(", ")),
            };
            let note = c.note.clone().unwrap_or_default();
            let words: Vec<String> = [from, note].into_iter().filter(|w| !w.is_empty()).collect();
            [c.name.clone(), type_of_named(c), words.join("; ")]
        };
        return naming.columns().iter().map(column).collect();
    }
    let names = match table {
        "sysmon" => {
            let ids: Vec<u32> = sysmon::events().iter().map(|e| e.id).collect();
            let fields = sysmon::fields_of(&ids).into_iter().map(|f| f.name.clone());
            let header = header::columns().iter().map(|c| c.name.clone());
            let places = [header::SOURCE_FILE, header::SOURCE_OFFSET].map(str::to_owned);
            header.chain(places).chain(fields).collect()
        }
        _ => catalog.columns(table),
    };
    let describe = |name: String| {
        let lower = name.to_lowercase();
        let kind = match header::kind(&lower) {
            Kind::Text => "string",
            Kind::Int => "bigint",
            Kind::Time => "timestamp",
        };
        let has = sysmon::events()
            .iter()
            .filter(|e| e.fields.iter().any(|f| f.name.eq_ignore_ascii_case(&name)));
        let ids: Vec<String> = has.map(|e| e.id.to_string()).collect();
        let comment = match ids.is_empty() || header::is_header(&lower) {
            true => String::new(),
            false => format!("Sysmon {}", listed(ids.into_iter())),
        };
        [name, kind.to_owned(), comment]
    };
    names.into_iter().map(describe).collect()
}

fn type_of_named(column: &ossem::Column) -> String {
    match column.kind {
        ossem::Type::Text => "string",
        ossem::Type::Int => "bigint",
        ossem::Type::Time => "timestamp",
        ossem::Type::Bool => "boolean",
    }
    .to_owned()
}

fn listed(ids: impl Iterator<Item = String>) -> String {
    ids.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use datafusion::arrow::array::AsArray;
    use telemetry::Options;

    use super::*;

    fn first_column(sql: &str) -> Vec<String> {
        let engine = Engine::new(&[], &["mordorTable".to_owned()], Options::default()).unwrap();
        let batch = engine.describe(sql).unwrap().unwrap();
        let cells = batch.column(0).as_string::<i32>().iter();
        cells.map(|c| c.unwrap().to_owned()).collect()
    }

    #[test]
    fn tables_columns_and_functions_are_told() {
        let tables = first_column("SHOW TABLES;");
        for name in ["events", "sysmon_process_create", "mordortable"] {
            assert!(tables.iter().any(|t| t == name), "{name}");
        }
        assert!(first_column("describe sysmon_events").contains(&"process_path".to_owned()));
        assert!(first_column("DESC TABLE sysmon").contains(&"CallTrace".to_owned()));
        assert!(
            first_column("SHOW COLUMNS IN sysmon_process_create").contains(&"Image".to_owned())
        );
        assert!(first_column("SHOW FUNCTIONS").contains(&"has_rights".to_owned()));
        let engine = Engine::new(&[], &[], Options::default()).unwrap();
        let error = engine
            .describe("DESCRIBE sysmon_event")
            .unwrap()
            .unwrap_err();
        assert!(
            error.to_string().contains("did you mean sysmon_events"),
            "{error}"
        );
        assert!(engine.describe("SELECT 1").is_none());
    }
}
