//! Why an event was logged or not, as a person would reason it: every step of the row-wise decision,
//! and the sentence that sums it up. The deciding itself is in `reference`.

use std::fmt::Write as _;

use crate::Config;
use crate::event::{Event, Value};
use crate::reference::{self, Cause, Decision, Outcome, Trace};
use crate::rules::{Filter, Record, Relation, RuleSet};
use crate::schema::{self, Verdict};
use crate::text::{self, Environment};

/// One filter as it was evaluated.
#[derive(Clone, Debug)]
pub struct FilterStep {
    /// The filter.
    pub filter: Filter,
    /// How it ended.
    pub outcome: Outcome,
    /// What the field held; none where it could not be resolved.
    pub value: Option<String>,
    /// The event type that the filter's element is stored under.
    pub made_for: u32,
    /// Whether the event has the field at the same place as that type.
    pub applies: bool,
}

/// One element as it was evaluated.
#[derive(Clone, Debug)]
pub struct ElementStep {
    /// Its position in the rules.
    pub element: usize,
    /// How it ended.
    pub outcome: Outcome,
    /// The filters that were reached, in order.
    pub filters: Vec<FilterStep>,
}

/// A decision with everything that led to it.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The decision.
    pub decision: Decision,
    /// The event id.
    pub id: u32,
    /// The elements in the order in which they were asked.
    pub steps: Vec<ElementStep>,
    /// True where Sysmon has an event of this id.
    pub known: bool,
    /// Fields of the event that its type does not have, each with the one that was perhaps meant.
    pub strange: Vec<(String, Option<String>)>,
}

struct Recorder<'a> {
    rules: &'a RuleSet,
    event: &'a Event,
    steps: Vec<ElementStep>,
    filters: Vec<FilterStep>,
}

impl Trace for Recorder<'_> {
    fn filter(&mut self, element: usize, filter: &Filter, outcome: Outcome) {
        let value = match self.event.value(&filter.field_name) {
            Value::Text(text) => Some(text.to_owned()),
            Value::Failed => None,
        };
        let element = self.rules.elements.get(element);
        self.filters.push(FilterStep {
            filter: filter.clone(),
            outcome,
            value,
            made_for: element.map_or(self.event.id, |e| e.event_id),
            applies: element.is_none_or(|e| reference::applies(e, filter, self.event.id)),
        });
    }

    fn element(&mut self, element: usize, outcome: Outcome) {
        let filters = std::mem::take(&mut self.filters);
        self.steps.push(ElementStep {
            element,
            outcome,
            filters,
        });
    }
}

/// Decides an event and keeps the steps.
pub fn explain(config: &Config, environment: &Environment, event: &Event) -> Explanation {
    let mut recorder = Recorder {
        rules: &config.rules,
        event,
        steps: Vec::new(),
        filters: Vec::new(),
    };
    let decision = reference::decide_traced(&config.rules, environment, event, &mut recorder);
    let kind = schema::newest().event(event.id);
    let names = || {
        kind.iter()
            .flat_map(|k| k.fields.iter().map(String::as_str))
    };
    let strange = event.fields.keys().filter(|f| !names().any(|n| n == *f));
    let meant = |f: &String| ::text::meant(f, names()).map(str::to_owned);
    Explanation {
        decision,
        id: event.id,
        known: kind.is_some(),
        strange: strange.map(|f| (f.clone(), meant(f))).collect(),
        steps: recorder.steps,
    }
}

