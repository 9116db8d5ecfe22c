//! The text of a JSON string. Escapes that mean nothing and bytes that are not UTF-8 become U+FFFD, as a reader of
//! hostile logs must go on; everything else is exact.

use std::borrow::Cow;

use bumpalo::Bump;

use super::places::{WORD, places};

/// The text between the quotes of a JSON string.
pub(crate) fn unescape<'a>(inner: &[u8], arena: &'a Bump) -> &'a str {
    let space = arena.alloc_slice_fill_copy(room(inner), 0);
    let len = undo(inner, space);
    match text(&space[..len]) {
        Cow::Borrowed(text) => text,
        Cow::Owned(text) => arena.alloc_str(&text),
    }
}

/// Hands the text between the quotes of a JSON string to `then`. `space` is where it is made, for this and the next.
pub(crate) fn unescaped<T>(inner: &[u8], space: &mut Vec<u8>, then: impl FnOnce(&str) -> T) -> T {
    let room = room(inner);
    if space.len() < room {
        space.resize(room, 0);
    }
    let len = undo(inner, space);
    then(&text(&space[..len]))
}

/// Bytes as UTF-8, what is none replaced.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    simdutf8::basic::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

/// Bytes that [`undo`] needs: two may become the three of U+FFFD, and whole words are written past the end.
fn room(inner: &[u8]) -> usize {
    inner.len() + inner.len() / 2 + 2 * WORD
}

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

/// Writes the text to `out`, which has [`room`] for it, and gives its length.
fn undo(inner: &[u8], out: &mut [u8]) -> usize {
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
            // cannot be foreseen.
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
    to
}

/// What the escape at the beginning stands for, and how many bytes it takes. A backslash with nothing behind it is nothing.
#[cold]
fn escape(bytes: &[u8]) -> (Option<char>, usize) {
    match bytes.get(1) {
        None => (None, 1),
        Some(b'u') => {
            let (c, used) = code_point(&bytes[2..]);
            (Some(c), 2 + used)
        }
        Some(_) => (Some(char::REPLACEMENT_CHARACTER), 2),
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn broken_escapes_leave_a_mark() {
        let arena = Bump::new();
        assert_eq!(
            unescape(br"a\qb\ud800c\u12", &arena),
            "a\u{fffd}b\u{fffd}c\u{fffd}12"
        );
        assert_eq!(unescape(b"a\xffb", &arena), "a\u{fffd}b");
        assert_eq!(unescape(br"tail\", &arena), "tail");
    }

    /// What it means, one escape after another.
    fn plain(inner: &[u8]) -> String {
        let mut out = Vec::new();
        let mut rest = inner;
        while let [first, tail @ ..] = rest {
            let mut used = 1;
            match (first, tail.first()) {
                (b'\\', Some(kind)) if PLAIN[*kind as usize] != 0 => {
                    out.push(PLAIN[*kind as usize]);
                    used = 2;
                }
                (b'\\', _) => {
                    let (c, n) = escape(rest);
                    out.extend(c.into_iter().flat_map(|c| c.to_string().into_bytes()));
                    used = n;
                }
                (byte, _) => out.push(*byte),
            }
            rest = &rest[used..];
        }
        String::from_utf8_lossy(&out).into_owned()
    }

    proptest! {
        #[test]
        fn agrees_with_serde(text in any::<String>()) {
            let json = serde_json::to_string(&text).expect("text is JSON");
            let arena = Bump::new();
            prop_assert_eq!(unescape(&json.as_bytes()[1..json.len() - 1], &arena), text);
        }

        #[test]
        fn many_bytes_at_once_mean_what_each_means(
            pieces in proptest::collection::vec(
                prop_oneof![
                    "[a-zé😀]{0,80}".prop_map(String::into_bytes),
                    Just(br"\\".to_vec()),
                    Just(br"\r\n\t".to_vec()),
                    Just(br"\ud83d\ude00".to_vec()),
                    Just(br"\u00e9".to_vec()),
                    Just(br"\ud800".to_vec()),
                    Just(br"\".to_vec()),
                    proptest::collection::vec(any::<u8>(), 0..4),
                ],
                0..60,
            ),
        ) {
            let inner = pieces.concat();
            let arena = Bump::new();
            prop_assert_eq!(unescape(&inner, &arena), plain(&inner));
            let mut space = b"left from the one before".repeat(20);
            unescaped(&inner, &mut space, |text| assert_eq!(text, plain(&inner)));
        }
    }
}
