//! # SC142 image-on-text
//!
//! The condition `image` on a field that holds no path.
//!
//! What it does: Reports `image` on fields other than paths, registry paths, pipes and users.
//!
//! Why it matters: `image` compares what stands behind the last `\` of the value. In a command line that
//! is an arbitrary piece of text with all arguments; in numbers, hashes and names there is no `\`, and
//! `image` is `is`.
//!
//! Example: `<CommandLine condition="image">cmd.exe</CommandLine>` does not match
//! `C:\Windows\System32\cmd.exe /c whoami`.
//!
//! Use instead: `<Image condition="image">cmd.exe</Image>`, or `contains`.
//!
//! Source: SysmonCommon, rules.c.

use schema::ValueForm;

use super::context::{Context, warning};
use crate::diagnostic::Diagnostic;
use crate::rules::Op;

pub(super) fn check(cx: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for v in cx.values().filter(|v| v.filter.op == Op::Image) {
        use ValueForm::{Device, FreeText, Path, Pipe, Program, RegistryPath, User};
        let what = match v.form() {
            Path | Program | RegistryPath | Pipe | User | Device => continue,
            // Some free texts hold names of files.
            FreeText if v.filter.field_name != "QueryName" => continue,
            ValueForm::CommandLine => {
                "what stands behind the last `\\` of the whole line, arguments included"
            }
            _ => "the whole value, as `is` does, for it has no `\\`",
        };
        let message = format!(
            "{} holds no path for `image` to look at",
            v.filter.field_name
        );
        out.push(
            warning("SC142", cx.condition_span(v.filter), message)
                .note(format!("The condition compares {what}.")),
        );
    }
}
