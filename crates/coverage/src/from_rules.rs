//! A Sysmon configuration that feeds rules: for each event type conditions that every event of its rules meets, where few are
//! enough, and the whole type where they are not. What it promises is proved by [`crate::feeds`] on the configuration as Sysmon
//! reads it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use ::sysmon::decompile::decompile;
use ::sysmon::rules::{Op, RuleSet};
use ::sysmon::text::Environment;
use ::sysmon::{Config, Engine};
use predicate::{GlobPart, Predicate, Test, Text};
use schema::LogSource;
use schema::sysmon::{self, EventHistory};
use serde::Serialize;
use sigma::Rule;

use crate::event_type;
use crate::example::{CHANNEL, PROVIDER};
use crate::feeds::{FeedVerdict, RuleCoverage, feeds};

/// Conditions of one element beyond which the whole type is kept.
const MOST: usize = 150;
/// Characters of a condition's value.
const LONGEST: usize = 200;

/// How an event type is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeptHow {
    /// All of its events.
    Whole,
    /// Those that meet one of so many conditions.
    Conditions(usize),
    /// As the base configuration says.
    Base,
}

/// What a written configuration does for one element.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WrittenElement {
    /// The element.
    pub element: String,
    /// What of it is kept.
    pub how: KeptHow,
    /// How many rules its events feed.
    pub rules: usize,
}

/// A configuration made from rules.
#[derive(Debug)]
pub struct WrittenConfig {
    /// The file.
    pub xml: String,
    /// The file as Sysmon reads it.
    pub config: Config,
    /// What it says, element by element.
    pub elements: Vec<WrittenElement>,
    /// Whether it feeds each rule.
    pub answers: Vec<RuleCoverage>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct NeededCondition {
    field: String,
    op: &'static str,
    value: String,
}

/// Writes a configuration. Elements of `base` that already feed all their rules stay as they are, and so do those that no rule
/// asks for; its other elements are replaced.
pub fn from_rules(
    rules: &[Rule],
    base: Option<&Config>,
    environment: &Environment,
) -> WrittenConfig {
    let mut plan = ElementPlan::new(rules);
    if let Some(base) = base {
        plan.keep_from(base, rules, environment);
    }
    let mut made = plan.write(base, rules, environment);
    // A condition may not apply to every event of an element that several types share; those are kept whole then.
    let missed = plan.missed(rules, &made.answers);
    if missed {
        made = plan.write(base, rules, environment);
    }
    made
}

/// What each element shall keep.
struct ElementPlan {
    /// Per tag: the conditions, or none where the whole type is needed, and how many rules it feeds.
    tags: BTreeMap<&'static str, (Option<Vec<NeededCondition>>, usize)>,
    /// Tags that stay as the base has them.
    kept: Vec<&'static str>,
}

impl ElementPlan {
    fn new(rules: &[Rule]) -> Self {
        let mut tags: BTreeMap<&'static str, (Option<Vec<NeededCondition>>, usize)> =
            BTreeMap::new();
        for rule in rules {
            let mut named: Vec<&str> = Vec::new();
            for kind in types_of(rule) {
                let Some(tag) = kind.tag.as_deref() else {
                    continue;
                };
                let wanted = on_type(rule, kind);
                if wanted == Predicate::False {
                    continue;
                }
                let (all, count) = tags.entry(tag).or_insert_with(|| (Some(Vec::new()), 0));
                if !named.contains(&tag) {
                    named.push(tag);
                    *count += 1;
                }
                let needed = cover(kind, &wanted);
                match (all.as_mut(), needed) {
                    (Some(all), Some(needed)) => all.extend(needed),
                    _ => *all = None,
                }
            }
        }
        for (all, _) in tags.values_mut() {
            if let Some(conditions) = all {
                conditions.sort();
                conditions.dedup();
            }
            if all.as_ref().is_some_and(|c| c.len() > MOST) {
                *all = None;
            }
        }
        Self {
            tags,
            kept: Vec::new(),
        }
    }

