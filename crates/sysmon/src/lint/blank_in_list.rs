//! # SC111 blank-in-list
//!
//! Blanks around `;` are part of the list entries.
//!
//! What it does: Reports list entries that begin or end with a blank although the first one does
//! not begin, or the last one not end, with one.
//!
//! Why it matters: Nothing is trimmed: the list `a; b` searches `a` and ` b`.
//!
//! Example: `<Image condition="is any">C:\a.exe; C:\b.exe</Image>` never matches C:\b.exe.
//!
//! Use instead: `C:\a.exe;C:\b.exe`.
//!
//! Source: SysmonCommon, rules.c.

use super::context::{Context, is_path, value_span, warning};
use crate::diagnostic::Diagnostic;
pub(super) fn check(cx: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for (_, f) in cx.filters() {
        if !f.op.takes_list() || !f.value.contains(';') {
            continue;
        }
        // A list whose entries all have the blank means it, as in ` /c ; -enc `.
        let entries: Vec<&str> = f.value.split(';').collect();
        let leading = entries
            .iter()
            .filter(|e| e.starts_with(char::is_whitespace))
            .count();
        let trailing = entries
            .iter()
            .filter(|e| e.ends_with(char::is_whitespace))
            .count();
        let odd = |n: usize| n > 0 && n + 1 >= entries.len() && n < entries.len();
        let path = is_path(&f.field_name);
        if odd(leading) && !f.value.starts_with(char::is_whitespace)
            || odd(trailing) && !f.value.ends_with(char::is_whitespace)
            || path && leading + trailing > 0
        {
            out.push(
                warning("SC111", value_span(f), "blanks around `;` belong to the list entries")
                    .note("Sysmon trims nothing: an entry with a blank is found only where the value has the blank."),
            );
        }
    }
}
