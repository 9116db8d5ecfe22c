//! # SC104 left-at-default
//!
//! Event types that the configuration does not mention.
//!
//! What it does: Lists the event types without an element, with what happens to them.
//!
//! Why it matters: Unmentioned types are not logged, except ProcessCreate and ProcessTerminate,
//! which are logged in full.
//!
//! Example: a file without `<FileDelete>` logs no deletions.
//!
//! Use instead: an element for each event type, so that the file says what it wants.
//!
//! Source: SysmonCommon, rules.c and manifest defaults of schema 4.90.

use super::context::{Context, note};
use crate::diagnostic::Diagnostic;
use crate::schema::{self, Verdict};
pub(super) fn check(cx: &Context<'_>, out: &mut Vec<Diagnostic>) {
    let mentioned = cx.by_tag();
    let (mut logged, mut dropped) = (Vec::new(), Vec::new());
    for tag in schema::newest().tags() {
        if mentioned.iter().any(|(t, _)| *t == tag) {
            continue;
        }
        let default = schema::newest().series(tag).next().and_then(|e| e.default);
        if default == Some(Verdict::Include) {
            logged.push(tag)
        } else {
            dropped.push(tag)
        }
    }
    let at = cx
        .tree
        .named(cx.root, "EventFiltering")
        .next()
        .unwrap_or(cx.root);
    let mut add = |tags: &[&str], what: &str| {
        if !tags.is_empty() {
            let count = if tags.len() == 1 {
                "1 event type is"
            } else {
                &format!("{} event types are", tags.len())
            };
            out.push(
                note(
                    "SC104",
                    cx.tree.node(at).name_span,
                    format!("{count} not mentioned and {what}"),
                )
                .note(names(cx, tags)),
            );
        }
    };
    add(&logged, "logged in full");
    add(&dropped, "not logged");
}

/// The tags in words; those apart that the named schema lacks, because they need another one.
fn names(cx: &Context<'_>, tags: &[&str]) -> String {
    let version = cx.config.version;
    let (later, known): (Vec<&str>, Vec<&str>) = tags
        .iter()
        .partition(|t| schema::since(t, None).is_some_and(|since| since > version));
    match (known.is_empty(), later.is_empty()) {
        (_, true) => format!("{}.", known.join(", ")),
        (true, false) => format!("Newer than schema {version}: {}.", later.join(", ")),
        (false, false) => format!(
            "{}. Newer than schema {version}: {}.",
            known.join(", "),
            later.join(", ")
        ),
    }
}
