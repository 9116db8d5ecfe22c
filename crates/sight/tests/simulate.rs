//! Simulated events are what the sensor would write: every field, each value in its form, as the catalog knows it, and the
//! same after reading.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use arrow::array::{Array, AsArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use catalog::{BehaviourId, KnownTest, rights};
use regex::Regex;
use schema::FieldForm;
use sight::simulate::{
    MARK, SimulatedEvent, SimulationOptions, simulate, variants, write_ndjson, write_xml,
};
use telemetry::{Options, Plan, Scan};

fn all(options: &SimulationOptions) -> Vec<(BehaviourId, SimulatedEvent)> {
    BehaviourId::all()
        .flat_map(|t| variants(t).into_iter().map(move |v| (t, v)))
        .flat_map(|(t, v)| {
            let events = simulate(t, v, options).events;
            events.into_iter().map(move |e| (t, e))
        })
        .collect()
}

#[test]
fn every_expected_event_has_every_field_in_its_form() {
    let events = all(&SimulationOptions::default());
    assert!(events.len() > 300);
    let mut forms: BTreeMap<(u32, String), Regex> = BTreeMap::new();
    let mut wrong = Vec::new();
    for (technique, event) in &events {
        let kind = schema::sysmon::event(event.id).unwrap();
        let current = kind.fields.iter().filter(|f| f.until.is_none());
        let names: Vec<&str> = current.map(|f| f.name.as_str()).collect();
        let have: Vec<&str> = event.fields.iter().map(|(n, _)| n.as_str()).collect();
        assert_eq!(have[..have.len() - 1], names, "{technique}: {}", event.id);
        assert_eq!(have.last(), Some(&MARK));
        for (name, value) in &event.fields {
            let form = forms.entry((event.id, name.clone())).or_insert_with(|| {
                Regex::new(&FieldForm::of(event.id, name).expression()).unwrap()
            });
            if !form.is_match(value) {
                wrong.push(format!("{technique}: {} {name} = {value}", event.id));
            }
        }
        for known in technique.expected[event.expected].fields {
            let value = event.field(known.field).unwrap().to_ascii_lowercase();
            let wanted = known.value.to_ascii_lowercase();
            let met = match known.test {
                KnownTest::Is => value == wanted,
                KnownTest::EndsWith => value.ends_with(&wanted),
                KnownTest::Contains => value.contains(&wanted),
                KnownTest::Holds => {
                    let bits = rights::parse_mask(&wanted).unwrap();
                    rights::parse_mask(&value).unwrap() & bits == bits
                }
            };
            if !met {
                wrong.push(format!(
                    "{technique}: {} {} = {value}",
                    event.id, known.field
                ));
            }
        }
    }
    wrong.dedup();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_same_seed_gives_the_same_and_another_gives_others() {
    let seeded = |seed| {
        all(&SimulationOptions {
            seed,
            ..SimulationOptions::default()
        })
    };
    assert_eq!(seeded(1), seeded(1));
    assert_ne!(seeded(1), seeded(2));
}

#[test]
fn what_is_chosen_is_used() {
    let technique = BehaviourId::named("inj-remote-thread").unwrap();
    let options = SimulationOptions {
        actor: Some(r"D:\a\b.exe".to_owned()),
        target: Some(r"C:\c.exe".to_owned()),
        user: Some(r"LAB\who".to_owned()),
        ..SimulationOptions::default()
    };
    for event in simulate(technique, variants(technique)[0], &options).events {
        assert_eq!(event.field("SourceImage"), Some(r"D:\a\b.exe"));
        assert_eq!(event.field("TargetImage"), Some(r"C:\c.exe"));
        assert_eq!(event.field("SourceUser"), Some(r"LAB\who"));
    }
}

#[test]
fn reading_them_gives_them_back() {
    let events: Vec<SimulatedEvent> = all(&SimulationOptions::default())
        .into_iter()
        .map(|(_, e)| e)
        .enumerate()
        .map(|(n, e)| SimulatedEvent {
            record: n as u64 + 1,
            ..e
        })
        .collect();
    let folder = tempfile::tempdir().unwrap();
    type Write = fn(&mut Vec<u8>, &[SimulatedEvent]);
    let forms: [(&str, Write); 2] = [
        ("a.ndjson", |out, events| write_ndjson(out, events).unwrap()),
        ("a.xml", |out, events| write_xml(out, events).unwrap()),
    ];
    for (name, write) in forms {
        let path = folder.path().join(name);
        let mut bytes = Vec::new();
        write(&mut bytes, &events);
        std::fs::write(&path, bytes).unwrap();
        let back = read(&path);
        assert_eq!(back.len(), events.len(), "{name}");
        for event in &events {
            let (id, fields) = &back[&event.record];
            assert_eq!(*id, event.id);
            for (field, value) in &event.fields {
                let read = fields.get(&field.to_lowercase());
                // Sysmon's own word for "nothing" may be read as nothing.
                assert_eq!(
                    read.map_or("-", String::as_str),
                    value,
                    "{name}: {} {field}",
                    event.id
                );
            }
        }
    }
}

/// The events of a file by record number.
fn read(path: &std::path::Path) -> BTreeMap<u64, (u32, BTreeMap<String, String>)> {
    let origins = telemetry::discover(&[path.to_owned()]).unwrap();
    let mut discovery = Scan::new(origins.clone(), Plan::discovery(), Options::default());
    assert!((&mut discovery).count() < usize::MAX);
    let report = discovery.report();
    assert_eq!(report.diagnostics.damaged, 0);
    let mut columns = vec!["eventrecordid".to_owned(), "eventid".to_owned()];
    columns.extend(report.fields.iter().map(|f| f.to_lowercase()));
    let mut found = BTreeMap::new();
    for batch in Scan::new(origins, Plan::of(columns.clone()), Options::default()) {
        let cells: Vec<_> = batch
            .columns()
            .iter()
            .map(|c| cast(c, &DataType::Utf8).unwrap())
            .collect();
        for row in 0..batch.num_rows() {
            let text = |c: usize| {
                let column = cells[c].as_string::<i32>();
                column.is_valid(row).then(|| column.value(row).to_owned())
            };
            let fields = (2..columns.len())
                .filter_map(|c| Some((columns[c].clone(), text(c)?)))
                .collect();
            let id = text(1).unwrap().parse().unwrap();
            found.insert(text(0).unwrap().parse().unwrap(), (id, fields));
        }
    }
    found
}
