//! Comparing short texts.

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
/// how many there are cannot be predicted.
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
