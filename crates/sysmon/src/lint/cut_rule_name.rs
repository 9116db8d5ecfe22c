//! # SC124 cut-rule-name
//!
//! A `<Rule>` name longer than 127 characters is cut in the stored rules.
//!
//! What it does: Reports names of rules that do not fit into the rule's own record.
//!
//! Why it matters: Events carry the whole name, but `sysmon -c` and tools that read the stored
//! rules show the first 127 UTF-16 units.
//!
//! Example: a `<Rule name="...">` with a whole sentence.
//!
//! Use instead: a shorter name.
//!
//! Source: SysmonCommon, xml.cpp; conformance vector longnames.

use super::context::{Context, note};
use crate::diagnostic::Diagnostic;
use crate::rules::Record;
pub(super) fn check(cx: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for record in cx.elements().flat_map(|e| &e.records) {
        if let Record::Rule(rule) = record
            && let Some((id, _)) = cx.node_at(rule.span)
            && let Some(name) = cx.tree.attribute(id, "name")
            && name.value.encode_utf16().count() > rule.name.encode_utf16().count()
        {
            out.push(
                note(
                    "SC124",
                    name.value_span,
                    "this name is cut to 127 characters in the stored rules",
                )
                .note("Events carry it whole."),
            );
        }
    }
}
