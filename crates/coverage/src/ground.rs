//! A configuration taken apart by event type: what it keeps of each, and by which of its conditions. It knows nothing of rules
//! of detection.

use predicate::Predicate;
use schema::sysmon::{EventHistory, Verdict};
use sysmon::Config;
use sysmon::explain::describe;
use sysmon::keeps::{self, Why};
use sysmon::predicates;
use sysmon::rules::{Element, Record, Relation};
use sysmon::text::Environment;

use crate::event_type;

/// A configuration, ready to be asked about.
pub(crate) struct Ground<'a> {
    pub config: &'a Config,
    pub environment: &'a Environment,
    pub types: Vec<KeptType>,
}

/// What a configuration keeps of one event type.
pub(crate) struct KeptType {
    pub kind: &'static EventHistory,
    /// Which events are kept.
    pub keeps: Predicate,
    /// Why none is, where that does not depend on the event.
    pub none: Option<Why>,
    pub clauses: Vec<Clause>,
}

/// What includes or excludes by itself: a filter, a `<Rule>`, or an element whose fields must match together.
pub(crate) struct Clause {
    pub verdict: Verdict,
    /// From 1.
    pub line: usize,
    pub words: String,
    pub matches: Predicate,
}

impl<'a> Ground<'a> {
    pub fn new(config: &'a Config, environment: &'a Environment) -> Self {
        let types = event_type::types().map(|kind| KeptType::new(config, environment, kind));
        Self {
            types: types.collect(),
            config,
            environment,
        }
    }
}

impl KeptType {
    fn new(config: &Config, environment: &Environment, kind: &'static EventHistory) -> Self {
        let keeps = predicates::keeps(&config.rules, environment, kind.id);
        let mut keeps = event_type::kept(&keeps);
        let why = keeps::keeps(config, kind.id, &[]).why;
        if matches!(why, Why::NotCollected | Why::OptionMissing) {
            keeps = Predicate::False;
        }
        let none = (keeps == Predicate::False).then_some(why);
        let elements = config
            .rules
            .kept()
            .filter(|e| Some(&e.tag) == kind.tag.as_ref());
        let clauses = elements
            .flat_map(|e| clauses(config, environment, kind, e))
            .collect();
        Self {
            kind,
            keeps,
            none,
            clauses,
        }
    }

    /// The clauses that include, or those that exclude.
    pub fn of(&self, verdict: Verdict) -> impl Iterator<Item = &Clause> {
        self.clauses.iter().filter(move |c| c.verdict == verdict)
    }

    /// The name of its element, or of the event where it has none.
    pub fn name(&self) -> &str {
        self.kind.tag.as_deref().unwrap_or(&self.kind.title)
    }
}

fn clauses(
    config: &Config,
    environment: &Environment,
    kind: &'static EventHistory,
    element: &Element,
) -> Vec<Clause> {
    let mut parts: Vec<Vec<Record>> = Vec::new();
    let mut open = None;
    for record in &element.records {
        let rule = match record {
            Record::Rule(rule) => Some(rule.id),
            Record::Filter(filter) => filter.rule,
        };
        match parts.last_mut() {
            Some(part) if element.relation == Relation::And || (rule.is_some() && rule == open) => {
                part.push(record.clone());
            }
            _ => parts.push(vec![record.clone()]),
        }
        open = rule;
    }
    let clause = |records: Vec<Record>| {
        let words: Vec<String> = records
            .iter()
            .filter(|r| matches!(r, Record::Filter(_)))
            .map(describe)
            .collect();
        let span = records.first().map_or(element.span, |r| match r {
            Record::Rule(rule) => rule.span,
            Record::Filter(filter) => filter.span,
        });
        let part = Element {
            records,
            ..element.clone()
        };
        Clause {
            verdict: element.on_match,
            line: config.source.position(span.start).0,
            words: words.join(", "),
            matches: event_type::kept(&predicates::element(&part, environment, kind.id)),
        }
    };
    parts.into_iter().map(clause).collect()
}
