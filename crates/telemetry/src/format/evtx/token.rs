//! Binary XML as bytes: a bounded cursor, the tables of values that template instances carry, and names. Knows how long
//! things are and where they lie; refuses to know what they mean.

use bumpalo::Bump;

pub(super) use crate::value::binxml::{ANSI, BINXML, NULL, UTF16, Value};

/// Where the bytes stopped making sense, and what would have been right there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Damage {
    /// Offset in the chunk.
    pub(super) at: usize,
    pub(super) what: &'static str,
}

pub(super) type Read<T> = Result<T, Damage>;

/// A reading position in a chunk that does not go past `end`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'b> {
    pub(super) data: &'b [u8],
    pub(super) at: usize,
    pub(super) end: usize,
}

impl<'b> Cursor<'b> {
    /// `end` may not be past the data.
    pub(super) fn new(data: &'b [u8], at: usize, end: usize) -> Self {
        Self {
            data,
            at,
            end: end.min(data.len()),
        }
    }

    pub(super) fn fail<T>(&self, what: &'static str) -> Read<T> {
        Err(Damage { at: self.at, what })
    }

    #[inline]
    pub(super) fn array<const N: usize>(&mut self) -> Read<[u8; N]> {
        let bytes = self
            .data
            .get(self.at..self.end)
            .and_then(|rest| rest.first_chunk::<N>());
        match bytes {
            Some(bytes) => {
                self.at += N;
                Ok(*bytes)
            }
            None => self.fail("it breaks off"),
        }
    }

    #[inline]
    pub(super) fn u8(&mut self) -> Read<u8> {
        self.array::<1>().map(|[b]| b)
    }

    #[inline]
    pub(super) fn u16(&mut self) -> Read<u16> {
        self.array().map(u16::from_le_bytes)
    }

    #[inline]
    pub(super) fn u32(&mut self) -> Read<u32> {
        self.array().map(u32::from_le_bytes)
    }

    #[inline]
    pub(super) fn skip(&mut self, n: usize) -> Read<()> {
        if n > self.end.saturating_sub(self.at) {
            return self.fail("it breaks off");
        }
        self.at += n;
        Ok(())
    }

    /// The offset of a name; the name itself may stand right behind and is stepped over.
    pub(super) fn name(&mut self) -> Read<usize> {
        let offset = self.u32()? as usize;
        if offset == self.at {
            self.skip(6)?;
            let units = usize::from(self.u16()?);
            self.skip(units * 2 + 2)?;
        }
        Ok(offset)
    }

    /// A text preceded by its number of code units.
    pub(super) fn text(&mut self) -> Read<Value> {
        let len = usize::from(self.u16()?) * 2;
        self.value(UTF16, len)
    }

    /// A value that stands in the stream itself, after its token.
    pub(super) fn literal(&mut self) -> Read<Value> {
        let kind = self.u8()?;
        match (kind, natural(kind)) {
            (UTF16, _) => self.text(),
            (BINXML, _) => {
                let len = usize::from(self.u16()?);
                self.value(BINXML, len)
            }
            (_, Natural::Fixed(len)) => self.value(kind, len),
            (_, Natural::Sid) => {
                let len = self.sid()?;
                self.value(kind, len)
            }
            _ => self.fail("a value of this type cannot stand here"),
        }
    }

    fn value(&mut self, kind: u8, len: usize) -> Read<Value> {
        let at = self.at;
        self.skip(len)?;
        Ok(Value {
            kind,
            at: at as u32,
            len: len as u32,
        })
    }

    /// Length of the security identifier that starts here.
    fn sid(&self) -> Read<usize> {
        let mut ahead = *self;
        let [_, count, ..] = ahead.array::<8>()?;
        Ok(8 + 4 * usize::from(count))
    }
}

/// How long values of a type are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Natural {
    /// Always this many bytes.
    Fixed(usize),
    /// As long as the table says.
    Sized,
    /// The table says, but only multiples of this make sense.
    Multiple(usize),
    Sid,
    /// 4 or 8 bytes.
    Size,
    /// Type bytes nobody writes, and those without a text form.
    Unknown,
}

const fn natural(kind: u8) -> Natural {
    match kind {
        NULL => Natural::Fixed(0),
        0x03 | 0x04 => Natural::Fixed(1),
        0x05 | 0x06 => Natural::Fixed(2),
        0x07 | 0x08 | 0x0b | 0x0d | 0x14 => Natural::Fixed(4),
        0x09 | 0x0a | 0x0c | 0x11 | 0x15 => Natural::Fixed(8),
        0x0f | 0x12 => Natural::Fixed(16),
        0x10 => Natural::Size,
        0x13 => Natural::Sid,
        UTF16 | 0x81 | 0x85 | 0x86 => Natural::Multiple(2),
        0x02 | 0x0e | BINXML | 0x82 | 0x83 | 0x84 | 0x93 => Natural::Sized,
        0x87 | 0x88 | 0x8b | 0x8d | 0x94 => Natural::Multiple(4),
        0x89 | 0x8a | 0x8c | 0x91 | 0x95 => Natural::Multiple(8),
        0x8f | 0x92 => Natural::Multiple(16),
        _ => Natural::Unknown,
    }
}

/// For every type the length of its values, as far as there is one: nearly all values of all records are that long.
static FIXED: [u8; 256] = {
    let mut table = [u8::MAX; 256];
    let mut kind = 0;
    while kind < 256 {
        match natural(kind as u8) {
            Natural::Fixed(len) => table[kind] = len as u8,
            Natural::Sized => table[kind] = ANY,
            Natural::Multiple(2) => table[kind] = EVEN,
            _ => {}
        }
        kind += 1;
    }
    table
};

