//! # SC136 guid-spelling
//!
//! A GUID in a spelling that Sysmon never writes.
//!
//! What it does: Reports GUIDs without braces, with other brackets or without hyphens.
//!
//! Why it matters: Conditions compare text. Sysmon writes a GUID in braces and with hyphens.
//!
//! Example: `<ProcessGuid>297BC33E-9DE2-5F2D-2208-000000000400</ProcessGuid>` never matches.
//!
//! Use instead: `{297BC33E-9DE2-5F2D-2208-000000000400}`; or `contains`, which needs no braces.
//!
//! Source: SysmonCommon; public recordings.

use schema::ValueForm;

use super::context::Context;
use crate::diagnostic::Diagnostic;

pub(super) fn check(cx: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for v in cx.values().filter(|v| v.form() == ValueForm::Guid) {
        for text in &v.texts {
            if v.forms.iter().any(|f| cx.possible(f, text)) {
                continue;
            }
            let why = format!("Sysmon writes a GUID as `{}`.", ValueForm::Guid.example());
            let d = v.never("SC136", text, true, why);
            let digits: String = text.text.chars().filter(char::is_ascii_hexdigit).collect();
            out.push(match (digits.len(), text.start && text.end) {
                (32, true) => v.with_rewrite(cx, d, text, &spelled(&digits)),
                _ => d,
            });
        }
    }
}

fn spelled(digits: &str) -> String {
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    format!(
        "{{{}-{}-{}-{}-{}}}",
        part(0, 8),
        part(8, 12),
        part(12, 16),
        part(16, 20),
        part(20, 32)
    )
    .to_ascii_uppercase()
}
