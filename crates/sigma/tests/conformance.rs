//! Rules and correlations against small events, by the specification.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use predicate::Values;
use schema::LogSource;
use serde_json::Value;
use sigma::{Match, Pack, Placeholders, Rule};

fn shared(what: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/conformance/sigma")
        .join(what);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: ../shared/conformance/sigma/{what} is not there");
    None
}

fn cases(what: &str) -> Vec<Value> {
    shared(what).map_or_else(Vec::new, |path| {
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    })
}

/// A flat event as NXLog writes it.
struct Event(Vec<(String, Option<String>)>);

impl Event {
    fn new(json: &Value) -> Self {
        let mut fields = Vec::new();
        for (name, value) in json.as_object().unwrap() {
            let name = if name == "Hostname" { "Computer" } else { name };
            let mut add = |v: &Value| {
                let text = match v {
                    Value::Null => None,
                    Value::String(text) => Some(text.clone()),
                    other => Some(other.to_string()),
                };
                fields.push((name.to_owned(), text));
            };
            match value {
                Value::Array(values) => values.iter().for_each(&mut add),
                value => add(value),
            }
        }
        Self(fields)
    }

    fn get(&self, name: &str) -> Option<&str> {
        let value = self.0.iter().find(|(n, _)| n == name)?;
        value.1.as_deref()
    }

    fn feeds(&self, rule: &Rule) -> bool {
        let source = LogSource::of(self.get("Channel"), self.get("SourceName"));
        let id = self.get("EventID").and_then(|id| id.parse().ok());
        rule.feeds
            .iter()
            .any(|f| f.route.accepts(&source, id) && f.predicate.holds(self))
    }
}

impl Values for Event {
    fn any(&self, field: &str, passes: &mut dyn FnMut(&str) -> bool) -> bool {
        self.0.any(field, passes)
    }

    fn any_field(&self, passes: &mut dyn FnMut(&str) -> bool) -> bool {
        self.0.any_field(passes)
    }
}

fn parse(text: &Value) -> Pack {
    Pack::parse(
        Path::new("rule.yml"),
        text.as_str().unwrap(),
        &Placeholders::new(),
    )
}

#[test]
fn every_modifier_case_is_as_expected() {
    let mut wrong = Vec::new();
    for case in cases("modifiers.json") {
        let name = case["name"].as_str().unwrap();
        let pack = parse(&case["rule"]);
        let exists = case["rule"].as_str().unwrap().contains("exists");
        let mut expected = case["expected"].clone();
        let found = match pack.rules.first() {
            Some(rule) if pack.refused.is_empty() => {
                let events = case["events"].as_array().unwrap();
                // A value is text or absent here: `exists` cannot tell null from absent.
                let told =
                    |e: &Value| !exists || e.as_object().unwrap().values().all(|v| !v.is_null());
                let numbered = events.iter().enumerate().filter(|(_, e)| told(e));
                let asked: Vec<Value> = numbered.clone().map(|(n, _)| n.into()).collect();
                let all = numbered.filter(|(_, e)| Event::new(e).feeds(rule));
                if let Some(wanted) = expected.as_array_mut() {
                    wanted.retain(|n| asked.contains(n));
                }
                all.map(|(n, _)| Value::from(n)).collect::<Vec<_>>().into()
            }
            _ => Value::from("reject"),
        };
        if found != expected {
            wrong.push(format!(
                "{name}: {found}, not {expected}; {:?}",
                pack.refused
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Seconds of a time as the cases write it.
fn micros(time: &str) -> i64 {
    let number = |range: std::ops::Range<usize>| time[range].parse::<i64>().unwrap();
    let day = number(8..10);
    let month = number(5..7) * 31;
    let seconds =
        (month + day) * 86_400 + number(11..13) * 3_600 + number(14..16) * 60 + number(17..19);
    seconds * 1_000_000 + number(20..23) * 1_000
}

#[test]
fn every_correlation_case_fires_for_the_groups_expected() {
    let mut wrong = Vec::new();
    for case in cases("correlations.json") {
        let name = case["name"].as_str().unwrap();
        let pack = parse(&case["rules"]);
        let mut matches = Vec::new();
        for (record, json) in case["events"].as_array().unwrap().iter().enumerate() {
            let event = Event::new(json);
            for (number, rule) in pack.rules.iter().enumerate() {
                if event.feeds(rule) {
                    let fields = event
                        .0
                        .iter()
                        .filter_map(|(n, v)| Some((n.clone(), v.clone()?)));
                    matches.push(Match {
                        rule: number,
                        time: micros(json["@timestamp"].as_str().unwrap()),
                        record,
                        values: fields.collect::<HashMap<_, _>>(),
                    });
                }
            }
        }
        let mut found: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for correlation in &pack.correlations {
            found.insert(&correlation.title, BTreeSet::new());
        }
        for fired in sigma::correlate(&pack.correlations, &matches) {
            let title = &*pack.correlations[fired.correlation].title;
            let group = serde_json::to_string(&fired.group).unwrap();
            found.entry(title).or_default().insert(group);
        }
        let mut expected: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for (title, groups) in case["expected"].as_object().unwrap() {
            let sorted = |g: &Value| {
                let group: BTreeMap<String, Value> = serde_json::from_value(g.clone()).unwrap();
                serde_json::to_string(&group).unwrap()
            };
            expected.insert(
                title,
                groups.as_array().unwrap().iter().map(sorted).collect(),
            );
        }
        if found != expected || !pack.refused.is_empty() {
            wrong.push(format!(
                "{name}: {found:?}, not {expected:?}; {:?}",
                pack.refused
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_rules_load_as_listed() {
    let (Some(folder), Some(list)) = (shared("rules"), shared("rules.tsv")) else {
        return;
    };
    let pack = Pack::read(&[folder], &Placeholders::new()).unwrap();
    let mut expected = BTreeMap::new();
    for line in std::fs::read_to_string(list).unwrap().lines().skip(1) {
        let mut cells = line.split('\t');
        let (id, status) = (cells.next().unwrap(), cells.next().unwrap());
        expected.insert(id.to_owned(), status.split(':').next().unwrap().to_owned());
    }
    let mut found = BTreeMap::new();
    for rule in &pack.rules {
        let status = if rule.feeds.is_empty() {
            "no route"
        } else {
            "fed"
        };
        found.insert(rule.id.clone().unwrap(), status.to_owned());
    }
    let rejected = expected.values().filter(|s| *s == "reject").count();
    expected.retain(|_, status| status != "reject");
    let differing: Vec<_> = expected
        .iter()
        .filter(|(id, s)| found.get(*id) != Some(s))
        .collect();
    assert!(differing.is_empty(), "{differing:?} {:#?}", pack.refused);
    assert_eq!(found.len(), expected.len());
    assert_eq!(pack.refused.len(), rejected, "{:#?}", pack.refused);
}
