//! # SC138 device-path
//!
//! A device path or a prefixed path where events have drive letters.
//!
//! What it does: Reports texts that begin with `\\?\`, `\??\` or `\Device\HarddiskVolume` in conditions
//! on fields that hold the path of a file.
//!
//! Why it matters: Sysmon turns device paths into drive letters before it filters. Only a volume that is
//! not mounted keeps its device path, and few programs keep a prefix.
//!
//! Example: `<Image condition="begin with">\Device\HarddiskVolume2\Windows\</Image>`.
//!
//! Use instead: `C:\Windows\`.
//!
//! Source: SysmonCommon, eventsCommon.cpp; public recordings.

use super::context::Context;
use crate::diagnostic::Diagnostic;

pub(super) fn check(cx: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for v in cx.values().filter(|v| v.is_file()) {
        for text in v.texts.iter().filter(|t| t.start) {
            let lower = text.text.to_ascii_lowercase();
            let Some(prefix) = [r"\\?\", r"\??\", r"\device\harddiskvolume"]
                .iter()
                .find(|p| lower.starts_with(**p))
            else {
                continue;
            };
            let why = "Sysmon writes paths with their drive letter; a volume that is not mounted is the exception.";
            let d = v.never("SC138", text, false, why);
            let rest = text.text.get(prefix.len()..).unwrap_or_default();
            let drive = rest.as_bytes().get(1) == Some(&b':');
            out.push(match drive {
                true => v.with_rewrite(cx, d, text, rest),
                false => d,
            });
        }
    }
}
