//! Where strings end and where escapes begin among 64 bytes, told from where quotes and backslashes stand. This module
//! refuses to know how those are found.

use super::places::WORD;

/// What stands where, a bit for each byte, the first one's lowest, eight bytes of bits for each word.
pub(crate) struct Marks<'m> {
    /// Quotes that no backslash takes their meaning from.
    pub(crate) quotes: &'m mut [u8],
    /// Backslashes that begin an escape.
    pub(crate) escapes: &'m mut [u8],
}

/// Marks word after word. `look` tells where quotes and backslashes stand; `escaping` says whether the byte before is a
/// backslash that begins an escape, and is set to whether the last one is.
#[inline(always)]
pub(super) fn mark(
    words: &[[u8; WORD]],
    marks: Marks<'_>,
    escaping: &mut bool,
    look: impl Fn(&[u8; WORD]) -> (u64, u64),
) {
    let (all_quotes, _) = marks.quotes.as_chunks_mut();
    let (all_escapes, _) = marks.escapes.as_chunks_mut();
    for (word, (out_quotes, out_escapes)) in
        words.iter().zip(all_quotes.iter_mut().zip(all_escapes))
    {
        let (quotes, backslashes) = look(word);
        // Always worked out: whether a word has backslashes cannot be predicted, and a wrong guess costs more.
        let (escapes, escaped) = escapes_of(backslashes, *escaping);
        *escaping = escapes >> (WORD - 1) != 0;
        *out_quotes = (quotes & !escaped).to_le_bytes();
        *out_escapes = escapes.to_le_bytes();
    }
}

/// The backslashes that begin an escape, and the bytes they escape. `escaping` says whether the byte before is such a
/// backslash.
#[inline(always)]
pub(super) fn escapes_of(backslashes: u64, escaping: bool) -> (u64, u64) {
    const ODD: u64 = 0xaaaa_aaaa_aaaa_aaaa;
    let first = u64::from(escaping);
    // Of a run of backslashes every other one begins an escape, the first of the run foremost. Subtracting the bit of
    // that first one from the odd bits around the run borrows through it, and leaves different traces in runs that begin
    // at even and at odd places, so that all runs are settled at once.
    let begins = backslashes & !first;
    let odd = (begins << 1) | ODD;
    let pairs = odd.wrapping_sub(begins) ^ ODD;
    (pairs & backslashes, pairs ^ (backslashes | first))
}
