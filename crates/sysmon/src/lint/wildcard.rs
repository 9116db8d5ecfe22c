//! # SC127 wildcard
//!
//! Sysmon has no wildcards.
//!
//! What it does: Reports `*` and `?` in values for paths, host names and queries.
//!
//! Why it matters: They are ordinary characters. No path or host name contains them, so a positive
//! condition never matches.
//!
//! Example: `<TargetFilename condition="contains">\Temp\*.exe</TargetFilename>`.
//!
//! Use instead: two conditions in an `and` rule: `contains \Temp\` and `end with .exe`.
//!
//! Source: SysmonCommon, rules.c.

use super::context::{Context, error, is_path, value_span};
use crate::diagnostic::Diagnostic;
pub(super) fn check(cx: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for (_, f) in cx.filters() {
        let host = matches!(
            f.field_name.as_str(),
            "QueryName" | "DestinationHostname" | "SourceHostname" | "DestinationIp" | "SourceIp"
        );
        if !is_path(&f.field_name) && !host {
            continue;
        }
        // Two prefixes of paths in the object manager's form have a `?`, and Sysmon logs them so.
        let value = f.value.replace("\\??\\", "").replace("\\\\?\\", "");
        if let Some(c) = value.chars().find(|c| matches!(c, '*' | '?')) {
            let word = if f.op.is_negative() {
                "always"
            } else {
                "never"
            };
            out.push(
                error("SC127", value_span(f), format!("`{c}` is no wildcard")).note(format!(
                    "Sysmon has none; {} never contains the character, so this {word} matches.",
                    f.field_name
                )),
            );
        }
    }
}
