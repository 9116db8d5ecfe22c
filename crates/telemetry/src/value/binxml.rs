//! Typed values as the text Windows shows for them. Numbers and instants stay what they are where a header column
//! wants them so. This module refuses to know which field a value belongs to.

use bumpalo::Bump;
use evtx::binxml::value_variant::{BinXmlValue, SysTime};

use super::{Kind, RawValue};

/// The type bytes of values that are met outside the tables of this file.
pub(crate) const NULL: u8 = 0x00;
pub(crate) const UTF16: u8 = 0x01;
pub(crate) const ANSI: u8 = 0x02;
pub(crate) const BINXML: u8 = 0x21;
/// Marks an array of the type in the lower bits.
pub(crate) const ARRAY: u8 = 0x80;

/// A typed value, undecoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Value {
    pub(crate) kind: u8,
    /// Offset in the chunk.
    pub(crate) at: u32,
    /// Bytes.
    pub(crate) len: u32,
}

impl Value {
    pub(crate) fn bytes<'b>(&self, data: &'b [u8]) -> &'b [u8] {
        let start = self.at as usize;
        data.get(start..start + self.len as usize)
            .unwrap_or_default()
    }

    /// What an element that depends on it is left out for.
    pub(crate) fn is_null(&self) -> bool {
        self.kind == NULL || (self.kind == BINXML && self.len == 0)
    }

    pub(crate) fn is_array(&self) -> bool {
        self.kind & ARRAY != 0
    }
}

/// FILETIME ticks of 100 ns between 1601 and 1970.
const EPOCH: i64 = 116_444_736_000_000_000;

/// A scalar for a column of this kind.
#[inline]
pub(crate) fn scalar(value: Value, data: &[u8], kind: Kind) -> RawValue<'_> {
    if value.kind == UTF16 {
        return RawValue::Utf16(value.bytes(data));
    }
    let raw = match kind {
        Kind::Int => integer(value, data).map(RawValue::Int),
        Kind::Time => instant(value, data).map(RawValue::Time),
        Kind::Text => None,
    };
    raw.unwrap_or_else(|| RawValue::Typed(value.kind, value.bytes(data)))
}

/// The value of an integer.
#[inline]
pub(crate) fn integer(value: Value, data: &[u8]) -> Option<i64> {
    whole(value.kind, value.bytes(data))
}

#[inline]
fn whole(kind: u8, bytes: &[u8]) -> Option<i64> {
    Some(match kind {
        0x03 => i64::from(word::<1>(bytes)[0] as i8),
        0x04 => i64::from(word::<1>(bytes)[0]),
        0x05 => i64::from(i16::from_le_bytes(word(bytes))),
        0x06 => i64::from(u16::from_le_bytes(word(bytes))),
        0x07 => i64::from(i32::from_le_bytes(word(bytes))),
        0x08 => i64::from(u32::from_le_bytes(word(bytes))),
        0x09 => i64::from_le_bytes(word(bytes)),
        0x0a => i64::try_from(u64::from_le_bytes(word(bytes))).ok()?,
        _ => return None,
    })
}

/// Microseconds since 1970 of a FILETIME.
#[inline]
pub(crate) fn instant(value: Value, data: &[u8]) -> Option<i64> {
    if value.kind != 0x11 {
        return None;
    }
    let ticks = u64::from_le_bytes(word(value.bytes(data)));
    Some((i64::try_from(ticks).ok()? - EPOCH).div_euclid(10))
}

/// The text of a scalar other than UTF-16.
pub(crate) fn text<'b>(kind: u8, bytes: &'b [u8], arena: &'b Bump) -> &'b str {
    match kind {
        0x02 => ansi(bytes, arena),
        0x03..=0x09 => {
            let v = whole(kind, bytes).unwrap_or_default();
            decimal(v.unsigned_abs(), v < 0, arena)
        }
        0x0a => decimal(u64::from_le_bytes(word(bytes)), false, arena),
        0x0b => shown(
            &BinXmlValue::Real32Type(f32::from_le_bytes(word(bytes))),
            arena,
        ),
        0x0c => shown(
            &BinXmlValue::Real64Type(f64::from_le_bytes(word(bytes))),
            arena,
        ),
        0x0d => match i32::from_le_bytes(word(bytes)) {
            0 => "false",
            1 => "true",
            // Windows puts bit masks into some booleans.
            v => decimal(v.unsigned_abs().into(), v < 0, arena),
        },
        0x0e => binary(bytes, arena),
        0x0f => guid(word(bytes), arena),
        0x10 | 0x14 | 0x15 => hex(unsigned(bytes), arena),
        0x11 => filetime(u64::from_le_bytes(word(bytes)), arena),
        0x12 => shown(
            &BinXmlValue::SysTimeType(SysTime::from_bytes(&word(bytes))),
            arena,
        ),
        0x13 => sid(bytes, arena),
        _ => "",
    }
}

