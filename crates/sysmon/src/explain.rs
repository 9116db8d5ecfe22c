//! Why an event was logged or not, as a person would reason it: every step of the row-wise decision,
//! and the sentence that sums it up. The deciding itself is in `reference`.

use std::fmt::Write as _;

use crate::Config;
use crate::event::{Event, Value};
use crate::reference::{self, Cause, Decision, Outcome, Trace};
use crate::rules::{Filter, Record, Relation};
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
    /// The event type's tag, where it has one.
    pub tag: Option<String>,
    /// The elements in the order in which they were asked.
    pub steps: Vec<ElementStep>,
}

struct Recorder<'a> {
    event: &'a Event,
    steps: Vec<ElementStep>,
    filters: Vec<FilterStep>,
}

impl Trace for Recorder<'_> {
    fn filter(&mut self, _: usize, filter: &Filter, outcome: Outcome) {
        let value = match self.event.value(&filter.field_name) {
            Value::Text(text) => Some(text.to_owned()),
            Value::Failed => None,
        };
        self.filters.push(FilterStep {
            filter: filter.clone(),
            outcome,
            value,
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
        event,
        steps: Vec::new(),
        filters: Vec::new(),
    };
    let decision = reference::decide_traced(&config.rules, environment, event, &mut recorder);
    Explanation {
        decision,
        tag: schema::newest().event(event.id).and_then(|e| e.tag.clone()),
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
        let _ = writeln!(out, "{verdict}: {}", self.reason(config));
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
            for f in telling(step) {
                out.push_str(&self.filter_line(config, environment, f));
            }
        }
        out
    }

    fn reason(&self, config: &Config) -> String {
        let tag = self.tag.as_deref().unwrap_or("this event type");
        let place = |i: usize| {
            let span = config.rules.elements.get(i).map_or(0, |e| e.span.start);
            config.source.position(span).0
        };
        match self.decision.cause {
            Cause::Unfiltered => "events of this type are never filtered".to_owned(),
            Cause::BuiltIn => format!(
                "the configuration does not mention {tag}, and by default it is {}",
                if self.decision.log {
                    "logged"
                } else {
                    "not logged"
                }
            ),
            Cause::Element { element, .. } if self.decision.log => format!(
                "an include of {tag} in line {} matched, and no exclude did",
                place(element)
            ),
            Cause::Element { element, .. } => format!(
                "an exclude of {tag} in line {} matched; excludes are asked before includes",
                place(element)
            ),
            Cause::OnlyElement(i) if self.decision.log => format!(
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
