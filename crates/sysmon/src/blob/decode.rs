//! Reads a rule blob back into rules, following offsets as the engine's reader does: a chain ends
//! where an offset leaves the blob or a filter is malformed. Every such end is reported.

use super::{
    AGGREGATION, BinaryVersion, EVENT, FILTER, FILTER_NAME, HEADER, RULE_NAME, aligned, legacy,
    u32_at,
};
use crate::diagnostic::Span;
use crate::rules::{Element, Filter, Op, Record, Relation, Rule, RuleSet};
use crate::schema::{self, EventType, Schema, SchemaVersion, Verdict};

/// Why bytes are no rule blob.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BlobError {
    /// Too short for a header.
    #[error("{0} bytes are too few for a rule blob; its header has {HEADER}")]
    TooShort(usize),
    /// The size of the header is none that a known version writes.
    #[error(
        "offset 8: {0} is no header size of a rule blob ({HEADER}, or 16 up to binary version 8)"
    )]
    Header(u32),
    /// The first event record lies elsewhere than directly behind the header.
    #[error("offset 16: the first event is at {0}, outside the blob of {1} bytes")]
    FirstEvent(u32, usize),
}

/// What a blob holds.
#[derive(Debug)]
pub struct Decoded {
    /// The rules.
    pub rules: RuleSet,
    /// The version of the binary that wrote it.
    pub binary: BinaryVersion,
    /// What could not be read, with the offset.
    pub problems: Vec<String>,
}

/// Reads a blob.
///
/// # Errors
/// Where the bytes do not start as a rule blob does; later damage is listed in [`Decoded::problems`].
pub fn decode(bytes: &[u8]) -> Result<Decoded, BlobError> {
    if bytes.len() < legacy::HEADER {
        return Err(BlobError::TooShort(bytes.len()));
    }
    let header = u32_at(bytes, 8).unwrap_or(0);
    if header as usize == legacy::HEADER {
        return Ok(legacy::decode(bytes));
    }
    if bytes.len() < HEADER {
        return Err(BlobError::TooShort(bytes.len()));
    }
    if header as usize != HEADER {
        return Err(BlobError::Header(header));
    }
    let binary = BinaryVersion(u32_at(bytes, 0).unwrap_or(0));
    let first = u32_at(bytes, 16).unwrap_or(0);
    if first as usize + EVENT > bytes.len() {
        return Err(BlobError::FirstEvent(first, bytes.len()));
    }
    let mut reader = Reader {
        bytes,
        schema: schema_of(binary),
        budget: bytes.len() / EVENT.min(FILTER) + 1,
        problems: Vec::new(),
    };
    if binary < BinaryVersion::new(14, 0) {
        reader.problems.push(format!(
            "offset 0: binary version {binary}: the published source documents condition codes from 14.0 and up to 8.0; the codes here are read as those of 14.0"
        ));
    }
    let elements = reader.events(first);
    let count = u32_at(bytes, 4).unwrap_or(0);
    if count as usize != elements.len() {
        reader.problems.push(format!(
            "offset 4: {count} event records announced, {} found",
            elements.len()
        ));
    }
    Ok(Decoded {
        rules: RuleSet {
            version: SchemaVersion(u32_at(bytes, 12).unwrap_or(0)),
            elements,
            rule_reports_own_name: binary <= BinaryVersion::new(14, 1),
        },
        binary,
        problems: reader.problems,
    })
}

/// The tables that a binary looked fields up in: the newest schema that it knew.
fn schema_of(binary: BinaryVersion) -> &'static Schema {
    let at_most = |s: &&Schema| BinaryVersion::new(s.binary.0, s.binary.1) <= binary;
    // From 13.0 on, the newest table only appends to the older ones.
    if binary >= BinaryVersion::new(13, 0) {
        return schema::newest();
    }
    schema::all()
        .iter()
        .find(at_most)
        .unwrap_or(schema::newest())
}

struct Reader<'a> {
    bytes: &'a [u8],
    schema: &'static Schema,
    /// How many records may still be read; offsets that run in a circle end here.
    budget: usize,
    problems: Vec<String>,
}

