//! # SC135 mask-spelling
//!
//! An access mask in a spelling that Sysmon never writes.
//!
//! What it does: Reports masks with leading zeros, in decimal, or without `0x` in conditions on
//! GrantedAccess and other fields that hold bits.
//!
//! Why it matters: Conditions compare text. Sysmon writes a mask with `0x` and without leading zeros:
//! `0x810`, never `0x0810`.
//!
//! Example: `<GrantedAccess>0x0810</GrantedAccess>` never matches.
//!
//! Use instead: `<GrantedAccess>0x810</GrantedAccess>`.
//!
//! Source: SysmonCommon: masks are printed with `0x%x`; public recordings; 114 such conditions in
//! published configurations.

use schema::ValueForm;

use super::context::Context;
use crate::diagnostic::Diagnostic;

pub(super) fn check(cx: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for v in cx.values().filter(|v| v.form() == ValueForm::Mask) {
        for text in &v.texts {
            if v.forms.iter().any(|f| cx.possible(f, text)) {
                continue;
            }
            let why = "Sysmon writes a mask in hexadecimal, with `0x` and without leading zeros.";
            let d = v.never("SC135", text, true, why);
            out.push(match respelled(text.text) {
                Some(with) if text.start => v.with_rewrite(cx, d, text, &with),
                _ => d,
            });
        }
    }
}

/// The mask as Sysmon would write it; what has no `0x` is hexadecimal only where it cannot be decimal.
fn respelled(text: &str) -> Option<String> {
    let lower = text.trim().to_ascii_lowercase();
    let number = match lower.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok()?,
        None => match lower.parse() {
            Ok(number) if !lower.starts_with('0') => number,
            _ => u64::from_str_radix(&lower, 16).ok()?,
        },
    };
    Some(format!("{number:#x}"))
}
