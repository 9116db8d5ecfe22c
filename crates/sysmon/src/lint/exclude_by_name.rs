//! # SC129 exclude-by-name
//!
//! An exclude by file name alone.
//!
//! What it does: Reports excluding conditions on programs that name no folder: `image` with a bare
//! name, and `end with` or `contains` with a name only.
//!
//! Why it matters: The name says nothing about the file: a copy of anything, named like the
//! excluded program and placed anywhere, is not logged.
//!
//! Example: `<Image condition="image">chrome.exe</Image>` in an exclude.
//!
//! Use instead: the full path below Program Files or Windows.
//!
//! Source: documented bypasses of public configurations.

use super::context::{Context, is_image, value_span, warning};
use crate::diagnostic::Diagnostic;
use crate::rules::Op;
use crate::schema::Verdict;
pub(super) fn check(cx: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for (element, f) in cx.filters() {
        if element.on_match == Verdict::Include || !is_image(&f.field_name) || !cx.decides_alone(f)
        {
            continue;
        }
        let name = f.value.strip_prefix('\\').unwrap_or(&f.value);
        let bare = !name.is_empty()
            && !name.contains(['\\', ';', ':'])
            && name.to_ascii_lowercase().ends_with(".exe");
        if matches!(f.op, Op::Image | Op::EndWith | Op::Contains) && bare {
            out.push(
                warning(
                    "SC129",
                    value_span(f),
                    format!(
                        "any program named `{name}` is not logged, wherever it lies ({})",
                        element.tag
                    ),
                )
                .note("Write the full path where only administrators can write."),
            );
        }
    }
}
