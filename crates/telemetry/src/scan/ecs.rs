//! Documents whose fields Elastic's pipelines renamed get Sysmon's fields back: what a query asks for is read from where ECS
//! keeps it as well, and each row of Sysmon's that has no value of its own takes that. What is asked of such a column is
//! decided when it is whole.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, DictionaryArray, Int32Array, RecordBatch, StringArray,
};
use arrow::datatypes::{Int32Type, Int64Type, TimestampMicrosecondType};
use rustc_hash::FxHashMap;
use schema::ecs::{FieldMapping, Transform};
use schema::{LogSource, Sensor, ecs};

use crate::filter::{Atom, RowFilter};
use crate::select;
use crate::table::plan::Plan;
use crate::value::time;

/// What tells a document that went through a pipeline.
const MARKS: [&str; 2] = ["event.module", "ecs.version"];
const WHOSE: [&str; 3] = ["eventid", "channel", "provider"];

/// A plan, and what is read to carry it out.
#[derive(Debug)]
pub(crate) struct Restoration {
    /// What is read.
    pub(crate) read: Plan,
    /// What is delivered: so many of the first columns read.
    delivered: usize,
    /// What is asked when the columns are whole.
    filter: RowFilter,
    /// The columns that may have to be restored: their place, and the ways back.
    columns: Vec<(usize, Vec<&'static FieldMapping>)>,
}

impl Restoration {
    /// For a plan; `None` where it names no field that ECS renames.
    pub(crate) fn of(plan: &Plan) -> Option<Self> {
        let mut names = plan.columns.clone();
        let mut add = |name: &str| {
            if !names.iter().any(|n| n == name) {
                names.push(name.to_owned());
            }
        };
        plan.filter.columns().for_each(&mut add);
        let targets = names.clone();
        let ways = |name: &String| -> Vec<&FieldMapping> {
            let to = ecs::fields().iter();
            to.filter(|f| f.name.eq_ignore_ascii_case(name)).collect()
        };
        let columns: Vec<(usize, Vec<&FieldMapping>)> = targets
            .iter()
            .map(ways)
            .enumerate()
            .filter(|(_, ways)| !ways.is_empty())
            .collect();
        if columns.is_empty() {
            return None;
        }
        let sources = columns
            .iter()
            .flat_map(|(_, ways)| ways)
            .flat_map(|w| &w.from);
        let sources: Vec<String> = sources.map(|s| s.to_lowercase()).collect();
        for name in sources.iter().map(String::as_str).chain(WHOSE).chain(MARKS) {
            if !names.iter().any(|n| n == name) {
                names.push(name.to_owned());
            }
        }
        let restored = |atom: &Atom| columns.iter().find(|(c, _)| targets[*c] == atom.column);
        let mut before = RowFilter::default();
        let mut filter = RowFilter::default();
        for clause in &plan.filter.clauses {
            if !clause.iter().any(|atom| restored(atom).is_some()) {
                before.clauses.push(clause.clone());
                continue;
            }
            filter.clauses.push(clause.clone());
            // A row may pass by its own value, or by the one that stands elsewhere as it is.
            let mut wider = clause.clone();
            let mut told = true;
            for (atom, (_, ways)) in clause.iter().filter_map(|a| Some((a, restored(a)?))) {
                for way in ways {
                    told &= way.take == Transform::Text && way.values.is_empty();
                    wider.extend(way.from.iter().map(|source| Atom {
                        column: source.to_lowercase(),
                        test: atom.test.clone(),
                    }));
                }
            }
            if told {
                before.clauses.push(wider);
            }
        }
        Some(Self {
            read: Plan {
                columns: names,
                filter: before,
                discover: plan.discover,
            },
            delivered: plan.columns.len(),
            filter,
            columns,
        })
    }

    /// The rows of the plan, and the fields that were restored in any of them.
    pub(crate) fn restore(&self, batch: &RecordBatch) -> (Option<RecordBatch>, Vec<&'static str>) {
        let mut restored = Vec::new();
        let mut arrays: Vec<ArrayRef> = batch.columns().to_vec();
        if let Some(rows) = self.rows(batch) {
            for (place, ways) in &self.columns {
                if let Some(array) = self.column(batch, *place, ways, &rows) {
                    arrays[*place] = array;
                    restored.push(ways[0].name.as_str());
                }
            }
        }
        let batch = match restored.is_empty() {
            true => Some(batch.clone()),
            false => RecordBatch::try_new(batch.schema(), arrays).ok(),
        };
        let wanted: Vec<usize> = (0..self.delivered).collect();
        let passing = batch.and_then(|b| select::filter_columns(&self.filter, &b, Some(&wanted)));
        (passing, restored)
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.read.columns.iter().position(|c| *c == name)
    }

