//! Answers for many rules, gathered by ATT&CK technique.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use crate::feeds::{FeedVerdict, RuleCoverage};

/// The rules of one technique.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TechniqueCoverage {
    /// `T1055.012`.
    pub technique: String,
    /// Its name, where it is known.
    pub name: Option<&'static str>,
    /// Rules that an event can feed.
    pub fed: usize,
    /// Rules that are fed in part.
    pub part: usize,
    /// Rules that nothing feeds.
    pub never: usize,
    /// Rules that were not decided.
    pub undecided: usize,
}

impl TechniqueCoverage {
    /// How many rules it has.
    pub fn rules(&self) -> usize {
        self.fed + self.part + self.never + self.undecided
    }

    /// The share of its rules that are fed, in percent; in part counts half.
    pub fn score(&self) -> usize {
        (self.fed * 100 + self.part * 50)
            .checked_div(self.rules())
            .unwrap_or(0)
    }
}

/// The techniques that the rules' tags name, by id.
pub fn techniques(answers: &[RuleCoverage]) -> Vec<TechniqueCoverage> {
    let mut out: BTreeMap<String, TechniqueCoverage> = BTreeMap::new();
    for answer in answers {
        for id in &answer.techniques {
            let row = out.entry(id.clone()).or_insert_with(|| TechniqueCoverage {
                technique: id.clone(),
                name: catalog::attack::technique(id).map(|t| t.name),
                ..TechniqueCoverage::default()
            });
            match answer.verdict {
                FeedVerdict::Fed => row.fed += 1,
                FeedVerdict::Part => row.part += 1,
                FeedVerdict::Never => row.never += 1,
                FeedVerdict::Undecided => row.undecided += 1,
            }
        }
    }
    out.into_values().collect()
}

/// A layer for ATT&CK's Navigator: each technique with the share of its rules that are fed.
pub fn layer(name: &str, answers: &[RuleCoverage]) -> Value {
    let techniques: Vec<Value> = techniques(answers)
        .iter()
        .map(|t| {
            json!({
                "techniqueID": t.technique,
                "score": t.score(),
                "comment": format!("{} fed, {} in part, {} never, {} undecided", t.fed, t.part, t.never, t.undecided),
            })
        })
        .collect();
    json!({
        "name": name,
        "versions": {"attack": catalog::attack::VERSION.trim_start_matches('v'), "navigator": "5.1.0", "layer": "4.5"},
        "domain": "enterprise-attack",
        "description": "The share of each technique's Sigma rules that the Sysmon configuration can feed",
        "techniques": techniques,
        "gradient": {"colors": ["#d7301f", "#fdcc8a", "#2b8cbe"], "minValue": 0, "maxValue": 100},
    })
}
