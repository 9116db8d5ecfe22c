//! # SC121 empty-value
//!
//! A condition with an empty value matches everything or nothing.
//!
//! What it does: Reports filters without text and says what they do.
//!
//! Why it matters: An empty text is part, beginning and end of every value, and equal to none (a
//! missing value is `-`).
//!
//! Example: `<Image condition="contains"></Image>` matches every event.
//!
//! Use instead: remove the filter.
//!
//! Source: SysmonCommon, rules.c; conformance vector hand_empty_values_ops.

use super::context::{Context, warning};
use crate::diagnostic::Diagnostic;
use crate::text;
pub(super) fn check(cx: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for (_, f) in cx.filters().filter(|(_, f)| f.value.is_empty()) {
        let word = if text::matches(f.op, "x", "") {
            "always"
        } else {
            "never"
        };
        out.push(
            warning("SC121", f.span, format!("`{}` with an empty value {word} matches", f.op.name()))
                .note("An empty text is found in every value and equal to none; a missing value reads `-`."),
        );
    }
}
