//! What is said of rules and configurations holds on every recording: a rule called never is fed by no recorded event, and
//! every example is kept by the configuration and matched by the rule.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use coverage::{FeedVerdict, RuleCoverage, feeds};
use predicate::Predicate;
use sigma::{Pack, Placeholders};
use sysmon::text::Environment;
use sysmon::{Config, Engine};

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

fn config(name: &str) -> Option<Config> {
    let path = shared(&format!("conformance/sysmon/configs/{name}.xml"))?;
    let config = Config::parse(name, &std::fs::read(path).unwrap(), Engine::Strict);
    assert!(config.accepted, "{name}");
    Some(config)
}

/// All rules, or in a build that is not optimised every so-manieth, so that the test stays short.
fn pack() -> Option<Pack> {
    let mut pack = Pack::read(&[shared("conformance/sigma/rules")?], &Placeholders::new()).unwrap();
    if cfg!(debug_assertions) && std::env::var_os("ALL_RULES").is_none() {
        let mut at = 0;
        pack.rules.retain(|_| {
            at += 1;
            at % 60 == 0
        });
    }
    Some(pack)
}

fn examples_hold(pack: &Pack, config: &Config, answers: &[RuleCoverage]) {
    let environment = Environment::new();
    for (rule, answer) in pack.rules.iter().zip(answers) {
        let fed = matches!(answer.verdict, FeedVerdict::Fed | FeedVerdict::Part);
        assert_eq!(fed, answer.witness.is_some(), "{answer:?}");
        let Some(example) = &answer.witness else {
            continue;
        };
        let predicates = rule.feeds.iter().map(|f| f.predicate.clone());
        let rule = Predicate::any(predicates);
        assert!(
            example.proves(&config.rules, &environment, &rule),
            "{answer:?}"
        );
    }
}

#[test]
fn known_configurations_are_decided() {
    let Some(pack) = pack() else { return };
    for name in ["swiftonsecurity", "neo23x0", "ut_sysmon-modular-config"] {
        let Some(config) = config(name) else { return };
        let begun = std::time::Instant::now();
        let answers = feeds(&config, &Environment::new(), &pack.rules);
        examples_hold(&pack, &config, &answers);
        let count = |v| answers.iter().filter(|a| a.verdict == v).count();
        println!(
            "{name}: {} rules in {:.1?}: {} fed, {} in part, {} never, {} undecided",
            answers.len(),
            begun.elapsed(),
            count(FeedVerdict::Fed),
            count(FeedVerdict::Part),
            count(FeedVerdict::Never),
            count(FeedVerdict::Undecided)
        );
        if std::env::var_os("SHOW").is_some() {
            for a in &answers {
                println!(
                    "{:?} | {} | {} | {:?}",
                    a.verdict, a.title, a.why, a.witness
                );
            }
        }
        assert!(
            count(FeedVerdict::Undecided) * 100 <= answers.len(),
            "{name}"
        );
    }
}
