//! The smallest change of a configuration that keeps an event: a filter that includes it, or an exclusion made narrower. Each
//! change is text, and is tried by deciding again with the changed text.

use catalog::{Expected, KnownTest};
use sysmon::Config;
use sysmon::explain::explain;
use sysmon::reference::Cause;
use sysmon::rules::{Element, Filter, Op, Relation};
use sysmon::schema::{self, Verdict};
use sysmon::text::Environment;

use super::configuration::{deciding, not_collected};
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
        let missing = not_collected(config, event.id).is_some();
        if explanation.decision.log && !missing {
            let config = now?;
            return Some(Repair {
                what: what.join("; "),
                change: change.join("\n"),
                config,
            });
        }
        let edits = match (explanation.decision.cause, deciding(&explanation)) {
            _ if explanation.decision.log => collected(config, event, expected),
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
    /// Whether the value is the simulation's own, and another one in real life.
    invented: bool,
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
            invented: false,
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
    let unsigned = event.field("Signed") == Some("false");
    let (field, op) = match event.id {
        1 | 5 | 9 | 24 | 25 => ("Image", Op::EndWith),
        2 | 11 | 15 | 23 | 26 | 27 | 28 | 29 => ("TargetFilename", Op::EndWith),
        3 => ("DestinationPort", Op::Is),
        6 | 7 if unsigned => ("Signed", Op::Is),
        6 | 7 => ("ImageLoaded", Op::EndWith),
        8 => ("SourceImage", Op::Is),
        10 => ("TargetImage", Op::Is),
        12..=14 => ("TargetObject", Op::Contains),
        17 | 18 => ("PipeName", Op::Is),
        19..=21 => ("Operation", Op::Is),
        22 => ("QueryName", Op::EndWith),
        _ => return None,
    };
    let whole = event.field(field)?;
    let value = match op {
        // Of a file that is written the kind, of a program or module the name.
        Op::EndWith if field == "TargetFilename" => ending(whole),
        Op::EndWith if whole.contains('\\') => {
            format!("\\{}", whole.rsplit('\\').next().unwrap_or(whole))
        }
        Op::Contains => {
            let parts: Vec<&str> = whole.rsplitn(3, '\\').collect();
            match parts.as_slice() {
                [last, before, _] => format!("\\{before}\\{last}"),
                _ => whole.to_owned(),
            }
        }
        _ => whole.to_owned(),
    };
    let general = matches!(field, "Signed" | "DestinationPort" | "Operation");
    Some(FieldTest {
        invented: !general && !value.starts_with('.'),
        field,
        op,
        values: vec![value],
    })
}

/// `.exe` of a path; its last part where it has no such ending.
fn ending(path: &str) -> String {
    let name = path.rsplit(['\\', ':']).next().unwrap_or(path);
    match name.rsplit_once('.') {
        Some((_, kind)) => format!(".{kind}"),
        None => format!("\\{name}"),
    }
}

/// Types of which there are few events on any computer: where nothing is known of their fields they may all be logged.
const RARE: [u32; 8] = [6, 8, 19, 20, 21, 24, 25, 27];

/// What turns on the collection of events that the rules would keep.
fn collected(config: &Config, event: &SimulatedEvent, expected: &Expected) -> Vec<TextEdit> {
    let option = config.source.text.find("<EventFiltering");
    match option {
        Some(at) if event.id == 24 => vec![TextEdit {
            start: at,
            end: at,
            text: "<CaptureClipboard/>\n".to_owned(),
            what: "set the option CaptureClipboard".to_owned(),
        }],
        _ => included(config, event, expected),
    }
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
    let edit = |text: String, what: &str| TextEdit {
        start: at,
        end: at,
        text,
        what: what.to_owned(),
    };
    let mut edits = Vec::new();
    for test in telling(event, expected) {
        let filters: String = test
            .values
            .iter()
            .map(|value| format!("  {}\n", filter(test.field, test.op, value)))
            .collect();
        let element = format!("<{tag} onmatch=\"include\">\n{filters}</{tag}>\n");
        let group = format!("<RuleGroup groupRelation=\"or\">\n{element}</RuleGroup>\n");
        let what = format!("log {tag} where {}", test.words());
        edits.push(edit(element, &what));
        edits.push(edit(group, &what));
    }
    if !config.rules.kept().any(|e| e.tag == tag) {
        let all = edit(
            format!("<{tag} onmatch=\"exclude\" />\n"),
            &format!("log every {tag}"),
        );
        match RARE.contains(&event.id) && expected.fields.is_empty() {
            true => edits.insert(0, all),
            false => edits.push(all),
        }
    }
    edits
}

impl FieldTest {
    fn words(&self) -> String {
        let note = match self.invented {
            true => " (the simulation's name; take those that matter to you)",
            false => "",
        };
        format!(
            "{} {} {}{note}",
            self.field,
            self.op.name(),
            self.values.join(" or ")
        )
    }
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
                "narrow the exclusion in line {line}: not where {}",
                test.words()
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
