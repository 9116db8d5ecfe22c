//! A column of text in the making, dictionary-encoded: each distinct value is decoded, hashed and stored once per
//! batch, and what a row holds is mostly recognised as it stands in the input. This module refuses to know columns'
//! names and input formats.

use std::hash::BuildHasher;
use std::sync::Arc;

use arrow::array::{ArrayRef, StringBuilder};
use bumpalo::Bump;
use hashbrown::{DefaultHashBuilder, HashTable};

use crate::table::keys::{Keys, NULL};
use crate::value::RawValue;
use crate::value::bytes::{same, short};
use crate::value::json::unescaped;
use crate::value::raw::utf16;

/// How many values are recognised without being hashed.
const RECENT: usize = 32;
/// Longest value with escapes that is remembered as it stood.
const MAX_REMEMBERED: usize = 256;
/// How many typed values are recognised as they stood, and the longest of them: a user's identifier.
const TYPED: usize = 16;
const MAX_TYPED: usize = 28;
/// How many values are recognised by their number.
const NUMBERS: usize = 32;

/// Rows of text, each a key into the distinct values so far.
pub(crate) struct TextColumn {
    keys: Keys,
    values: StringBuilder,
    /// Keys with the hash of their value, by that hash. The hasher is seeded: values come from whoever wrote the log.
    table: HashTable<(u64, i32)>,
    hasher: DefaultHashBuilder,
    /// Values met lately, by length and last bytes of what stood in the input.
    recent: [Recent; RECENT],
    /// Likewise for values with escapes, with the bytes they stood as: decoding is what they cost most.
    escaped: Vec<(Vec<u8>, i32)>,
    /// Likewise for typed values: writing them out is what they cost most.
    typed: Vec<Typed>,
    /// Numbers of known values met lately, and their keys.
    numbers: [(u32, i32); NUMBERS],
    /// Bytes of distinct values that a batch is made ready for.
    room: usize,
}

/// A value met lately, and where it is: asking for that by its key costs more than comparing it.
#[derive(Clone, Copy)]
struct Recent {
    key: i32,
    start: u32,
    end: u32,
}

impl Recent {
    const NONE: Self = Self {
        key: NULL,
        start: 0,
        end: 0,
    };
}

/// A typed value as it stood.
#[derive(Clone, Copy)]
struct Typed {
    raw: [u8; MAX_TYPED],
    len: u8,
    kind: u8,
    key: i32,
}

impl Typed {
    const NONE: Self = Self {
        raw: [0; MAX_TYPED],
        len: 0,
        kind: 0,
        key: NULL,
    };
}

impl TextColumn {
    pub(crate) fn new() -> Self {
        Self {
            keys: Keys::default(),
            values: StringBuilder::with_capacity(0, 0),
            table: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            recent: [Recent::NONE; RECENT],
            escaped: Vec::new(),
            typed: Vec::new(),
            numbers: [(0, NULL); NUMBERS],
            room: 0,
        }
    }

