//! Sigma rules on simulated events: which match which, and of a rule that does not match the condition that fails.

use std::collections::BTreeMap;

use predicate::{Predicate, Values};
use schema::LogSource;
use sigma::Rule;

use crate::simulate::{CHANNEL, PROVIDER, SimulatedEvent};

/// Rules by the ids of the events that can feed them.
pub(super) struct RuleIndex<'r> {
    rules: &'r [Rule],
    by_id: BTreeMap<u32, Vec<(usize, usize)>>,
}

/// An event as a rule sees it.
struct RecordView<'e>(&'e SimulatedEvent);

impl RecordView<'_> {
    fn header(&self, field: &str) -> Option<String> {
        Some(match field.to_ascii_lowercase().as_str() {
            "eventid" => self.0.id.to_string(),
            "channel" => CHANNEL.to_owned(),
            "provider_name" => PROVIDER.to_owned(),
            "computer" => self.0.computer.clone(),
            _ => return None,
        })
    }
}

impl Values for RecordView<'_> {
    fn any(&self, field: &str, passes: &mut dyn FnMut(&str) -> bool) -> bool {
        match self.0.field(field) {
            Some(value) => passes(value),
            None => self.header(field).is_some_and(|value| passes(&value)),
        }
    }

    fn any_field(&self, passes: &mut dyn FnMut(&str) -> bool) -> bool {
        self.0.fields.iter().any(|(_, value)| passes(value))
    }
}

impl<'r> RuleIndex<'r> {
    pub(super) fn new(rules: &'r [Rule]) -> Self {
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

    /// The rules that match an event.
    pub(super) fn matching(&self, event: &SimulatedEvent) -> Vec<usize> {
        let fed = self.by_id.get(&event.id).map_or(&[][..], Vec::as_slice);
        let holds =
            |(r, f): &&(usize, usize)| self.rules[*r].feeds[*f].predicate.holds(&RecordView(event));
        let mut matching: Vec<usize> = fed.iter().filter(holds).map(|(r, _)| *r).collect();
        matching.dedup();
        matching
    }

    /// Why a rule does not match an event that can feed it, and how many of its conditions fail.
    pub(super) fn failing(&self, rule: usize, event: &SimulatedEvent) -> Option<(usize, String)> {
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
fn collect(predicate: &Predicate, event: &SimulatedEvent, out: &mut Vec<String>) {
    if predicate.holds(&RecordView(event)) {
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

fn words(predicate: &Predicate, event: &SimulatedEvent) -> String {
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

fn none_of(parts: &[Predicate], event: &SimulatedEvent) -> String {
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
