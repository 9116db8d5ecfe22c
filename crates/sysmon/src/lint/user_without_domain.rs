//! # SC139 user-without-domain
//!
//! A user name without its domain.
//!
//! What it does: Reports `is` and `is any` on user fields with a name that has no `\`.
//!
//! Why it matters: Sysmon on Windows writes domain and name: `NT AUTHORITY\SYSTEM`. A name alone is
//! never equal to that. (Sysmon for Linux writes names alone; a file without a single backslash is taken
//! for one of its own.)
//!
//! Example: `<User>SYSTEM</User>` never matches.
//!
//! Use instead: `<User>NT AUTHORITY\SYSTEM</User>`, or `end with` and `\name`.
//!
//! Source: public recordings. Names of built-in accounts depend on the language of Windows.

use schema::ValueForm;

use super::context::Context;
use crate::diagnostic::Diagnostic;
use crate::rules::Op;

pub(super) fn check(cx: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for v in cx.values().filter(|v| v.form() == ValueForm::User) {
        for text in v.texts.iter().filter(|t| t.start && t.end) {
            if v.filter.op == Op::Image || v.forms.iter().any(|f| cx.possible(f, text)) {
                continue;
            }
            let why = "Sysmon writes a user with the domain: `NT AUTHORITY\\SYSTEM`.";
            let d = v.never("SC139", text, true, why);
            let name = text.text.to_ascii_uppercase();
            out.push(match name.as_str() {
                "SYSTEM" | "LOCAL SERVICE" | "NETWORK SERVICE" => {
                    v.with_rewrite(cx, d, text, &format!("NT AUTHORITY\\{name}"))
                }
                _ if text.text.contains('\\') => d,
                _ => v.with_condition(cx, d, Op::EndWith, &format!("\\{}", text.text)),
            });
        }
    }
}
