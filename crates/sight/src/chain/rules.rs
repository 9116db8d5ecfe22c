//! Sigma rules on simulated events: which match which, and of a rule that does not match the condition that fails.

use std::collections::BTreeMap;

use predicate::{Predicate, Values};
use schema::LogSource;
use sigma::Rule;

use crate::simulate::{CHANNEL, PROVIDER, SimulatedEvent};

/// Rules by the ids of the events that can feed them.
pub(crate) struct RuleIndex<'r> {
    rules: &'r [Rule],
    by_id: BTreeMap<u32, Vec<(usize, usize)>>,
}

/// An event of Sysmon as a rule sees it.
#[derive(Clone, Copy)]
pub(crate) struct RecordView<'e> {
    pub(crate) id: u32,
    pub(crate) computer: &'e str,
    pub(crate) fields: &'e [(String, String)],
}

impl<'e> From<&'e SimulatedEvent> for RecordView<'e> {
    fn from(event: &'e SimulatedEvent) -> Self {
        Self {
            id: event.id,
            computer: &event.computer,
            fields: &event.fields,
        }
    }
}

impl RecordView<'_> {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let same = |(n, _): &&(String, String)| n.eq_ignore_ascii_case(name);
        self.fields
            .iter()
            .find(same)
            .map(|(_, value)| value.as_str())
    }

    fn header(&self, field: &str) -> Option<String> {
        Some(match field.to_ascii_lowercase().as_str() {
            "eventid" => self.id.to_string(),
            "channel" => CHANNEL.to_owned(),
            "provider_name" => PROVIDER.to_owned(),
            "computer" => self.computer.to_owned(),
            _ => return None,
        })
    }
}

impl Values for RecordView<'_> {
    fn any(&self, field: &str, passes: &mut dyn FnMut(&str) -> bool) -> bool {
        match self.field(field) {
            Some(value) => passes(value),
            None => self.header(field).is_some_and(|value| passes(&value)),
        }
    }

    fn any_field(&self, passes: &mut dyn FnMut(&str) -> bool) -> bool {
        self.fields.iter().any(|(_, value)| passes(value))
    }
}

impl<'r> RuleIndex<'r> {
    pub(crate) fn new(rules: &'r [Rule]) -> Self {
        let source = LogSource::of(Some(CHANNEL), Some(PROVIDER));
        let mut by_id: BTreeMap<u32, Vec<(usize, usize)>> = BTreeMap::new();
        for event in schema::sysmon::events() {
            let fed = by_id.entry(event.id).or_default();
            for (r, rule) in rules.iter().enumerate().filter(|(_, r)| !r.counted_only) {
                for (f, feed) in rule.feeds.iter().enumerate() {
                    if feed.route.accepts(&source, Some(event.id)) {
                        fed.push((r, f));
                    }
                }
            }
        }
        Self { rules, by_id }
    }

    /// Whether any event of Sysmon can feed a rule.
    pub(super) fn is_fed_by_sysmon(&self, rule: usize) -> bool {
        let mut fed = self.by_id.values().flatten();
        fed.any(|(r, _)| *r == rule)
    }

    /// The rules that match an event.
    pub(crate) fn matching(&self, event: RecordView<'_>) -> Vec<usize> {
        let fed = self.by_id.get(&event.id).map_or(&[][..], Vec::as_slice);
        let holds = |(r, f): &&(usize, usize)| self.rules[*r].feeds[*f].predicate.holds(&event);
        let mut matching: Vec<usize> = fed.iter().filter(holds).map(|(r, _)| *r).collect();
        matching.dedup();
        matching
    }

    /// Why a rule does not match an event that can feed it, and how many of its conditions fail.
    pub(super) fn failing(&self, rule: usize, event: RecordView<'_>) -> Option<(usize, String)> {
        let fed = self.by_id.get(&event.id)?;
        let reasons = fed.iter().filter(|(r, _)| *r == rule).map(|(_, f)| {
            let predicate = &self.rules[rule].feeds[*f].predicate;
            let mut failing = Vec::new();
            collect(predicate, event, &mut failing);
            let shown: Vec<&str> = failing.iter().take(2).map(String::as_str).collect();
            (failing.len(), shown.join(" and "))
        });
        reasons.min()
    }
}

/// The conditions of a conjunction that fail, in words.
fn collect(predicate: &Predicate, event: RecordView<'_>, out: &mut Vec<String>) {
    if predicate.holds(&event) {
        return;
    }
    match predicate {
        Predicate::And(parts) => parts.iter().for_each(|part| collect(part, event, out)),
        Predicate::Or(parts) => out.push(none_of(parts, event)),
        other => out.push(words(other, event)),
    }
}

/// The longest condition that is told whole.
const LONGEST: usize = 160;

fn words(predicate: &Predicate, event: RecordView<'_>) -> String {
    let text = match predicate {
        Predicate::Not(inner) => format!("its exception holds: {inner}"),
        Predicate::Atom(atom) => match event.field(&atom.field) {
            Some(value) => format!("not {predicate} (it is \"{value}\")"),
            None => format!("not {predicate} (the event has no {})", atom.field),
        },
        other => format!("not {other}"),
    };
    shortened(&text)
}

fn none_of(parts: &[Predicate], event: RecordView<'_>) -> String {
    let mut fields: Vec<String> = Vec::new();
    for part in parts {
        part.atoms(&mut |atom| {
            if !fields.iter().any(|f| f.eq_ignore_ascii_case(&atom.field)) {
                fields.push(atom.field.to_string());
            }
        });
    }
    if parts.len() <= 2 {
        let parts: Vec<String> = parts.iter().map(|p| words(p, event)).collect();
        return shortened(&parts.join(", "));
    }
    let values: Vec<String> = fields
        .iter()
        .take(2)
        .map(|f| format!("{f} is \"{}\"", event.field(f).unwrap_or_default()))
        .collect();
    shortened(&format!(
        "none of {} alternatives on {} holds ({})",
        parts.len(),
        fields.join(", "),
        values.join(", ")
    ))
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
