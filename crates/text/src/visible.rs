//! Text of others, as it may be shown: what would steer a terminal, hide itself or turn the reading direction becomes a
//! mark that is seen.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Whether a character steers a terminal (C0 and C1 controls, delete), has no width, or changes the direction or the lines
/// of text around it.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The text on one line, every hidden character as a mark: controls as their pictures (U+241B for escape), line breaks and
/// tabs as blanks, others as U+FFFD.
pub fn visible(text: &str) -> Cow<'_, str> {
    marked(text, |c| {
        Some(match c {
            '\n' | '\r' | '\t' => ' ',
            c => mark(c),
        })
    })
}

/// The text with its line breaks, every other hidden character as in [`visible`].
pub fn visible_lines(text: &str) -> Cow<'_, str> {
    marked(text, |c| match c {
        '\n' => None,
        '\t' => Some(' '),
        c => Some(mark(c)),
    })
}

/// The text with every hidden character but line breaks and tabs as a mark of as many bytes, so that places in it stay
/// where they are.
pub fn visible_in_place(text: &str) -> Cow<'_, str> {
    marked(text, |c| match (c, c.len_utf8()) {
        ('\n' | '\t', _) => None,
        (_, 1) => Some('?'),
        (_, 2) => Some('\u{bf}'),
        (_, 3) => Some('\u{fffd}'),
        (_, _) => Some('\u{1fbc4}'),
    })
}

/// JSON text with every hidden character of its strings as an escape (`\u009b`): the same value to whoever reads it.
/// Line breaks, which stand between its parts, stay.
pub fn visible_json(json: &str) -> Cow<'_, str> {
    if !json.chars().any(|c| c != '\n' && is_hidden(c)) {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if c == '\n' || !is_hidden(c) {
            out.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            let _ = write!(out, "\\u{unit:04x}");
        }
    }
    Cow::Owned(out)
}

fn mark(c: char) -> char {
    match c {
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'),
        '\u{7f}' => '\u{2421}',
        _ => '\u{fffd}',
    }
}

fn marked(text: &str, instead: impl Fn(char) -> Option<char>) -> Cow<'_, str> {
    if !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let one = |c| match is_hidden(c) {
        true => instead(c).unwrap_or(c),
        false => c,
    };
    Cow::Owned(text.chars().map(one).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_or_hides_is_seen() {
        assert_eq!(
            visible("a\u{1b}[2Jb\r\nc\u{202e}d\u{9b}e\u{200b}f\u{7f}"),
            "a\u{241b}[2Jb  c\u{fffd}d\u{fffd}e\u{fffd}f\u{2421}"
        );
        assert_eq!(visible_lines("a\tb\nc\rd"), "a b\nc\u{240d}d");
        assert!(matches!(visible("C:\\Ünïcode 一.exe"), Cow::Borrowed(_)));
    }

    #[test]
    fn places_stay() {
        let hidden = "a\u{1b}b\u{9b}c\u{202e}d\u{e0041}e";
        let shown = visible_in_place(hidden);
        assert_eq!(shown.len(), hidden.len());
        assert!(!shown.chars().any(is_hidden));
    }

    #[test]
    fn json_keeps_its_value() {
        let hidden = "{\"a\":\"x\u{9b}y\u{202e}z\u{e0041}\"}\n";
        assert_eq!(
            visible_json(hidden),
            "{\"a\":\"x\\u009by\\u202ez\\udb40\\udc41\"}\n"
        );
        assert!(
            !visible_json(hidden)
                .chars()
                .any(|c| c != '\n' && is_hidden(c))
        );
    }
}
