//! # SC128 exclude-writable-path
//!
//! An exclude over a path that any user can write to.
//!
//! What it does: Reports excluding conditions on program paths below folders in which ordinary
//! users may create files (user profiles, ProgramData, Temp, Tasks, the recycle bin).
//!
//! Why it matters: Whoever places a program there under the excluded name is not logged. A folder
//! below Program Files or Windows needs administrator rights.
//!
//! Example: `<Image condition="end with">\AppData\Local\Temp\setup.exe</Image>` in an exclude.
//!
//! Use instead: a path that only administrators can write to, or an `and` with a signature or
//! parent.
//!
//! Source: `writable_folders.yaml` of the catalog, which names its own; documented bypasses of public
//! configurations.

use super::context::{Context, is_image, value_span, warning};
use crate::diagnostic::Diagnostic;
use crate::schema::Verdict;
use catalog::writable;

pub(super) fn check(cx: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for (element, f) in cx.filters() {
        if element.on_match == Verdict::Include
            || f.op.is_negative()
            || !is_image(&f.field_name)
            || !cx.decides_alone(f)
        {
            continue;
        }
        if let Some(open) = writable::why(&f.value) {
            out.push(
                warning(
                    "SC128",
                    value_span(f),
                    format!(
                        "a program that a user places here is not logged ({})",
                        element.tag
                    ),
                )
                .note(format!(
                    "Ordinary users may create files below `{}` by default: {}.",
                    open.folder, open.why
                )),
            );
        }
    }
}
