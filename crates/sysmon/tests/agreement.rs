//! The three ways to decide agree: row by row, in columns, and as a predicate. On random rules and
//! events, and on every recorded decision.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, DictionaryArray, RecordBatch, UInt32Array};
use arrow::datatypes::Int32Type;
use predicate::eval::Evaluator;
use proptest::prelude::*;
use sysmon::columnar::{Decider, Input};
use sysmon::diagnostic::Span;
use sysmon::event::Event;
use sysmon::rules::{Element, Filter, Op, Record, Relation, Rule, RuleSet};
use sysmon::schema::{self, SchemaVersion, Verdict};
use sysmon::text::Environment;
use sysmon::{Config, Engine, predicates, reference};

mod common;

fn batch(events: &[Event]) -> RecordBatch {
    let names: BTreeSet<&String> = events.iter().flat_map(|e| e.fields.keys()).collect();
    let ids = UInt32Array::from_iter_values(events.iter().map(|e| e.id));
    let mut columns: Vec<(&str, ArrayRef, bool)> = vec![("EventID", Arc::new(ids), true)];
    for name in names {
        let column: DictionaryArray<Int32Type> = events
            .iter()
            .map(|e| e.fields.get(name).map(String::as_str))
            .collect();
        columns.push((name, Arc::new(column), true));
    }
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

/// Decides events in columns and as predicates, and compares with the row-wise decision.
fn compare(rules: &RuleSet, environment: &Environment, events: &[Event]) -> Result<(), String> {
    let batch = batch(events);
    let mut decider = Decider::new(rules, environment, Input::Raw);
    let rows = decider.decide(&batch).unwrap();
    let ids: BTreeSet<u32> = events.iter().map(|e| e.id).collect();
    let keeps: Vec<_> = ids
        .iter()
        .map(|id| predicates::keeps(rules, environment, *id))
        .collect();
    let kept = Evaluator::new(&keeps).evaluate(&batch).unwrap();
    for (i, event) in events.iter().enumerate() {
        let expected = reference::decide(rules, environment, event);
        let found = &decider.decisions()[rows[i] as usize];
        if *found != expected {
            return Err(format!(
                "{event:?}\n columns {found:?}\n rows    {expected:?}"
            ));
        }
        let at = ids.iter().position(|id| *id == event.id).unwrap();
        if kept[at].value(i) != expected.log {
            return Err(format!(
                "{event:?}\n predicate {}\n rows {expected:?}",
                keeps[at]
            ));
        }
    }
    Ok(())
}

const TAGS: [&str; 4] = [
    "ProcessTerminate",
    "RegistryEvent",
    "WmiEvent",
    "NetworkConnect",
];

fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => "[aAbé\\\\;-]{0,3}",
        1 => Just("%v%".to_owned()),
        1 => Just("443".to_owned()),
    ]
}

fn filter() -> impl Strategy<Value = (u32, Op, String, String)> {
    (0u32..9, 0usize..16, word(), "[n]{0,1}[1-3]{0,1}")
        .prop_map(|(f, op, v, n)| (f, Op::ALL[op], v, n))
}

fn element() -> impl Strategy<Value = Element> {
    let record = prop_oneof![
        3 => filter().prop_map(|f| vec![(f, None)]),
        1 => (prop::collection::vec(filter(), 0..4), any::<bool>(), "[R]{0,1}")
            .prop_map(|(fs, and, name)| {
                fs.into_iter().map(|f| (f, Some((and, name.clone())))).collect()
            }),
    ];
    (
        0..TAGS.len(),
        any::<prop::sample::Index>(),
        any::<bool>(),
        any::<bool>(),
        prop::collection::vec(record, 0..5),
    )
        .prop_map(|(tag, pick, include, and, records)| {
            let tag = TAGS[tag];
            let series: Vec<_> = schema::newest().series(tag).collect();
            let event = series[pick.index(series.len())];
            let relation = |and| if and { Relation::And } else { Relation::Or };
            let mut out = Vec::new();
            for (i, unit) in records.into_iter().enumerate() {
                let id = u32::try_from(i).unwrap() + 1;
                for (k, ((field, op, value, name), rule)) in unit.into_iter().enumerate() {
                    if let (0, Some((and, name))) = (k, &rule) {
                        out.push(Record::Rule(Rule {
                            id,
                            name: name.clone(),
                            relation: relation(*and),
                            span: Span::default(),
                        }));
                    }
                    let field = field % u32::try_from(event.fields.len()).unwrap();
                    out.push(Record::Filter(Filter {
                        field,
                        field_name: event.fields[field as usize].clone(),
                        op,
                        value,
                        name,
                        rule: rule.is_some().then_some(id),
                        span: Span::default(),
                        value_span: Span::default(),
                    }));
                }
            }
            Element {
                event_id: event.id,
                tag: tag.to_owned(),
                on_match: if include {
                    Verdict::Include
                } else {
                    Verdict::Exclude
                },
                relation: relation(and),
                records: out,
                undone: false,
                span: Span::default(),
            }
        })
}

