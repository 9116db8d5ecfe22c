//! Which of the events that the catalog expects a configuration can keep at all: by event type, and by what its rules say
//! about the fields of which the catalog knows the value. It proves nothing: conditions on other fields may hold or not,
//! and two conditions that exclude each other are not noticed.

mod known;
mod technique;

use catalog::{Expected, KnownField};
use serde::Serialize;

pub use known::Holds;
pub use technique::{Against, CallKept, EventKept, ExpectedKept, against};

use crate::Config;
use crate::diagnostic::Span;
use crate::reference::applies;
use crate::rules::{Element, Filter, Relation, Unit};
use crate::schema::{self, Verdict};
use crate::text::{self, Environment};

/// What becomes of an expected event, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// Every event of the type is kept.
    KeptWhole,
    /// Every event of the expected kind is kept, if the rules see what the catalog says.
    Kept,
    /// Some may be kept; it depends on fields the catalog does not know.
    Perhaps,
    /// None is kept.
    Never,
}

/// Why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// Events of the type are never filtered.
    Unfiltered,
    /// The configuration does not mention the type; this is Sysmon's default.
    Default,
    /// The only element excludes, and has no rules.
    EmptyExclude,
    /// Several elements exclude and none includes: what does not match is dropped.
    OnlyExcludes,
    /// What includes has no rules.
    EmptyInclude,
    /// The last element of the type is an empty include, which stops the collection.
    NotCollected,
    /// The option that turns the collection on is not set.
    OptionMissing,
    /// The rules.
    Rules,
}

/// One rule, or all of an element whose fields must match together, and what can be said of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// Where it stands, from 1.
    pub line: usize,
    /// Its conditions in words.
    pub words: String,
    /// Whether it holds for the expected event.
    pub holds: Holds,
    /// Whether it asks for a field of which the catalog knows the value.
    pub on_known: bool,
}

/// The answer for one expected event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Keeps {
    /// The event's number.
    pub event: u32,
    /// The element that filters it.
    pub tag: Option<String>,
    /// What becomes of it.
    pub fate: Fate,
    /// Why.
    pub why: Why,
    /// The including rules, in the order of the file.
    pub includes: Vec<Rule>,
    /// The excluding rules.
    pub excludes: Vec<Rule>,
}

/// What the configuration does with an event the catalog expects; `None` where it is not Sysmon's.
pub fn expected(config: &Config, expected: &Expected) -> Option<Keeps> {
    let event = expected.event.row();
    (event.sensor.slug() == "sysmon").then(|| keeps(config, event.number, expected.fields))
}

/// What the configuration does with events of a type, of which `fields` are known.
pub fn keeps(config: &Config, id: u32, fields: &[KnownField]) -> Keeps {
    let kind = schema::newest().event(id);
    let tag = kind.and_then(|k| k.tag.as_deref());
    let mut answer = Keeps {
        event: id,
        tag: tag.map(str::to_owned),
        fate: Fate::KeptWhole,
        why: Why::Unfiltered,
        includes: Vec::new(),
        excludes: Vec::new(),
    };
    let Some(tag) = tag else { return answer };
    let elements: Vec<&Element> = config.rules.kept().filter(|e| e.tag == tag).collect();
    let includes = of(&elements, Verdict::Include);
    let excludes = of(&elements, Verdict::Exclude);
    let view = View { config, id, fields };
    answer.includes = view.rules(&includes);
    answer.excludes = view.rules(&excludes);
    (answer.fate, answer.why) = if stops_collection(tag, &elements) {
        (Fate::Never, Why::NotCollected)
    } else if tag == "ClipboardChange" && !config.options.contains_key("CaptureClipboard") {
        (Fate::Never, Why::OptionMissing)
    } else {
        let default = kind.and_then(|k| k.default) == Some(Verdict::Include);
        view.fate(&includes, &excludes, default)
    };
    answer
}

fn of<'a>(elements: &[&'a Element], verdict: Verdict) -> Vec<&'a Element> {
    let matching = elements.iter().filter(|e| e.on_match == verdict);
    matching.copied().collect()
}

/// Sysmon decides by the last element of some types whether it collects them at all.
fn stops_collection(tag: &str, elements: &[&Element]) -> bool {
    schema::newest().option(tag).is_some_and(|o| o.rule)
        && elements
            .last()
            .is_some_and(|e| e.on_match == Verdict::Include && e.filters().next().is_none())
}

struct View<'a> {
    config: &'a Config,
    id: u32,
    fields: &'a [KnownField],
}