    /// Whether no row has a value.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Puts a value into a row; `false` if the column can take no more text. `space` is for values that must be decoded.
    #[inline]
    pub(crate) fn put<'a>(
        &mut self,
        row: usize,
        value: RawValue<'a>,
        arena: &'a Bump,
        space: &mut Vec<u8>,
    ) -> bool {
        let key = match value {
            RawValue::KnownText(_, number) | RawValue::KnownEscaped(_, number) => {
                self.by_number(number, value, arena, space)
            }
            _ => self.key(value, arena, space),
        };
        let Some(key) = key else {
            return false;
        };
        self.keys.put(row, key);
        true
    }

    #[inline(always)]
    fn by_number<'a>(
        &mut self,
        number: u32,
        value: RawValue<'a>,
        arena: &'a Bump,
        space: &mut Vec<u8>,
    ) -> Option<i32> {
        let slot = number as usize % NUMBERS;
        let (known, key) = self.numbers[slot];
        if known == number && number != 0 {
            return Some(key);
        }
        let key = self.key(value, arena, space)?;
        self.numbers[slot] = (number, key);
        Some(key)
    }

    fn key<'a>(
        &mut self,
        value: RawValue<'a>,
        arena: &'a Bump,
        space: &mut Vec<u8>,
    ) -> Option<i32> {
        match value {
            RawValue::Text(text) | RawValue::KnownText(text, _) => self.by_text(text),
            RawValue::Utf16(raw) => self.by_utf16(raw, arena),
            RawValue::Typed(kind, raw) => self.by_typed(kind, raw, value, arena),
            RawValue::Escaped(raw) | RawValue::KnownEscaped(raw, _)
                if raw.len() <= MAX_REMEMBERED =>
            {
                self.by_escaped(raw, space)
            }
            RawValue::Escaped(raw) | RawValue::KnownEscaped(raw, _) => {
                unescaped(raw, space, |text| self.intern(text))
            }
            RawValue::Int(_) | RawValue::Time(_) => self.intern(value.text(arena)),
        }
    }

    #[inline]
    fn by_text(&mut self, text: &str) -> Option<i32> {
        let slot = slot(text.as_bytes());
        let known = self.recent[slot];
        if known.key != NULL && same(self.recent_bytes(known), text.as_bytes()) {
            return Some(known.key);
        }
        self.intern_into(slot, text)
    }

    #[inline]
    fn by_utf16(&mut self, raw: &[u8], arena: &Bump) -> Option<i32> {
        let slot = slot(raw);
        let known = self.recent[slot];
        if known.key != NULL && same_as_utf16(self.recent_bytes(known), raw) {
            return Some(known.key);
        }
        self.intern_into(slot, utf16(raw, arena))
    }

    /// The key of a typed value, written out only if it is not the one met last that looks like it.
    #[inline]
    fn by_typed<'a>(
        &mut self,
        kind: u8,
        raw: &[u8],
        value: RawValue<'a>,
        arena: &'a Bump,
    ) -> Option<i32> {
        let slot = slot(raw) % TYPED;
        if let Some(known) = self.typed.get(slot)
            && known.key != NULL
            && known.kind == kind
            && same(&known.raw[..usize::from(known.len)], raw)
        {
            return Some(known.key);
        }
        self.by_new_typed(slot, kind, raw, value, arena)
    }

    #[inline(never)]
    fn by_new_typed<'a>(
        &mut self,
        slot: usize,
        kind: u8,
        raw: &[u8],
        value: RawValue<'a>,
        arena: &'a Bump,
    ) -> Option<i32> {
        let key = self.intern(value.text(arena))?;
        if raw.len() <= MAX_TYPED {
            self.typed.resize(TYPED, Typed::NONE);
            let known = &mut self.typed[slot];
            known.raw[..raw.len()].copy_from_slice(raw);
            (known.len, known.kind, known.key) = (raw.len() as u8, kind, key);
        }
        Some(key)
    }

    fn intern_into(&mut self, slot: usize, text: &str) -> Option<i32> {
        let key = self.intern(text)?;
        let ends = self.values.offsets_slice();
        let (start, end) = (ends[key as usize], ends[key as usize + 1]);
        self.recent[slot] = Recent {
            key,
            start: start as u32,
            end: end as u32,
        };
        Some(key)
    }

    /// The key of a value with escapes, decoded only if it is not the one met last that looks like it.
    fn by_escaped(&mut self, raw: &[u8], space: &mut Vec<u8>) -> Option<i32> {
        if self.escaped.is_empty() {
            self.escaped.resize(RECENT, (Vec::new(), NULL));
        }
        let slot = slot(raw);
        let (known, key) = &self.escaped[slot];
        if *key != NULL && same(known, raw) {
            return Some(*key);
        }
        let key = unescaped(raw, space, |text| self.intern(text));
        let (known, remembered) = &mut self.escaped[slot];
        known.clear();
        known.extend_from_slice(raw);
        *remembered = key.unwrap_or(NULL);
        key
    }

    /// The key of this value, new or not; `None` if 2 GiB of distinct values are full.
    fn intern(&mut self, text: &str) -> Option<i32> {
        let hash = self.hasher.hash_one(text.as_bytes());
        let values = &self.values;
        let same = |(h, key): &(u64, i32)| *h == hash && value(values, *key) == text.as_bytes();
        if let Some((_, key)) = self.table.find(hash, same) {
            return Some(*key);
        }
        let key = i32::try_from(self.values.offsets_slice().len() - 1).ok()?;
        i32::try_from(self.values.values_slice().len() + text.len()).ok()?;
        self.values.append_value(text);
        self.table
            .insert_unique(hash, (hash, key), |(hash, _)| *hash);
        Some(key)
    }

    #[inline]
    fn recent_bytes(&self, recent: Recent) -> &[u8] {
        &self.values.values_slice()[recent.start as usize..recent.end as usize]
    }

    /// So many rows; the next value begins a new column.
    pub(crate) fn finish(&mut self, rows: usize) -> ArrayRef {
        // One batch is much like the next: what this one needed is made ready for it. Long texts come in heaps, so that what
        // one before needed is given up only by and by; growing costs a copy.
        let (count, bytes) = (
            self.values.offsets_slice().len(),
            self.values.values_slice().len(),
        );
        self.room = (bytes + bytes / 8).max(self.room - self.room / 4);
        let next = StringBuilder::with_capacity(count, self.room);
        let mut values = std::mem::replace(&mut self.values, next);
        self.table.clear();
        self.recent = [Recent::NONE; RECENT];
        self.numbers = [(0, NULL); NUMBERS];
        for (_, key) in &mut self.escaped {
            *key = NULL;
        }
        self.typed.fill(Typed::NONE);
        self.keys.finish(rows, Arc::new(values.finish()))
    }
}

#[inline]
fn value(values: &StringBuilder, key: i32) -> &[u8] {
    let (ends, key) = (values.offsets_slice(), key as usize);
    &values.values_slice()[ends[key] as usize..ends[key + 1] as usize]
}