fn event() -> impl Strategy<Value = Event> {
    let ids = prop_oneof![
        Just(5u32),
        Just(12),
        Just(13),
        Just(14),
        Just(19),
        Just(20),
        Just(21),
        Just(3),
        Just(4),
        Just(1)
    ];
    (
        ids,
        prop::collection::vec(prop::option::weighted(0.8, word()), 18),
    )
        .prop_map(|(id, values)| {
            let kind = schema::newest().event(id).unwrap();
            let fields = kind
                .fields
                .iter()
                .zip(values)
                .filter_map(|(f, v)| Some((f.clone(), v?)))
                .collect::<BTreeMap<_, _>>();
            Event { id, fields }
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(768))]
    #[test]
    fn random_rules(
        elements in prop::collection::vec(element(), 0..6),
        own_names in any::<bool>(),
        events in prop::collection::vec(event(), 1..24),
        long in any::<bool>(),
    ) {
        let rules = RuleSet { version: SchemaVersion::new(4, 90), elements, rule_reports_own_name: own_names };
        let value = if long { "x".repeat(300) } else { "A".to_owned() };
        let environment = Environment::from([("v".to_owned(), value)]);
        prop_assert_eq!(compare(&rules, &environment, &events), Ok(()));
    }
}

#[test]
fn recorded_decisions() {
    let Some(dir) = common::vectors() else { return };
    let mut count = 0;
    for entry in std::fs::read_dir(&dir).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|e| e != "jsonl") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let mut lines = text
            .lines()
            .map(|l| serde_json::from_str::<serde_json::Value>(l).unwrap());
        let head = lines.next().unwrap();
        let environment: Environment = serde_json::from_value(head["env"].clone()).unwrap();
        let name = head["config"].as_str().unwrap();
        let bytes = std::fs::read(dir.join("configs").join(name)).unwrap();
        let config = Config::parse(name, &bytes, Engine::Lenient);
        let events: Vec<Event> = lines.map(|l| serde_json::from_value(l).unwrap()).collect();
        count += events.len();
        if let Err(e) = compare(&config.rules, &environment, &events) {
            panic!("{name}: {e}");
        }
    }
    println!("{count} events");
    assert!(count > 30_000);
}

#[test]
fn recorded_rule_names_are_not_seen() {
    let xml = r#"<Sysmon schemaversion="4.90"><EventFiltering><ProcessTerminate onmatch="include"><RuleName>x</RuleName></ProcessTerminate></EventFiltering></Sysmon>"#;
    let config = Config::parse_text("t", xml, Engine::Strict);
    let event = Event {
        id: 5,
        fields: [("RuleName".to_owned(), "x".to_owned())].into(),
    };
    let events = [event.clone()];
    for (input, expected) in [(Input::Raw, true), (Input::Recorded, false)] {
        let mut d = Decider::new(&config.rules, &Environment::new(), input);
        let rows = d.decide(&batch(&events)).unwrap();
        assert_eq!(d.decisions()[rows[0] as usize].log, expected);
    }
    let before = event.as_before_filtering();
    assert!(!reference::decide(&config.rules, &Environment::new(), &before).log);
}
