//! # SC117 image-with-partial-path
//!
//! `image` with part of a path demands the whole path.
//!
//! What it does: Reports `image` conditions whose text has a `\` but is no full path.
//!
//! Why it matters: `image` compares the file name only if its text has no `\`. With one, the whole
//! value must be equal, so a partial path never matches.
//!
//! Example: `<Image condition="image">\cmd.exe</Image>`.
//!
//! Use instead: `<Image condition="image">cmd.exe</Image>` or `end with`.
//!
//! Source: SysmonCommon, rules.c; conformance vector hand_image_fullpath.

use super::context::{Context, error, is_image, value_span};
use crate::diagnostic::{Diagnostic, Safety};
use crate::rules::Op;
pub(super) fn check(cx: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for (_, f) in cx.filters() {
        let v = f.value.as_bytes();
        let drive = v.len() > 2 && v[0].is_ascii_alphabetic() && v[1] == b':' && v[2] == b'\\';
        let device =
            f.value.starts_with("\\\\") || f.value.to_ascii_lowercase().starts_with("\\device\\");
        let open = f.value.contains('%') || !is_image(&f.field_name);
        if f.op != Op::Image || !f.value.contains('\\') || drive || device || open {
            continue;
        }
        let d = error(
            "SC117",
            value_span(f),
            "`image` with a partial path never matches",
        )
        .note("With a `\\` in its text, `image` compares the whole path.");
        let name = f.value.rsplit('\\').next().unwrap_or("");
        let edit = cx.set_condition(f, Op::EndWith);
        out.push(match edit {
            Some(edit) if f.value.starts_with('\\') && !name.is_empty() => {
                d.fix("use `end with`", Safety::Unsafe, vec![edit])
            }
            _ => d,
        });
    }
}
