//! Text, numbers and times as the page shows them. What comes from a log is escaped here and nowhere else.

use std::fmt::Write;

use crate::report::{Interval, Time};
pub(super) use ::text::{decimal, grouped as number, percent, plural};

/// Characters of one value that are shown; what is cut is counted.
const MAX_VALUE: usize = 600;

/// A text from outside, safe in an element and in a quoted attribute: markup escaped, and characters that control a
/// terminal, hide or turn text around written as `\u{...}`.
pub(super) fn shown(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut chars = text.chars();
    for c in chars.by_ref().take(MAX_VALUE) {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if unseen(c) => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    let rest = chars.count();
    if rest > 0 {
        let _ = write!(out, "… ({rest} more characters)");
    }
    out
}

/// Characters a reader cannot see, or that change how others are seen.
fn unseen(c: char) -> bool {
    c.is_control()
        || matches!(
            u32::from(c),
            0xad | 0x61c | 0x115f | 0x1160 | 0x17b4 | 0x17b5 | 0x180b..=0x180f | 0x200b..=0x200f
                | 0x2028..=0x202e | 0x2060..=0x206f | 0x3164 | 0xfe00..=0xfe0f | 0xfeff | 0xffa0
                | 0xfff0..=0xfffb | 0xe0000..=0xe0fff
        )
}

/// A value of a key; `none` in words where the event has none.
pub(super) fn value(value: Option<&str>) -> String {
    match value {
        None => "<i class=\"none\">none</i>".to_owned(),
        Some("") => "<i class=\"none\">empty</i>".to_owned(),
        Some(text) => shown(text),
    }
}

/// A path's folder with its separator, and its last part.
pub(super) fn split_path(text: &str) -> (&str, &str) {
    let at = text.rfind(['\\', '/']).map_or(0, |i| i + 1);
    if at == text.len() {
        ("", text)
    } else {
        text.split_at(at)
    }
}

/// The ends of an interval.
pub(super) fn interval(i: &Interval) -> String {
    ::text::interval(i.low, i.high)
}

/// `2026-03-02 07:41:05`.
pub(super) fn time(t: Time) -> String {
    let full = telemetry::time::format(t);
    let (whole, _) = full.split_once(['.', 'Z']).unwrap_or((&full, ""));
    shown(&whole.replace('T', " "))
}