/// Where a value that looks like this is remembered: paths and numbers of one kind mostly differ in length and end.
fn slot(raw: &[u8]) -> usize {
    let tail = match raw.last_chunk::<8>() {
        Some(tail) => u64::from_le_bytes(*tail),
        None => short(raw),
    };
    let word = (tail ^ (raw.len() as u64) << 3).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (word >> (u64::BITS - RECENT.ilog2())) as usize
}

/// Whether ASCII text is spelled by these code units. Other text is never the same here: it is decoded to be compared.
fn same_as_utf16(text: &[u8], raw: &[u8]) -> bool {
    let units = raw.as_chunks::<2>().0;
    let Some((units, rest)) = units.split_at_checked(text.len()) else {
        return false;
    };
    if rest.first().is_some_and(|u| *u != [0, 0]) {
        return false;
    }
    // No way out early: this way it is compared many characters at a time.
    let differ = |text: &[u8], units: &[[u8; 2]]| {
        let pairs = text.iter().zip(units);
        pairs.fold(0, |all, (t, u)| {
            let unit = u16::from_le_bytes(*u);
            all | (unit ^ u16::from(*t)) | (unit & 0xff80)
        })
    };
    let (texts, text) = text.as_chunks::<16>();
    let (units, rest) = units.as_chunks::<16>();
    texts.iter().zip(units).all(|(t, u)| differ(t, u) == 0) && differ(text, rest) == 0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use arrow::array::{Array, AsArray};
    use arrow::datatypes::Int32Type;
    use proptest::prelude::*;

    fn wide(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    fn shown(array: &ArrayRef) -> Vec<Option<String>> {
        let array = array.as_dictionary::<Int32Type>();
        let values = array.values().as_string::<i32>();
        (0..array.len())
            .map(|i| array.key(i).map(|k| values.value(k).to_owned()))
            .collect()
    }

    /// Puts a value into the row after the last.
    fn add(column: &mut TextColumn, rows: &mut usize, value: RawValue<'_>) {
        let arena = Bump::new();
        assert!(column.put(*rows, value, &arena, &mut Vec::new()));
        *rows += 1;
    }

    #[test]
    fn the_same_text_in_another_form_is_the_same_value() {
        let mut column = TextColumn::new();
        let mut rows = 0;
        // `é` in UTF-8 has the bytes of `Ã©` in Latin-1, which UTF-16 has in its lower halves.
        for text in ["C:\\a.exe", "é", "Ã©", "", "3"] {
            let wide = wide(text);
            for raw in [
                RawValue::Text(text),
                RawValue::Utf16(&wide),
                RawValue::Utf16(&wide),
            ] {
                add(&mut column, &mut rows, raw);
            }
        }
        // Two rows without.
        rows += 2;
        // A number speaks for the text it was first seen with, and none is never taken for one.
        let slots = NUMBERS as u32;
        for number in [7, 7, 0, 7 + slots, 7] {
            add(&mut column, &mut rows, RawValue::KnownText("3", number));
        }
        add(&mut column, &mut rows, RawValue::Int(3));
        for number in [8, 8, 0, 8 + slots, 8] {
            let raw = br"C:\\a.exe";
            add(&mut column, &mut rows, RawValue::KnownEscaped(raw, number));
        }
        let array = column.finish(rows);
        let dictionary = array.as_dictionary::<Int32Type>();
        assert_eq!(dictionary.values().len(), 5);
        assert_eq!(dictionary.null_count(), 2);
        assert_eq!(shown(&array)[6..9], vec![Some("Ã©".to_owned()); 3]);
        assert_eq!(shown(&array)[15..17], vec![None; 2]);
        assert_eq!(shown(&array)[17..23], vec![Some("3".to_owned()); 6]);
        assert_eq!(shown(&array)[23..], vec![Some("C:\\a.exe".to_owned()); 5]);
        assert!(column.is_empty(), "a finished column starts anew");
    }

    proptest! {
        #[test]
        fn rows_are_what_was_put_there(
            rows in proptest::collection::vec((0u8..4, "[a-cé😀]{0,20}"), 0..400),
            cut in 0usize..400,
            tail in 0usize..200,
        ) {
            let mut column = TextColumn::new();
            let mut out = Vec::new();
            let mut expected = Vec::new();
            let mut row = 0;
            for (i, (form, text)) in rows.iter().enumerate() {
                if i == cut {
                    out.extend(shown(&column.finish(row)));
                    row = 0;
                }
                match form {
                    0 => row += 1,
                    1 => add(&mut column, &mut row, RawValue::Text(text)),
                    _ => add(&mut column, &mut row, RawValue::Utf16(&wide(text))),
                }
                expected.push((*form != 0).then(|| text.clone()));
            }
            expected.resize(expected.len() + tail, None);
            out.extend(shown(&column.finish(row + tail)));
            prop_assert_eq!(out, expected);
        }
    }
}
