//! # SC115 field-of-other-event
//!
//! A field that only some events of a shared tag have in this place.
//!
//! What it does: Reports filters of RegistryEvent, PipeEvent and WmiEvent elements on a field that
//! other events of the series have under another index, so that the filter cannot match them.
//!
//! Why it matters: A filter is stored by field index. `User` is field 7 of event 12 but 8 of 13 and
//! 14; `Name` is field 6 of event 19 but 5 of 20. On the other events the filter never matches,
//! whatever its condition.
//!
//! Example: `<RegistryEvent onmatch="exclude"><User>SYSTEM</User></RegistryEvent>` excludes
//! creations and deletions, but no value changes.
//!
//! Use instead: a condition on Image or TargetObject, which all events of the series share.
//!
//! Source: SysmonCommon, rules.c; conformance vectors hand_registry_and_negative,
//! hand_wmi_pipe_series.

use super::context::{Context, warning};
use crate::diagnostic::Diagnostic;
use crate::reference::applies;
use crate::schema;
pub(super) fn check(cx: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for (element, f) in cx.filters() {
        let (mut seen, mut missed) = (Vec::new(), Vec::new());
        for event in schema::newest().series(&element.tag) {
            if applies(element, f, event.id) {
                seen.push(event.id.to_string());
            } else if event.field(&f.field_name).is_some() {
                missed.push(event.id.to_string());
            }
        }
        if !missed.is_empty() {
            out.push(
                warning("SC115", cx.name_span(f.span), format!("{} is matched only for event {}", f.field_name, seen.join(" and ")))
                    .note(format!("Events {} have the field under another index, where this filter never matches, whatever its condition.", missed.join(" and "))),
            );
        }
    }
}
