//! Safe fixes: a fixed file decides and names every event as before.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use sysmon::event::Event;
use sysmon::text::Environment;
use sysmon::{Config, Engine, fix, reference};

mod common;

/// The fixed configuration, where anything was fixed.
fn fixed(bytes: &[u8], engine: Engine) -> Option<(Config, Config, usize)> {
    let before = Config::parse("x", bytes, engine);
    let (after, applied) = fix::all(Config::parse("x", bytes, engine));
    (applied > 0 && before.accepted).then_some((before, after, applied))
}

#[test]
fn recorded_configurations_decide_and_name_as_before() {
    let mut applied = 0;
    for dir in common::all_vectors() {
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
            let environment = serde_json::from_value(head["env"].clone()).unwrap();
            let name = head["config"].as_str().unwrap();
            let bytes = std::fs::read(dir.join("configs").join(name)).unwrap();
            if bytes.len() > 15_000 {
                continue; // held by the others, and slow without optimization
            }
            let Some((before, after, number)) = fixed(&bytes, Engine::Lenient) else {
                continue;
            };
            applied += number;
            // Every named condition is still there.
            let names = |c: &Config| {
                let filters = c.rules.kept().flat_map(|e| e.filters());
                filters.filter(|f| !f.name.is_empty()).count()
            };
            assert_eq!(names(&before), names(&after), "{name}");
            for line in lines.take(100) {
                let event: Event = serde_json::from_value(line).unwrap();
                same(&before, &after, &environment, &event);
            }
        }
    }
    println!("{applied} fixes");
}

fn same(before: &Config, after: &Config, environment: &Environment, event: &Event) {
    let a = reference::decide(&before.rules, environment, event);
    let b = reference::decide(&after.rules, environment, event);
    assert_eq!(
        (a.log, &a.rule),
        (b.log, &b.rule),
        "{event:?}\n{}\n{}",
        before.source.text,
        after.source.text
    );
}

const FIELDS: [&str; 4] = ["Image", "CommandLine", "Product", "ProcessId"];
const VALUES: [&str; 6] = ["a", "ab", "b", "a;b", "\\a.exe", "1"];

/// A condition: field, operator, value, name.
fn condition() -> impl Strategy<Value = String> {
    let ops = [
        "is",
        "contains",
        "contains any",
        "is any",
        "end with",
        "is not",
        "image",
    ];
    let named = prop_oneof![3 => Just(""), 1 => Just(" name=\"n\""), 1 => Just(" name=\"m\"")];
    (0..FIELDS.len(), 0..ops.len(), 0..VALUES.len(), named).prop_map(move |(f, o, v, name)| {
        let (field, op, value) = (FIELDS[f], ops[o], VALUES[v]);
        format!("<{field} condition=\"{op}\"{name}>{value}</{field}>\n")
    })
}

fn element() -> impl Strategy<Value = String> {
    let relation = || prop_oneof![Just("or"), Just("and")];
    let rule = (relation(), prop::collection::vec(condition(), 1..3))
        .prop_map(|(r, c)| format!("<Rule groupRelation=\"{r}\">{}</Rule>\n", c.concat()));
    let part = prop_oneof![4 => condition(), 1 => rule];
    let verdict = prop_oneof![Just("include"), Just("exclude")];
    (relation(), verdict, prop::collection::vec(part, 1..7)).prop_map(|(r, v, parts)| {
        format!(
            "<RuleGroup groupRelation=\"{r}\"><ProcessCreate onmatch=\"{v}\">\n{}</ProcessCreate></RuleGroup>\n",
            parts.concat()
        )
    })
}

fn event() -> impl Strategy<Value = Event> {
    let value = prop::option::of(0..VALUES.len());
    prop::collection::vec(value, FIELDS.len()).prop_map(|values| {
        let present = FIELDS.iter().zip(values);
        let fields = present.filter_map(|(f, v)| Some(((*f).to_owned(), VALUES[v?].to_owned())));
        Event {
            id: 1,
            fields: fields.collect(),
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]

    #[test]
    fn random_configurations_decide_and_name_as_before(
        elements in prop::collection::vec(element(), 1..4),
        events in prop::collection::vec(event(), 30),
    ) {
        let xml = format!(
            "<Sysmon schemaversion=\"4.90\"><EventFiltering>{}</EventFiltering></Sysmon>",
            elements.concat()
        );
        for engine in [Engine::Strict, Engine::Lenient] {
            if let Some((before, after, _)) = fixed(xml.as_bytes(), engine) {
                prop_assert!(after.accepted);
                for event in &events {
                    same(&before, &after, &Environment::new(), event);
                }
            }
        }
    }
}
