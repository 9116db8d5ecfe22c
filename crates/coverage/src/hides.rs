//! What each exclusion of a configuration hides: rules it takes events from, techniques whose expected events it may drop, the
//! shortest event that meets it, and whether an ordinary user can make one that does. It says what is possible, and not that
//! anybody does it.

use std::collections::BTreeSet;

use catalog::{hosts, writable};
use predicate::prove::{Answer, Limits, Witness, find, solve};
use predicate::{Atom, Predicate, Test, Text};
use schema::LogSource;
use schema::sysmon::Verdict;
use serde::Serialize;
use sigma::Rule;
use sysmon::Config;
use sysmon::keeps::{self, Holds};
use sysmon::text::Environment;

use crate::event_type;
use crate::example::{self, CHANNEL, PROVIDER, ProofEvent};
use crate::ground::{Clause, Ground, KeptType};

/// What one question may cost here, where there are as many as exclusions times rules.
const LIMITS: Limits = Limits {
    nodes: 300,
    states: 8_000,
    steps: 1_500_000,
};

/// How a user who is no administrator can meet an exclusion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reach {
    /// Nothing is known by which they could.
    None,
    /// By running a program that is part of the system and that attacks run code in.
    Host,
    /// By what is typed: a command line meets it whatever the program.
    CommandLine,
    /// By putting a file where users may write, or naming one so.
    File,
}

/// What one exclusion hides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HiddenBehind {
    /// The line, from 1.
    pub line: usize,
    /// The event type.
    pub event: u32,
    /// Its element.
    pub element: String,
    /// The conditions in words.
    pub words: String,
    /// How a user can meet it.
    pub reach: Reach,
    /// The folder or program by which they can.
    pub by: Option<String>,
    /// Rules, all of whose events of this type it drops.
    pub rules_lost: Vec<String>,
    /// Rules, some of whose events it drops although the configuration would keep them.
    pub rules_evaded: Vec<String>,
    /// Techniques of the catalog whose expected events of this type it may drop.
    pub techniques: Vec<&'static str>,
    /// The shortest event that it drops, where one was found.
    pub shortest: Option<ProofEvent>,
    /// Such an event of a file that a user put in place, where there is one.
    pub planted: Option<ProofEvent>,
}

/// Every exclusion, those that give an attacker most first.
pub fn hides(config: &Config, environment: &Environment, rules: &[Rule]) -> Vec<HiddenBehind> {
    let ground = Ground::new(config, environment);
    let mut out = Vec::new();
    for kept in &ground.types {
        if kept.of(Verdict::Exclude).next().is_none() {
            continue;
        }
        let on_type: Vec<HidingQuestion> = rules
            .iter()
            .filter_map(|r| HidingQuestion::new(r, kept))
            .collect();
        let expected = expected(config, kept.kind.id);
        for clause in kept.of(Verdict::Exclude) {
            out.push(behind(kept, clause, &on_type, &expected));
        }
    }
    out.sort_by_key(|h| {
        let rules = h.rules_lost.len() * 4 + h.rules_evaded.len();
        (
            std::cmp::Reverse((h.reach, rules, h.techniques.len())),
            h.line,
        )
    });
    out
}

/// What a rule says of the events of one type.
struct HidingQuestion {
    title: String,
    predicate: Predicate,
    /// The fields it names, in lower case.
    fields: BTreeSet<String>,
    /// An event that it matches.
    example: Witness,
}

impl HidingQuestion {
    /// None where the rule is known to match nothing of the type.
    fn new(rule: &Rule, kept: &KeptType) -> Option<Self> {
        let source = LogSource::of(Some(CHANNEL), Some(PROVIDER));
        let feeds = rule.feeds.iter();
        let feeds = feeds.filter(|f| f.route.accepts(&source, Some(kept.kind.id)));
        let predicate = Predicate::any(feeds.map(|f| event_type::on(kept.kind, &f.predicate)));
        let Answer::Holds(example) = find(&predicate, &LIMITS) else {
            return None;
        };
        Some(Self {
            title: rule.title.clone(),
            fields: fields(&predicate),
            predicate,
            example,
        })
    }
}

/// The fields that a predicate names, in lower case.
fn fields(predicate: &Predicate) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    predicate.leaves(&mut |leaf| match leaf {
        Predicate::Atom(atom) => {
            out.insert(atom.field.to_lowercase());
        }
        Predicate::Fields(pair) => {
            out.extend([pair.field.to_lowercase(), pair.other.to_lowercase()])
        }
        _ => {}
    });
    out
}

/// Lines of exclusions with the techniques whose expected events they may drop.
fn expected(config: &Config, id: u32) -> BTreeSet<(usize, &'static str)> {
    let behaviours = catalog::BehaviourId::all();
    let events = behaviours.flat_map(|b| b.expected.iter().map(move |e| (b, e)));
    events
        .filter_map(|(b, e)| Some((b, keeps::expected(config, e)?)))
        .filter(|(_, answer)| answer.event == id)
        .flat_map(|(b, answer)| {
            let drops = answer
                .excludes
                .into_iter()
                .filter(|r| r.holds != Holds::Never && (r.on_known || r.holds == Holds::Always));
            drops
                .map(move |r| (r.line, b.technique))
                .collect::<Vec<_>>()
        })
        .collect()
}

