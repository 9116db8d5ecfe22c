//! What is wrong with rules themselves, whatever the configuration: rules that no event meets, that every event meets, that
//! say the same as another, that ask for fields or values Sysmon does not write. Each is proved; style is for other linters.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use predicate::prove::{Answer, find, implies};
use predicate::{Atom, Predicate, Test};
use schema::sysmon::EventHistory;
use schema::{FieldForm, LogSource, ValueForm};
use serde::Serialize;
use sigma::{Pack, Rule};

use crate::event_type;
use crate::example::{self, CHANNEL, PROVIDER};
use crate::feeds::LIMITS;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RuleSeverity {
    /// Worth knowing.
    Note,
    /// The rule, or a part of it, does less than it seems to.
    Warning,
    /// The rule does nothing, or says nothing.
    Error,
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RuleProblem {
    /// The document is no rule.
    Refused,
    /// No Windows event log feeds its log source.
    NoSource,
    /// No event meets it.
    NeverMatches,
    /// Every event of its log source meets it.
    AlwaysMatches,
    /// Another rule matches exactly the same events.
    SameAs,
    /// Another rule matches all its events, and more.
    WithinAnother,
    /// It asks for a field that none of the events has.
    UnknownField,
    /// It asks for a value that Sysmon does not write in this field.
    UnlikelyValue,
}

/// A finding about one rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleFinding {
    /// The file.
    pub file: PathBuf,
    /// The line where the rule's document begins, or the fault lies, from 1.
    pub line: usize,
    /// How bad it is.
    pub severity: RuleSeverity,
    /// What it is.
    pub problem: RuleProblem,
    /// The rule's id, where it has one.
    pub rule: Option<String>,
    /// Its title; empty for what did not load.
    pub title: String,
    /// The finding in a sentence.
    pub message: String,
}

/// Checks rules that were loaded together; findings come in the order of files and lines.
pub fn check_rules(pack: &Pack) -> Vec<RuleFinding> {
    let mut check = RuleCheck {
        rules: &pack.rules,
        found: Vec::new(),
        possible: HashMap::new(),
    };
    for refusal in &pack.refused {
        check.found.push(RuleFinding {
            file: refusal.file.clone(),
            line: refusal.line,
            severity: RuleSeverity::Error,
            problem: RuleProblem::Refused,
            rule: None,
            title: String::new(),
            message: refusal.reason.clone(),
        });
    }
    let examples: Vec<Option<Sample>> = (0..pack.rules.len()).map(|at| check.alone(at)).collect();
    check.compare(&examples);
    let mut found = check.found;
    found.sort_by(|a, b| {
        (&a.file, a.line, a.problem, &a.message).cmp(&(&b.file, b.line, b.problem, &b.message))
    });
    found
}

/// An event that a rule matches: the number of its way in, and values.
struct Sample {
    feed: usize,
    values: Vec<(String, Option<String>)>,
}

struct RuleCheck<'p> {
    rules: &'p [Rule],
    found: Vec<RuleFinding>,
    /// Whether Sysmon writes a value that meets a test, by event type, field and test.
    possible: HashMap<(u32, Atom), bool>,
}

