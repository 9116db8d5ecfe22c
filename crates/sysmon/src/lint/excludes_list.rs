//! # SC108 excludes-list
//!
//! `excludes any` and `excludes all` are the reverse of what the documentation says.
//!
//! What it does: Reports `excludes all` with more than one entry. `excludes any` holds where none of its
//! texts is found, as nearly everybody who writes it means.
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
        if f.op != Op::ExcludesAll {
            continue;
        }
        if !f.value.contains(';') {
            continue;
        }
        let d = warning(
            "SC108",
            cx.condition_span(f),
            "`excludes all` holds where at least one of the texts is missing",
        )
        .note("Microsoft's documentation describes the two conditions the other way round.");
        out.push(match cx.set_condition(f, Op::ExcludesAny) {
            Some(edit) => d.fix("use `excludes any`", Safety::Unsafe, vec![edit]),
            None => d,
        });
    }
}