impl View<'_> {
    fn fate(&self, includes: &[&Element], excludes: &[&Element], default: bool) -> (Fate, Why) {
        let empty = |elements: &[&Element]| elements.iter().all(|e| e.filters().next().is_none());
        match (excludes.len(), includes.len()) {
            (0, 0) if default => return (Fate::KeptWhole, Why::Default),
            (0, 0) => return (Fate::Never, Why::Default),
            (1, 0) if empty(excludes) => return (Fate::KeptWhole, Why::EmptyExclude),
            (1, 0) => {}
            (_, 0) => return (Fate::Never, Why::OnlyExcludes),
            _ if empty(includes) => return (Fate::Never, Why::EmptyInclude),
            _ => {}
        }
        let dropped = Holds::any(excludes.iter().map(|e| self.element(e)));
        let taken = match includes {
            [] => Holds::Always,
            _ => Holds::any(includes.iter().map(|e| self.element(e))),
        };
        let fate = match Holds::all([dropped.not(), taken]) {
            Holds::Always => Fate::Kept,
            Holds::Perhaps => Fate::Perhaps,
            Holds::Never => Fate::Never,
        };
        (fate, Why::Rules)
    }

    fn element(&self, element: &Element) -> Holds {
        let units = element.units();
        if element.relation == Relation::Or || units.is_empty() {
            return Holds::any(units.iter().map(|u| self.unit(element, u)));
        }
        // All fields, each by any of its own filters.
        let mut fields: Vec<(u32, Holds)> = Vec::new();
        let mut rules = Vec::new();
        for unit in &units {
            let holds = self.unit(element, unit);
            match unit {
                Unit::Rule(..) => rules.push(holds),
                Unit::Filter(f) => match fields.iter_mut().find(|(field, _)| *field == f.field) {
                    Some((_, so_far)) => *so_far = (*so_far).max(holds),
                    None => fields.push((f.field, holds)),
                },
            }
        }
        rules.extend(fields.into_iter().map(|(_, holds)| holds));
        Holds::all(rules)
    }

    fn unit(&self, element: &Element, unit: &Unit<'_>) -> Holds {
        match unit {
            Unit::Filter(f) => self.filter(element, f),
            Unit::Rule(_, relation, filters) => {
                let parts = filters.iter().map(|f| self.filter(element, f));
                match relation {
                    Relation::Or => Holds::any(parts),
                    Relation::And => Holds::all(parts),
                }
            }
        }
    }

    fn filter(&self, element: &Element, f: &Filter) -> Holds {
        if !applies(element, f, self.id) {
            return Holds::Never;
        }
        // What a variable stands for on the host is not known here.
        if f.value.contains('%') {
            return Holds::Perhaps;
        }
        let Some(value) = text::folded_value(&f.value, &Environment::new()) else {
            return Holds::Never;
        };
        // Sysmon fills in RuleName after filtering.
        if f.field_name == "RuleName" {
            return match text::matches(f.op, "-", &value) {
                true => Holds::Always,
                false => Holds::Never,
            };
        }
        let known = self.fields.iter().filter(|k| k.field == f.field_name);
        let said: Vec<Holds> = known.map(|k| known::judge(f.op, &value, k)).collect();
        // Each statement about a field is true of it, so that whichever decides is right.
        let decided = said.iter().find(|h| **h != Holds::Perhaps);
        decided.copied().unwrap_or(Holds::Perhaps)
    }

    fn rules(&self, elements: &[&Element]) -> Vec<Rule> {
        let mut out = Vec::new();
        for element in elements {
            let units = element.units();
            if element.relation == Relation::Or {
                for unit in &units {
                    let (filters, word) = match unit {
                        Unit::Filter(f) => (vec![*f], ""),
                        Unit::Rule(_, Relation::And, filters) => (filters.clone(), " and "),
                        Unit::Rule(_, Relation::Or, filters) => (filters.clone(), " or "),
                    };
                    out.extend(self.rule(&filters, word, self.unit(element, unit)));
                }
            } else {
                let filters: Vec<&Filter> = element.filters().collect();
                out.extend(self.rule(&filters, " and (by field) ", self.element(element)));
            }
        }
        out
    }

    fn rule(&self, filters: &[&Filter], word: &str, holds: Holds) -> Option<Rule> {
        let words: Vec<String> = filters
            .iter()
            .map(|f| format!("{} {} \"{}\"", f.field_name, f.op.name(), f.value))
            .collect();
        let start = filters
            .first()
            .map(|f| f.span)
            .map(|Span { start, .. }| start)?;
        let known = |f: &&Filter| self.fields.iter().any(|k| k.field == f.field_name);
        Some(Rule {
            line: self.config.source.position(start).0,
            words: words.join(word),
            holds,
            on_known: filters.iter().any(known),
        })
    }
}
