//! # SC103 empty-include
//!
//! An including element without filters logs nothing.
//!
//! What it does: Says what each empty include does: alone it switches an event type off (most types
//! are off anyway); as the last NetworkConnect, ImageLoad, DnsQuery or ProcessAccess element it
//! switches off the collection of that type even where other elements have filters.
//!
//! Why it matters: An empty include is often read as "include all". It is the opposite of an empty
//! exclude, which logs all.
//!
//! Example: `<ProcessCreate onmatch="include"/>`: no process creation is logged.
//!
//! Use instead: `<ProcessCreate onmatch="exclude"/>` to log all.
//!
//! Source: SysmonCommon, rules.c and xml.cpp.

use super::context::{Context, error, note, warning};
use crate::diagnostic::Diagnostic;
use crate::schema::{self, Verdict};
pub(super) fn check(cx: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for (tag, elements) in cx.by_tag() {
        let last = elements.len() - 1;
        for (i, element) in elements.iter().enumerate() {
            if element.on_match == Verdict::Exclude || element.filters().next().is_some() {
                continue;
            }
            let span = cx.name_span(element.span);
            let option = schema::newest().option(tag).is_some_and(|o| o.rule);
            let filters = elements.iter().any(|e| e.filters().next().is_some());
            if i == last && option && filters {
                out.push(
                    error("SC103", span, format!("this empty include switches {tag} off"))
                        .note(format!("The last {tag} element decides whether Sysmon collects these events at all, so the filters of the others see nothing.")),
                );
            } else if elements.len() > 1 {
                out.push(note("SC103", span, format!("this empty include of {tag} matches nothing"))
                    .note("It only counts as one more element: what no other filter matches is dropped."));
            } else if schema::newest()
                .series(tag)
                .any(|e| e.default == Some(Verdict::Include))
            {
                out.push(warning("SC103", span, format!("this empty include drops every {tag} event"))
                    .note(format!("Without the element, all {tag} events would be logged. An empty exclude logs all of them.")));
            } else {
                out.push(note("SC103", span, format!("this empty include drops every {tag} event"))
                    .note(format!("That is also what happens without the element. An empty exclude would log all {tag} events.")));
            }
        }
    }
}