fn behind(
    kept: &KeptType,
    clause: &Clause,
    rules: &[HidingQuestion],
    expected: &BTreeSet<(usize, &'static str)>,
) -> HiddenBehind {
    let drops = &clause.matches;
    let shortest = match solve(drops, &LIMITS) {
        Answer::Holds(witness) => Some(shown(kept, drops, &witness)),
        _ => None,
    };
    let (mut lost, mut evaded) = (Vec::new(), Vec::new());
    let own = fields(drops);
    for wanted in rules.iter().filter(|_| shortest.is_some()) {
        // Events of a rule that asks for other fields can always meet the exclusion too.
        let apart = own.is_disjoint(&wanted.fields);
        let both = || Predicate::all([wanted.predicate.clone(), drops.clone()]);
        if !apart && !matches!(find(&both(), &LIMITS), Answer::Holds(_)) {
            continue;
        }
        let beside = || Predicate::all([wanted.predicate.clone(), drops.clone().negate()]);
        let whole = drops.holds(&wanted.example) && find(&beside(), &LIMITS) == Answer::Never;
        match whole {
            true => lost.push(wanted.title.clone()),
            false => evaded.push(wanted.title.clone()),
        }
    }
    let (reach, by, planted) = reach(kept, clause);
    HiddenBehind {
        line: clause.line,
        event: kept.kind.id,
        element: kept.name().to_owned(),
        words: clause.words.clone(),
        reach,
        by,
        rules_lost: lost,
        rules_evaded: evaded,
        techniques: expected
            .iter()
            .filter(|(line, _)| *line == clause.line)
            .map(|(_, technique)| *technique)
            .collect(),
        shortest,
        planted,
    }
}

fn shown(kept: &KeptType, question: &Predicate, witness: &Witness) -> ProofEvent {
    let values = example::dressed(kept.kind, question, witness);
    ProofEvent::new(kept.kind.id, &values)
}

/// The field that names the program an event is about.
fn program(kept: &KeptType) -> Option<&'static str> {
    ["Image", "SourceImage"]
        .into_iter()
        .find(|f| kept.kind.has(f))
}

fn reach(kept: &KeptType, clause: &Clause) -> (Reach, Option<String>, Option<ProofEvent>) {
    let mut named: Vec<&Atom> = Vec::new();
    clause.matches.atoms(&mut |atom| named.push(atom));
    let asks = |field: &str| named.iter().any(|a| a.field.eq_ignore_ascii_case(field));
    if let Some(field) = program(kept)
        && asks(field)
    {
        for folder in folders(&named, field) {
            let begins = |text: String| Predicate::atom(field, Test::StartsWith(Text::ascii(text)));
            // A folder of every profile is below one of them; others stand at the root.
            let there = match [r"\users\", r"\programdata\", r"\windows\"]
                .iter()
                .any(|r| folder.starts_with(r))
            {
                true => begins(format!("C:{folder}")),
                false => Predicate::all([
                    begins(r"C:\Users\".to_owned()),
                    Predicate::atom(field, Test::Contains(Text::ascii(folder))),
                ]),
            };
            let question = Predicate::all([clause.matches.clone(), there]);
            let Answer::Holds(witness) = find(&question, &LIMITS) else {
                continue;
            };
            let example = shown(kept, &question, &witness);
            if example
                .fields
                .get(field)
                .is_some_and(|path| writable::why(path).is_some())
            {
                return (Reach::File, Some(folder.to_owned()), Some(example));
            }
        }
    }
    let typed = ["CommandLine", "ParentCommandLine"];
    if !named.is_empty()
        && named
            .iter()
            .all(|a| typed.iter().any(|f| a.field.eq_ignore_ascii_case(f)))
    {
        return (Reach::CommandLine, None, None);
    }
    let host = named.iter().find_map(|a| {
        let (Test::Equals(t) | Test::EndsWith(t) | Test::ImageIs(t)) = &a.test else {
            return None;
        };
        let own = program(kept).is_some_and(|f| a.field.eq_ignore_ascii_case(f));
        own.then(|| hosts::find(&t.text)).flatten()
    });
    match host {
        Some(host) => (Reach::Host, Some(host.file.to_owned()), None),
        None => (Reach::None, None, None),
    }
}

/// Folders that users may write to: those that the tests name, then one that always is.
fn folders(named: &[&Atom], field: &str) -> Vec<&'static str> {
    let texts = named.iter().filter(|a| a.field.eq_ignore_ascii_case(field));
    let mut out: Vec<&'static str> = texts
        .filter_map(|a| match &a.test {
            Test::Equals(t)
            | Test::StartsWith(t)
            | Test::Contains(t)
            | Test::EndsWith(t)
            | Test::ImageIs(t) => writable::why(&t.text).map(|row| row.folder),
            _ => None,
        })
        .collect();
    out.push(r"\users\public\");
    out.dedup();
    out
}
