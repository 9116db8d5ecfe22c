//! The smallest change of a configuration that keeps an event: a filter that includes it, or an exclusion made narrower. Each
//! change is text, and is tried by deciding again with the changed text.

use catalog::{Expected, KnownTest};
use sysmon::Config;
use sysmon::explain::explain;
use sysmon::reference::Cause;
use sysmon::rules::{Element, Filter, Op, Relation};
use sysmon::schema::{self, Verdict};
use sysmon::text::Environment;

use super::configuration::deciding;
use crate::simulate::SimulatedEvent;

/// A changed configuration that keeps an event.
pub(super) struct Repair {
    /// What was done, in words.
    pub(super) what: String,
    /// The text that was added or put in place.
    pub(super) change: String,
    /// The configuration with it.
    pub(super) config: Config,
}

/// Changes that are tried one after another before it is given up: one for each exclusion in the way, and one include.
const MOST_CHANGES: usize = 8;

/// The smallest change that keeps an event, if one is found.
pub(super) fn repair(
    config: &Config,
    environment: &Environment,
    event: &SimulatedEvent,
    expected: &Expected,
) -> Option<Repair> {
    let mut now: Option<Config> = None;
    let (mut what, mut change) = (Vec::new(), Vec::new());
    for _ in 0..MOST_CHANGES {
        let config = now.as_ref().unwrap_or(config);
        let explanation = explain(config, environment, &event.for_filter());
        if explanation.decision.log {
            let config = now?;
            return Some(Repair {
                what: what.join("; "),
                change: change.join("\n"),
                config,
            });
        }
        let edits = match (explanation.decision.cause, deciding(&explanation)) {
            (Cause::Element { element, .. }, Some(filter)) => {
                let element = config.rules.elements.get(element)?;
                narrowed(config, element, filter, event, expected)
            }
            _ => included(config, event, expected),
        };
        let next = edits.into_iter().find_map(|edit| {
            let changed = edit.applied(config)?;
            let after = explain(&changed, environment, &event.for_filter());
            // An edit that leaves the same filter in the way changed nothing.
            let stuck = !after.decision.log
                && after.decision.cause == explanation.decision.cause
                && deciding(&after).map(|f| &f.value) == deciding(&explanation).map(|f| &f.value);
            (!stuck).then_some((edit, changed))
        });
        let (edit, changed) = next?;
        what.push(edit.what);
        change.push(edit.text);
        now = Some(changed);
    }
    None
}

/// One edit of the configuration's text.
struct TextEdit {
    start: usize,
    end: usize,
    text: String,
    what: String,
}

impl TextEdit {
    /// The configuration with it, where Sysmon accepts that.
    fn applied(&self, config: &Config) -> Option<Config> {
        let old = &config.source.text;
        let before = old.get(..self.start)?;
        let behind = old.get(self.end..)?;
        let text = format!("{before}{}{behind}", self.text);
        let changed = Config::parse_text(&config.source.name, &text, config.engine);
        changed.accepted.then_some(changed)
    }
}

/// A test of one field.
struct FieldTest {
    field: &'static str,
    op: Op,
    values: Vec<String>,
}

/// What tells the event from others: what the catalog knows of it, most telling first, then its main field.
fn telling(event: &SimulatedEvent, expected: &Expected) -> Vec<FieldTest> {
    let mut tests: Vec<FieldTest> = expected
        .fields
        .iter()
        .map(|known| FieldTest {
            field: known.field,
            op: match known.test {
                KnownTest::Is | KnownTest::Holds => Op::Is,
                KnownTest::EndsWith => Op::EndWith,
                KnownTest::Contains => Op::Contains,
            },
            values: match known.test {
                KnownTest::Holds => masks(event, known.value),
                _ => vec![known.value.to_owned()],
            },
        })
        .collect();
    tests.extend(main_test(event));
    tests
}

/// The masks that hold the rights, as far as text can say it, and the event's own.
fn masks(event: &SimulatedEvent, rights: &str) -> Vec<String> {
    let mask = catalog::rights::parse_mask(rights).unwrap_or_default();
    let object = catalog::rights::object("process");
    let mut masks = object.map_or_else(Vec::new, |o| catalog::condition::for_rights(o, mask).masks);
    let own = event
        .field("GrantedAccess")
        .and_then(catalog::rights::parse_mask);
    masks.extend(own);
    masks.sort_unstable();
    masks.dedup();
    masks.iter().map(|m| format!("{m:#x}")).collect()
}

