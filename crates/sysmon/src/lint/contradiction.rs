//! # SC106 contradiction
//!
//! An `and` rule that can never match.
//!
//! What it does: Reports rules with `groupRelation="and"` in which two conditions on one field
//! exclude each other.
//!
//! Why it matters: Inside a `<Rule>` every condition must hold. Two filters on one field are
//! alternatives only directly below the event element.
//!
//! Example: `<Rule groupRelation="and"><Image>C:\a.exe</Image><Image>C:\b.exe</Image></Rule>`.
//!
//! Use instead: `is any` with a list, or two rules.
//!
//! Source: SysmonCommon, rules.c; conformance vector hand_contradictory_and.

use super::context::{Context, error, value_span};
use crate::diagnostic::Diagnostic;
use crate::rules::{Filter, Op, Relation, Unit};
use crate::text;
pub(super) fn check(cx: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for element in cx.elements() {
        for unit in element.units() {
            let Unit::Rule(_, Relation::And, filters) = unit else {
                continue;
            };
            let pair = filters.iter().enumerate().find_map(|(i, a)| {
                let b = filters[..i]
                    .iter()
                    .find(|b| b.field == a.field && contradict(a, b))?;
                Some((*a, *b))
            });
            if let Some((a, b)) = pair {
                out.push(
                    error("SC106", value_span(a), format!("no value of {} passes both this and another condition of the rule", a.field_name))
                        .related(value_span(b), "the other condition")
                        .note("The rule never matches: in a <Rule> with `and`, every condition must hold."),
                );
            }
        }
    }
}

/// True only where the two conditions certainly exclude each other.
fn contradict(a: &Filter, b: &Filter) -> bool {
    let (x, y) = (a.value.to_ascii_lowercase(), b.value.to_ascii_lowercase());
    if x.contains('%') || y.contains('%') {
        return false;
    }
    let exact = |f: &Filter, v: &str| -> Option<Vec<String>> {
        match f.op {
            Op::Is => Some(vec![v.to_owned()]),
            Op::IsAny => Some(v.split(';').map(str::to_owned).collect()),
            Op::Image if v.contains('\\') => Some(vec![v.to_owned()]),
            _ => None,
        }
    };
    if let Some(values) = exact(a, &x) {
        return !values.iter().any(|v| text::matches(b.op, v, &y));
    }
    if let Some(values) = exact(b, &y) {
        return !values.iter().any(|v| text::matches(a.op, v, &x));
    }
    match (a.op, b.op) {
        (Op::BeginWith, Op::BeginWith) => !x.starts_with(&y) && !y.starts_with(&x),
        (Op::EndWith | Op::Image, Op::EndWith | Op::Image) => !x.ends_with(&y) && !y.ends_with(&x),
        (Op::Contains, Op::Excludes) => x.contains(&y),
        (Op::Excludes, Op::Contains) => y.contains(&x),
        _ => false,
    }
}
