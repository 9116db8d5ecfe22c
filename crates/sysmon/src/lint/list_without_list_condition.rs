//! # SC112 list-without-list-condition
//!
//! A `;` list in a condition that takes no list.
//!
//! What it does: Reports two or more texts separated by `;` in is, contains, begin with, end with,
//! image, excludes and their negations, on fields that do not hold free text.
//!
//! Why it matters: Only the conditions with `any` or `all` in their name split at `;`. Elsewhere it
//! is an ordinary character: positive conditions never match, negative ones always do.
//!
//! Example: `<Image condition="end with">\a.exe;\b.exe</Image>` never matches.
//!
//! Use instead: `<Image condition="contains any">`, or one filter for each.
//!
//! Source: SysmonCommon, rules.c; in published configurations.

use super::context::{Context, value_span, warning};
use crate::diagnostic::{Diagnostic, Safety};
use crate::rules::Op;
pub(super) fn check(cx: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for (_, f) in cx.filters() {
        let entries = f.value.split(';').filter(|t| !t.trim().is_empty()).count();
        let free = matches!(
            f.field_name.as_str(),
            "CommandLine"
                | "ParentCommandLine"
                | "Details"
                | "Contents"
                | "Query"
                | "Destination"
                | "CallTrace"
                | "QueryResults"
                | "RuleName"
        );
        if f.op.takes_list() || entries < 2 || (free && entries < 4) {
            continue;
        }
        let meaning = if f.op.is_negative() {
            "holds for every value"
        } else {
            "never matches"
        };
        let list = match f.op {
            Op::Is => Some(Op::IsAny),
            Op::Contains => Some(Op::ContainsAny),
            Op::Excludes => Some(Op::ExcludesAny),
            _ => None,
        };
        let d = warning("SC112", value_span(f), format!("`{}` takes no list", f.op.name()))
            .note(format!("`;` is an ordinary character here, so the condition {meaning} unless {} really contains it.", f.field_name));
        let fix = list.and_then(|op| Some((op, cx.set_condition(f, op)?)));
        out.push(match fix {
            Some((op, edit)) => d.fix(format!("use `{}`", op.name()), Safety::Unsafe, vec![edit]),
            None => d,
        });
    }
}
