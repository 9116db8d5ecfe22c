//! For every rule: can the configuration feed it? The answer is an event, or a proof that there is none, or what kept it from
//! being decided.

use predicate::prove::{Answer, Limits, find};
use predicate::{Predicate, Test};
use rayon::prelude::*;
use schema::LogSource;
use serde::Serialize;
use sigma::Rule;
use sysmon::Config;
use sysmon::text::Environment;

use crate::alternatives::{Chance, choices};
use crate::blame::{dropped, short};
use crate::event_type;
use crate::example::{self, CHANNEL, FieldValues, PROVIDER, ProofEvent};
use crate::ground::{Ground, KeptType};

/// What one question may cost: what is not decided with this is not decided.
pub(crate) const LIMITS: Limits = Limits {
    nodes: 4_000,
    states: 40_000,
    steps: 8_000_000,
};
/// What the search for a value that looks like Sysmon's may cost.
const CHEAP: Limits = Limits {
    nodes: 200,
    states: 4_000,
    steps: 600_000,
};
/// How many alternatives of a rule are asked of the prover, once trying has not met them.
const ASKED: usize = 300;
/// How many examples of a rule are kept to meet further alternatives with.
const EXAMPLES: usize = 12;

/// Whether a configuration feeds a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FeedVerdict {
    /// There is an event that the rule matches and the configuration keeps.
    Fed,
    /// There is, and some alternatives of the rule have none.
    Part,
    /// There is none.
    Never,
    /// Not decided.
    Undecided,
}

/// The answer for one rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleCoverage {
    /// The rule's id, where it has one.
    pub rule: Option<String>,
    /// Its title.
    pub title: String,
    /// The answer.
    pub verdict: FeedVerdict,
    /// The reason: what drops its events, which alternatives are lost, why it was not decided.
    pub why: String,
    /// An event that proves it.
    pub witness: Option<ProofEvent>,
    /// The techniques of its tags.
    #[serde(skip)]
    pub techniques: Vec<String>,
}

/// Asks every rule.
pub fn feeds(config: &Config, environment: &Environment, rules: &[Rule]) -> Vec<RuleCoverage> {
    let ground = Ground::new(config, environment);
    rules.par_iter().map(|rule| ground.rule(rule)).collect()
}

/// What becomes of a rule on one event type.
enum OnType {
    /// An event, and the field of it that Sysmon would not spell so where no other value does.
    Kept(ProofEvent, Option<String>),
    /// The rule matches no event of the type.
    Impossible(String),
    Dropped(String),
    Open(String),
}

/// What is lost of a rule that is fed.
#[derive(Default)]
struct Losses {
    words: Vec<String>,
    open: usize,
}

