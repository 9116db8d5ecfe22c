//! # SC107 implicit-rule-or
//!
//! A `<Rule>` without `groupRelation` combines with `or`.
//!
//! What it does: Reports rules with two or more conditions that do not say how they combine.
//!
//! Why it matters: A rule defaults to `or`, a RuleGroup to `and`. A rule is nearly always written
//! to demand several things at once.
//!
//! Example: `<Rule name="x"><Image condition="image">a.exe</Image><User>me</User></Rule>` matches
//! every event of `me`.
//!
//! Use instead: `<Rule name="x" groupRelation="and">`.
//!
//! Source: SysmonCommon, xml.cpp.

use super::context::{Context, warning};
use crate::diagnostic::{Diagnostic, Safety, Span};
use crate::rules::{Relation, Unit};
pub(super) fn check(cx: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for element in cx.elements() {
        for unit in element.units() {
            let Unit::Rule(id, Relation::Or, filters) = unit else {
                continue;
            };
            let Some((node_id, node)) = element.rule(id).and_then(|r| cx.node_at(r.span)) else {
                continue;
            };
            if filters.len() < 2 || cx.tree.attribute(node_id, "groupRelation").is_some() {
                continue;
            }
            let end = node.name_span.end;
            out.push(
                warning("SC107", node.name_span, "this <Rule> does not say how its conditions combine")
                    .note(format!("Any one of its {} conditions is enough: a <Rule> without groupRelation is an `or`.", filters.len()))
                    .fix("demand all conditions", Safety::Unsafe, vec![(Span::new(end, end), " groupRelation=\"and\"".to_owned())]),
            );
        }
    }
}
