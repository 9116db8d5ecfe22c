//! # SC141 quoted-path
//!
//! Quotation marks around a path.
//!
//! What it does: Reports quotation marks in conditions on fields that hold the path of a file.
//!
//! Why it matters: A value is the text between the tags. Quotation marks belong to it, and no path has
//! any.
//!
//! Example: `<Image>"C:\Program Files\App\a.exe"</Image>` never matches.
//!
//! Use instead: `<Image>C:\Program Files\App\a.exe</Image>`.
//!
//! Source: Windows allows no quotation mark in a name; 64 such conditions in published configurations.

use super::context::Context;
use crate::diagnostic::Diagnostic;

/// Straight ones, and those that text processors make of them.
const MARKS: [char; 5] = ['"', '\u{201C}', '\u{201D}', '\u{201E}', '\u{00AB}'];

pub(super) fn check(cx: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for v in cx.values().filter(|v| v.is_file()) {
        for text in &v.texts {
            if !text.text.contains(MARKS) {
                continue;
            }
            let straight = text.text.contains('"');
            let why = "Quotation marks belong to the value, and no path has any.";
            let d = v.never("SC141", text, straight, why);
            let bare = text.text.replace(MARKS, "");
            out.push(match bare.trim().is_empty() {
                true => d,
                false => v.with_rewrite(cx, d, text, bare.trim()),
            });
        }
    }
}
