//! # SC118 name-as-path
//!
//! A bare file name compared with a full path.
//!
//! What it does: Reports `is`, `is any` and `begin with` on a path field with the name of a program
//! and no folder.
//!
//! Why it matters: Image and the other path fields hold full paths, so a bare name is never equal
//! to one. (Kernel processes such as `System` have no path and are left out.)
//!
//! Example: `<Image>cmd.exe</Image>`.
//!
//! Use instead: `<Image condition="image">cmd.exe</Image>`.
//!
//! Source: SysmonCommon, rules.c.

use super::context::{Context, error, is_image, value_span};
use crate::diagnostic::{Diagnostic, Safety};
use crate::rules::Op;
pub(super) fn check(cx: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for (_, f) in cx.filters() {
        if !is_image(&f.field_name) || !matches!(f.op, Op::Is | Op::IsAny | Op::BeginWith) {
            continue;
        }
        let entries: Vec<&str> = if f.op == Op::IsAny {
            f.value.split(';').collect()
        } else {
            vec![&f.value]
        };
        let bare = entries.iter().find(|e| {
            let lower = e.to_ascii_lowercase();
            let program = [".exe", ".dll", ".sys", ".com", ".scr", ".cpl", ".ocx"]
                .iter()
                .any(|x| lower.ends_with(x));
            program && !e.contains(['\\', '%', '/'])
        });
        let Some(bare) = bare else { continue };
        let d = error(
            "SC118",
            value_span(f),
            format!("`{bare}` is never equal to a full path"),
        )
        .note(format!(
            "{} holds the full path; `{}` compares all of it.",
            f.field_name,
            f.op.name()
        ));
        let edit = cx.set_condition(f, Op::Image);
        out.push(match edit {
            Some(edit) if f.op == Op::Is => d.fix("use `image`", Safety::Unsafe, vec![edit]),
            _ => d,
        });
    }
}