    /// The event ids of rows that are Sysmon's and went through a pipeline; `None` where there are none.
    fn rows(&self, batch: &RecordBatch) -> Option<Vec<Option<u32>>> {
        let text = |name: &str| {
            batch
                .column(self.place(name)?)
                .as_dictionary_opt::<Int32Type>()
        };
        let marks: Vec<_> = MARKS.iter().filter_map(|m| text(m)).collect();
        if marks.iter().all(|m| m.null_count() == m.len()) {
            return None;
        }
        let ids = batch
            .column(self.place("eventid")?)
            .as_primitive_opt::<Int64Type>()?;
        let (channel, provider) = (text("channel")?, text("provider")?);
        let mut known: FxHashMap<(Option<usize>, Option<usize>), bool> = FxHashMap::default();
        let mut ours = |row: usize| {
            let keys = (channel.key(row), provider.key(row));
            *known.entry(keys).or_insert_with(|| {
                let name = |d: &'_ DictionaryArray<Int32Type>, key: Option<usize>| {
                    key.map(|k| d.values().as_string::<i32>().value(k).to_owned())
                };
                let (channel, provider) = (name(channel, keys.0), name(provider, keys.1));
                let source = LogSource::of(channel.as_deref(), provider.as_deref());
                source.sensor() == Some(Sensor::Sysmon)
            })
        };
        let id = |row: usize| {
            let piped = marks.iter().any(|m| m.is_valid(row)) && ids.is_valid(row);
            (piped && ours(row)).then(|| u32::try_from(ids.value(row)).ok())?
        };
        let rows: Vec<Option<u32>> = (0..batch.num_rows()).map(id).collect();
        rows.iter().any(Option::is_some).then_some(rows)
    }

    /// A column with what stands elsewhere; `None` where that adds nothing.
    fn column(
        &self,
        batch: &RecordBatch,
        place: usize,
        ways: &[&'static FieldMapping],
        rows: &[Option<u32>],
    ) -> Option<ArrayRef> {
        let own = batch.column(place).as_dictionary_opt::<Int32Type>()?;
        let sources: Vec<(&FieldMapping, Vec<&ArrayRef>)> = ways
            .iter()
            .map(|way| {
                let places = way.from.iter().map(|s| self.place(&s.to_lowercase()));
                (*way, places.flatten().map(|p| batch.column(p)).collect())
            })
            .collect();
        let mut values: Vec<String> = Vec::new();
        let mut index: FxHashMap<String, i32> = FxHashMap::default();
        let first = i32::try_from(own.values().len()).ok()?;
        let mut keys: Vec<Option<i32>> = own.keys().iter().collect();
        for (row, id) in rows.iter().enumerate() {
            let Some(id) = id.filter(|_| keys[row].is_none()) else {
                continue;
            };
            let here = sources
                .iter()
                .filter(|(way, _)| way.events.is_empty() || way.events.contains(&id));
            let Some(text) = here.filter_map(|(way, from)| made(way, from, row)).next() else {
                continue;
            };
            let next = first.checked_add(i32::try_from(values.len()).ok()?)?;
            keys[row] = Some(*index.entry(text).or_insert_with_key(|text| {
                values.push(text.clone());
                next
            }));
        }
        if values.is_empty() {
            return None;
        }
        let before = own.values().as_string::<i32>().iter();
        let values: StringArray = before
            .map(|v| v.map(str::to_owned))
            .chain(values.into_iter().map(Some))
            .collect();
        let keys: Int32Array = keys.into_iter().collect();
        Some(Arc::new(
            DictionaryArray::try_new(keys, Arc::new(values)).ok()?,
        ))
    }
}

/// The fields that documents with these ECS fields have besides.
pub(crate) fn restorable<'f>(
    seen: impl Fn(&str) -> bool + 'f,
) -> impl Iterator<Item = &'static str> + 'f {
    let piped = MARKS.iter().any(|m| seen(m));
    let has = move |f: &&FieldMapping| {
        let held = || f.from.iter().any(|s| seen(&s.to_lowercase()));
        piped && (f.take == Transform::Utc || held())
    };
    ecs::fields().iter().filter(has).map(|f| f.name.as_str())
}

/// A row's value as Sysmon writes it.
fn made(way: &FieldMapping, from: &[&ArrayRef], row: usize) -> Option<String> {
    let text = |array: &&ArrayRef| cell(array, row).filter(|t| !t.is_empty());
    let value = match way.take {
        Transform::Text => from.iter().find_map(text)?,
        Transform::First => only(&from.iter().find_map(text)?),
        Transform::User => match (from.first().and_then(text), from.get(1).and_then(text)) {
            (Some(domain), Some(name)) => format!("{domain}\\{name}"),
            (_, name) => name?,
        },
        Transform::Utc => sysmon_time(from.first()?, row)?,
        Transform::Hashes => {
            let named = ["SHA1", "MD5", "SHA256", "IMPHASH"].iter().zip(from);
            let hashes = named.filter_map(|(name, array)| {
                Some(format!("{name}={}", text(array)?.to_uppercase()))
            });
            let hashes: Vec<String> = hashes.collect();
            (!hashes.is_empty()).then(|| hashes.join(","))?
        }
        _ => return None,
    };
    match way
        .values
        .iter()
        .find(|(ecs, _)| ecs.eq_ignore_ascii_case(&value))
    {
        Some((_, sysmon)) => Some(sysmon.clone()),
        None => Some(value),
    }
}

fn cell(array: &ArrayRef, row: usize) -> Option<String> {
    let dictionary = array.as_dictionary_opt::<Int32Type>()?;
    let key = dictionary.key(row)?;
    Some(dictionary.values().as_string::<i32>().value(key).to_owned())
}

/// The value of a list of one; any other text is itself.
fn only(text: &str) -> String {
    match serde_json::from_str::<Vec<String>>(text) {
        Ok(list) if list.len() == 1 => list.into_iter().next().unwrap_or_default(),
        _ => text.to_owned(),
    }
}

/// `2020-08-07 18:32:44.580`.
fn sysmon_time(array: &ArrayRef, row: usize) -> Option<String> {
    let times = array.as_primitive_opt::<TimestampMicrosecondType>()?;
    let micros = times.is_valid(row).then(|| times.value(row))?;
    let text = time::format(micros.div_euclid(1000) * 1000);
    Some(text.trim_end_matches('Z').replace('T', " "))
}
