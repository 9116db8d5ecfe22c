//! # SC116 leaking-name
//!
//! The name of a rule that did not match can appear on other events.
//!
//! What it does: Reports named conditions of an excluding `and` that is tried before an include
//! without a name.
//!
//! Why it matters: The rule name is set by every single condition that matches and is not taken
//! back when the group around it fails. An event that a later nameless include logs then carries
//! the exclude's name.
//!
//! Example: a named `<Rule groupRelation="and">` in the exclude, of which only the first condition
//! matches.
//!
//! Use instead: a name for every including filter.
//!
//! Source: SysmonCommon, rules.c; conformance vector hand_rulename_leak.

use super::context::{Context, note};
use crate::diagnostic::Diagnostic;
use crate::rules::{Relation, Unit};
use crate::schema::Verdict;
pub(super) fn check(cx: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for (tag, elements) in cx.by_tag() {
        let nameless = elements
            .iter()
            .filter(|e| e.on_match == Verdict::Include)
            .flat_map(|e| e.filters())
            .find(|f| f.name.is_empty());
        let Some(nameless) = nameless else { continue };
        for element in elements.iter().filter(|e| e.on_match == Verdict::Exclude) {
            let first = element.units().into_iter().find_map(|u| match u {
                Unit::Rule(_, Relation::And, fs) if fs.len() > 1 && !fs[0].name.is_empty() => {
                    Some(fs[0])
                }
                Unit::Filter(f) if element.relation == Relation::And && !f.name.is_empty() => {
                    Some(f)
                }
                _ => None,
            });
            if let Some(f) = first {
                out.push(
                    note("SC116", cx.name_span(f.span), format!("the name `{}` can appear on {tag} events that this rule does not match", f.name))
                        .related(cx.name_span(nameless.span), "such as those that this nameless filter logs")
                        .note("A condition that matches sets the rule name even if the rest of its group fails."),
                );
            }
        }
    }
}
