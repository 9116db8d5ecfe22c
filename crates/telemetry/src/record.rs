//! One record as a reader found it: keys already told apart, values not yet decoded, so that a record that a filter
//! drops costs no decoding. This module refuses to know where values go.

use bumpalo::Bump;

use crate::names::Node;
use crate::shape::Shape;

/// A value as it stands in the input.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Raw<'a> {
    /// Text, ready to use.
    Text(&'a str),
    /// The inside of a JSON string: escapes are undone when somebody reads it, and bad UTF-8 is replaced.
    Escaped(&'a [u8]),
    /// UTF-16LE code units; the text ends at the first NUL or with them.
    Utf16(&'a [u8]),
    /// A value of binary XML that is no text: its type and its bytes.
    Typed(u8, &'a [u8]),
    /// The same as [`Raw::Text`], known by a number that [`Rows::number`](crate::rows::Rows::number) gave out for it: what
    /// has the same number is the same text, so that nobody need look.
    KnownText(&'a str, u32),
    /// The same as [`Raw::Escaped`], known by a number.
    KnownEscaped(&'a [u8], u32),
    /// An integer.
    Int(i64),
    /// An instant: microseconds since 1970, UTC.
    Time(i64),
}

impl<'a> Raw<'a> {
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
                crate::json::unescape(bytes, arena)
            }
            Self::Utf16(bytes) => utf16(bytes, arena),
            Self::Typed(kind, bytes) => crate::evtx::text(kind, bytes, arena),
            Self::Int(i) => bumpalo::format!(in arena, "{}", i).into_bump_str(),
            Self::Time(t) => arena.alloc_str(&crate::time::format(t)),
        }
    }

    /// The value as an integer, if it is one.
    pub fn int(self, arena: &'a Bump) -> Option<i64> {
        match self {
            Self::Int(i) => Some(i),
            other => other.text(arena).trim().parse().ok(),
        }
    }

    /// The value as an instant in microseconds since 1970 UTC, if it spells one.
    pub fn time(self, arena: &'a Bump) -> Option<i64> {
        match self {
            Self::Time(t) => Some(t),
            other => crate::time::parse(other.text(arena)),
        }
    }
}

/// Whether two short texts are the same. Most are shorter than the call that would compare them is long.
#[inline]
pub(crate) fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    if let (Some(a16), Some(b16)) = (a.first_chunk::<16>(), b.first_chunk::<16>()) {
        if a16 != b16 {
            return false;
        }
        return match (a.last_chunk::<16>(), b.last_chunk::<16>()) {
            (Some(a16), Some(b16)) if a.len() <= 32 => a16 == b16,
            _ => a == b,
        };
    }
    match (a.first_chunk::<8>(), b.first_chunk::<8>()) {
        (Some(a8), Some(b8)) => a8 == b8 && a.last_chunk::<8>() == b.last_chunk::<8>(),
        _ => short(a) == short(b),
    }
}

/// The bytes of a text of less than eight, as a number that no other text of its length has. Not one byte after another:
/// how many there are cannot be foreseen.
#[inline]
pub(crate) fn short(text: &[u8]) -> u64 {
    match (text.first_chunk::<4>(), text.last_chunk::<4>(), text) {
        (Some(first), Some(last), _) => {
            u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*last))
        }
        (_, _, [first, .., last]) => {
            let middle = text[text.len() / 2];
            u64::from(u32::from_le_bytes([*first, middle, *last, 0]))
        }
        (_, _, [only]) => u64::from(*only),
        _ => 0,
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

/// The fields of one record in the order the input has them.
#[derive(Debug, Default)]
pub struct Record<'a> {
    pub(crate) fields: Vec<(Node, Raw<'a>)>,
    /// It is a nested Winlogbeat document, whichever of its fields were asked for.
    pub(crate) beat: bool,
    /// What its fields are, if the reader can tell without looking.
    pub(crate) shape: Shape,
    /// It has a value, whether or not anybody asked for it.
    pub(crate) any: bool,
}

impl<'a> Record<'a> {
    /// Adds a field. Repeated keys are welcome: the table keeps every value.
    #[inline]
    pub fn push(&mut self, node: Node, value: Raw<'a>) {
        self.fields.push((node, value));
    }

    /// Makes room for the next record.
    pub fn clear(&mut self) {
        self.fields.clear();
        self.beat = false;
        self.shape = Shape::UNKNOWN;
        self.any = false;
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn texts_are_the_same_if_all_their_bytes_are(
            text in proptest::collection::vec(any::<u8>(), 0..40),
            at in any::<prop::sample::Index>(),
            bit in 0u32..8,
        ) {
            prop_assert!(same(&text, &text.clone()));
            prop_assert!(!same(&text, &[&text[..], b"x"].concat()));
            if !text.is_empty() {
                let mut other = text.clone();
                other[at.index(text.len())] ^= 1u8 << bit;
                prop_assert!(!same(&text, &other));
            }
        }
    }
}
