//! Writes a rule blob the way Sysmon's compiler does, with its growing buffer: space that an undone
//! element had used is written over without being cleared, so traces of it stay between records.

use super::{AGGREGATION, BinaryVersion, EVENT, FILTER, FILTER_NAME, HEADER, RULE_NAME, aligned};
use crate::rules::{Element, Filter, Record, Relation, Rule, RuleSet};
use crate::schema::Verdict;

/// The buffer grows by at least this much.
const GROWTH: usize = 4096;

/// The compiled rules; empty where there are none, and Sysmon stores nothing.
pub fn encode(rules: &RuleSet, version: BinaryVersion) -> Vec<u8> {
    let mut writer = Writer {
        rules,
        version,
        bytes: Vec::new(),
        used: 0,
        last_event: 0,
        last_rule: 0,
    };
    for element in &rules.elements {
        writer.element(element);
    }
    writer.bytes.truncate(writer.used);
    writer.bytes
}

struct Writer<'a> {
    rules: &'a RuleSet,
    version: BinaryVersion,
    /// The whole allocation; behind `used` it may hold stale bytes.
    bytes: Vec<u8>,
    used: usize,
    last_event: usize,
    /// Where the newest `<Rule>` record stands; not set back when an element is undone.
    last_rule: usize,
}

impl Writer<'_> {
    fn reserve(&mut self, need: usize) -> usize {
        let need = aligned(need);
        if need > self.bytes.len() - self.used {
            let size = self.bytes.len() + need.max(GROWTH);
            self.bytes.truncate(self.used);
            self.bytes.resize(size, 0);
        }
        let at = self.used;
        self.used += need;
        at
    }

    fn put(&mut self, at: usize, value: u32) {
        if let Some(place) = self.bytes.get_mut(at..at + 4) {
            place.copy_from_slice(&value.to_le_bytes());
        }
    }

    fn put_offset(&mut self, at: usize, value: usize) {
        self.put(at, u32::try_from(value).unwrap_or(u32::MAX));
    }

    fn add(&mut self, at: usize, by: u32) {
        let old = super::u32_at(&self.bytes, at).unwrap_or(0);
        self.put(at, old.wrapping_add(by));
    }

    /// Text with its closing zero; at most `room` units of it. Returns the bytes written.
    fn text(&mut self, at: usize, text: &str, room: usize) -> usize {
        let mut end = at;
        for unit in text.encode_utf16().take(room.saturating_sub(1)).chain([0]) {
            if let Some(place) = self.bytes.get_mut(end..end + 2) {
                place.copy_from_slice(&unit.to_le_bytes());
            }
            end += 2;
        }
        end - at
    }

    fn element(&mut self, element: &Element) {
        let (mark, last_event) = (self.used, self.last_event);
        if self.used == 0 {
            let header = self.reserve(HEADER);
            self.put(header, self.version.0);
            self.put(4, 0);
            self.put_offset(8, HEADER);
            self.put(12, self.rules.version.0);
            self.put(16, 0);
            self.put(20, 0);
        }
        let event = self.reserve(EVENT);
        self.put(event, element.event_id);
        self.put(event + 4, u32::from(element.on_match == Verdict::Include));
        self.put(event + 8, u32::from(element.relation == Relation::And));
        self.put(event + 12, 0);
        self.put(event + 16, 0);
        self.put(event + 20, 0);
        self.put_offset(if last_event == 0 { 16 } else { last_event + 12 }, event);
        self.add(4, 1);
        self.last_event = event;
        let (mut last_filter, mut rule) = (0, 0);
        for record in &element.records {
            match record {
                Record::Rule(r) => rule = self.rule(r),
                Record::Filter(f) => {
                    let rule = if f.rule.is_some() { rule } else { 0 };
                    let at = self.filter(f, rule);
                    self.put_offset(
                        if last_filter == 0 {
                            event + 20
                        } else {
                            last_filter + 520
                        },
                        at,
                    );
                    self.add(event + 16, 1);
                    last_filter = at;
                }
            }
        }
        if element.undone {
            self.used = mark;
            self.last_event = last_event;
            if mark == 0 {
                self.bytes.clear();
            } else {
                self.add(4, u32::MAX);
                self.put(if last_event == 0 { 16 } else { last_event + 12 }, 0);
            }
        }
    }

    fn rule(&mut self, rule: &Rule) -> usize {
        let at = self.reserve(AGGREGATION);
        // The chain is patched first: after an undone element the place may be this very record.
        self.put_offset(
            if self.last_rule == 0 {
                20
            } else {
                self.last_rule + 272
            },
            at,
        );
        self.text(at, &rule.name, RULE_NAME);
        for empty in [256, 260, 268, 272, 276, 284, 288] {
            self.put(at + empty, 0);
        }
        self.put(at + 264, rule.id);
        self.put(at + 280, u32::from(rule.relation == Relation::And));
        self.last_rule = at;
        at
    }

    fn filter(&mut self, filter: &Filter, rule: usize) -> usize {
        let length = 2 * (filter.value.encode_utf16().count() + 1);
        let at = self.reserve(FILTER + length + 1);
        self.put(at, filter.field);
        self.text(at + 4, &filter.name, FILTER_NAME);
        self.put(at + 516, filter.op as u32);
        self.put(at + 520, 0);
        self.put_offset(at + 524, length);
        self.put(at + 528, filter.rule.unwrap_or(0));
        self.put_offset(at + 532, rule);
        self.text(at + FILTER, &filter.value, usize::MAX);
        if rule != 0 {
            if super::u32_at(&self.bytes, rule + 268) == Some(0) {
                self.put_offset(rule + 268, at);
            }
            self.add(rule + 276, 1);
        }
        at
    }
}
