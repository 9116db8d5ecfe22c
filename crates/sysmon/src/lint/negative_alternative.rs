//! # SC113 negative-alternative
//!
//! A negative condition that alone decides.
//!
//! What it does: Reports `is not`, `excludes` and the other negative conditions where one match
//! settles the element (in an `or`), two or more filters share it, or it excludes.
//!
//! Why it matters: A negative condition holds for nearly every event, and for events that lack the
//! field: its value is then `-`. In an `or` it makes its neighbours pointless.
//!
//! Example: `<ProcessCreate onmatch="include"><Company condition="is not">Microsoft</Company><Image
//! condition="image">cmd.exe</Image></ProcessCreate>` in an `or` group.
//!
//! Use instead: the negative condition in a `<Rule groupRelation="and">` together with a positive
//! one.
//!
//! Source: SysmonCommon, rules.c; conformance vector hand_missing_fields.

use super::context::{Context, decides_alone, warning};
use crate::diagnostic::Diagnostic;
use crate::schema::{self, Verdict};
pub(super) fn check(cx: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for element in cx.elements() {
        let count = element.units().len();
        for f in element.filters() {
            let alone = f.op.is_negative() && decides_alone(element, f);
            if !alone || (count == 1 && element.on_match == Verdict::Include) {
                continue;
            }
            let missing = if schema::is_text(&f.field_name) {
                format!(", also for events without {}", f.field_name)
            } else {
                String::new()
            };
            let what = match element.on_match {
                Verdict::Include => "logs",
                Verdict::Exclude => "drops",
            };
            out.push(
                warning(
                    "SC113",
                    cx.condition_span(f),
                    format!("this alone {what} nearly every {} event", element.tag),
                )
                .note(format!(
                    "`{}` holds for every other value{missing}, and one match is enough here.",
                    f.op.name()
                )),
            );
        }
    }
}
