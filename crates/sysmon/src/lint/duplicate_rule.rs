//! # SC146 duplicate-rule
//!
//! The same `<Rule>` twice.
//!
//! What it does: Reports a `<Rule>` with the same conditions and relation as one that Sysmon asks before
//! it, in the same or another element of the event type with the same verdict. The order of the
//! conditions and letter case do not count.
//!
//! Why it matters: The second one never decides anything, and its rule name never appears.
//!
//! Example: a rule pasted twice under two technique names.
//!
//! Use instead: one of them.
//!
//! Source: SysmonCommon, rules.c: elements of one verdict are asked from the last to the first, and the
//! first match decides.

use std::collections::HashMap;

use super::context::{Context, warning};
use super::covers::{MatchUnit, units};
use crate::diagnostic::Diagnostic;
use crate::rules::{Filter, Op, Relation};
use crate::schema::Verdict;

/// What makes two rules the same.
pub(super) type RuleKey = (Verdict, u32, bool, Vec<(u32, Op, String)>);

pub(super) fn check(cx: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for (_, elements) in cx.by_tag() {
        let all = units(&elements);
        let mut seen: HashMap<RuleKey, &MatchUnit<'_>> = HashMap::new();
        for unit in &all {
            let (Some(rule), Some(key)) = (unit.rule, key(unit)) else {
                continue;
            };
            let Some(first) = seen.get(&key) else {
                seen.insert(key, unit);
                continue;
            };
            let Some(other) = first.rule else { continue };
            let name = |u: &MatchUnit<'_>| u.filters().last().map_or("", |f| &f.name).to_owned();
            let (lost, shown) = (name(unit), name(first));
            let named = match lost.is_empty() || lost == shown {
                true => String::new(),
                false => format!(" The rule name `{lost}` never appears; `{shown}` does."),
            };
            out.push(
                warning(
                    "SC146",
                    cx.name_span(rule.span),
                    "the same rule stands here twice",
                )
                .related(cx.name_span(other.span), "this one is asked first")
                .note(format!("The first match decides.{named}")),
            );
        }
    }
}

/// What two rules have in common that are the same; nothing for what is no rule with conditions.
pub(super) fn key(unit: &MatchUnit<'_>) -> Option<RuleKey> {
    let rule = unit.rule?;
    let condition = |f: &Filter| (f.field, f.op, f.value.to_ascii_lowercase());
    let mut conditions: Vec<_> = unit.filters().map(condition).collect();
    conditions.sort();
    conditions.dedup();
    let and = rule.relation == Relation::And && conditions.len() > 1;
    let element = unit.element;
    (!conditions.is_empty()).then_some((element.on_match, element.event_id, and, conditions))
}
