//! # SC113 negative-alternative
//!
//! A negative condition that alone decides.
//!
//! What it does: Reports `is not`, `excludes` and the other negative conditions where one match
//! settles the element (in an `or`), two or more filters share it, or it excludes. Values that nearly
//! every event has are left out: few events lack them.
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

use super::context::{Context, warning};
use crate::diagnostic::Diagnostic;
use crate::rules::{Filter, Op};
use crate::schema::{self, Verdict};
pub(super) fn check(cx: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for element in cx.elements() {
        let count = element.filters().count();
        for f in element.filters() {
            let alone = f.op.is_negative() && cx.decides_alone(f);
            if !alone
                || lacks_a_common_value(f)
                || (count == 1 && element.on_match == Verdict::Include)
            {
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

/// Texts that nearly every value of a field holds, so that a negative condition on one is rarely met.
const COMMON: &[(&[&str], &[&str])] = &[
    (
        &["Image", "ParentImage", "SourceImage", "TargetImage"],
        &[".exe", "exe", "\\", "c:\\", ":\\", "c:"],
    ),
    (&["ImageLoaded"], &[".dll", "\\", "c:\\", ":\\", "c:"]),
    (
        &["TargetFilename", "CurrentDirectory"],
        &["\\", "c:\\", ":\\", "c:"],
    ),
    (&["TargetObject"], &["\\", "hk", "hklm", "hku"]),
    (&["PipeName"], &["\\"]),
    (&["SignatureStatus"], &["valid"]),
    (&["Signed"], &["true"]),
    (&["Initiated"], &["true"]),
    (
        &["Signature", "Company"],
        &["microsoft windows", "microsoft corporation", "microsoft"],
    ),
    (&["Protocol"], &["tcp"]),
    (&["DestinationPortName"], &["-"]),
    (&["User"], &["nt authority\\system", "nt authority"]),
    (&["EventType"], &["setvalue"]),
];

fn lacks_a_common_value(f: &Filter) -> bool {
    let value = f.value.trim().to_ascii_lowercase();
    let field = |row: &&(&[&str], &[&str])| row.0.contains(&f.field_name.as_str());
    let list = matches!(f.op, Op::ExcludesAny | Op::ExcludesAll);
    COMMON.iter().filter(field).any(|(_, common)| match list {
        true => value.split(';').any(|t| common.contains(&t)),
        false => common.contains(&value.as_str()),
    })
}
