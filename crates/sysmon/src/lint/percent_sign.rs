//! # SC120 percent-sign
//!
//! A `%` makes Sysmon expand environment variables.
//!
//! What it does: Reports values with a `%NAME%` (note), values where the `%` keeps the condition
//! from ever matching, and `%%` in fields where Sysmon does not double the sign. A single sign at an
//! open end of a text, as in `contains 100%`, is found.
//!
//! Why it matters: A value with `%` is expanded at match time into room for 260 characters; one
//! that does not fit never matches, not even negated. In CommandLine and registry Details the
//! event's own `%` are doubled, in ParentCommandLine they are not.
//!
//! Example: `<ParentCommandLine>%%SystemRoot%%\system32\svchost.exe</ParentCommandLine>`.
//!
//! Use instead: the expanded path, or `contains` with the part behind the variable.
//!
//! Source: SysmonCommon, rules.c and eventsCommon.cpp; the expansion itself is not published, so
//! how it treats `%%` is inferred.

use super::context::{Context, error, note, value_span, warning};
use crate::diagnostic::Diagnostic;
use crate::rules::{Filter, Op};
use crate::text;
pub(super) fn check(cx: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for (_, f) in cx.filters().filter(|(_, f)| f.value.contains('%')) {
        let span = value_span(f);
        let doubled = matches!(f.field_name.as_str(), "CommandLine" | "Details");
        let mut parts = f.value.split('%');
        parts.next();
        let names: Vec<&str> = parts.step_by(2).filter(|n| !n.is_empty()).collect();
        let closed = f.value.matches('%').count() > 1;
        if f.value.encode_utf16().count() >= text::MAX_EXPANDED {
            out.push(error("SC120", span, "this value is too long to be expanded and never matches")
                .note(format!("With a `%` in it, a value must stay below {} characters after expansion; otherwise even a negative condition does not match.", text::MAX_EXPANDED)));
        } else if f.value.contains("%%") && !doubled {
            out.push(warning("SC120", span, format!("`%%` is not found in {}", f.field_name))
                .note("Sysmon doubles `%` only in CommandLine and registry Details, and expands what stands between two signs before it compares. (How the unpublished expansion treats `%%` is inferred.)"));
        } else if !f.value.contains("%%") && closed && !names.is_empty() {
            out.push(
                note(
                    "SC120",
                    span,
                    format!(
                        "`%{}%` is expanded with the environment of the event's session",
                        names[0]
                    ),
                )
                .note("The condition depends on the user; unknown names stay as they are."),
            );
        } else if doubled && never_in_doubled(f) {
            out.push(
                warning(
                    "SC120",
                    span,
                    format!("a single `%` is never found in {}", f.field_name),
                )
                .note("Sysmon doubles every `%` of this field before it filters."),
            );
        }
    }
}

/// Whether no value in which every `%` is doubled holds the texts: one of them has an odd number of signs
/// in a row, which neither end of the text leaves open.
fn never_in_doubled(f: &Filter) -> bool {
    let (start, end) = match f.op {
        Op::Is | Op::IsNot | Op::IsAny | Op::Image => (true, true),
        Op::BeginWith | Op::NotBeginWith => (true, false),
        Op::EndWith | Op::NotEndWith => (false, true),
        _ => (false, false),
    };
    let odd = |text: &str| {
        let bytes = text.as_bytes();
        let runs = text.split(|c| c != '%').filter(|run| !run.is_empty());
        runs.into_iter().any(|run| {
            let from = run.as_ptr() as usize - text.as_ptr() as usize;
            let open = (from == 0 && !start) || (from + run.len() == bytes.len() && !end);
            run.len() % 2 == 1 && !open
        })
    };
    match f.op {
        Op::LessThan | Op::MoreThan => false,
        op if op.takes_list() => f.value.split(';').filter(|t| t.contains('%')).all(odd),
        _ => odd(&f.value),
    }
}
