//! # SC119 end-without-backslash
//!
//! `end with` a file name also matches longer names.
//!
//! What it does: Reports `end with` on a path field with a program's name that does not start with
//! `\`.
//!
//! Why it matters: `end with` compares characters, not path components: `end with cmd.exe` also
//! matches `C:\x\notcmd.exe`. In an exclude this lets anyone hide.
//!
//! Example: `<Image condition="end with">cmd.exe</Image>`.
//!
//! Use instead: `\cmd.exe`, or the condition `image`.
//!
//! Source: SysmonCommon, rules.c.

use super::context::{Context, is_image, note, value_span, warning};
use crate::diagnostic::{Diagnostic, Safety, Span};
use crate::rules::Op;
use crate::schema::Verdict;
pub(super) fn check(cx: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for (element, f) in cx.filters() {
        let program = f.value.len() > 4
            && f.value.is_char_boundary(f.value.len() - 4)
            && [".exe", ".dll", ".sys", ".com", ".scr"]
                .iter()
                .any(|x| f.value[f.value.len() - 4..].eq_ignore_ascii_case(x));
        if !matches!(f.op, Op::EndWith | Op::NotEndWith)
            || !is_image(&f.field_name)
            || !program
            || f.value.contains(['\\', '%', ';'])
        {
            continue;
        }
        let anyone = element.on_match == Verdict::Exclude && f.op == Op::EndWith;
        // SC129 says the same and more.
        if anyone && cx.decides_alone(f) && f.value.to_ascii_lowercase().ends_with(".exe") {
            continue;
        }
        let message = format!("this also matches names that only end in `{}`", f.value);
        let d = match element.on_match {
            Verdict::Exclude => warning("SC119", value_span(f), message),
            Verdict::Include => note("SC119", value_span(f), message),
        };
        let edit = (
            Span::new(f.value_span.start, f.value_span.start),
            "\\".to_owned(),
        );
        out.push(
            d.note(
                "`end with` compares characters; only a leading `\\` makes it a whole file name.",
            )
            .fix("begin with a `\\`", Safety::Unsafe, vec![edit]),
        );
    }
}
