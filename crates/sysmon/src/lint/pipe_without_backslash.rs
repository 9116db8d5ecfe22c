//! # SC132 pipe-without-backslash
//!
//! A pipe name without its leading backslash, or with more in front of it.
//!
//! What it does: Reports conditions on PipeName whose beginning is not the beginning of any pipe name.
//!
//! Why it matters: Sysmon writes pipe names with one leading `\` and without server or device:
//! `\lsass`. A name alone is never equal to that, and `\\.\pipe\lsass` is the name that programs use.
//!
//! Example: `<PipeName condition="is">psexesvc</PipeName>` never matches.
//!
//! Use instead: `<PipeName condition="is">\psexesvc</PipeName>`.
//!
//! Source: public recordings: every pipe name begins with `\` or is `<Anonymous Pipe>`.

use schema::ValueForm;

use super::context::Context;
use crate::diagnostic::Diagnostic;

pub(super) fn check(cx: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for v in cx.values().filter(|v| v.form() == ValueForm::Pipe) {
        for text in &v.texts {
            let lower = text.text.to_ascii_lowercase();
            let device = [r"\\.\pipe", r"\device\namedpipe", r"\??\pipe"]
                .iter()
                .find_map(|p| Some((text.text.get(..p.len())?, lower.strip_prefix(p)?.len())));
            if let Some((device, rest)) = device {
                let why = format!("Sysmon writes pipe names without `{device}`.");
                let d = v.never("SC132", text, false, why);
                let name = &text.text[text.text.len() - rest..];
                out.push(match name.is_empty() {
                    true => d,
                    false => v.with_rewrite(cx, d, text, name),
                });
                continue;
            }
            if text.start && v.forms.iter().all(|f| !cx.possible(f, text)) {
                let why = "Sysmon writes every pipe name with a leading `\\`.";
                let d = v.never("SC132", text, true, why);
                let name = text.text.trim_start_matches(['/', '*']);
                out.push(v.with_rewrite(cx, d, text, &format!("\\{name}")));
            }
        }
    }
}
