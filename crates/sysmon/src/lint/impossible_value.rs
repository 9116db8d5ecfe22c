//! # SC144 impossible-value
//!
//! A text that no value of the field holds.
//!
//! What it does: Reports conditions on paths, numbers, GUIDs, times, pipes, registry paths and addresses
//! whose text cannot be in any value of that form, where no other code says it more closely.
//!
//! Why it matters: Conditions compare text with what Sysmon writes. A port is a number, not `https`; a
//! path begins with a drive letter or a share.
//!
//! Example: `<DestinationPort>https</DestinationPort>` never matches.
//!
//! Use instead: `<DestinationPort>443</DestinationPort>`.
//!
//! Source: the forms of Sysmon's values, held to every value of public recordings.

use std::collections::HashSet;

use schema::ValueForm;

use super::context::{Context, value_span};
use crate::diagnostic::Diagnostic;

/// Codes that say of a value already that it does not mean what it seems to.
const CLOSER: &[&str] = &[
    "SC111", "SC112", "SC117", "SC118", "SC122", "SC127", "SC131", "SC132", "SC133", "SC134",
    "SC135", "SC136", "SC137", "SC138", "SC139", "SC140", "SC141",
];

pub(super) fn check(cx: &Context<'_>, out: &mut Vec<Diagnostic>) {
    let closer = |d: &&Diagnostic| CLOSER.contains(&d.code);
    let said: HashSet<_> = out.iter().filter(closer).map(|d| d.span).collect();
    for v in cx.values() {
        if said.contains(&value_span(v.filter)) {
            continue;
        }
        for text in &v.texts {
            if v.forms.iter().any(|f| cx.possible(f, text)) {
                continue;
            }
            let form = v.form();
            let certain = form.doubt().is_none();
            let why = match form {
                ValueForm::Word => "Its values are another few words.".to_owned(),
                _ => format!("Sysmon writes it as in `{}`.", form.example()),
            };
            out.push(v.never("SC144", text, certain, why));
        }
    }
}