impl Ground<'_> {
    fn rule(&self, rule: &Rule) -> RuleCoverage {
        let source = LogSource::of(Some(CHANNEL), Some(PROVIDER));
        let mut answers = Vec::new();
        let mut losses = Losses::default();
        for kept in &self.types {
            let feeds = rule.feeds.iter();
            let feeds = feeds.filter(|f| f.route.accepts(&source, Some(kept.kind.id)));
            let loaded: Vec<Predicate> = feeds.map(|f| f.predicate.clone()).collect();
            if loaded.is_empty() {
                continue;
            }
            let loaded = Predicate::any(loaded);
            let wanted = event_type::on(kept.kind, &loaded);
            let answer = self.on_type(kept, &loaded, &wanted);
            if let OnType::Kept(example, _) = &answer
                && kept.keeps != Predicate::True
            {
                self.alternatives(kept, &loaded, &wanted, example, &mut losses);
            }
            answers.push(answer);
        }
        let (verdict, why, witness) = settled(rule, answers, losses);
        let technique = |tag: &String| {
            let id = tag.strip_prefix("attack.")?.to_ascii_uppercase();
            let digits = id.strip_prefix('T')?;
            digits
                .starts_with(|c: char| c.is_ascii_digit())
                .then_some(id)
        };
        RuleCoverage {
            rule: rule.id.clone(),
            title: rule.title.clone(),
            verdict,
            why,
            witness,
            techniques: rule.tags.iter().filter_map(technique).collect(),
        }
    }

    fn on_type(&self, kept: &KeptType, loaded: &Predicate, wanted: &Predicate) -> OnType {
        let impossible = || {
            let id = kept.kind.id;
            OnType::Impossible(match event_type::lacking(kept.kind, loaded).as_slice() {
                [] => format!("the rule contradicts itself on event {id}"),
                [one] => format!("no event {id} meets the rule; {one} is no field of it"),
                many => format!(
                    "no event {id} meets the rule; {} are no fields of it",
                    many.join(", ")
                ),
            })
        };
        let question = Predicate::all([wanted.clone(), kept.keeps.clone()]);
        match find(&question, &LIMITS) {
            Answer::Holds(witness) => {
                let values = example::dressed(kept.kind, &question, &witness);
                let (values, odd) = self.likely(kept, &question, values);
                let as_found = witness
                    .fields
                    .iter()
                    .map(|(n, v)| (n.to_string(), v.clone()));
                let tries = [values, as_found.collect()];
                let mut examples = tries.iter().map(|v| ProofEvent::new(kept.kind.id, v));
                let proof =
                    examples.find(|e| e.proves(&self.config.rules, self.environment, loaded));
                match proof {
                    Some(example) => OnType::Kept(example, odd),
                    None => OnType::Open(
                        "the event that was found fails the rule or the configuration".to_owned(),
                    ),
                }
            }
            Answer::Never => match find(wanted, &LIMITS) {
                Answer::Never => impossible(),
                _ => OnType::Dropped(dropped(kept, wanted, &LIMITS)),
            },
            Answer::Unknown(limit) => OnType::Open(format!("event {}: {limit}", kept.kind.id)),
        }
    }

    /// Values that Sysmon would write, or those given with the field that has none.
    fn likely(
        &self,
        kept: &KeptType,
        question: &Predicate,
        values: FieldValues,
    ) -> (FieldValues, Option<String>) {
        let Some(odd) = example::unlikely(kept.kind.id, &values).map(str::to_owned) else {
            return (values, None);
        };
        let fields: Vec<&str> = values
            .iter()
            .filter(|(_, value)| value.is_some())
            .map(|(name, _)| name.as_str())
            .collect();
        let rooted = Predicate::all([question.clone(), example::rooted(kept.kind, &fields)]);
        if let Answer::Holds(witness) = find(&rooted, &CHEAP) {
            let values = example::dressed(kept.kind, question, &witness);
            if example::unlikely(kept.kind.id, &values).is_none() {
                return (values, None);
            }
        }
        let spelt = example::spelt(kept.kind, &[&odd]);
        match find(&Predicate::all([question.clone(), spelt]), &CHEAP) {
            Answer::Holds(witness) => (example::dressed(kept.kind, question, &witness), None),
            Answer::Never => (values, Some(odd)),
            Answer::Unknown(_) => (values, None),
        }
    }

    /// Adds the alternatives of a rule that the configuration loses.
    fn alternatives(
        &self,
        kept: &KeptType,
        loaded: &Predicate,
        wanted: &Predicate,
        example: &ProofEvent,
        losses: &mut Losses,
    ) {
        let as_values = |e: &ProofEvent| -> FieldValues {
            e.fields
                .iter()
                .map(|(n, v)| (n.clone(), Some(v.clone())))
                .collect()
        };
        let mut examples = vec![as_values(example)];
        let mut asked = 0;
        let found = choices(wanted, &mut |part, whole| {
            if examples.iter().any(|e| whole.holds(e)) {
                return Chance::Met;
            }
            if let Some(values) = swapped(&examples[0], part)
                && whole.holds(&values)
                && kept.keeps.holds(&values)
            {
                return Chance::Met;
            }
            asked += 1;
            if asked > ASKED {
                return Chance::Open;
            }
            let question = Predicate::all([whole.clone(), kept.keeps.clone()]);
            match find(&question, &LIMITS) {
                Answer::Holds(witness) => {
                    let values = witness
                        .fields
                        .iter()
                        .map(|(n, v)| (n.to_string(), v.clone()));
                    if examples.len() < EXAMPLES {
                        examples.push(values.collect());
                    }
                    Chance::Met
                }
                Answer::Unknown(_) => Chance::Open,
                Answer::Never => match find(whole, &LIMITS) {
                    Answer::Holds(_) => Chance::Lost,
                    Answer::Never => Chance::Dead,
                    Answer::Unknown(_) => Chance::Open,
                },
            }
        });
        debug_assert!(example.proves(&self.config.rules, self.environment, loaded));
        losses.open += found.open;
        for (at, (part, whole)) in found.lost.iter().enumerate() {
            let words = short(&part.to_string());
            losses.words.push(match at {
                0 => format!("{words} ({})", dropped(kept, whole, &LIMITS)),
                _ => words,
            });
        }
    }
}

