//! The beginning of a text as a few machine words, so that a short text of known length is compared with what stands
//! there at once, whatever follows it. This module refuses to know whose text it is.

/// Longest beginning, in bytes.
const LONGEST: usize = 64;

/// As many ones as there are bytes to compare, at [`LONGEST`] less that.
const ONES: [u8; 2 * LONGEST] = {
    let mut ones = [0; 2 * LONGEST];
    let mut i = 0;
    while i < LONGEST {
        ones[i] = 0xff;
        i += 1;
    }
    ones
};

/// The first words of a text, if it has so many.
#[inline(always)]
pub(crate) fn words<const N: usize>(text: &[u8]) -> Option<[u64; N]> {
    let (eights, _) = text.as_chunks::<8>();
    Some(eights.first_chunk::<N>()?.map(u64::from_le_bytes))
}

/// Ones for the first `len` bytes, and zeros behind them.
#[inline(always)]
pub(crate) fn mask<const N: usize>(len: usize) -> Option<[u64; N]> {
    words(ONES.get(LONGEST.checked_sub(len)?..)?)
}

/// Whether the texts are the same where the mask has ones.
#[inline(always)]
pub(crate) fn same<const N: usize>(a: &[u64; N], b: &[u64; N], mask: &[u64; N]) -> bool {
    (0..N).fold(0, |all, i| all | ((a[i] ^ b[i]) & mask[i])) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_the_same_as_far_as_they_are_compared() {
        let text = *b"0123456789abcdefghijklmnopqrstuv and more";
        let whole: [u64; 4] = words(&text).expect("as many bytes");
        for at in 0..32 {
            let mut other = text;
            other[at] ^= 1;
            let other = words(&other).expect("as many bytes");
            for len in 0..=32 {
                let mask = mask(len).expect("no longer than the words");
                assert_eq!(same(&whole, &other, &mask), len <= at, "{at} {len}");
            }
        }
        assert_eq!(words::<4>(&text[..31]), None);
        assert_eq!(mask::<8>(LONGEST), Some([u64::MAX; 8]));
        assert_eq!(mask::<8>(LONGEST + 1), None);
    }
}