    /// Leaves the elements of a base that feed all that they can.
    fn keep_from(&mut self, base: &Config, rules: &[Rule], environment: &Environment) {
        let answers = feeds(base, environment, rules);
        let mut lacking: Vec<&str> = Vec::new();
        for (rule, answer) in rules.iter().zip(&answers) {
            if answer.verdict != FeedVerdict::Fed {
                lacking.extend(types_of(rule).filter_map(|t| t.tag.as_deref()));
            }
        }
        let tags = sysmon::newest().tags();
        let own = |tag: &&&'static str| base.rules.kept().any(|e| e.tag == ***tag);
        let stays = |tag: &&&'static str| !self.tags.contains_key(**tag) || !lacking.contains(*tag);
        self.kept = tags.iter().filter(own).filter(stays).copied().collect();
    }

    /// Takes the whole of every type that a rule still lacks; true where that changes anything.
    fn missed(&mut self, rules: &[Rule], answers: &[RuleCoverage]) -> bool {
        let mut changed = false;
        for (rule, answer) in rules.iter().zip(answers) {
            if answer.verdict == FeedVerdict::Fed {
                continue;
            }
            for tag in types_of(rule).filter_map(|t| t.tag.as_deref()) {
                if let Some((all, _)) = self.tags.get_mut(tag) {
                    changed |= all.take().is_some();
                }
            }
        }
        changed
    }