/// The values of an example with those that a part of a rule asks for put in.
fn swapped(example: &FieldValues, part: &Predicate) -> Option<FieldValues> {
    let mut out = example.clone();
    let mut any = false;
    put(part, &mut out, &mut any);
    any.then_some(out)
}

fn put(part: &Predicate, values: &mut FieldValues, any: &mut bool) {
    match part {
        Predicate::And(parts) => parts.iter().for_each(|p| put(p, values, any)),
        Predicate::Or(parts) => {
            if let Some(first) = parts.first() {
                put(first, values, any);
            }
        }
        Predicate::Atom(atom) => {
            let (Test::Equals(text)
            | Test::Contains(text)
            | Test::StartsWith(text)
            | Test::EndsWith(text)
            | Test::ImageIs(text)) = &atom.test
            else {
                return;
            };
            *any = true;
            let slot = values
                .iter_mut()
                .find(|(name, _)| name.eq_ignore_ascii_case(&atom.field));
            match slot {
                Some((_, value)) => *value = Some(text.text.clone()),
                None => values.push((atom.field.to_string(), Some(text.text.clone()))),
            }
        }
        _ => {}
    }
}

/// The answer for a rule from those on each event type.
fn settled(
    rule: &Rule,
    answers: Vec<OnType>,
    mut losses: Losses,
) -> (FeedVerdict, String, Option<ProofEvent>) {
    let others = other_sources(rule);
    if answers.is_empty() {
        let why = match others.as_str() {
            "" => "no Windows event log feeds its log source".to_owned(),
            others => format!(
                "no event type of Sysmon feeds its log source; its events come from {others}"
            ),
        };
        return (FeedVerdict::Never, why, None);
    }
    let (mut example, mut never, mut open) = (None, Vec::new(), Vec::new());
    for answer in answers {
        match answer {
            OnType::Kept(event, odd) => match &example {
                Some((_, None)) => {}
                Some((_, Some(_))) if odd.is_some() => {}
                _ => example = Some((event, odd)),
            },
            OnType::Impossible(why) => never.push((false, why)),
            OnType::Dropped(why) => never.push((true, why)),
            OnType::Open(why) => open.push(why),
        }
    }
    let Some((event, odd)) = example else {
        if open.is_empty() {
            let mut whys: Vec<String> = never.into_iter().map(|(_, why)| why).collect();
            whys.dedup();
            let besides = match others.as_str() {
                "" => String::new(),
                others => format!("; {others} could feed it"),
            };
            return (FeedVerdict::Never, whys.join("; ") + &besides, None);
        }
        return (FeedVerdict::Undecided, open.join("; "), None);
    };
    let dropped = never.into_iter().filter(|(dropped, _)| *dropped);
    let mut lost: Vec<String> = dropped.map(|(_, why)| why).collect();
    lost.append(&mut losses.words);
    let mut notes = Vec::new();
    let verdict = match lost.len() {
        0 => FeedVerdict::Fed,
        count => {
            let more = count.saturating_sub(4);
            lost.truncate(4);
            let more = if more > 0 {
                format!("; and {more} more")
            } else {
                String::new()
            };
            notes.push(format!("lost: {}{more}", lost.join("; ")));
            FeedVerdict::Part
        }
    };
    if verdict == FeedVerdict::Fed {
        notes.push("an event that it matches is kept".to_owned());
    }
    if let Some(field) = odd {
        notes.push(format!(
            "only with a value of {field} that Sysmon is not known to write"
        ));
    }
    let open = open.len() + losses.open;
    if open > 0 {
        notes.push(format!("{open} of its alternatives not decided"));
    }
    (verdict, notes.join("; "), Some(event))
}

/// The channels besides Sysmon's that can feed a rule.
fn other_sources(rule: &Rule) -> String {
    let source = LogSource::of(Some(CHANNEL), Some(PROVIDER));
    let mut names: Vec<&str> = rule
        .feeds
        .iter()
        .filter(|f| !event_type::types().any(|t| f.route.accepts(&source, Some(t.id))))
        .flat_map(|f| f.route.channels.iter().flatten())
        .map(String::as_str)
        .collect();
    names.sort_unstable();
    names.dedup();
    names.join(", ")
}
