//! # SC137 hash-without-algorithm
//!
//! A hash that is never equal to the list of hashes.
//!
//! What it does: Reports conditions on Hashes that leave out the algorithm, name one that the file does
//! not compute, or compare the whole list with one hash where several are computed.
//!
//! Why it matters: Sysmon writes all hashes into one value: `SHA1=...,MD5=...`. Digits alone, or one hash
//! of several, are never equal to that.
//!
//! Example: `<Hashes>7272CE348764A37891EB0F5F61EF1C70</Hashes>` never matches.
//!
//! Use instead: `<Hashes condition="contains">MD5=7272CE348764A37891EB0F5F61EF1C70</Hashes>`.
//!
//! Source: SysmonCommon; public recordings.

use schema::ValueForm;

use super::context::Context;
use super::filter_text::FilterText;
use crate::diagnostic::Diagnostic;
use crate::options;
use crate::rules::Op;

pub(super) fn check(cx: &Context<'_>, out: &mut Vec<Diagnostic>) {
    let computed = algorithms(cx);
    for v in cx.values().filter(|v| v.form() == ValueForm::Hashes) {
        for text in &v.texts {
            let op = match v.filter.op {
                Op::IsAny | Op::ContainsAny => Op::ContainsAny,
                _ => Op::Contains,
            };
            let listed = v.filter.op != Op::IsAny && text.text.contains(';');
            if listed {
                continue;
            }
            if text.start && v.forms.iter().all(|f| !cx.possible(f, text)) {
                let why = "Sysmon writes each hash behind its algorithm: `MD5=...,SHA256=...`.";
                let d = v.never("SC137", text, true, why);
                let with = algorithm(text.text).map(|a| format!("{a}={}", text.text));
                out.push(match with {
                    Some(with) => v.with_condition(cx, d, op, &with),
                    None => d,
                });
            } else if let Some(why) = against(&computed, text) {
                let d = v.never("SC137", text, true, why);
                out.push(match text.start {
                    true => v.with_condition(cx, d, op, text.text),
                    false => d,
                });
            }
        }
    }
}

/// What this file computes, in the order in which Sysmon writes it; empty where the file does not say.
fn algorithms(cx: &Context<'_>) -> Vec<String> {
    let setting = cx.config.options.get("HashAlgorithms");
    let mask = setting
        .and_then(|s| s.value.as_deref())
        .and_then(|value| options::hash_algorithms(value).ok());
    let names = mask.map_or(String::new(), options::hash_algorithm_names);
    let order = ["SHA1", "MD5", "SHA256", "IMPHASH"];
    let known = |name: &&str| names.split(',').any(|n| n.eq_ignore_ascii_case(name));
    let all = names.trim() == "*";
    order
        .into_iter()
        .filter(|n| all || known(n))
        .map(str::to_owned)
        .collect()
}

/// Why the text is not in any list of these hashes.
fn against(computed: &[String], text: &FilterText<'_>) -> Option<String> {
    let (name, _) = text.text.split_once('=')?;
    let known = |n: &&str| n.eq_ignore_ascii_case(name);
    let name = ["SHA1", "MD5", "SHA256", "IMPHASH"]
        .into_iter()
        .find(known)?;
    let all = computed.join(", ");
    if computed.is_empty() {
        None
    } else if !computed.iter().any(|c| c == name) {
        Some(format!("This file computes {all} only."))
    } else if text.start && computed[0] != name {
        Some(format!(
            "This file computes {all}, and the value begins with {}.",
            computed[0]
        ))
    } else if text.start && text.end && computed.len() > 1 && !text.text.contains(',') {
        Some(format!(
            "This file computes {all}, and the value holds all of them."
        ))
    } else {
        None
    }
}

/// The algorithm of as many digits; MD5 and IMPHASH have as many, and the first is the likelier.
fn algorithm(digits: &str) -> Option<&'static str> {
    if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    match digits.len() {
        32 => Some("MD5"),
        40 => Some("SHA1"),
        64 => Some("SHA256"),
        _ => None,
    }
}
