//! Where a byte stands among 64, found for all of them at once. This module refuses to know what the byte means.

use wide::u8x16;

/// Bytes looked at together.
pub(crate) const WORD: usize = 64;

/// A bit for each place where `byte` stands, the first byte's lowest.
#[inline(always)]
pub(super) fn places(word: &[u8; WORD], byte: u8) -> u64 {
    let wanted = u8x16::splat(byte);
    let sixteens = word.as_chunks::<16>().0.iter().enumerate();
    sixteens.fold(0, |found, (i, sixteen)| {
        let same = u8x16::new(*sixteen).simd_eq(wanted).to_bitmask();
        found | u64::from(same) << (16 * i)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn each_place_is_found_and_no_other(
            word in proptest::collection::vec(
                prop_oneof![Just(b'\\'), Just(b'"'), Just(b']'), Just(0xdc), any::<u8>()],
                WORD,
            ),
        ) {
            let word: [u8; WORD] = word.try_into().expect("as many");
            for byte in [b'\\', b'"', word[7]] {
                let plain = (0..WORD).filter(|i| word[*i] == byte).fold(0, |all, i| all | 1u64 << i);
                prop_assert_eq!(places(&word, byte), plain);
            }
        }
    }
}