/// Values of the type are as long as the table says.
const ANY: u8 = u8::MAX - 1;
/// The same, if that is even.
const EVEN: u8 = u8::MAX - 2;

/// Size of a template definition's header: the next one's offset, a GUID, the size of what follows.
pub(super) const DEFINITION_HEADER: usize = 24;

/// What about the values of an instance decides which of its template's fields it has: how many there are, and for each
/// a bit whether it is of the type null, and one whether it is more than that and more than an empty text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Shape {
    count: u32,
    nulls: u64,
    present: u64,
}

impl Shape {
    /// The shape of values, and which of them is embedded binary XML; `None` for those that it does not tell: arrays,
    /// code page text, several embedded values, too many.
    #[inline]
    pub(super) fn of(values: &[Value], data: &[u8]) -> Option<(Self, Option<u16>)> {
        if values.len() > 64 {
            return None;
        }
        let (mut nulls, mut present) = (0, 0);
        let mut embedded = None;
        for (i, v) in values.iter().enumerate() {
            if matches!(v.kind, BINXML | ANSI) || v.is_array() {
                if v.kind != BINXML || v.len == 0 || embedded.is_some() {
                    return None;
                }
                embedded = Some(i as u16);
            }
            let at = v.at as usize;
            let nul = v.kind == UTF16 && data.get(at..at + 2) == Some(&[0, 0]);
            nulls |= u64::from(v.kind == NULL) << i;
            present |= u64::from(v.len > 0 && !nul) << i;
        }
        let count = values.len() as u32;
        Some((
            Self {
                count,
                nulls,
                present,
            },
            embedded,
        ))
    }
}

/// Reads a template instance from behind its token: appends its values to `values` and returns its definition's offset.
pub(super) fn instance(cursor: &mut Cursor<'_>, values: &mut Vec<Value>) -> Read<u32> {
    cursor.skip(5)?;
    let definition = cursor.u32()?;
    // The first instance of a template in a chunk brings the definition along.
    if definition as usize == cursor.at {
        cursor.skip(DEFINITION_HEADER - 4)?;
        let size = cursor.u32()? as usize;
        cursor.skip(size)?;
    }
    let count = cursor.u32()? as usize;
    let table = cursor.at;
    if count > cursor.end.saturating_sub(table) / 4 {
        return cursor.fail("more values than the record can hold");
    }
    cursor.skip(count * 4)?;
    let descriptors = &cursor.data[table..table + count * 4];
    values.reserve(count);
    for descriptor in descriptors.as_chunks::<4>().0 {
        let &[low, high, kind, _] = descriptor;
        let size = u16::from_le_bytes([low, high]);
        let at = cursor.at as u32;
        let fixed = FIXED[usize::from(kind)];
        let plain = u16::from(fixed) == size && fixed < EVEN
            || fixed == ANY
            || fixed == EVEN && size.is_multiple_of(2);
        let len = if plain {
            cursor.skip(size.into())?;
            size.into()
        } else {
            odd_value(cursor, kind, size.into())?
        };
        values.push(Value { kind, at, len });
    }
    Ok(definition)
}

/// Steps over a value whose type and size do not say the same, and returns its length.
fn odd_value(cursor: &mut Cursor<'_>, kind: u8, size: usize) -> Read<u32> {
    let len = match natural(kind) {
        Natural::Fixed(len) => len,
        Natural::Sized => size,
        Natural::Multiple(n) if size.is_multiple_of(n) => size,
        Natural::Size if size == 4 || size == 8 => size,
        Natural::Sid => cursor.sid()?,
        Natural::Multiple(_) | Natural::Size => {
            return cursor.fail("a value of an impossible size");
        }
        Natural::Unknown => return cursor.fail("a value of an unknown type"),
    };
    // What the table says to be longer than its type is padded; what it says to be shorter would run into the next
    // value: then the type is believed, as no other reading makes sense of the rest.
    cursor.skip(len.max(size))?;
    Ok(len as u32)
}

/// Where the body of the only thing in this stream starts, if that is a template instance.
pub(super) fn single_instance(cursor: &Cursor<'_>) -> Option<usize> {
    match cursor.data.get(cursor.at..cursor.end)? {
        [0x0f, _, _, _, 0x0c, _, ..] => Some(cursor.at + 5),
        [0x0c, _, ..] => Some(cursor.at + 1),
        _ => None,
    }
}

/// The name at this offset of the chunk's string table.
pub(super) fn name<'b>(data: &[u8], offset: usize, arena: &'b Bump) -> Read<&'b str> {
    let mut cursor = Cursor::new(data, offset, data.len());
    cursor.skip(6)?;
    let text = cursor.text()?;
    let text = until_nul(text.bytes(data));
    let mut out = bumpalo::collections::String::with_capacity_in(text.len() / 2, arena);
    let units = text
        .as_chunks::<2>()
        .0
        .iter()
        .map(|u| u16::from_le_bytes(*u));
    if text
        .as_chunks::<2>()
        .0
        .iter()
        .all(|u| u[1] == 0 && u[0] < 0x80)
    {
        out.extend(text.as_chunks::<2>().0.iter().map(|u| char::from(u[0])));
    } else {
        out.extend(char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)));
    }
    Ok(out.into_bump_str())
}

/// Text ends at its first NUL, wherever its field ends.
pub(super) fn until_nul(text: &[u8]) -> &[u8] {
    let units = text.as_chunks::<2>().0;
    // Blocks without a NUL are stepped over whole, which the compiler turns into vector compares.
    let mut at = 0;
    for block in units.as_chunks::<16>().0 {
        if block.iter().fold(false, |nul, u| nul | (*u == [0, 0])) {
            break;
        }
        at += 16;
    }
    while at < units.len() && units[at] != [0, 0] {
        at += 1;
    }
    &text[..at * 2]
}
