//! The text of a JSON string. Escapes that mean nothing and bytes that are not UTF-8 become U+FFFD, as a reader of
//! hostile logs must go on; everything else is exact.

use std::borrow::Cow;

use bumpalo::Bump;

use super::escapes::room;
use super::vector::Level;

/// The text between the quotes of a JSON string.
pub(crate) fn unescape<'a>(inner: &[u8], arena: &'a Bump) -> &'a str {
    let space = arena.alloc_slice_fill_copy(room(inner.len()), 0);
    match Level::best().undo(inner, space) {
        Cow::Borrowed(text) => text,
        Cow::Owned(text) => arena.alloc_str(&text),
    }
}

/// Hands the text between the quotes of a JSON string to `then`. `space` is where it is made, for this and the next.
pub(crate) fn unescaped<T>(inner: &[u8], space: &mut Vec<u8>, then: impl FnOnce(&str) -> T) -> T {
    let room = room(inner.len());
    if space.len() < room {
        space.resize(room, 0);
    }
    then(&Level::best().undo(inner, space))
}

#[cfg(test)]
mod tests {
    use super::super::escapes::escape;
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
        while let [first, ..] = rest {
            let mut used = 1;
            match first {
                b'\\' => {
                    let (c, n) = escape(rest);
                    out.extend(c.into_iter().flat_map(|c| c.to_string().into_bytes()));
                    used = n;
                }
                byte => out.push(*byte),
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
