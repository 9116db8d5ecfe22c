//! Answers in the forms of other programs: a page, a layer for the ATT&CK Navigator, SARIF. What is drawn was decided
//! before; nothing is decided here.

mod page;

use std::collections::BTreeMap;

use serde_json::{Value, json};

pub use page::html;

use crate::chain::{LinkKind, LinkState, TechniqueSight};

/// What an answer is about.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// The name of the configuration, if there is one.
    pub configuration: Option<String>,
    /// How many Sigma rules there are.
    pub rules: usize,
    /// How many hunts.
    pub hunts: usize,
    /// The kinds of links that are asked for.
    pub kinds: Vec<LinkKind>,
}

/// Where a line ends, in a sentence.
pub fn end_of(line: &TechniqueSight) -> String {
    let Some(link) = line.break_link() else {
        let firing = line.of(LinkKind::Analytic);
        let firing: Vec<&str> = firing
            .filter(|l| l.state == LinkState::Seen)
            .map(|l| l.name.as_str())
            .collect();
        let configured = line.of(LinkKind::Configuration).next().is_some();
        return match firing.as_slice() {
            [] if configured => "reaches the log".to_owned(),
            [] => "can be logged".to_owned(),
            [one] => format!("caught by {one}"),
            [one, more @ ..] => format!("caught by {one} and {} more", more.len()),
        };
    };
    match link.kind {
        LinkKind::Configuration => match link.line {
            Some(at) => format!("{} is dropped by line {at}: {}", link.name, link.why),
            None => format!("{} is dropped: {}", link.name, link.why),
        },
        LinkKind::Analytic if link.name == "none" => link.why.clone(),
        LinkKind::Analytic => format!("no analytic fires; {}: {}", link.name, link.why),
        LinkKind::Mechanism => format!("{} is {}", link.name, link.why),
        _ => link.why.clone(),
    }
}

/// The same in a few words.
pub fn short_end_of(line: &TechniqueSight) -> String {
    let Some(link) = line.break_link() else {
        return end_of(line);
    };
    let number = link.name.split(' ').nth(1).unwrap_or_default();
    match (link.kind, link.line) {
        (LinkKind::Configuration, Some(at)) => format!("{number} dropped, line {at}"),
        (LinkKind::Configuration, None) => format!("{number} dropped"),
        (LinkKind::Analytic, _) => "logged, nothing fires".to_owned(),
        (LinkKind::Mechanism, _) => "silenced".to_owned(),
        _ => "no event of Sysmon".to_owned(),
    }
}

/// Of each technique the way that is seen the least.
pub fn worst_of_each(lines: &[TechniqueSight]) -> Vec<&TechniqueSight> {
    let mut worst: Vec<&TechniqueSight> = Vec::new();
    for line in lines {
        match worst.iter_mut().find(|w| w.technique == line.technique) {
            Some(known) if line.score() < known.score() => *known = line,
            Some(_) => {}
            None => worst.push(line),
        }
    }
    worst
}

/// A layer for the ATT&CK Navigator: of each technique the lowest score.
pub fn navigator(lines: &[TechniqueSight], about: &About) -> Value {
    let mut techniques: BTreeMap<&str, (u32, Vec<String>)> = BTreeMap::new();
    for line in worst_of_each(lines) {
        let entry = techniques
            .entry(line.attack.as_str())
            .or_insert((100, Vec::new()));
        entry.0 = entry.0.min(line.score());
        entry
            .1
            .push(format!("{}: {}", line.technique, end_of(line)));
    }
    let techniques: Vec<Value> = techniques
        .into_iter()
        .map(|(id, (score, why))| {
            json!({ "techniqueID": id, "score": score, "comment": why.join("\n"), "enabled": true })
        })
        .collect();
    json!({
        "name": format!("Line of sight: {}", about.configuration.as_deref().unwrap_or("Sysmon at best")),
        "versions": { "attack": catalog::attack::VERSION.trim_start_matches('v'), "navigator": "5.1.0", "layer": "4.5" },
        "domain": "enterprise-attack",
        "description": "100: an analytic fires, or the event can be logged where none was asked for. 60: logged, and no analytic fires. 30: dropped by the configuration. 0: no event of Sysmon. Of several ways to do a technique, the lowest.",
        "gradient": { "colors": ["#c0392b", "#f1c40f", "#27ae60"], "minValue": 0, "maxValue": 100 },
        "techniques": techniques,
    })
}

/// SARIF: a result for each break, at the line of the configuration where one decides.
pub fn sarif(lines: &[TechniqueSight], configuration: Option<&str>) -> Value {
    let results: Vec<Value> = lines
        .iter()
        .filter_map(|line| {
            let link = line.break_link()?;
            let mut result = json!({
                "ruleId": format!("sight/{}", link.kind.name()),
                "level": "warning",
                "message": { "text": format!("{} {} ({}): {}", line.attack, line.name, line.variant, end_of(line)) },
                "partialFingerprints": { "line": format!("{}/{}", line.technique, line.variant) },
            });
            if let Some(file) = configuration {
                result["locations"] = json!([{ "physicalLocation": {
                    "artifactLocation": { "uri": file.replace('\\', "/") },
                    "region": { "startLine": link.line.unwrap_or(1) },
                } }]);
            }
            Some(result)
        })
        .collect();
    let rules: Vec<Value> = LinkKind::ALL
        .iter()
        .map(|kind| {
            json!({ "id": format!("sight/{}", kind.name()),
                    "shortDescription": { "text": format!("The line of sight breaks at the {}", kind.name()) } })
        })
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{ "tool": { "driver": { "name": "scotoma", "rules": rules } }, "results": results }],
    })
}
