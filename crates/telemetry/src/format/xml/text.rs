//! The text that XML stands for. The five entities every XML reader knows and characters by number are undone; any
//! other entity stays as it is written, for nothing is ever expanded. Line ends and control characters are kept as the
//! sensor wrote them. This module refuses to know elements.

use bumpalo::Bump;
use bumpalo::collections::String;

/// What else, besides entities, is undone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Undo {
    /// CDATA sections, comments and processing instructions: the text is an element's content.
    pub(super) markup: bool,
    /// `#012` and its like, as rsyslog writes control characters.
    pub(super) octal: bool,
}

/// The text behind `raw`, in `raw` itself where it says nothing but itself.
pub(super) fn decode<'a>(raw: &'a str, undo: Undo, arena: &'a Bump) -> &'a str {
    let special = |b: &u8| match b {
        b'&' => true,
        b'<' => undo.markup,
        b'#' => undo.octal,
        _ => false,
    };
    let first = if undo == Undo::default() {
        memchr::memchr(b'&', raw.as_bytes())
    } else {
        raw.bytes().position(|b| special(&b))
    };
    let Some(first) = first else {
        return raw;
    };
    let mut out = String::with_capacity_in(raw.len(), arena);
    let (plain, mut rest) = raw.split_at(first);
    out.push_str(plain);
    while let Some(&byte) = rest.as_bytes().first() {
        let used = match byte {
            b'&' => reference(rest, &mut out),
            b'<' if undo.markup => markup(rest, &mut out),
            b'#' if undo.octal => control(rest, &mut out),
            _ => None,
        };
        // What is no reference stands for itself, like everything up to the next that might be one.
        let used = used.unwrap_or_else(|| {
            let next = rest.bytes().skip(1).position(|b| special(&b));
            let plain = next.map_or(rest.len(), |n| n + 1);
            out.push_str(&rest[..plain]);
            plain
        });
        rest = &rest[used..];
    }
    out.into_bump_str()
}

/// Undoes the reference at the beginning of `rest` and says how long it is.
fn reference(rest: &str, out: &mut String<'_>) -> Option<usize> {
    let (name, used) = entity(rest)?;
    let Some(number) = name.strip_prefix('#') else {
        out.push(match name {
            "lt" => '<',
            "gt" => '>',
            "amp" => '&',
            "quot" => '"',
            "apos" => '\'',
            _ => return None,
        });
        return Some(used);
    };
    let code = code(number)?;
    if let Some(c) = char::from_u32(code) {
        out.push(c);
        return Some(used);
    }
    // .NET writes what lies beyond 16 bits as two surrogates; one without the other is no character.
    let (second, more) = entity(&rest[used..])?;
    let low = self::code(second.strip_prefix('#')?)?;
    if !(0xd800..0xdc00).contains(&code) || !(0xdc00..0xe000).contains(&low) {
        return None;
    }
    out.push(char::from_u32(
        0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00),
    )?);
    Some(used + more)
}

/// The name in the reference at the beginning of `text`, and the length of the whole.
fn entity(text: &str) -> Option<(&str, usize)> {
    /// Numbers with some leading zeros; no name is longer.
    const MAX: usize = 16;
    let inner = text.strip_prefix('&')?;
    let end = inner.bytes().take(MAX).position(|b| b == b';')?;
    Some((&inner[..end], end + 2))
}

fn code(number: &str) -> Option<u32> {
    let (digits, radix) = match number.strip_prefix(['x', 'X']) {
        Some(hex) => (hex, 16),
        None => (number, 10),
    };
    // A sign would be let through.
    if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    u32::from_str_radix(digits, radix).ok()
}

/// Undoes the section at the beginning of `rest`: CDATA leaves its text, the others nothing.
fn markup(rest: &str, out: &mut String<'_>) -> Option<usize> {
    for (begin, end, keep) in [
        ("<![CDATA[", "]]>", true),
        ("<!--", "-->", false),
        ("<?", "?>", false),
    ] {
        if let Some(inner) = rest.strip_prefix(begin) {
            let length = inner.find(end)?;
            if keep {
                out.push_str(&inner[..length]);
            }
            return Some(begin.len() + length + end.len());
        }
    }
    None
}

/// Undoes `#012`: three octal digits that make a control character.
fn control(rest: &str, out: &mut String<'_>) -> Option<usize> {
    let digits = rest.get(1..4)?;
    if !digits.bytes().all(|b| (b'0'..=b'7').contains(&b)) {
        return None;
    }
    let c = char::from(u8::from_str_radix(digits, 8).ok()?);
    c.is_ascii_control().then(|| {
        out.push(c);
        4
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decoded(raw: &str, undo: Undo) -> std::string::String {
        decode(raw, undo, &Bump::new()).to_owned()
    }

    const CONTENT: Undo = Undo {
        markup: true,
        octal: false,
    };

    #[test]
    fn what_is_undone_and_what_is_kept() {
        for (raw, text) in [
            ("a &lt;b&gt; &amp;amp; &quot;&apos;", "a <b> &amp; \"'"),
            ("&#65;&#x1;&#x1F600;&#0;", "A\u{1}\u{1f600}\0"),
            (
                "&#xD83D;&#xDE00;|&#xD83D;|&#xDE00;",
                "\u{1f600}|&#xD83D;|&#xDE00;",
            ),
            (
                "&nbsp;&xxe; a & b && &; &#; &#x; &#+1; &#99999999999;",
                "&nbsp;&xxe; a & b && &; &#; &#x; &#+1; &#99999999999;",
            ),
            ("a<![CDATA[<&amp;>]]>b<!-- c --><?d e?>f", "a<&amp;>bf"),
            ("a<![CDATA[open", "a<![CDATA[open"),
            ("#012", "#012"),
            ("a\r\nb\u{1}", "a\r\nb\u{1}"),
        ] {
            assert_eq!(decoded(raw, CONTENT), text, "{raw}");
        }
        assert_eq!(decoded("a<!-- b -->&lt;", Undo::default()), "a<!-- b --><");
        let octal = Undo {
            markup: true,
            octal: true,
        };
        assert_eq!(
            decoded("a#012#011b#177#101#9é#12", octal),
            "a\n\tb\u{7f}#101#9é#12"
        );
    }

    proptest! {
        #[test]
        fn what_is_escaped_is_read_back(text in any::<std::string::String>()) {
            let escaped = text.replace('&', "&amp;").replace('<', "&lt;");
            prop_assert_eq!(decoded(&escaped, CONTENT), text.clone());
            let numbers: std::string::String = text.chars().map(|c| format!("&#x{:x};", u32::from(c))).collect();
            prop_assert_eq!(decoded(&numbers, Undo::default()), text);
        }

        #[test]
        fn any_text_is_decoded(raw in "[&<#;x0-9!\\[\\]CDAT?>a-c-]{0,60}", markup: bool, octal: bool) {
            decoded(&raw, Undo { markup, octal });
        }
    }
}