impl Explanation {
    /// The reasoning as text, with lines of the configuration.
    pub fn text(&self, config: &Config, environment: &Environment) -> String {
        let mut out = String::new();
        let verdict = if self.decision.log {
            "logged"
        } else {
            "not logged"
        };
        let off = schema::newest()
            .event(self.id)
            .and_then(|kind| config.rules.switched_off(kind.tag.as_deref()?));
        if let Some(last) = off {
            let line = config.source.position(last.span.start).0;
            let _ = writeln!(
                out,
                "not logged: the last {tag} element, in line {line}, is an empty include, with which Sysmon collects no {tag} events at all",
                tag = last.tag
            );
            let _ = write!(out, "what the rules alone say: ");
        }
        let _ = writeln!(
            out,
            "{verdict}: {}",
            reason(config, self.id, &self.decision)
        );
        if self.decision.log && !self.decision.rule.is_empty() {
            let _ = writeln!(out, "rule name: {}", self.decision.rule);
        }
        for step in &self.steps {
            let Some(element) = config.rules.elements.get(step.element) else {
                continue;
            };
            let word = match element.on_match {
                Verdict::Include => "include",
                Verdict::Exclude => "exclude",
            };
            let line = config.source.position(element.span.start).0;
            let total = element.units().len();
            let _ = writeln!(
                out,
                "\nline {line}: <{} onmatch=\"{word}\">, {}{}: {}",
                element.tag,
                match total {
                    0 => "without rules".to_owned(),
                    1 => "1 rule".to_owned(),
                    n => format!("{n} rules"),
                },
                if total < 2 {
                    ""
                } else if element.relation == Relation::Or {
                    ", any of which is enough"
                } else {
                    ", each of whose fields must match"
                },
                match step.outcome {
                    Outcome::Match => "matched",
                    Outcome::NoMatch => "no match",
                    Outcome::Failed => "a field could not be resolved, so no match",
                }
            );
            let told = telling(step);
            for f in &told {
                out.push_str(&self.filter_line(config, environment, f));
            }
            if step.outcome == Outcome::NoMatch {
                out.push_str(&failed(self.id, step, &told));
            }
        }
        out
    }

    fn filter_line(&self, config: &Config, environment: &Environment, step: &FilterStep) -> String {
        let f = &step.filter;
        let line = config.source.position(f.span.start).0;
        let mark = match step.outcome {
            Outcome::Match => "+",
            _ => "-",
        };
        let mut expected = format!("`{}`", f.value);
        if f.value.contains('%') {
            let expanded = text::expand(&f.value, environment);
            if expanded != f.value {
                let _ = write!(expected, " (= `{expanded}`)");
            }
        }
        let found = match &step.value {
            _ if !step.applies => format!("never matches: {}", misplaced(self.id, step)),
            None => "the event lacks it, and it is no text".to_owned(),
            Some(value) => format!("is `{value}`"),
        };
        let name = if f.name.is_empty() {
            String::new()
        } else {
            format!("  [{}]", f.name)
        };
        let within = match f.rule {
            Some(_) => "  in a <Rule>",
            None => "",
        };
        format!(
            "  {mark} line {line}: {} {} {expected}: {found}{within}{name}\n",
            f.field_name,
            f.op.name()
        )
    }
}

/// What settled a decision on an event with this id, as a sentence with the line.
pub fn reason(config: &Config, id: u32, decision: &Decision) -> String {
    let kind = schema::newest().event(id);
    let tag = kind
        .and_then(|k| k.tag.as_deref())
        .unwrap_or("this event type");
    let place = |i: usize| {
        let span = config.rules.elements.get(i).map_or(0, |e| e.span.start);
        config.source.position(span).0
    };
    let empty = |i: usize| {
        let element = config.rules.elements.get(i);
        element.is_some_and(|e| e.filters().next().is_none())
    };
    match decision.cause {
        Cause::Unfiltered if kind.is_some() => "events of this type are never filtered".to_owned(),
        Cause::Unfiltered => "Sysmon has no event of this id, so nothing filters it".to_owned(),
        Cause::BuiltIn => format!(
            "the configuration does not mention {tag}, and by default it is {}",
            if decision.log { "logged" } else { "not logged" }
        ),
        Cause::Element { element, .. } if decision.log => format!(
            "an include of {tag} in line {} matched, and no exclude did",
            place(element)
        ),
        Cause::Element { element, .. } => format!(
            "an exclude of {tag} in line {} matched; excludes are asked before includes",
            place(element)
        ),
        Cause::OnlyElement(i) if empty(i) && decision.log => format!(
            "the only element for {tag}, in line {}, is an empty exclude, which drops nothing",
            place(i)
        ),
        Cause::OnlyElement(i) if empty(i) => format!(
            "the only element for {tag}, in line {}, is an empty include, which keeps nothing",
            place(i)
        ),
        Cause::OnlyElement(i) if decision.log => format!(
            "the only element for {tag}, in line {}, excludes, and nothing in it matched",
            place(i)
        ),
        Cause::OnlyElement(i) => format!(
            "the only element for {tag}, in line {}, includes, and nothing in it matched",
            place(i)
        ),
        Cause::SeveralElements => format!(
            "nothing matched, and with more than one element for {tag} what does not match is dropped"
        ),
    }
}