    fn write(
        &self,
        base: Option<&Config>,
        rules: &[Rule],
        environment: &Environment,
    ) -> WrittenConfig {
        let mut elements = Vec::new();
        let mut xml = String::new();
        let own = base.map(|base| {
            let rules = RuleSet {
                version: base.rules.version,
                elements: base
                    .rules
                    .kept()
                    .filter(|e| self.kept.contains(&e.tag.as_str()))
                    .cloned()
                    .collect(),
                rule_reports_own_name: false,
            };
            decompile(&rules, &[]).xml
        });
        let kept = own.as_deref().map(inner).unwrap_or_default();
        let version = sysmon::newest().version;
        let _ = writeln!(xml, "<Sysmon schemaversion=\"{version}\">");
        let _ = writeln!(xml, "  <HashAlgorithms>*</HashAlgorithms>");
        if self.tags.contains_key("ClipboardChange") {
            let _ = writeln!(xml, "  <CaptureClipboard/>");
        }
        let _ = writeln!(xml, "  <EventFiltering>");
        xml.push_str(kept);
        for tag in sysmon::newest().tags() {
            if self.kept.contains(&tag) {
                elements.push(WrittenElement {
                    element: tag.to_owned(),
                    how: KeptHow::Base,
                    rules: self.tags.get(tag).map_or(0, |(_, rules)| *rules),
                });
                continue;
            }
            let Some((all, count)) = self.tags.get(tag) else {
                continue;
            };
            let how = match all {
                None => {
                    let _ = writeln!(
                        xml,
                        "    <RuleGroup groupRelation=\"or\">\n      <{tag} onmatch=\"exclude\"/>\n    </RuleGroup>"
                    );
                    KeptHow::Whole
                }
                Some(conditions) => {
                    include(&mut xml, tag, conditions);
                    KeptHow::Conditions(conditions.len())
                }
            };
            elements.push(WrittenElement {
                element: tag.to_owned(),
                how,
                rules: *count,
            });
        }
        xml.push_str("  </EventFiltering>\n</Sysmon>\n");
        let config = Config::parse_text("made from rules", &xml, Engine::Strict);
        let answers = feeds(&config, environment, rules);
        WrittenConfig {
            xml,
            config,
            elements,
            answers,
        }
    }
}

fn include(xml: &mut String, tag: &str, conditions: &[NeededCondition]) {
    let _ = writeln!(
        xml,
        "    <RuleGroup groupRelation=\"or\">\n      <{tag} onmatch=\"include\">"
    );
    for NeededCondition { field, op, value } in conditions {
        let value = value
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;");
        let _ = writeln!(xml, "        <{field} condition=\"{op}\">{value}</{field}>");
    }
    let _ = writeln!(xml, "      </{tag}>\n    </RuleGroup>");
}

/// What stands between the marks of `EventFiltering`.
fn inner(xml: &str) -> &str {
    let (open, close) = ("<EventFiltering>\n", "  </EventFiltering>");
    let from = xml.find(open).map_or(xml.len(), |at| at + open.len());
    let to = xml.rfind(close).unwrap_or(xml.len());
    xml.get(from..to).unwrap_or_default()
}

/// The event types of Sysmon that feed a rule.
fn types_of(rule: &Rule) -> impl Iterator<Item = &'static EventHistory> + '_ {
    let source = LogSource::of(Some(CHANNEL), Some(PROVIDER));
    event_type::types().filter(move |t| {
        rule.feeds
            .iter()
            .any(|f| f.route.accepts(&source, Some(t.id)))
    })
}

fn on_type(rule: &Rule, kind: &EventHistory) -> Predicate {
    let source = LogSource::of(Some(CHANNEL), Some(PROVIDER));
    let feeds = rule
        .feeds
        .iter()
        .filter(|f| f.route.accepts(&source, Some(kind.id)));
    Predicate::any(feeds.map(|f| event_type::on(kind, &f.predicate)))
}

/// Conditions of which every event that meets the predicate meets one; none where there are no such.
fn cover(kind: &EventHistory, predicate: &Predicate) -> Option<Vec<NeededCondition>> {
    match predicate {
        Predicate::False => Some(Vec::new()),
        Predicate::Atom(atom) => {
            let known = sysmon::newest()
                .event(kind.id)?
                .field(&atom.field)
                .is_some();
            let usable = known && !atom.field.eq_ignore_ascii_case("RuleName");
            let (op, value) = usable.then(|| condition(&atom.test)).flatten()?;
            let field = atom.field.to_string();
            Some(vec![NeededCondition {
                field,
                op: op.name(),
                value,
            }])
        }
        Predicate::And(parts) => {
            let covers = parts.iter().filter_map(|p| cover(kind, p));
            // Fewer conditions let less through, and so do longer texts.
            covers.min_by_key(|c| {
                let shortest = c.iter().map(|c| c.value.len()).min();
                (c.len(), std::cmp::Reverse(shortest))
            })
        }
        Predicate::Or(parts) => {
            let covers: Option<Vec<Vec<NeededCondition>>> =
                parts.iter().map(|p| cover(kind, p)).collect();
            let all = covers?.concat();
            (all.len() <= MOST).then_some(all)
        }
        _ => None,
    }
}

/// A condition that every value passing a test meets.
fn condition(test: &Test) -> Option<(Op, String)> {
    let part = |text: &str| Some((Op::Contains, plain(text)?));
    let exact = |op: Op, t: &Text| match plain(&t.text) {
        Some(text) if text == t.text => Some((op, text)),
        _ => part(&t.text),
    };
    match test {
        Test::Equals(t) => exact(Op::Is, t),
        Test::StartsWith(t) => exact(Op::BeginWith, t),
        Test::EndsWith(t) => exact(Op::EndWith, t),
        Test::ImageIs(t) => exact(Op::Image, t),
        Test::Contains(t) => part(&t.text),
        Test::Glob(glob) => {
            let texts = glob.parts().iter().filter_map(|p| match p {
                GlobPart::Text(text) => plain(text),
                _ => None,
            });
            texts
                .max_by_key(String::len)
                .map(|text| (Op::Contains, text))
        }
        _ => None,
    }
}

/// The longest part of a text that a condition compares as a rule does: of ASCII letters, without blanks at its ends, which
/// Sysmon's file does not keep, and without marks of environment variables.
fn plain(text: &str) -> Option<String> {
    let odd = |c: char| !c.is_ascii() || c.is_ascii_control() || c == '%';
    let pieces = text.split(odd).map(str::trim).filter(|p| p.len() >= 2);
    let longest = pieces.max_by_key(|p| p.len())?;
    Some(
        longest
            .chars()
            .take(LONGEST)
            .collect::<String>()
            .trim()
            .to_owned(),
    )
}