/// The field by which events of a type are told apart, tested so that another folder or user changes nothing.
fn main_test(event: &SimulatedEvent) -> Option<FieldTest> {
    let (field, op) = match event.id {
        1 | 5 | 9 | 24 | 25 => ("Image", Op::EndWith),
        2 | 11 | 15 | 23 | 26 | 27 | 28 | 29 => ("TargetFilename", Op::EndWith),
        3 => ("DestinationPort", Op::Is),
        6 | 7 => ("ImageLoaded", Op::EndWith),
        8 => ("SourceImage", Op::Is),
        10 => ("TargetImage", Op::Is),
        12..=14 => ("TargetObject", Op::Contains),
        17 | 18 => ("PipeName", Op::Is),
        19..=21 => ("Operation", Op::Is),
        22 => ("QueryName", Op::EndWith),
        _ => return None,
    };
    let value = event.field(field)?;
    let value = match op {
        Op::EndWith if value.contains('\\') => {
            format!("\\{}", value.rsplit('\\').next().unwrap_or(value))
        }
        Op::Contains => {
            let parts: Vec<&str> = value.rsplitn(3, '\\').collect();
            match parts.as_slice() {
                [last, before, _] => format!("\\{before}\\{last}"),
                _ => value.to_owned(),
            }
        }
        _ => value.to_owned(),
    };
    Some(FieldTest {
        field,
        op,
        values: vec![value],
    })
}

/// Elements that include the event, the smallest first.
fn included(config: &Config, event: &SimulatedEvent, expected: &Expected) -> Vec<TextEdit> {
    let Some(tag) = schema::newest().event(event.id).and_then(|e| e.tag.clone()) else {
        return Vec::new();
    };
    let text = &config.source.text;
    let behind = |name: &str| text.rfind(&format!("</{name}>"));
    let Some(at) = behind("EventFiltering") else {
        return Vec::new();
    };
    let mut edits = Vec::new();
    let mut insert = |inner: String, what: String| {
        edits.push(TextEdit {
            start: at,
            end: at,
            text: inner,
            what,
        });
    };
    for test in telling(event, expected) {
        let filters: String = test
            .values
            .iter()
            .map(|value| format!("  {}\n", filter(test.field, test.op, value)))
            .collect();
        let element = format!("<{tag} onmatch=\"include\">\n{filters}</{tag}>\n");
        let what = format!(
            "log {tag} where {} {} {}",
            test.field,
            test.op.name(),
            test.values.join(" or ")
        );
        insert(element.clone(), what.clone());
        insert(
            format!("<RuleGroup groupRelation=\"or\">\n{element}</RuleGroup>\n"),
            what,
        );
    }
    let mentioned = config.rules.kept().any(|e| e.tag == tag);
    if !mentioned {
        insert(
            format!("<{tag} onmatch=\"exclude\" />\n"),
            format!("log every {tag}"),
        );
    }
    edits
}

/// Ways to take the event out of what an exclusion matches.
fn narrowed(
    config: &Config,
    element: &Element,
    hit: &Filter,
    event: &SimulatedEvent,
    expected: &Expected,
) -> Vec<TextEdit> {
    let line = config.source.position(hit.span.start).0;
    let original = config.source.slice(hit.span).to_owned();
    let within = match hit.rule {
        Some(id) => element.rule(id).map(|r| r.relation),
        None => Some(element.relation),
    };
    let mut edits = Vec::new();
    // Another field first: an exception on the same one would leave nothing of the exclusion.
    let mut tests = telling(event, expected);
    tests.sort_by_key(|t| t.field == hit.field_name);
    for test in tests.iter().filter(|t| t.field != hit.field_name) {
        let Some(op) = opposite(test.op) else {
            continue;
        };
        let exceptions: String = test
            .values
            .iter()
            .map(|value| filter(test.field, op, value))
            .collect();
        let text = match (hit.rule, within) {
            (None, Some(Relation::Or)) => {
                format!("<Rule groupRelation=\"and\">{original}{exceptions}</Rule>")
            }
            (_, Some(Relation::And)) => format!("{original}{exceptions}"),
            _ => continue,
        };
        edits.push(TextEdit {
            start: hit.span.start,
            end: hit.span.end,
            text,
            what: format!(
                "narrow the exclusion in line {line}: not where {} {} {}",
                test.field,
                test.op.name(),
                test.values.join(" or ")
            ),
        });
    }
    edits.push(TextEdit {
        start: hit.span.start,
        end: hit.span.end,
        text: String::new(),
        what: format!("take out the exclusion in line {line}: {original}"),
    });
    debug_assert_eq!(element.on_match, Verdict::Exclude);
    edits
}

fn opposite(op: Op) -> Option<Op> {
    Some(match op {
        Op::Is => Op::IsNot,
        Op::EndWith => Op::NotEndWith,
        Op::Contains => Op::Excludes,
        _ => return None,
    })
}

fn filter(field: &str, op: Op, value: &str) -> String {
    let escaped = value
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    format!("<{field} condition=\"{}\">{escaped}</{field}>", op.name())
}
