//! The forms that the schema gives the values of Sysmon's fields hold for every value that was ever recorded.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use arrow::array::{Array, AsArray};
use arrow::datatypes::{Int32Type, Int64Type};
use regex::Regex;
use schema::{FieldForm, LogSource, Sensor, sysmon};
use telemetry::{Options, Plan, Scan, discover};

/// What the recordings have besides, and why it is no spelling of Sysmon's.
const OTHERWISE: [(&str, &str); 7] = [
    // The markup of the event's XML, left as it was by a shipper.
    ("&lt;", "escaped twice"),
    // The shipper's own key of that name.
    ("INFO", "NXLog"),
    // Attacks that overwrite the name of a process: the doubt of programs.
    ("wardog.exe", "no path"),
    ("samir.exe", "no path"),
    ("owerShell.Commands.M", "damaged"),
    ("\u{8019}\u{752f}\\Windows", "damaged"),
    ("\u{3100}", "damaged"),
];

/// The distinct values of each field by event id.
type Values = BTreeMap<(u32, String), BTreeSet<String>>;

fn recorded() -> Option<Values> {
    let folders = ["data/article", "data/evtx", "data/security-datasets"];
    let paths: Option<Vec<_>> = folders.into_iter().map(common::shared).collect();
    let origins = discover(&paths?).unwrap();
    let fields: BTreeSet<String> = sysmon::events()
        .iter()
        .flat_map(|e| e.fields.iter().map(|f| f.name.to_lowercase()))
        .collect();
    let header = ["eventid", "channel", "provider"].map(str::to_owned);
    let columns: Vec<String> = header.into_iter().chain(fields).collect();
    let scan = Scan::new(origins, Plan::of(columns.clone()), Options::default());
    let mut values = Values::new();
    for batch in scan {
        let ids = batch.column(0).as_primitive::<Int64Type>();
        let text = |column: usize| batch.column(column).as_dictionary::<Int32Type>();
        let names = |column: usize| text(column).values().as_string::<i32>();
        let cell = |column: usize, row: usize| {
            let key = text(column).key(row)?;
            Some(names(column).value(key))
        };
        let ours: Vec<bool> = (0..batch.num_rows())
            .map(|row| LogSource::of(cell(1, row), cell(2, row)).sensor() == Some(Sensor::Sysmon))
            .collect();
        for (column, name) in columns.iter().enumerate().skip(3) {
            let mut seen: BTreeSet<(u32, usize)> = BTreeSet::new();
            for row in (0..batch.num_rows()).filter(|row| ours[*row] && ids.is_valid(*row)) {
                if let Some(key) = text(column).key(row) {
                    seen.insert((u32::try_from(ids.value(row)).unwrap(), key));
                }
            }
            for (id, key) in seen {
                if sysmon::event(id).is_some_and(|e| e.has(name)) {
                    let value = names(column).value(key).to_owned();
                    values.entry((id, name.clone())).or_default().insert(value);
                }
            }
        }
    }
    Some(values)
}

#[test]
fn every_recorded_value_has_the_form_of_its_field() {
    let Some(values) = recorded() else { return };
    let mut expressions: HashMap<String, Regex> = HashMap::new();
    let (mut strange, mut count) = (Vec::new(), 0);
    for ((id, field), values) in &values {
        let text = FieldForm::of(*id, field).expression();
        let expression = expressions
            .entry(text.clone())
            .or_insert_with(|| Regex::new(&text).unwrap());
        for value in values.iter().filter(|v| !v.is_empty()) {
            count += 1;
            let known = OTHERWISE.iter().any(|(text, _)| value.contains(text));
            if !expression.is_match(value) && !known {
                strange.push(format!("{field} of event {id}: {value}"));
            }
        }
    }
    assert!(count > 20_000, "only {count} values were read");
    assert!(
        strange.is_empty(),
        "{} of {count}:\n{}",
        strange.len(),
        strange.join("\n")
    );
}

/// The known words of a field are those that were seen, where it has no others.
#[test]
fn spellings_that_are_said_never_to_occur_do_not() {
    let Some(values) = recorded() else { return };
    for ((id, field), values) in &values {
        for spelling in FieldForm::of(*id, field).form.spellings() {
            let begins = |v: &&String| {
                let head = v.get(..spelling.written.len());
                head.is_some_and(|h| h.eq_ignore_ascii_case(&spelling.written))
            };
            assert_eq!(values.iter().find(begins), None, "{field} of event {id}");
        }
    }
}