/// Why a filter of a shared tag cannot match an event of the series.
fn misplaced(id: u32, step: &FilterStep) -> String {
    let name = &step.filter.field_name;
    let index = |id: u32| schema::newest().event(id).and_then(|e| e.field(name));
    match (index(id), index(step.made_for)) {
        (Some(here), Some(there)) => format!(
            "{name} is field {here} of event {id}, and this filter looks at field {there}, its place in event {}",
            step.made_for
        ),
        _ => format!("event {id} has no field {name}"),
    }
}

/// The filters of an element that did not match and are not shown one by one, by field.
fn failed(id: u32, step: &ElementStep, told: &[&FilterStep]) -> String {
    let mut fields: Vec<(&FilterStep, usize)> = Vec::new();
    let untold = |f: &&FilterStep| !told.iter().any(|t| std::ptr::eq(*t, *f));
    for f in step.filters.iter().filter(untold) {
        let same = |(g, _): &&mut (&FilterStep, usize)| g.filter.field_name == f.filter.field_name;
        match fields.iter_mut().find(same) {
            Some((_, count)) => *count += 1,
            None => fields.push((f, 1)),
        }
    }
    let mut out = String::new();
    for (f, count) in fields {
        let (name, value) = (&f.filter.field_name, f.value.as_deref());
        let conditions = match count {
            1 => "1 condition".to_owned(),
            n => format!("{n} conditions"),
        };
        if !f.applies {
            let why = misplaced(id, f);
            let _ = writeln!(out, "  - none of {conditions} on {name} can match: {why}");
            continue;
        }
        let what = value.map_or("which the event lacks".to_owned(), |v| format!("is `{v}`"));
        let _ = writeln!(out, "  - none of {conditions} on {name} holds: {what}");
    }
    out
}

/// The filters worth showing: matches; failures; and in a `<Rule>` or `and`, the one that ended it.
fn telling(step: &ElementStep) -> Vec<&FilterStep> {
    let mut out: Vec<&FilterStep> = Vec::new();
    for (i, f) in step.filters.iter().enumerate() {
        let partner = i > 0
            && f.filter.rule.is_some()
            && step.filters[i - 1].filter.rule == f.filter.rule
            && step.filters[i - 1].outcome == Outcome::Match;
        if f.outcome != Outcome::NoMatch || partner {
            out.push(f);
        }
    }
    // An `and` that failed ends with the condition that did not hold.
    if out.is_empty() && step.filters.len() <= 3 {
        out.extend(&step.filters);
    } else if step.outcome == Outcome::NoMatch
        && let (Some(last), Some(shown)) = (step.filters.last(), out.last())
        && !std::ptr::eq(last, *shown)
        && last.filter.rule.is_none()
        && step
            .filters
            .iter()
            .any(|f| f.outcome == Outcome::Match && f.filter.rule.is_none())
    {
        out.push(last);
    }
    out
}

/// Says in a few words what a record of the rules is, for reports.
pub fn describe(record: &Record) -> String {
    match record {
        Record::Rule(r) if r.name.is_empty() => "<Rule>".to_owned(),
        Record::Rule(r) => format!("<Rule name=\"{}\">", r.name),
        Record::Filter(f) => format!("{} {} `{}`", f.field_name, f.op.name(), f.value),
    }
}