impl RuleCheck<'_> {
    fn add(&mut self, at: usize, severity: RuleSeverity, problem: RuleProblem, message: String) {
        let rule = &self.rules[at];
        self.found.push(RuleFinding {
            file: rule.file.clone(),
            line: rule.line,
            severity,
            problem,
            rule: rule.id.clone(),
            title: rule.title.clone(),
            message,
        });
    }

    /// Checks one rule by itself and gives an event that it matches.
    fn alone(&mut self, at: usize) -> Option<Sample> {
        use RuleProblem::{AlwaysMatches, NeverMatches, NoSource};
        let rule = &self.rules[at];
        if rule.feeds.is_empty() {
            let message = "no Windows event log feeds its log source".to_owned();
            self.add(at, RuleSeverity::Warning, NoSource, message);
            return None;
        }
        let types = sysmon_types(rule);
        self.fields(at, &types);
        self.values(at, &types);
        let mut sample = None;
        let mut open = false;
        for (feed, way) in rule.feeds.iter().enumerate() {
            match find(&way.predicate, &LIMITS) {
                Answer::Holds(witness) => {
                    let values = witness.fields.into_iter().map(|(n, v)| (n.to_string(), v));
                    sample = Some(Sample {
                        feed,
                        values: values.collect(),
                    });
                    break;
                }
                Answer::Never => {}
                Answer::Unknown(_) => open = true,
            }
        }
        if sample.is_none() && !open {
            let message = "it can never match: its condition contradicts itself".to_owned();
            self.add(at, RuleSeverity::Error, NeverMatches, message);
        }
        let all =
            |predicate: &Predicate| find(&predicate.clone().negate(), &LIMITS) == Answer::Never;
        if sample.is_some() && rule.feeds.iter().all(|f| all(&f.predicate)) {
            let message = "it matches every event of its log source".to_owned();
            self.add(at, RuleSeverity::Error, AlwaysMatches, message);
        }
        sample
    }

    /// Fields that none of the events has, where Sysmon alone feeds the rule.
    fn fields(&mut self, at: usize, types: &[&'static EventHistory]) {
        let rule = &self.rules[at];
        let only_sysmon = rule.feeds.iter().all(|f| {
            let source = LogSource::of(Some(CHANNEL), Some(PROVIDER));
            event_type::types().any(|t| f.route.accepts(&source, Some(t.id)))
        });
        let narrow = types.len() < event_type::types().count();
        if types.is_empty() || !narrow {
            return;
        }
        let mut lacking: BTreeMap<String, usize> = BTreeMap::new();
        for kind in types {
            for field in event_type::lacking(
                kind,
                &Predicate::any(rule.feeds.iter().map(|f| f.predicate.clone())),
            ) {
                *lacking.entry(field).or_default() += 1;
            }
        }
        // The name of a field in another log of the rule is no fault.
        let renamed = |field: &String| {
            rule.feeds
                .iter()
                .any(|f| f.route.fields.values().any(|n| n == field))
        };
        let ids: Vec<String> = types.iter().map(|t| t.id.to_string()).collect();
        let gone: Vec<String> = lacking
            .into_iter()
            .filter(|(field, count)| *count == types.len() && !renamed(field))
            .map(|(field, _)| field)
            .collect();
        for field in gone {
            let near = text::did_you_mean(
                &field,
                types
                    .iter()
                    .flat_map(|t| t.fields.iter().map(|f| f.name.as_str())),
            );
            let besides = if only_sysmon { "" } else { " of Sysmon" };
            let message = format!(
                "no event {}{besides} has a field {field}{near}",
                ids.join(" or ")
            );
            self.add(
                at,
                RuleSeverity::Warning,
                RuleProblem::UnknownField,
                message,
            );
        }
    }

    /// Values that Sysmon does not write in a field, on any of the types that has it.
    fn values(&mut self, at: usize, types: &[&'static EventHistory]) {
        let mut wanted: Vec<(Vec<u32>, Atom)> = Vec::new();
        for kind in types {
            let rule = &self.rules[at];
            let predicate = Predicate::any(rule.feeds.iter().map(|f| f.predicate.clone()));
            let on = event_type::on(kind, &predicate);
            asked(
                &on,
                &mut |atom| match wanted.iter_mut().find(|(_, a)| a == atom) {
                    Some((ids, _)) => ids.push(kind.id),
                    None => wanted.push((vec![kind.id], atom.clone())),
                },
            );
        }
        for (ids, atom) in wanted {
            let mut kinds = types.iter().filter(|t| ids.contains(&t.id));
            if kinds.all(|kind| !self.possible(kind, &atom)) {
                let form = FieldForm::of(ids[0], &atom.field).form;
                let message = format!(
                    "no value of {} as Sysmon writes it {}{}",
                    atom.field,
                    atom.test,
                    instead(form, &atom.test)
                );
                self.add(
                    at,
                    RuleSeverity::Warning,
                    RuleProblem::UnlikelyValue,
                    message,
                );
            }
        }
    }

    /// Whether Sysmon writes a value that passes a test.
    fn possible(&mut self, kind: &'static EventHistory, atom: &Atom) -> bool {
        let form = FieldForm::of(kind.id, &atom.field);
        let free = matches!(form.form, ValueForm::FreeText | ValueForm::CommandLine)
            || (form.form == ValueForm::Word && !form.closed);
        if free || form.form.doubt().is_some() || !kind.has(&atom.field) {
            return true;
        }
        let key = (kind.id, atom.clone());
        if let Some(known) = self.possible.get(&key) {
            return *known;
        }
        let alone = Predicate::Atom(atom.clone());
        let possible = example::written(kind.id, atom)
            || find(
                &Predicate::all([alone, example::spelt(kind, &[&atom.field])]),
                &LIMITS,
            ) != Answer::Never;
        self.possible.insert(key, possible);
        possible
    }

    /// Names rules that say the same as another, or less.
    fn compare(&mut self, samples: &[Option<Sample>]) {
        let mut groups: BTreeMap<Vec<&sigma::Route>, Vec<usize>> = BTreeMap::new();
        for (at, rule) in self.rules.iter().enumerate() {
            if samples[at].is_some() {
                groups
                    .entry(rule.feeds.iter().map(|f| &f.route).collect())
                    .or_default()
                    .push(at);
            }
        }
        let mut found = Vec::new();
        for members in groups.values() {
            for narrow in members {
                let Some(sample) = &samples[*narrow] else {
                    continue;
                };
                for wide in members.iter().filter(|w| *w != narrow) {
                    let way = &self.rules[*wide].feeds[sample.feed].predicate;
                    if way.holds(&sample.values) && self.within(*narrow, *wide) {
                        found.push((*narrow, *wide));
                    }
                }
            }
        }
        for (narrow, wide) in &found {
            let both = found.contains(&(*wide, *narrow));
            let other = &self.rules[*wide];
            let name = format!(
                "`{}` ({}:{})",
                other.title,
                other.file.display(),
                other.line
            );
            if both && wide < narrow {
                let message = format!("it matches exactly the events of {name}");
                self.add(*narrow, RuleSeverity::Warning, RuleProblem::SameAs, message);
            } else if !both {
                let message = format!("all that it matches is matched by the wider {name}");
                self.add(
                    *narrow,
                    RuleSeverity::Note,
                    RuleProblem::WithinAnother,
                    message,
                );
            }
        }
    }

    fn within(&self, narrow: usize, wide: usize) -> bool {
        let (narrow, wide) = (&self.rules[narrow], &self.rules[wide]);
        let mut ways = narrow.feeds.iter().zip(&wide.feeds);
        ways.all(|(a, b)| implies(&a.predicate, &b.predicate, &LIMITS) == Answer::Never)
    }
}

/// The event types of Sysmon that feed a rule.
fn sysmon_types(rule: &Rule) -> Vec<&'static EventHistory> {
    let source = LogSource::of(Some(CHANNEL), Some(PROVIDER));
    let feeds = |t: &&EventHistory| {
        rule.feeds
            .iter()
            .any(|f| f.route.accepts(&source, Some(t.id)))
    };
    event_type::types().filter(feeds).collect()
}

/// The tests that a rule asks a value to pass; those that shall fail do no harm.
fn asked<'p>(predicate: &'p Predicate, f: &mut dyn FnMut(&'p Atom)) {
    match predicate {
        Predicate::Atom(atom) => f(atom),
        Predicate::And(parts) | Predicate::Or(parts) => parts.iter().for_each(|p| asked(p, f)),
        _ => {}
    }
}

/// What Sysmon writes where people write something else.
fn instead(form: ValueForm, test: &Test) -> String {
    let (Test::Equals(t) | Test::StartsWith(t) | Test::Contains(t)) = test else {
        return String::new();
    };
    let text = t.text.to_lowercase();
    form.spellings()
        .find(|s| text.starts_with(&s.written.to_lowercase()))
        .map_or(String::new(), |s| {
            format!("; it writes {} there", s.instead)
        })
}
