//! # SC140 unknown-word
//!
//! A word that the field never holds.
//!
//! What it does: Reports conditions on fields with few known values (IntegrityLevel, Protocol,
//! EventType, Signed, SignatureStatus and others, and all that are true or false) whose text is none of
//! them and no part of one.
//!
//! Why it matters: Sysmon writes these fields from a fixed list. Another word never matches.
//!
//! Example: `<IntegrityLevel>Administrator</IntegrityLevel>` never matches.
//!
//! Use instead: `<IntegrityLevel>High</IntegrityLevel>`.
//!
//! Source: SysmonCommon; public recordings. Where the list of values is not known to be whole, the
//! finding says "hardly any".

use schema::{FieldForm, ValueForm};

use super::context::Context;
use super::filter_text::FilterText;
use crate::diagnostic::Diagnostic;
use crate::rules::Op;

const TRUTH: &[&str] = &["true", "false"];

pub(super) fn check(cx: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for v in cx.values() {
        let words: Vec<&str> = v.forms.iter().flat_map(words).collect();
        if words.is_empty() {
            continue;
        }
        let certain = v
            .forms
            .iter()
            .all(|f| f.closed || f.form == ValueForm::Boolean);
        let dash = v.forms.iter().any(|f| f.dash);
        for text in &v.texts {
            let listed = v.filter.op != Op::IsAny && text.text.contains(';');
            let missing = dash && ["-", "?"].iter().any(|w| holds(text, w));
            if listed || missing || words.iter().any(|w| holds(text, w)) {
                continue;
            }
            let mut known = words.clone();
            known.sort_unstable();
            known.dedup();
            let why = format!("Its values are {}.", known.join(", "));
            let d = v.never("SC140", text, certain, why);
            out.push(match ::text::meant(text.text.trim(), known) {
                Some(near) if text.start && text.end => v.with_rewrite(cx, d, text, near),
                _ => d,
            });
        }
    }
}

fn words(form: &FieldForm) -> Vec<&'static str> {
    match form.form {
        ValueForm::Boolean => TRUTH.to_vec(),
        ValueForm::Word => form.values.iter().map(String::as_str).collect(),
        _ => Vec::new(),
    }
}

fn holds(text: &FilterText<'_>, word: &str) -> bool {
    let (sought, word) = (text.text.to_ascii_lowercase(), word.to_ascii_lowercase());
    match (text.start, text.end) {
        (true, true) => word == sought,
        (true, false) => word.starts_with(&sought),
        (false, true) => word.ends_with(&sought),
        (false, false) => word.contains(&sought),
    }
}
