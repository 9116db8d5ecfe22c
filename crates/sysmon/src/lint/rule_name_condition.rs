//! # SC114 rule-name-condition
//!
//! A condition on RuleName sees only `-`.
//!
//! What it does: Reports every filter on the field RuleName and says whether it always or never
//! matches.
//!
//! Why it matters: Sysmon fills in RuleName after filtering. During filtering the value is `-` for
//! every event.
//!
//! Example: `<RuleName condition="contains">technique</RuleName>` never matches.
//!
//! Use instead: a condition on what the event itself says.
//!
//! Source: SysmonCommon, rules.c.

use super::context::{Context, error};
use crate::diagnostic::Diagnostic;
use crate::text;
pub(super) fn check(cx: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for (_, f) in cx.filters().filter(|(_, f)| f.field_name == "RuleName") {
        let holds = text::matches(f.op, "-", &f.value.to_ascii_lowercase());
        let word = if holds { "always" } else { "never" };
        out.push(
            error("SC114", f.span, format!("this condition {word} matches")).note(
                "RuleName is set after filtering; during filtering it is `-` for every event.",
            ),
        );
    }
}
