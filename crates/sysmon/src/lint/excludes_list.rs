//! # SC108 excludes-list
//!
//! `excludes any` and `excludes all` are the reverse of what the documentation says.
//!
//! What it does: Reports the two conditions where their list has more than one entry.
//!
//! Why it matters: `excludes any` holds where none of the texts is found; `excludes all` where at
//! least one of them is missing. Microsoft's page and `sysmon -? config` describe them the other
//! way round.
//!
//! Example: `<CommandLine condition="excludes all">-a;-b</CommandLine>` holds for a command line
//! with -a alone.
//!
//! Use instead: `excludes any` to demand that none occurs.
//!
//! Source: SysmonCommon, rules.c and Microsoft's own unit tests; conformance vectors hand_op_07,
//! hand_op_08.

use super::context::{Context, warning};
use crate::diagnostic::{Diagnostic, Safety};
use crate::rules::Op;
pub(super) fn check(cx: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for (_, f) in cx.filters() {
        let (means, other) = match f.op {
            Op::ExcludesAny => ("none of the texts is found", Op::ExcludesAll),
            Op::ExcludesAll => ("at least one of the texts is missing", Op::ExcludesAny),
            _ => continue,
        };
        if !f.value.contains(';') {
            continue;
        }
        let d = warning(
            "SC108",
            cx.condition_span(f),
            format!("`{}` holds where {means}", f.op.name()),
        )
        .note("Microsoft's documentation describes the two conditions the other way round.");
        out.push(match cx.set_condition(f, other) {
            Some(edit) => d.fix(
                format!("use `{}`", other.name()),
                Safety::Unsafe,
                vec![edit],
            ),
            None => d,
        });
    }
}