impl Reader<'_> {
    fn events(&mut self, first: u32) -> Vec<Element> {
        let mut elements = Vec::new();
        let mut at = first as usize;
        while at != 0 {
            let Some(record) = self.bytes.get(at..at.saturating_add(EVENT)) else {
                self.problems
                    .push(format!("offset {at}: the event record leaves the blob"));
                break;
            };
            if !self.spend(at) {
                break;
            }
            let number = |i| u32_at(record, i).unwrap_or(0);
            let id = number(0);
            let end = match number(12) as usize {
                next if next > at && next <= self.bytes.len() => next,
                _ => self.bytes.len(),
            };
            if let Some((event, tag)) = self.event(id, at) {
                let records = self.filters(event, number(20) as usize, number(16), at + EVENT, end);
                elements.push(Element {
                    event_id: id,
                    tag,
                    on_match: if number(4) == 0 {
                        Verdict::Exclude
                    } else {
                        Verdict::Include
                    },
                    relation: if number(8) == 0 {
                        Relation::Or
                    } else {
                        Relation::And
                    },
                    records,
                    undone: false,
                    span: Span::new(at, at + EVENT),
                });
            }
            at = number(12) as usize;
        }
        elements
    }

    fn spend(&mut self, at: usize) -> bool {
        if self.budget == 0 {
            self.problems.push(format!(
                "offset {at}: the chain of records runs in a circle"
            ));
            return false;
        }
        self.budget -= 1;
        true
    }

    fn event(&mut self, id: u32, at: usize) -> Option<(&'static EventType, String)> {
        let event = self.schema.event(id);
        let found = event.and_then(|e| Some((e, e.tag.clone()?)));
        if found.is_none() {
            self.problems.push(format!(
                "offset {at}: event {id} has no filters in any known schema"
            ));
        }
        found
    }

    /// The records of an element, whose own record ends at `from` and the next one's begins at `to`.
    fn filters(
        &mut self,
        event: &EventType,
        first: usize,
        count: u32,
        from: usize,
        to: usize,
    ) -> Vec<Record> {
        let mut records = Vec::new();
        let (mut at, mut open, mut found, mut expected) = (first, 0u32, 0u32, from);
        while at != 0 {
            if !self.spend(at) {
                break;
            }
            let Some((filter, next, rule_at)) = self.filter(event, at) else {
                break;
            };
            found += 1;
            let own = match filter.rule {
                Some(id) if id != open && rule_at != 0 => rule_at,
                _ => at,
            };
            self.empty_rules(expected, own, &mut records);
            expected = aligned(at + FILTER + 2 * (filter.value.encode_utf16().count() + 1) + 1);
            match filter.rule {
                Some(id) if id != open => {
                    open = id;
                    records.push(Record::Rule(self.rule(id, rule_at)));
                }
                None => open = 0,
                _ => {}
            }
            records.push(Record::Filter(filter));
            at = next;
        }
        self.empty_rules(expected, to, &mut records);
        if found != count {
            self.problems.push(format!(
                "event {}: {count} filters announced, {found} found",
                event.id
            ));
        }
        records
    }

    /// `<Rule>` records without filters: nothing points at them, but they fill the gap between the
    /// records around them.
    fn empty_rules(&mut self, from: usize, to: usize, records: &mut Vec<Record>) {
        let size = aligned(AGGREGATION);
        let mut at = from;
        while to >= at && to - at >= size && to <= self.bytes.len() {
            let number = |i: usize| u32_at(self.bytes, at + i);
            let (Some(id), Some(0), Some(0)) = (number(264), number(268), number(276)) else {
                return;
            };
            if id == 0 {
                return;
            }
            let rule = self.rule(id, at);
            records.push(Record::Rule(rule));
            at += size;
        }
    }

    /// The filter at an offset, with the offsets of the next one and of its `<Rule>`.
    fn filter(&mut self, event: &EventType, at: usize) -> Option<(Filter, usize, usize)> {
        let Some(record) = self.bytes.get(at..at.saturating_add(FILTER)) else {
            self.problems
                .push(format!("offset {at}: the filter leaves the blob"));
            return None;
        };
        let number = |i| u32_at(record, i).unwrap_or(0);
        let length = number(524) as usize;
        let start = at + FILTER;
        let data = start
            .checked_add(length)
            .filter(|&end| length.is_multiple_of(2) && length >= 2 && end < self.bytes.len() + 1)
            .and_then(|end| self.bytes.get(start..end))
            .filter(|d| d.ends_with(&[0, 0]));
        let Some(data) = data else {
            self.problems.push(format!("offset {at}: the filter's value of {length} bytes is malformed; Sysmon drops it and what follows in its element"));
            return None;
        };
        let index = number(0);
        let code = number(516);
        let name = event.fields.get(index as usize).cloned();
        let (Some(field_name), Some(op)) = (name, Op::from_code(code)) else {
            self.problems.push(format!(
                "offset {at}: event {} has no field {index}, or condition {code} is unknown",
                event.id
            ));
            return None;
        };
        if code & !0xFFFF != 0 {
            self.problems.push(format!(
                "offset {at}: condition {code:#x} carries run-time flags"
            ));
        }
        let value = self.text(start, &data[..length - 2]);
        let name = self.text(at + 4, until_zero(&record[4..4 + 2 * FILTER_NAME]));
        let rule = number(528);
        let filter = Filter {
            field: index,
            field_name,
            op,
            value,
            name,
            rule: (rule != 0).then_some(rule),
            span: Span::new(at, start + length),
            value_span: Span::new(start, start + length),
        };
        Some((filter, number(520) as usize, number(532) as usize))
    }

    fn rule(&mut self, id: u32, at: usize) -> Rule {
        let record = self
            .bytes
            .get(at..at.saturating_add(AGGREGATION))
            .filter(|_| at != 0);
        let stored = record.and_then(|r| u32_at(r, 264));
        if stored != Some(id) {
            self.problems.push(format!("offset {at}: there is no record of <Rule> {id} here; it is read as an `or` without a name"));
        }
        let record = record.filter(|_| stored == Some(id));
        Rule {
            id,
            name: record.map_or(String::new(), |r| {
                self.text(at, until_zero(&r[..2 * RULE_NAME]))
            }),
            relation: match record.and_then(|r| u32_at(r, 280)) {
                Some(0) | None => Relation::Or,
                Some(_) => Relation::And,
            },
            span: Span::new(at, at.saturating_add(AGGREGATION)),
        }
    }

    fn text(&mut self, at: usize, bytes: &[u8]) -> String {
        utf16(bytes).unwrap_or_else(|lossy| {
            self.problems.push(format!(
                "offset {at}: the text has a lone surrogate, replaced by U+FFFD"
            ));
            lossy
        })
    }
}

/// The bytes before the first zero unit.
fn until_zero(bytes: &[u8]) -> &[u8] {
    let end = bytes.chunks_exact(2).position(|u| u == [0, 0]);
    end.map_or(bytes, |i| &bytes[..2 * i])
}

/// Text of little-endian UTF-16; the error holds it with replacements.
pub(super) fn utf16(bytes: &[u8]) -> Result<String, String> {
    let units: Vec<u16> = bytes
        .chunks_exact(2)
        .map(|b| u16::from_le_bytes([b[0], b[1]]))
        .collect();
    String::from_utf16(&units).map_err(|_| String::from_utf16_lossy(&units))
}
