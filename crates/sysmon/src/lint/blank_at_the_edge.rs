//! # SC122 blank-at-the-edge
//!
//! A blank or line break at the edge of a value counts.
//!
//! What it does: Reports line breaks and tabs at the edges of a value, and blanks there where a
//! path, name or port cannot have them.
//!
//! Why it matters: Values are compared as they stand in the file. A value on a line of its own
//! contains the line break.
//!
//! Example: `<Image> C:\a.exe</Image>` never matches.
//!
//! Use instead: no blanks inside the element.
//!
//! Source: SysmonCommon, xml.cpp; conformance vector hand_whitespace_values.

use super::context::{Context, is_path, value_span, warning};
use crate::diagnostic::{Diagnostic, Safety};
use crate::rules::Op;
use crate::schema;
pub(super) fn check(cx: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for (_, f) in cx.filters() {
        let trimmed = f.value.trim();
        if trimmed.len() == f.value.len() || trimmed.is_empty() {
            continue;
        }
        let broken = f.value.starts_with(['\n', '\t']) || f.value.ends_with(['\n', '\t']);
        let (leading, trailing) = (f.value.starts_with(' '), f.value.ends_with(' '));
        let exact = is_path(&f.field_name) || !schema::is_text(&f.field_name);
        let whole = matches!(f.op, Op::Is | Op::IsNot | Op::Image)
            && !matches!(
                f.field_name.as_str(),
                "CommandLine"
                    | "ParentCommandLine"
                    | "Details"
                    | "Description"
                    | "Product"
                    | "Company"
            );
        let edge = match f.op {
            Op::BeginWith | Op::NotBeginWith => leading,
            Op::EndWith | Op::NotEndWith => trailing,
            _ => whole,
        };
        if broken || (exact && edge) || whole {
            let span = value_span(f);
            let source = cx.config.source.slice(span);
            let d = warning("SC122", span, "the blanks at the edge of this value count")
                .note("Sysmon trims nothing; the field must have them too.");
            out.push(if source == f.value {
                d.fix(
                    "remove them",
                    Safety::Unsafe,
                    vec![(span, trimmed.to_owned())],
                )
            } else {
                d
            });
        }
    }
}
