//! # SC123 case-beyond-ascii
//!
//! Letters outside A-Z are compared with their case.
//!
//! What it does: Reports values with letters outside ASCII that have upper and lower case.
//!
//! Why it matters: Conditions ignore the case of A-Z only. `Ä` and `ä` differ, so a path that is
//! written differently is not matched.
//!
//! Example: `<Image condition="contains">\Büro\</Image>` does not match `\BÜRO\`.
//!
//! Use instead: one filter for each way of writing.
//!
//! Source: SysmonCommon, rules.c; conformance vector hand_unicode.

use super::context::{Context, note, value_span};
use crate::diagnostic::Diagnostic;
pub(super) fn check(cx: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for (_, f) in cx.filters() {
        let cased = f
            .value
            .chars()
            .find(|c| !c.is_ascii() && (c.is_lowercase() || c.is_uppercase()));
        if let Some(c) = cased {
            out.push(
                note(
                    "SC123",
                    value_span(f),
                    format!("`{c}` is matched only in this letter case"),
                )
                .note("Conditions ignore the case of the letters A-Z and no others."),
            );
        }
    }
}
