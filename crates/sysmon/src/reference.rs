//! The decision, step by step as specified: one event, one filter at a time. It exists so that the
//! fast evaluation has something to equal, and to tell a person what happened; it is not fast.

use crate::event::{Event, Value};
use crate::rules::{Element, Filter, Relation, RuleSet, Unit};
use crate::schema::{self, Verdict};
use crate::text::{self, Environment};

/// What Sysmon does with an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// True where the event is logged.
    pub log: bool,
    /// The rule name that it would be logged with; empty for none.
    pub rule: String,
    /// Why.
    pub cause: Cause,
}

/// What settled a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// The configuration has no element for the event's tag.
    BuiltIn,
    /// An element matched.
    Element {
        /// Its position in `RuleSet::elements`.
        element: usize,
        /// For an element combined with `or`, the position of the deciding unit in
        /// [`Element::units`]; an `and` is decided by all of them.
        unit: Option<usize>,
    },
    /// Nothing matched, and there is only this element.
    OnlyElement(usize),
    /// Nothing matched, and there are two or more elements.
    SeveralElements,
    /// The event has no tag: it is always logged.
    Unfiltered,
}

/// How one step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It holds.
    Match,
    /// It does not.
    NoMatch,
    /// A field could not be resolved: the element counts as not matching.
    Failed,
}

/// A listener for the steps, used to explain a decision.
pub trait Trace {
    /// A filter of an element was evaluated.
    fn filter(&mut self, element: usize, filter: &Filter, outcome: Outcome) {
        let _ = (element, filter, outcome);
    }
    /// An element ended.
    fn element(&mut self, element: usize, outcome: Outcome) {
        let _ = (element, outcome);
    }
}

/// Listens to nothing.
pub struct Silent;
impl Trace for Silent {}

/// Decides one event.
pub fn decide(rules: &RuleSet, environment: &Environment, event: &Event) -> Decision {
    decide_traced(rules, environment, event, &mut Silent)
}

/// Decides one event and reports each step.
pub fn decide_traced(
    rules: &RuleSet,
    environment: &Environment,
    event: &Event,
    trace: &mut impl Trace,
) -> Decision {
    let kind = schema::newest().event(event.id);
    let Some(tag) = kind.and_then(|k| k.tag.as_deref()) else {
        return Decision {
            log: true,
            rule: String::new(),
            cause: Cause::Unfiltered,
        };
    };
    let elements: Vec<usize> = (0..rules.elements.len())
        .filter(|&i| !rules.elements[i].undone && rules.elements[i].tag == tag)
        .collect();
    if elements.is_empty() {
        let default = kind.and_then(|k| k.default).unwrap_or(Verdict::Exclude);
        return Decision {
            log: default == Verdict::Include,
            rule: String::new(),
            cause: Cause::BuiltIn,
        };
    }
    let mut walk = Walk {
        environment,
        event,
        own_names: rules.rule_reports_own_name,
        rule: String::new(),
    };
    for class in [Verdict::Exclude, Verdict::Include] {
        for &i in elements.iter().rev() {
            let element = &rules.elements[i];
            if element.on_match != class {
                continue;
            }
            let (outcome, unit) = walk.element(i, element, trace);
            trace.element(i, outcome);
            if outcome == Outcome::Match {
                return Decision {
                    log: class == Verdict::Include,
                    rule: walk.rule,
                    cause: Cause::Element { element: i, unit },
                };
            }
        }
    }
    let (log, cause) = match elements.as_slice() {
        [only] => (
            rules.elements[*only].on_match == Verdict::Exclude,
            Cause::OnlyElement(*only),
        ),
        _ => (false, Cause::SeveralElements),
    };
    Decision {
        log,
        rule: String::new(),
        cause,
    }
}

struct Walk<'a> {
    environment: &'a Environment,
    event: &'a Event,
    own_names: bool,
    rule: String,
}

impl Walk<'_> {
    fn element(
        &mut self,
        index: usize,
        element: &Element,
        trace: &mut impl Trace,
    ) -> (Outcome, Option<usize>) {
        let units = element.units();
        if units.is_empty() {
            return (Outcome::NoMatch, None);
        }
        let mut matched: Vec<u32> = Vec::new();
        for (i, unit) in units.iter().enumerate() {
            let outcome = match unit {
                Unit::Filter(f) => {
                    if element.relation == Relation::And && matched.contains(&f.field) {
                        continue;
                    }
                    let outcome = self.filter(index, element, f, trace);
                    if outcome == Outcome::Match {
                        matched.push(f.field);
                    }
                    outcome
                }
                Unit::Rule(id, relation, filters) => {
                    let outcome = self.rule(index, element, *relation, filters, trace);
                    if outcome == Outcome::Match
                        && self.own_names
                        && let Some(rule) = element.rule(*id).filter(|r| !r.name.is_empty())
                    {
                        self.rule.clone_from(&rule.name);
                    }
                    outcome
                }
            };
            match (outcome, element.relation) {
                (Outcome::Failed, _) => return (Outcome::Failed, None),
                (Outcome::Match, Relation::Or) => return (Outcome::Match, Some(i)),
                (Outcome::NoMatch, Relation::And) => {
                    let again = match unit {
                        Unit::Filter(f) => units[i + 1..]
                            .iter()
                            .any(|u| matches!(u, Unit::Filter(g) if g.field == f.field)),
                        Unit::Rule(..) => false,
                    };
                    if !again {
                        return (Outcome::NoMatch, None);
                    }
                }
                _ => {}
            }
        }
        match element.relation {
            Relation::Or => (Outcome::NoMatch, None),
            Relation::And => (Outcome::Match, None),
        }
    }

    fn rule(
        &mut self,
        index: usize,
        element: &Element,
        relation: Relation,
        filters: &[&Filter],
        trace: &mut impl Trace,
    ) -> Outcome {
        for f in filters {
            match (self.filter(index, element, f, trace), relation) {
                (Outcome::Failed, _) => return Outcome::Failed,
                (Outcome::Match, Relation::Or) => return Outcome::Match,
                (Outcome::NoMatch, Relation::And) => return Outcome::NoMatch,
                _ => {}
            }
        }
        match relation {
            Relation::Or => Outcome::NoMatch,
            Relation::And => Outcome::Match,
        }
    }

    fn filter(
        &mut self,
        index: usize,
        element: &Element,
        filter: &Filter,
        trace: &mut impl Trace,
    ) -> Outcome {
        let outcome = self.compare(element, filter);
        if outcome == Outcome::Match && !filter.name.is_empty() {
            self.rule.clone_from(&filter.name);
        }
        trace.filter(index, filter, outcome);
        outcome
    }

    fn compare(&self, element: &Element, filter: &Filter) -> Outcome {
        if !applies(element, filter, self.event.id) {
            return Outcome::NoMatch;
        }
        let field = match self.event.value(&filter.field_name) {
            Value::Text(text) => text.to_ascii_lowercase(),
            Value::Failed => return Outcome::Failed,
        };
        let Some(value) = text::folded_value(&filter.value, self.environment) else {
            return Outcome::NoMatch;
        };
        if text::matches(filter.op, &field, &value) {
            Outcome::Match
        } else {
            Outcome::NoMatch
        }
    }
}

/// Whether a filter's field is the same one, at the same index, in the event at hand; for shared tags
/// it need not be, and then the filter does not match whatever its condition.
pub fn applies(element: &Element, filter: &Filter, id: u32) -> bool {
    element.event_id == id
        || schema::newest()
            .event(id)
            .and_then(|e| e.field(&filter.field_name))
            == Some(filter.field)
}
