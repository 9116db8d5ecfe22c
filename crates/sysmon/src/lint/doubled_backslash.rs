//! # SC134 doubled-backslash
//!
//! A path with doubled backslashes.
//!
//! What it does: Reports `\\` inside the texts of conditions on paths, registry paths and pipe names.
//!
//! Why it matters: Paths in JSON, in search pages and in programs are written with doubled backslashes.
//! In a configuration they are ordinary characters, and no path that Windows reports has two of them,
//! but for the beginning of a share.
//!
//! Example: `<Image condition="begin with">C:\\Program Files\\App\\</Image>` never matches.
//!
//! Use instead: `C:\Program Files\App\`.
//!
//! Source: published configurations and bug reports; public recordings.

use schema::ValueForm;

use super::context::Context;
use crate::diagnostic::Diagnostic;

pub(super) fn check(cx: &Context<'_>, out: &mut Vec<Diagnostic>) {
    let paths = |form| {
        use ValueForm::{Device, Path, Pipe, Program, RegistryPath};
        matches!(form, Path | Program | RegistryPath | Pipe | Device)
    };
    for v in cx.values().filter(|v| paths(v.form())) {
        for text in &v.texts {
            // A share, a device or a namespace begins with two.
            let share = v.is_file() && (text.start || !text.end) && text.text.starts_with("\\\\");
            let from = if share { 2 } else { 0 };
            let pipe = v.form() == ValueForm::Pipe && text.text.starts_with("\\\\.");
            if pipe || !text.text.get(from..).is_some_and(|t| t.contains("\\\\")) {
                continue;
            }
            let why = "In a configuration a backslash stands for itself; doubled ones come from JSON, programs or search pages.";
            let d = v.never("SC134", text, false, why);
            let mut single = text.text.to_owned();
            while single.contains("\\\\") {
                single = single.replace("\\\\", "\\");
            }
            out.push(v.with_rewrite(cx, d, text, &single));
        }
    }
}
