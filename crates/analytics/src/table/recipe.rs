//! How a column of a table is made of the raw columns that were read: as one of them stands, or as the first of several
//! that has a value, typed. It is done once per batch, before the engine sees a row: as expressions of every query, the
//! same would cost more to plan than small recordings cost to read. This module refuses to know queries and tables.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, DictionaryArray, Int32Array, RecordBatch, StringArray,
    new_null_array,
};
use datafusion::arrow::compute::kernels::zip::zip;
use datafusion::arrow::compute::{is_not_null, nullif};
use datafusion::arrow::datatypes::{DataType, Field, Int64Type};
use datafusion::common::Result;
use schema::ossem;
use telemetry::header::{self, Kind};

use super::conversion::{self, Conversion};
use spark::dialect::EVENT_ID;

/// A column to be made.
#[derive(Clone, Debug)]
pub(crate) struct Recipe {
    name: String,
    data_type: DataType,
    /// Best first.
    choices: Vec<Choice>,
}

#[derive(Clone, Debug)]
enum Choice {
    /// A raw column.
    Raw {
        column: String,
        counts: Counts,
        conversion: Option<Conversion>,
    },
    /// A text for each of some event ids.
    Constant(Vec<(u32, &'static str)>),
}

/// The events a raw column counts in.
#[derive(Clone, Debug, PartialEq)]
enum Counts {
    InAll,
    /// In those with these ids. Others may have such a key all the same: NXLog writes `EventType` and `Version` of its own
    /// into every record.
    In(Vec<u32>),
}

impl Counts {
    fn of(feed: &ossem::Feed) -> Self {
        match feed.events.as_slice() {
            [] => Self::InAll,
            ids => Self::In(ids.to_vec()),
        }
    }

    /// The same among events with these ids; `None` where it counts in none of them.
    fn among(&self, looked_at: &[i64]) -> Option<Self> {
        let Self::In(ids) = self else {
            return Some(Self::InAll);
        };
        let counting = |id: &i64| ids.iter().any(|i| i64::from(*i) == *id);
        if looked_at.iter().all(counting) {
            Some(Self::InAll)
        } else {
            looked_at.iter().any(counting).then(|| self.clone())
        }
    }
}

impl Recipe {
    /// A raw column under its own name.
    pub(super) fn raw(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            data_type: header::kind(name).data_type(),
            choices: vec![Choice::Raw {
                column: name.to_owned(),
                counts: Counts::InAll,
                conversion: None,
            }],
        }
    }

    /// A column under its OSSEM name: what its raw fields say, else what a document says that HELK has transformed,
    /// which carries the name itself.
    pub(super) fn ossem(c: &'static ossem::Column) -> Self {
        let mut choices = Vec::new();
        if !c.values.is_empty() {
            let values = c.values.iter().map(|(id, text)| (*id, text.as_str()));
            choices.push(Choice::Constant(values.collect()));
        }
        choices.extend(c.from.iter().map(|feed| {
            let column = feed.field.to_lowercase();
            let conversion = match c.take {
                Some(take) => Some(Conversion::part(take, c.key.as_deref())),
                None if header::kind(&column) == Kind::Text => Conversion::typed(c.kind),
                None => None,
            };
            Choice::Raw {
                column,
                counts: Counts::of(feed),
                conversion,
            }
        }));
        // Its own column already holds the part that was wanted. Names of the header are the header's.
        let own = c.names().map(str::to_lowercase);
        choices.extend(
            own.filter(|name| !header::is_header(name))
                .map(|column| Choice::Raw {
                    column,
                    counts: Counts::InAll,
                    conversion: Conversion::typed(c.kind),
                }),
        );
        Self {
            name: c.name.to_lowercase(),
            data_type: conversion::data_type(c.kind),
            choices,
        }
    }

    pub(super) fn field(&self) -> Field {
        Field::new(&self.name, self.data_type.clone(), true)
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The raw column that this one is under another name, if it is nothing more.
    pub(super) fn plain(&self) -> Option<&str> {
        match self.choices.as_slice() {
            [
                Choice::Raw {
                    column,
                    counts: Counts::InAll,
                    conversion: None,
                },
            ] => Some(column),
            _ => None,
        }
    }

    /// The same for rows with one of these event ids. What it makes in others is not to be looked at.
    pub(super) fn among(&self, looked_at: &[i64]) -> Self {
        let choices = self.choices.iter().filter_map(|choice| match choice {
            Choice::Raw {
                column,
                counts,
                conversion,
            } => Some(Choice::Raw {
                column: column.clone(),
                counts: counts.among(looked_at)?,
                conversion: conversion.clone(),
            }),
            Choice::Constant(texts) => {
                let told = |(id, _): &(u32, _)| looked_at.contains(&i64::from(*id));
                texts.iter().any(told).then(|| choice.clone())
            }
        });
        Self {
            choices: choices.collect(),
            ..self.clone()
        }
    }

    /// The raw columns it is made of; some may be named twice.
    pub(super) fn columns(&self) -> impl Iterator<Item = &str> {
        self.choices.iter().flat_map(|choice| {
            let (column, by_id) = match choice {
                Choice::Raw { column, counts, .. } => {
                    (Some(column.as_str()), matches!(counts, Counts::In(_)))
                }
                Choice::Constant(_) => (None, true),
            };
            column.into_iter().chain(by_id.then_some(EVENT_ID))
        })
    }

    /// The column for these rows of raw columns, among which all of [`Recipe::columns`] are.
    pub(super) fn make(&self, rows: &RecordBatch) -> Result<ArrayRef> {
        let mut made: Option<ArrayRef> = None;
        for choice in &self.choices {
            if made.as_ref().is_some_and(|m| m.null_count() == 0) {
                break;
            }
            let Some(next) = choice.make(rows)? else {
                continue;
            };
            made = Some(match made {
                Some(better) => zip(&is_not_null(&better)?, &better, &next)?,
                None => next,
            });
        }
        Ok(made.unwrap_or_else(|| new_null_array(&self.data_type, rows.num_rows())))
    }
}

impl Choice {
    /// `None` where no row has a value.
    fn make(&self, rows: &RecordBatch) -> Result<Option<ArrayRef>> {
        let made = match self {
            Self::Raw {
                column,
                counts,
                conversion,
            } => {
                let Some(raw) = rows.column_by_name(column).filter(|c| has_values(c)) else {
                    return Ok(None);
                };
                let value = match conversion {
                    Some(conversion) => conversion.column(raw)?,
                    None => Arc::clone(raw),
                };
                match counts {
                    Counts::In(ids) => {
                        let ids: Vec<i64> = ids.iter().map(|id| i64::from(*id)).collect();
                        let outside =
                            event_ids(rows).map(|id| id.is_none_or(|id| !ids.contains(&id)));
                        let outside: BooleanArray = outside.map(Some).collect();
                        nullif(&value, &outside)?
                    }
                    Counts::InAll => value,
                }
            }
            Self::Constant(texts) => {
                let place = |id: Option<i64>| {
                    let place = texts.iter().position(|(i, _)| Some(i64::from(*i)) == id);
                    place.and_then(|n| i32::try_from(n).ok())
                };
                let keys: Int32Array = event_ids(rows).map(place).collect();
                let values: StringArray = texts.iter().map(|(_, text)| Some(*text)).collect();
                Arc::new(DictionaryArray::new(keys, Arc::new(values)))
            }
        };
        Ok(Some(made).filter(has_values))
    }
}

fn has_values(array: &ArrayRef) -> bool {
    array.null_count() < array.len()
}

fn event_ids(rows: &RecordBatch) -> impl Iterator<Item = Option<i64>> {
    let ids = rows
        .column_by_name(EVENT_ID)
        .and_then(|c| c.as_primitive_opt::<Int64Type>());
    (0..rows.num_rows()).map(move |i| ids.filter(|ids| ids.is_valid(i)).map(|ids| ids.value(i)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use datafusion::arrow::array::Array;
    use datafusion::arrow::compute::{cast, filter_record_batch};
    use schema::sysmon;
    use telemetry::{Options, Plan, probe};

    /// An event for each type of Sysmon's with every field any type has, one document as HELK writes it, and one of another
    /// kind.
    fn rows(recipes: &[Recipe]) -> RecordBatch {
        let mut columns: Vec<String> = recipes
            .iter()
            .flat_map(Recipe::columns)
            .chain([EVENT_ID])
            .map(str::to_owned)
            .collect();
        columns.sort();
        columns.dedup();
        let fields: Vec<&str> = sysmon::events()
            .iter()
            .flat_map(|e| e.fields.iter().map(|f| f.name.as_str()))
            .collect();
        let mut lines = String::new();
        for (n, event) in sysmon::events().iter().enumerate() {
            let mut document = serde_json::Map::new();
            document.insert("EventID".into(), event.id.into());
            document.insert("TimeCreated".into(), "2024-01-02T03:04:05Z".into());
            let outside = ossem::columns().iter().flat_map(|c| &c.from);
            for feed in outside.filter(|f| f.outside) {
                let field = document.entry(feed.field.as_str());
                field.or_insert_with(|| "7".into());
            }
            for (m, field) in fields.iter().enumerate() {
                // Each is missing now and then, so that the next best is taken.
                if (n + m) % 5 != 0 {
                    let value = match (n + m) % 7 {
                        0 | 1 => format!(r"NT AUTHORITY\{field}{n}.exe"),
                        2 => format!("MD5={n},SHA1=A{m},SHA256=B{m},IMPHASH=C{n}"),
                        3 => format!("0x{m:x}"),
                        4 => "True".to_owned(),
                        5 => "fe80::1".to_owned(),
                        _ => format!("2024-01-02 03:04:{:02}.000", m % 60),
                    };
                    document.insert((*field).to_owned(), value.into());
                }
            }
            lines.push_str(&serde_json::to_string(&document).unwrap());
            lines.push('\n');
        }
        for c in ossem::columns() {
            for value in ["7", "True", "2024-01-02 03:04:05.000"] {
                let name = &c.name;
                lines.push_str(&format!("{{\"event_id\":1,\"{name}\":\"{value}\"}}\n"));
            }
        }
        lines.push_str("{\"EventID\":4688,\"Image\":\"a\"}\n");
        let mut scan = probe::file(lines.as_bytes(), Plan::of(columns), Options::default());
        let batch = scan.next().unwrap();
        assert!(scan.next().is_none());
        batch
    }

    fn all() -> Vec<Recipe> {
        ossem::columns().iter().map(Recipe::ossem).collect()
    }

    fn shown(array: &ArrayRef) -> Vec<Option<String>> {
        let text = cast(array, &DataType::Utf8).unwrap();
        let text = text.as_string::<i32>();
        text.iter().map(|t| t.map(str::to_owned)).collect()
    }

    #[test]
    fn columns_have_the_types_they_are_declared_with() {
        let recipes = all();
        let rows = rows(&recipes);
        for recipe in &recipes {
            let made = recipe.make(&rows).unwrap();
            assert_eq!(
                made.data_type(),
                recipe.field().data_type(),
                "{}",
                recipe.name
            );
            assert!(made.null_count() < made.len(), "{} is empty", recipe.name);
        }
    }

    #[test]
    fn for_one_event_type_it_makes_what_it_makes_for_all() {
        let recipes = all();
        let rows = rows(&recipes);
        let ids = sysmon::events().iter().map(|e| i64::from(e.id));
        for id in ids {
            let here: BooleanArray = event_ids(&rows).map(|i| Some(i == Some(id))).collect();
            let rows = filter_record_batch(&rows, &here).unwrap();
            for recipe in &recipes {
                let (all, one) = (recipe.make(&rows).unwrap(), recipe.among(&[id]));
                let one = one.make(&rows).unwrap();
                assert_eq!(shown(&all), shown(&one), "{} of {id}", recipe.name);
            }
        }
    }

    /// NXLog writes `EventType` and `Version` of its own into every record.
    #[test]
    fn a_shippers_key_is_not_the_field_of_an_event_that_has_none() {
        let lines = br#"
            {"EventID":10,"EventType":"INFO","Version":3}
            {"EventID":13,"EventType":"SetValue"}
            {"EventID":4,"Version":"15.15"}"#;
        for (name, expected) in [
            ("event_type", [None, Some("SetValue"), None]),
            ("sysmon_version", [None, None, Some("15.15")]),
        ] {
            let recipe = Recipe::ossem(ossem::column(name).unwrap());
            let columns = recipe.columns().map(str::to_owned).collect();
            let (rows, _) = probe::json(lines, &Plan::of(columns));
            let made = shown(&recipe.make(&rows.unwrap()).unwrap());
            assert_eq!(made, expected.map(|v| v.map(str::to_owned)), "{name}");
        }
    }

    #[test]
    fn what_helk_has_transformed_is_taken_where_nothing_else_is() {
        let column = ossem::column("process_granted_access").unwrap();
        let recipe = Recipe::ossem(column);
        let lines = br#"
            {"EventID":10,"GrantedAccess":"0x1fffff","process_granted_access":"1"}
            {"EventID":10,"process_granted_access":"5184"}
            {"EventID":10}"#;
        let columns = recipe.columns().map(str::to_owned).collect();
        let (rows, _) = probe::json(lines, &Plan::of(columns));
        let made = recipe.make(&rows.unwrap()).unwrap();
        let values: Vec<Option<i64>> = made.as_primitive::<Int64Type>().iter().collect();
        assert_eq!(values, [Some(0x1f_ffff), Some(5184), None]);
    }
}
