//! # SC110 empty-list-entry
//!
//! An empty entry in a list of texts.
//!
//! What it does: Reports a `;` at the end, at the beginning or doubled, in `contains any`,
//! `contains all`, `excludes any` and `excludes all`.
//!
//! Why it matters: An empty entry is no entry that is skipped: at the end it is found in every
//! value, so `contains any` matches everything and `excludes any` nothing; elsewhere it searches a
//! literal `;` with the rest of the list.
//!
//! Example: `<CommandLine condition="contains any">-enc;-nop;</CommandLine>` matches every event.
//!
//! Use instead: no `;` at the end.
//!
//! Source: SysmonCommon, rules.c; six times in a published configuration of 2021.

use super::context::{Context, error, note, value_span, warning};
use crate::diagnostic::{Diagnostic, Safety};
use crate::rules::Op;
pub(super) fn check(cx: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for (_, f) in cx.filters() {
        let substrings = f.op.takes_list() && f.op != Op::IsAny;
        let v = &f.value;
        if !substrings || v.is_empty() || v.split(';').all(|t| !t.is_empty()) {
            continue;
        }
        let clean: Vec<&str> = v.split(';').filter(|t| !t.is_empty()).collect();
        let (span, clean) = (value_span(f), clean.join(";"));
        let d = if v.ends_with(';') {
            match f.op {
                Op::ContainsAny => error(
                    "SC110",
                    span,
                    "the `;` at the end makes this match every value",
                ),
                Op::ExcludesAny => error(
                    "SC110",
                    span,
                    "the `;` at the end keeps this from ever matching",
                ),
                _ => note(
                    "SC110",
                    span,
                    "the `;` at the end adds an entry that is always found",
                ),
            }
        } else {
            warning(
                "SC110",
                span,
                "an empty list entry searches a literal `;` with the rest of the list",
            )
        };
        let d = d.note(
            "List entries are separated by `;` without exception; an empty one is not skipped.",
        );
        let source = cx.config.source.slice(span);
        out.push(if source == v.as_str() && !clean.is_empty() {
            d.fix(
                "remove the empty entries",
                Safety::Unsafe,
                vec![(span, clean)],
            )
        } else {
            d
        });
    }
}
