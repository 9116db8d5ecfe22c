//! The text of a JSON string. Escapes that mean nothing and bytes that are not UTF-8 become U+FFFD, as a reader of
//! hostile logs must go on; everything else is exact.

use bumpalo::Bump;
use bumpalo::collections::Vec;

/// The text between the quotes of a JSON string.
pub(crate) fn unescape<'a>(inner: &[u8], arena: &'a Bump) -> &'a str {
    let mut out = Vec::with_capacity_in(inner.len(), arena);
    let mut rest = inner;
    while let Some(n) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice_copy(&rest[..n]);
        rest = &rest[n + 1..];
        let Some((&kind, tail)) = rest.split_first() else {
            break;
        };
        rest = tail;
        let plain = match kind {
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'b' => 8,
            b'f' => 12,
            b'"' | b'\\' | b'/' => kind,
            b'u' => {
                let (c, used) = code_point(rest);
                rest = &rest[used..];
                out.extend_from_slice_copy(c.encode_utf8(&mut [0; 4]).as_bytes());
                continue;
            }
            _ => {
                out.extend_from_slice_copy("\u{fffd}".as_bytes());
                continue;
            }
        };
        out.push(plain);
    }
    out.extend_from_slice_copy(rest);
    let bytes = out.into_bump_slice();
    match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(_) => arena.alloc_str(&String::from_utf8_lossy(bytes)),
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

    proptest! {
        #[test]
        fn agrees_with_serde(text in any::<String>()) {
            let json = serde_json::to_string(&text).expect("text is JSON");
            let arena = Bump::new();
            prop_assert_eq!(unescape(&json.as_bytes()[1..json.len() - 1], &arena), text);
        }
    }
}
