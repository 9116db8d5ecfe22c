//! # SC109 text-order
//!
//! `less than` and `more than` compare text, never numbers.
//!
//! What it does: Reports the two conditions where the value looks like a number or the field holds
//! one.
//!
//! Why it matters: The comparison goes character by character: "9" is more than "1024", "80" is
//! more than "443".
//!
//! Example: `<DestinationPort condition="more than">1024</DestinationPort>`.
//!
//! Use instead: a list of the ports, or a `begin with` for a range.
//!
//! Source: SysmonCommon, rules.c; conformance vector sfl_17_less_more_than.

use super::context::{Context, warning};
use crate::diagnostic::Diagnostic;
use crate::rules::Op;
use crate::schema;
pub(super) fn check(cx: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for (_, f) in cx.filters() {
        if !matches!(f.op, Op::LessThan | Op::MoreThan) {
            continue;
        }
        let value = f.value.trim();
        let numeric = value.parse::<f64>().is_ok() || value.starts_with("0x");
        if numeric || !schema::is_text(&f.field_name) {
            out.push(
                warning(
                    "SC109",
                    cx.condition_span(f),
                    format!("`{}` compares {} as text", f.op.name(), f.field_name),
                )
                .note("Texts are ordered character by character, so \"9\" is more than \"1024\"."),
            );
        }
    }
}
