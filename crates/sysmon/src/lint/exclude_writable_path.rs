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
//! Source: default access rights of Windows; documented bypasses of public configurations.

use super::context::{Context, decides_alone, is_image, value_span, warning};
use crate::diagnostic::Diagnostic;
use crate::schema::Verdict;
const WRITABLE: [&str; 12] = [
    "\\users\\",
    "\\appdata\\",
    "\\programdata\\",
    "\\windows\\temp\\",
    "\\windows\\tasks\\",
    "\\temp\\",
    "\\downloads\\",
    "\\$recycle.bin\\",
    "\\system32\\tasks\\",
    "\\spool\\drivers\\color\\",
    "\\users\\public\\",
    "%temp%",
];

/// Folders below those that are closed to ordinary users all the same.
const CLOSED: [&str; 2] = [
    "\\programdata\\microsoft\\windows defender\\",
    "\\programdata\\microsoft\\windows defender advanced threat protection\\",
];

pub(super) fn check(cx: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for (element, f) in cx.filters() {
        if element.on_match == Verdict::Include
            || f.op.is_negative()
            || !is_image(&f.field_name)
            || !decides_alone(element, f)
        {
            continue;
        }
        let lower = f.value.to_ascii_lowercase();
        if CLOSED.iter().any(|c| lower.contains(c)) {
            continue;
        }
        if let Some(folder) = WRITABLE.iter().find(|w| lower.contains(**w)) {
            out.push(
                warning(
                    "SC128",
                    value_span(f),
                    format!(
                        "a user can place a program here and is not logged ({})",
                        element.tag
                    ),
                )
                .note(format!(
                    "Ordinary users may create files below `{folder}` by default."
                )),
            );
        }
    }
}