/// Whether the text of a scalar other than UTF-16 is empty.
#[inline]
pub(crate) fn is_blank(kind: u8, bytes: &[u8]) -> bool {
    match kind {
        NULL => true,
        ANSI => bytes.iter().all(|b| *b == 0),
        _ => bytes.is_empty(),
    }
}

/// The text of an array that is not spread over elements.
pub(crate) fn list<'b>(value: Value, data: &'b [u8], arena: &'b Bump) -> RawValue<'b> {
    let mut out = bumpalo::collections::String::new_in(arena);
    for (i, item) in items(value, data).into_iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        out.push_str(scalar(item, data, Kind::Text).text(arena));
    }
    RawValue::Text(out.into_bump_str())
}

/// The items of an array, as scalars.
pub(crate) fn items(value: Value, data: &[u8]) -> Vec<Value> {
    let bytes = value.bytes(data);
    let mut kind = value.kind & !ARRAY;
    let item = |kind: u8, start: usize, len: usize| Value {
        kind,
        at: value.at + start as u32,
        len: len as u32,
    };
    let size = match kind {
        0x01 => return split(bytes, 2).map(|(s, l)| item(kind, s, l)).collect(),
        0x02 => return split(bytes, 1).map(|(s, l)| item(kind, s, l)).collect(),
        0x13 => {
            let mut out = Vec::new();
            let mut at = 0;
            while let Some(&[_, count]) = bytes.get(at..).and_then(|b| b.first_chunk()) {
                let len = (8 + 4 * usize::from(count)).min(bytes.len() - at);
                out.push(item(kind, at, len));
                at += len;
            }
            return out;
        }
        0x03 | 0x04 => 1,
        0x05 | 0x06 => 2,
        0x07 | 0x08 | 0x0b | 0x14 => 4,
        // One that is neither true nor false makes all of them numbers.
        0x0d => {
            let irregular = |b: &[u8; 4]| i32::from_le_bytes(*b) & !1 != 0;
            if bytes.as_chunks::<4>().0.iter().any(irregular) {
                kind = 0x07;
            }
            4
        }
        0x0f | 0x12 => 16,
        _ => 8,
    };
    (0..bytes.len() / size)
        .map(|i| item(kind, i * size, size))
        .collect()
}

/// Texts one behind the other, each with its NUL; the last may lack it.
fn split(bytes: &[u8], unit: usize) -> impl Iterator<Item = (usize, usize)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        if at >= bytes.len() {
            return None;
        }
        let start = at;
        while at < bytes.len() {
            let c = bytes.get(at..at + unit);
            at = bytes.len().min(at + unit);
            match c {
                Some(c) if c.iter().all(|b| *b == 0) => return Some((start, at - unit - start)),
                _ => {}
            }
        }
        Some((start, at - start))
    })
}

/// The first bytes, zeroes where the chunk has no more: lengths were checked when the value was found.
fn word<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.first_chunk().copied().unwrap_or([0; N])
}

fn unsigned(bytes: &[u8]) -> u64 {
    match bytes.first_chunk::<8>() {
        Some(b) => u64::from_le_bytes(*b),
        None => u64::from(u32::from_le_bytes(word(bytes))),
    }
}

fn decimal(mut v: u64, negative: bool, arena: &Bump) -> &str {
    let mut out = [0; 20];
    let mut at = out.len();
    loop {
        at -= 1;
        out[at] = b'0' + (v % 10) as u8;
        v /= 10;
        if v == 0 {
            break;
        }
    }
    if negative {
        at -= 1;
        out[at] = b'-';
    }
    ascii(&out[at..], arena)
}

/// What the reference implementation makes of a value too rare to be fast about.
fn shown<'b>(value: &BinXmlValue<'_>, arena: &'b Bump) -> &'b str {
    bumpalo::format!(in arena, "{}", value).into_bump_str()
}

