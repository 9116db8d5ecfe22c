//! What the escapes in a JSON string stand for. This module refuses to know where a string begins and ends.

#[cfg(target_arch = "x86_64")]
use super::marks::escapes_of;
use super::places::{WORD, places};

/// What an escape of two bytes stands for; 0 where it takes more to tell.
const PLAIN: [u8; 256] = {
    let mut plain = [0; 256];
    plain[b'n' as usize] = b'\n';
    plain[b'r' as usize] = b'\r';
    plain[b't' as usize] = b'\t';
    plain[b'b' as usize] = 8;
    plain[b'f' as usize] = 12;
    plain[b'"' as usize] = b'"';
    plain[b'\\' as usize] = b'\\';
    plain[b'/' as usize] = b'/';
    plain
};

/// Bytes that undoing the escapes in as many needs: two may become the three of U+FFFD, and whole words are written past
/// the end.
pub(super) fn room(len: usize) -> usize {
    len + len / 2 + 2 * WORD
}

/// A string whose escapes are undone.
pub(super) struct Unescaped {
    /// How many bytes of it were written.
    pub(super) len: usize,
    /// They are ASCII; if not, they may be nevertheless.
    pub(super) ascii: bool,
}

/// Writes what stands between the quotes of a string to `out`, which has [`room`] for it.
pub(super) fn undo(inner: &[u8], out: &mut [u8]) -> Unescaped {
    let (mut from, mut to) = (0, 0);
    let mut tail = [0; 2 * WORD];
    'words: while from < inner.len() {
        let rest = &inner[from..];
        let ahead = match rest.first_chunk::<{ 2 * WORD }>() {
            Some(ahead) => ahead,
            None => {
                tail[..rest.len()].copy_from_slice(rest);
                tail[rest.len()..].fill(0);
                &tail
            }
        };
        let word = ahead.first_chunk::<WORD>().unwrap_or(&[0; WORD]);
        let whole = rest.len().min(WORD);
        // Backslashes not dealt with yet, and how many bytes are.
        let mut left = places(word, b'\\');
        let mut done = 0;
        while left != 0 {
            let next = left.trailing_zeros() as usize;
            // More than there is to write: what follows is written over. Also where there is nothing to write, since that
            // cannot be predicted.
            out[to..to + WORD].copy_from_slice(&ahead[done..done + WORD]);
            to += next - done;
            let plain = PLAIN[ahead[next + 1] as usize];
            if plain == 0 {
                let (c, used) = escape(&rest[next..]);
                let c = c.map_or(0, |c| c.encode_utf8(&mut out[to..]).len());
                to += c;
                from += next + used;
                continue 'words;
            }
            out[to] = plain;
            to += 1;
            done = next + 2;
            // The second of two backslashes begins nothing.
            left &= !(0b11 << next);
        }
        // An escape may have taken the first byte of the next word.
        if done < whole {
            out[to..to + WORD].copy_from_slice(&ahead[done..done + WORD]);
            to += whole - done;
            done = whole;
        }
        from += done;
    }
    Unescaped {
        len: to,
        ascii: false,
    }
}

/// The same word by word, for processors that can take bytes out of a word at once. `load` makes the first word of some
/// bytes ready, zeros behind the end; `look` tells where in it backslashes stand and where bytes that are not ASCII; `pack`
/// writes it without `escapes`, the bytes `escaped` as what they stand for, and tells of which of these that is not known.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(super) fn undo_by_words<W>(
    inner: &[u8],
    out: &mut [u8],
    load: impl Fn(&[u8]) -> W,
    look: impl Fn(&W) -> (u64, u64),
    pack: impl Fn(&W, u64, u64, &mut [u8; WORD]) -> u64,
) -> Unescaped {
    let (mut from, mut to) = (0, 0);
    let mut not_ascii = 0;
    while from < inner.len() {
        let rest = &inner[from..];
        let whole = rest.len().min(WORD);
        let word = load(rest);
        let (found, high) = look(&word);
        not_ascii |= high;
        let space = out[to..].first_chunk_mut().expect("room for a word");
        if found == 0 && whole == WORD {
            space.copy_from_slice(&rest[..WORD]);
            (from, to) = (from + WORD, to + WORD);
            continue;
        }
        let (escapes, escaped) = escapes_of(found, false);
        let unknown = pack(&word, escapes, escaped, space);
        if unknown != 0 {
            let before = unknown.trailing_zeros() as usize - 1;
            let left_out = escapes & !(!0 << before);
            to += before - left_out.count_ones() as usize;
            let (c, used) = escape(&rest[before..]);
            not_ascii |= u64::from(c.is_some_and(|c| !c.is_ascii()));
            to += c.map_or(0, |c| c.encode_utf8(&mut out[to..]).len());
            from += before + used;
            continue;
        }
        to += whole - escapes.count_ones() as usize;
        // What the last backslash escapes is in the next word.
        let parted = rest.len() > WORD && escapes >> (WORD - 1) != 0;
        from += whole - usize::from(parted);
    }
    Unescaped {
        len: to,
        ascii: not_ascii == 0,
    }
}

/// What the escape at the beginning stands for, and how many bytes it takes. A backslash with nothing behind it is nothing.
#[cold]
pub(super) fn escape(bytes: &[u8]) -> (Option<char>, usize) {
    match bytes.get(1) {
        None => (None, 1),
        Some(b'u') => {
            let (c, used) = code_point(&bytes[2..]);
            (Some(c), 2 + used)
        }
        Some(kind) => match PLAIN[usize::from(*kind)] {
            0 => (Some(char::REPLACEMENT_CHARACTER), 2),
            plain => (Some(char::from(plain)), 2),
        },
    }
}

/// The character after `\u`, and how many bytes spell it.
fn code_point(rest: &[u8]) -> (char, usize) {
    let Some(first) = hex4(rest) else {
        return (char::REPLACEMENT_CHARACTER, 0);
    };
    if !(0xd800..0xdc00).contains(&first) {
        return (
            char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER),
            4,
        );
    }
    // A high surrogate counts only with its low one.
    let second = rest
        .get(4..)
        .and_then(|r| r.strip_prefix(b"\\u"))
        .and_then(hex4);
    match second {
        Some(low) if (0xdc00..0xe000).contains(&low) => {
            let c = 0x10000 + ((first - 0xd800) << 10) + (low - 0xdc00);
            (char::from_u32(c).unwrap_or(char::REPLACEMENT_CHARACTER), 10)
        }
        _ => (char::REPLACEMENT_CHARACTER, 4),
    }
}

fn hex4(bytes: &[u8]) -> Option<u32> {
    bytes
        .get(..4)?
        .iter()
        .try_fold(0, |n, b| Some(n * 16 + char::from(*b).to_digit(16)?))
}
