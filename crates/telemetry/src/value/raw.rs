//! A value as a reader found it, decoded only when somebody reads it.

use bumpalo::Bump;

/// A value as it stands in the input.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RawValue<'a> {
    /// Text, ready to use.
    Text(&'a str),
    /// The inside of a JSON string: escapes are undone when somebody reads it, and bad UTF-8 is replaced.
    Escaped(&'a [u8]),
    /// UTF-16LE code units; the text ends at the first NUL or with them.
    Utf16(&'a [u8]),
    /// A value of binary XML that is no text: its type and its bytes.
    Typed(u8, &'a [u8]),
    /// The same as [`RawValue::Text`], known by a number that the table gave out for it: what has the same number
    /// is the same text, so that nobody need look.
    KnownText(&'a str, u32),
    /// The same as [`RawValue::Escaped`], known by a number.
    KnownEscaped(&'a [u8], u32),
    /// An integer.
    Int(i64),
    /// An instant: microseconds since 1970, UTC.
    Time(i64),
}

impl<'a> RawValue<'a> {
    /// The value as text where the input holds it as such.
    pub(crate) fn as_text(self) -> Option<&'a str> {
        match self {
            Self::Text(text) | Self::KnownText(text, _) => Some(text),
            _ => None,
        }
    }

    /// The value as text, decoded into `arena` where the input does not hold it as such.
    pub fn text(self, arena: &'a Bump) -> &'a str {
        match self {
            Self::Text(t) | Self::KnownText(t, _) => t,
            Self::Escaped(bytes) | Self::KnownEscaped(bytes, _) => {
                super::json::unescape(bytes, arena)
            }
            Self::Utf16(bytes) => utf16(bytes, arena),
            Self::Typed(kind, bytes) => super::binxml::text(kind, bytes, arena),
            Self::Int(i) => bumpalo::format!(in arena, "{}", i).into_bump_str(),
            Self::Time(t) => arena.alloc_str(&super::time::format(t)),
        }
    }

    /// The value as an integer, if it is one.
    pub fn int(self, arena: &'a Bump) -> Option<i64> {
        match self {
            Self::Int(i) => Some(i),
            other => super::integer(other.text(arena)),
        }
    }

    /// The value as an instant in microseconds since 1970 UTC, if it spells one.
    pub fn time(self, arena: &'a Bump) -> Option<i64> {
        match self {
            Self::Time(t) => Some(t),
            other => super::time::parse(other.text(arena)),
        }
    }
}

/// UTF-16LE up to the first NUL as UTF-8; a lone surrogate becomes U+FFFD.
pub(crate) fn utf16<'a>(bytes: &[u8], arena: &'a Bump) -> &'a str {
    let units = bytes.as_chunks::<2>().0;
    let mut text = bumpalo::collections::Vec::with_capacity_in(units.len(), arena);
    // Nearly all text is ASCII: block by block, as long as it lasts. Zero wraps around to what is none.
    let (blocks, _) = units.as_chunks::<16>();
    for block in blocks {
        let odd = |u: &[u8; 2]| u16::from_le_bytes(*u).wrapping_sub(1) >= 0x7f;
        if block.iter().fold(false, |any, u| any | odd(u)) {
            break;
        }
        text.extend_from_slice_copy(&block.map(|u| u[0]));
    }
    let rest = units[text.len()..].iter().map(|u| u16::from_le_bytes(*u));
    for c in char::decode_utf16(rest.take_while(|u| *u != 0)) {
        let c = c.unwrap_or(char::REPLACEMENT_CHARACTER);
        match u8::try_from(c) {
            Ok(b) if b.is_ascii() => text.push(b),
            _ => text.extend_from_slice_copy(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    simdutf8::basic::from_utf8(text.into_bump_slice()).unwrap_or_default()
}
