//! `config feeds` against recordings: no recorded event that a rule matches and a configuration keeps belongs to a rule of
//! which it is said that nothing feeds it, for known configurations and for generated ones.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use arrow::array::Array;
use coverage::{FeedVerdict, feeds};
use predicate::{Predicate, Test};
use sigma::{Matcher, Pack, Placeholders, Rule, SourceColumns};
use sysmon::replay::{Replay, columns};
use sysmon::text::Environment;
use sysmon::{Config, Engine};
use telemetry::{Options, Plan, Scan, discover, header};

fn shared(what: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared")
        .join(what);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: ../shared/{what} is not there");
    None
}

fn column_of(field: &str) -> String {
    match field {
        "Provider_Name" => "provider".to_owned(),
        "Execution_ProcessID" => "executionprocessid".to_owned(),
        "Execution_ThreadID" => "executionthreadid".to_owned(),
        "Security_UserID" => "userid".to_owned(),
        field => header::canonical(field),
    }
}

/// A sequence of numbers that looks random and is always the same.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        usize::try_from(self.0 >> 33).unwrap() % end.max(1)
    }
}

/// A configuration with conditions made of what rules ask for.
fn generated(numbers: &mut Numbers, rules: &[Rule]) -> Config {
    let mut xml = String::from("<Sysmon schemaversion=\"4.90\"><EventFiltering>\n");
    for kind in &schema::sysmon::newest().events {
        let Some(tag) = kind.tag.as_deref() else {
            continue;
        };
        if numbers.below(3) == 0 || xml.contains(&format!("<{tag} ")) {
            continue;
        }
        for verdict in ["include", "exclude"] {
            if numbers.below(3) == 0 {
                continue;
            }
            xml.push_str(&format!(
                "<RuleGroup groupRelation=\"or\"><{tag} onmatch=\"{verdict}\">\n"
            ));
            for _ in 0..numbers.below(12) {
                let rule = &rules[numbers.below(rules.len())];
                let mut texts = Vec::new();
                for feed in &rule.feeds {
                    feed.predicate.atoms(&mut |atom| {
                        let (op, text) = match &atom.test {
                            Test::Equals(t) => ("is", t),
                            Test::Contains(t) => ("contains", t),
                            Test::StartsWith(t) => ("begin with", t),
                            Test::EndsWith(t) => ("end with", t),
                            _ => return,
                        };
                        if kind.field(&atom.field).is_some() && !text.text.trim().is_empty() {
                            texts.push((atom.field.to_string(), op, text.text.clone()));
                        }
                    });
                }
                let Some((field, op, text)) = texts.get(numbers.below(texts.len())) else {
                    continue;
                };
                let text = text.replace('&', "&amp;").replace('<', "&lt;");
                let text: String = text.chars().filter(|c| !c.is_control()).collect();
                xml.push_str(&format!("<{field} condition=\"{op}\">{text}</{field}>\n"));
            }
            xml.push_str(&format!("</{tag}></RuleGroup>\n"));
        }
    }
    xml.push_str("</EventFiltering></Sysmon>");
    let config = Config::parse_text("generated", &xml, Engine::Strict);
    assert!(config.accepted, "{:?}\n{xml}", config.diagnostics);
    config
}

#[test]
fn nothing_recorded_feeds_a_rule_that_is_called_never() {
    let Some(rules) = shared("conformance/sigma/rules") else {
        return;
    };
    // Reading all recordings with twenty configurations takes minutes where nothing is optimised.
    let (data, generations) = match cfg!(debug_assertions) {
        true => ("data/evtx", 6),
        false => ("data", 20),
    };
    let Some(data) = shared(data) else { return };
    let Some(known) = shared("conformance/sysmon/configs") else {
        return;
    };
    let pack = Pack::read(&[rules], &Placeholders::new()).unwrap();
    let mut numbers = Numbers(17);
    let mut configs: Vec<Config> = ["swiftonsecurity", "neo23x0"]
        .iter()
        .map(|name| {
            let bytes = std::fs::read(known.join(format!("{name}.xml"))).unwrap();
            Config::parse(name, &bytes, Engine::Strict)
        })
        .collect();
    configs.extend((0..generations).map(|_| generated(&mut numbers, &pack.rules)));
    let environment = Environment::new();
    let source = SourceColumns {
        channel: "channel".to_owned(),
        provider: "provider".to_owned(),
        event_id: "eventid".to_owned(),
    };
    let matcher = Matcher::new(&pack.rules, source, &column_of, &[]);
    let mut wanted: BTreeSet<String> = matcher.columns().map(str::to_owned).collect();
    wanted.extend(columns(
        &configs.iter().map(|c| &c.rules).collect::<Vec<_>>(),
    ));
    wanted.extend(header::columns().iter().map(|c| c.name.to_lowercase()));
    let mut replays: Vec<Replay<'_>> = configs
        .iter()
        .map(|c| Replay::new(&c.rules, &environment))
        .collect();
    let mut fed: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); configs.len()];
    let plan = Plan::of(wanted.into_iter().collect());
    for batch in Scan::new(discover(&[data]).unwrap(), plan, Options::default()) {
        let matches = matcher.matches(&batch).unwrap();
        if matches.is_empty() {
            continue;
        }
        for (replay, fed) in replays.iter_mut().zip(&mut fed) {
            let kept = replay.add(&batch).unwrap();
            let kept_match = |(_, row): &&(usize, usize)| kept.is_valid(*row) && kept.value(*row);
            fed.extend(matches.iter().filter(kept_match).map(|(rule, _)| *rule));
        }
    }
    let mut seen = 0;
    for (config, fed) in configs.iter().zip(&fed) {
        seen += fed.len();
        let rules: Vec<Rule> = fed.iter().map(|at| pack.rules[*at].clone()).collect();
        for (rule, answer) in rules.iter().zip(feeds(config, &environment, &rules)) {
            assert_ne!(
                answer.verdict,
                FeedVerdict::Never,
                "{}: {answer:?}",
                config.source.name
            );
            let Some(example) = &answer.witness else {
                continue;
            };
            let rule = Predicate::any(rule.feeds.iter().map(|f| f.predicate.clone()));
            assert!(
                example.proves(&config.rules, &environment, &rule),
                "{answer:?}"
            );
        }
    }
    println!("{seen} pairs of a rule and a configuration that recorded events feed");
    assert!(seen > 20, "{seen}");
}
