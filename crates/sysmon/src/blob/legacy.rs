//! The layout up to binary version 8: no rule names, no `<Rule>`, other condition codes, and field
//! indexes of the schema version that the blob names.

use super::{BinaryVersion, Decoded, decode::utf16, u32_at};
use crate::diagnostic::Span;
use crate::rules::{Element, Filter, Op, Record, Relation, RuleSet};
use crate::schema::{self, SchemaVersion, Verdict};

pub(super) const HEADER: usize = 16;
const EVENT: usize = 16;
const RULE: usize = 16;

const OPS: [Op; 9] = [
    Op::Is,
    Op::IsNot,
    Op::Contains,
    Op::Excludes,
    Op::BeginWith,
    Op::EndWith,
    Op::LessThan,
    Op::MoreThan,
    Op::Image,
];

pub(super) fn decode(bytes: &[u8]) -> Decoded {
    let number = |at: usize| u32_at(bytes, at).unwrap_or(0);
    let version = SchemaVersion(number(12));
    let schema = schema::all().iter().find(|s| s.version <= version);
    let mut problems = Vec::new();
    if schema.is_none_or(|s| s.version != version) {
        problems.push(format!("offset 12: schema version {version} is not published; fields are named by the next older one"));
    }
    let mut elements = Vec::new();
    let mut budget = bytes.len() / EVENT + 1;
    let (count, mut at) = (number(4), HEADER);
    for _ in 0..count {
        if at == 0 || at.saturating_add(EVENT) > bytes.len() || budget == 0 {
            problems.push(format!(
                "offset {at}: {count} event records announced, {} found",
                elements.len()
            ));
            break;
        }
        let id = number(at);
        let event = schema.and_then(|s| s.event(id));
        let Some((event, tag)) = event.and_then(|e| Some((e, e.tag.clone()?))) else {
            problems.push(format!(
                "offset {at}: event {id} has no filters in schema {version}"
            ));
            at = number(at + 8) as usize;
            budget -= 1;
            continue;
        };
        let mut records = Vec::new();
        let mut rule = at + EVENT;
        for _ in 0..number(at + 12) {
            budget = budget.saturating_sub(1);
            let length = number(rule.saturating_add(12)) as usize;
            let data = rule
                .checked_add(RULE)
                .and_then(|start| bytes.get(start..start.checked_add(length)?));
            let (index, code) = (number(rule), number(rule.saturating_add(4)));
            let name = event.fields.get(index as usize);
            let op = OPS.get((code & 0xFFFF) as usize);
            let (Some(data), Some(name), Some(op), true) = (data, name, op, budget > 0) else {
                problems.push(format!("offset {rule}: the filter is malformed; it and what follows in its element are left out"));
                break;
            };
            let value = utf16(data).unwrap_or_else(|lossy| {
                problems.push(format!(
                    "offset {rule}: the text has a lone surrogate, replaced by U+FFFD"
                ));
                lossy
            });
            records.push(Record::Filter(Filter {
                field: index,
                field_name: name.clone(),
                op: *op,
                value: value.trim_end_matches('\0').to_owned(),
                name: String::new(),
                rule: None,
                span: Span::new(rule, rule + RULE + length),
                value_span: Span::new(rule + RULE, rule + RULE + length),
            }));
            rule = number(rule + 8) as usize;
        }
        elements.push(Element {
            event_id: id,
            tag,
            on_match: if number(at + 4) == 0 {
                Verdict::Exclude
            } else {
                Verdict::Include
            },
            relation: Relation::Or,
            records,
            undone: false,
            span: Span::new(at, at + EVENT),
        });
        at = number(at + 8) as usize;
    }
    Decoded {
        rules: RuleSet {
            version,
            elements,
            rule_reports_own_name: true,
        },
        binary: BinaryVersion(number(0)),
        problems,
    }
}
