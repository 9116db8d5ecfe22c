//! One record as a reader found it: keys already told apart, values not yet decoded, so that a record that a filter
//! drops costs no decoding. This module refuses to know where values go.

use bumpalo::Bump;

use crate::names::Node;

/// A value as it stands in the input.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Raw<'a> {
    /// Text, ready to use.
    Text(&'a str),
    /// The inside of a JSON string: escapes are undone when somebody reads it, and bad UTF-8 is replaced.
    Escaped(&'a [u8]),
    /// UTF-16LE code units.
    Utf16(&'a [u8]),
    /// An integer.
    Int(i64),
    /// An instant: microseconds since 1970, UTC.
    Time(i64),
}

impl<'a> Raw<'a> {
    /// The value as text, decoded into `arena` where the input does not hold it as such.
    pub fn text(self, arena: &'a Bump) -> &'a str {
        match self {
            Self::Text(t) => t,
            Self::Escaped(bytes) => crate::json::unescape(bytes, arena),
            Self::Utf16(bytes) => utf16(bytes, arena),
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

fn utf16<'a>(bytes: &[u8], arena: &'a Bump) -> &'a str {
    let mut text = bumpalo::collections::String::with_capacity_in(bytes.len() / 2, arena);
    let units = bytes
        .chunks_exact(2)
        .map(|b| u16::from_le_bytes([b[0], b[1]]));
    text.extend(char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)));
    text.into_bump_str()
}

/// The fields of one record in the order the input has them.
#[derive(Debug, Default)]
pub struct Record<'a> {
    pub(crate) fields: Vec<(Node, Raw<'a>)>,
}

impl<'a> Record<'a> {
    /// Adds a field. Repeated keys are welcome: the table keeps every value.
    pub fn push(&mut self, node: Node, value: Raw<'a>) {
        self.fields.push((node, value));
    }

    /// Makes room for the next record.
    pub fn clear(&mut self) {
        self.fields.clear();
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }
}
