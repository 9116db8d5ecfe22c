//! # SC101 only-excludes
//!
//! Several excluding elements and no including one: nothing is ever logged.
//!
//! What it does: Reports event types with two or more elements that all exclude.
//!
//! Why it matters: Where nothing matches, Sysmon logs an event only if its type has exactly one
//! element and that excludes. With two, every event of the type is lost.
//!
//! Example: two `<ProcessCreate onmatch="exclude">` in one file.
//!
//! Use instead: one excluding element that holds all filters.
//!
//! Source: SysmonCommon, rules.c; conformance vector hand_two_excludes.

use super::context::{Context, error};
use crate::diagnostic::Diagnostic;
use crate::schema::Verdict;
pub(super) fn check(cx: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for (tag, elements) in cx.by_tag() {
        let all = elements.iter().all(|e| e.on_match == Verdict::Exclude);
        if let ([first, second, ..], true) = (elements.as_slice(), all) {
            out.push(
                error("SC101", cx.name_span(second.span), format!("{} elements of {tag}, all excluding", elements.len()))
                    .related(cx.name_span(first.span), "the first one is here")
                    .note(format!("No {tag} event is ever logged: with more than one element, what no filter matches is dropped."))
                    .note("Move all filters into one element."),
            );
        }
    }
}
