//! # SC102 lost-log-all
//!
//! An empty exclude has no effect beside an include.
//!
//! What it does: Reports excluding elements without filters where the event type also has an
//! including element.
//!
//! Why it matters: An empty exclude alone logs everything. Beside an include it only counts as a
//! second element: events that no include matches are dropped.
//!
//! Example: `<DriverLoad onmatch="exclude"/>` and `<DriverLoad
//! onmatch="include"><Signed>false</Signed></DriverLoad>`.
//!
//! Use instead: either the empty exclude or the include.
//!
//! Source: SysmonCommon, rules.c; in public configurations for DriverLoad, ProcessTerminate,
//! FileCreateStreamHash.

use super::context::{Context, warning};
use crate::diagnostic::Diagnostic;
use crate::schema::Verdict;
pub(super) fn check(cx: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for (tag, elements) in cx.by_tag() {
        let include = elements.iter().find(|e| e.on_match == Verdict::Include);
        let empty = elements
            .iter()
            .find(|e| e.on_match == Verdict::Exclude && e.filters().next().is_none());
        let (Some(include), Some(empty)) = (include, empty) else {
            continue;
        };
        let kept = if elements
            .iter()
            .any(|e| e.on_match == Verdict::Include && e.filters().next().is_some())
        {
            format!("Only the {tag} events that an include matches are logged, not all of them.")
        } else {
            format!("No {tag} event is logged.")
        };
        out.push(
            warning(
                "SC102",
                cx.name_span(empty.span),
                format!("this empty exclude does not log all {tag} events"),
            )
            .related(cx.name_span(include.span), "because of this include")
            .note(kept),
        );
    }
}