/// Windows writes the code page of its language here and does not say which; like everybody else, read Western European.
fn ansi<'b>(bytes: &'b [u8], arena: &'b Bump) -> &'b str {
    let clean;
    let bytes = if memchr::memchr(0, bytes).is_some() {
        clean = bumpalo::collections::Vec::from_iter_in(
            bytes.iter().copied().filter(|b| *b != 0),
            arena,
        );
        clean.into_bump_slice()
    } else {
        bytes
    };
    match encoding_rs::WINDOWS_1252
        .decode_without_bom_handling(bytes)
        .0
    {
        std::borrow::Cow::Borrowed(text) => text,
        std::borrow::Cow::Owned(text) => arena.alloc_str(&text),
    }
}

fn ascii<'b>(bytes: &[u8], arena: &'b Bump) -> &'b str {
    let bytes = arena.alloc_slice_copy(bytes);
    std::str::from_utf8(bytes).unwrap_or_default()
}

fn binary<'b>(bytes: &[u8], arena: &'b Bump) -> &'b str {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = bumpalo::collections::String::with_capacity_in(bytes.len() * 2, arena);
    for b in bytes {
        out.push(char::from(DIGITS[usize::from(b >> 4)]));
        out.push(char::from(DIGITS[usize::from(b & 15)]));
    }
    out.into_bump_str()
}

fn guid(bytes: [u8; 16], arena: &Bump) -> &str {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    // Where each byte's digits stand: the first three groups are little-endian numbers.
    const PLACES: [usize; 16] = [7, 5, 3, 1, 12, 10, 17, 15, 20, 22, 25, 27, 29, 31, 33, 35];
    let mut out = *b"{--------------------------------------";
    for (b, place) in bytes.iter().zip(PLACES) {
        out[place] = DIGITS[usize::from(b >> 4)];
        out[place + 1] = DIGITS[usize::from(b & 15)];
    }
    out[37] = b'}';
    ascii(&out[..38], arena)
}

fn hex(mut v: u64, arena: &Bump) -> &str {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = [0; 18];
    let mut at = out.len();
    loop {
        at -= 1;
        out[at] = DIGITS[(v & 15) as usize];
        v >>= 4;
        if v == 0 {
            break;
        }
    }
    at -= 2;
    out[at] = b'0';
    out[at + 1] = b'x';
    ascii(&out[at..], arena)
}

fn sid<'b>(bytes: &[u8], arena: &'b Bump) -> &'b str {
    let &[revision, count, a, b, c, d, e, f, ref rest @ ..] = bytes else {
        return "S-?";
    };
    let authority = u64::from_be_bytes([0, 0, a, b, c, d, e, f]);
    let mut out = bumpalo::collections::String::with_capacity_in(48, arena);
    out.push_str("S-");
    out.push_str(decimal(revision.into(), false, arena));
    out.push('-');
    out.push_str(decimal(authority, false, arena));
    for part in rest.as_chunks::<4>().0.iter().take(usize::from(count)) {
        let part = u64::from(u32::from_le_bytes(*part));
        out.push('-');
        out.push_str(decimal(part, false, arena));
    }
    out.into_bump_str()
}

fn filetime(ticks: u64, arena: &Bump) -> &str {
    let mut out = *b"0000-00-00T00:00:00.0000000Z";
    // Windows shows zeroes for what is no date.
    if ticks <= i64::MAX as u64 {
        let days = ticks / 864_000_000_000;
        let rest = ticks % 864_000_000_000;
        let (year, month, day) = date(days);
        let seconds = rest / 10_000_000;
        for (place, width, v) in [
            (0, 4, year % 10_000),
            (5, 2, month),
            (8, 2, day),
            (11, 2, seconds / 3600),
            (14, 2, seconds / 60 % 60),
            (17, 2, seconds % 60),
            (20, 7, rest % 10_000_000),
        ] {
            let mut v = v;
            for b in out[place..place + width].iter_mut().rev() {
                *b = b'0' + (v % 10) as u8;
                v /= 10;
            }
        }
    }
    ascii(&out, arena)
}

/// Year, month and day of a number of days after 1601-01-01, counted in years that start in March, so that the leap
/// day is the last.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 584_694;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day_of_month = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (
        era * 400 + year + u64::from(month <= 2),
        month,
        day_of_month,
    )
}
