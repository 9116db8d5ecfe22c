//! # SC125 duplicate-condition
//!
//! The same condition twice.
//!
//! What it does: Reports a condition that repeats an earlier one of which the first match decides: the
//! same field, condition and text, letter case aside.
//!
//! Why it matters: The second one is never reached with a different outcome, and its rule name never
//! appears. It often was meant to be something else.
//!
//! Example: `<Image condition="image">a.exe</Image><Image condition="image">A.EXE</Image>` in an `or`
//! group.
//!
//! Use instead: one of them.
//!
//! Source: SysmonCommon, rules.c: filters are walked in order until one matches.

use std::collections::HashMap;

use super::context::{Context, alternatives, warning};
use super::dead_condition::removal;
use crate::diagnostic::Diagnostic;
use crate::rules::{Filter, Op};

pub(super) fn check(cx: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for element in cx.elements() {
        for group in alternatives(element) {
            let mut seen: HashMap<(u32, Op, String), &Filter> = HashMap::new();
            for f in group {
                let key = (f.field, f.op, f.value.to_ascii_lowercase());
                let Some(first) = seen.get(&key) else {
                    seen.insert(key, f);
                    continue;
                };
                let name = if f.name.is_empty() || f.name == first.name {
                    String::new()
                } else {
                    format!(" The rule name `{}` never appears.", f.name)
                };
                out.push(removal(
                    cx,
                    element,
                    f,
                    warning(
                        "SC125",
                        cx.name_span(f.span),
                        "the same condition stands here twice",
                    )
                    .related(cx.name_span(first.span), "the first one")
                    .note(format!("The first match decides.{name}")),
                ));
            }
        }
    }
}
