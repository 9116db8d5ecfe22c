//! # SC131 registry-root
//!
//! A registry path with a root that Sysmon never writes.
//!
//! What it does: Reports conditions on registry paths that spell a root as `HKCU`, `HKEY_...` or
//! `\REGISTRY\MACHINE`, or name a numbered control set.
//!
//! Why it matters: Sysmon abbreviates registry paths before it filters: the machine is `HKLM`, a user
//! is `HKU` and the user's SID, and the control set in use is `CurrentControlSet`. Other spellings
//! never match, without a word.
//!
//! Example: `<TargetObject condition="begin with">HKCU\Software\Run</TargetObject>`.
//!
//! Use instead: `<TargetObject condition="contains">\Software\Run</TargetObject>`, or `HKLM`.
//!
//! Source: Microsoft's page on Sysmon, table of abbreviations; public recordings.

use schema::ValueForm;

use super::context::Context;
use crate::diagnostic::Diagnostic;
use crate::rules::Op;

pub(super) fn check(cx: &Context<'_>, out: &mut Vec<Diagnostic>) {
    let paths = cx.values().filter(|v| v.form() == ValueForm::RegistryPath);
    for v in paths {
        for text in &v.texts {
            let Some((root, rest, instead)) = wrong_root(text.text) else {
                continue;
            };
            let why = format!("Sysmon writes `{instead}`, never `{root}`.");
            let d = v.never("SC131", text, text.start, why);
            let op = match (text.start, text.end) {
                (true, true) => Op::EndWith,
                _ => Op::Contains,
            };
            out.push(match instead.contains('<') {
                false => {
                    let with = format!("{instead}{rest}");
                    v.with_rewrite(cx, d, text, &with)
                }
                true if rest.len() > 1 => v.with_condition(cx, d, op, rest),
                true => d,
            });
        }
    }
}

/// The root that Sysmon does not write, what follows it, and what Sysmon writes there.
fn wrong_root(text: &str) -> Option<(&str, &str, &'static str)> {
    let lead = text.len() - text.trim_start_matches('\\').len();
    for spelling in ValueForm::RegistryPath.spellings() {
        let written = spelling.written.as_str();
        // Only a root of the object manager's form begins with a `\`.
        let skip = if written.starts_with('\\') { 0 } else { lead };
        let (Some(head), Some(rest)) = (
            text.get(skip..skip + written.len()),
            text.get(skip + written.len()..),
        ) else {
            continue;
        };
        let ends = rest.is_empty() || rest.starts_with(['\\', ':']);
        if head.eq_ignore_ascii_case(written) && ends {
            return Some((head, rest, spelling.instead.as_str()));
        }
    }
    numbered_control_set(text)
}

/// A control set by its number, wherever it stands below the machine's root.
fn numbered_control_set(text: &str) -> Option<(&str, &str, &'static str)> {
    let lower = text.to_ascii_lowercase();
    let at = lower.find("controlset00")?;
    let end = at + "controlset001".len();
    let own = at == 0 || lower[..at].ends_with('\\');
    let set = text.get(at..end)?;
    let ends = own && lower[end..].starts_with('\\') && set.ends_with(|c: char| c.is_ascii_digit());
    (ends && at == 0).then(|| (set, &text[end..], "CurrentControlSet"))
}
