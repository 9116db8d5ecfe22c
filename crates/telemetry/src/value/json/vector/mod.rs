//! Strings of JSON by what the processor at hand has for whole words of bytes. Finding where strings end and undoing
//! escapes is what long texts cost most, and the instructions that every x86-64 has do it a few bytes at a time. This
//! module refuses to know what quotes and backslashes mean.
#![allow(
    unsafe_code,
    reason = "instructions that a processor may lack; they save 5 to 15 % of the time of reading"
)]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;

use std::borrow::Cow;
use std::sync::LazyLock;

use super::escapes;
use super::marks::{self, Marks};
use super::places::{WORD, places};

/// Whether the processor has the instructions for single bits that every level above the first uses.
#[cfg(target_arch = "x86_64")]
fn has_bits() -> bool {
    is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("lzcnt")
        && is_x86_feature_detected!("popcnt")
}

/// What the processor has. Whoever holds one may rely on it: [`Level::all`] alone makes them, having asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Level(SimdLevel);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SimdLevel {
    /// What the program was built for.
    Enough,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

static BEST: LazyLock<Level> = LazyLock::new(|| {
    let last = Level::all().last();
    last.unwrap_or(Level(SimdLevel::Enough))
});

impl Level {
    /// The highest there is.
    #[inline]
    pub(crate) fn best() -> Self {
        *BEST
    }

    /// All there are, the highest last.
    fn all() -> impl Iterator<Item = Self> {
        #[cfg(target_arch = "x86_64")]
        let more = [
            (avx2::is_there(), SimdLevel::Avx2),
            (avx512::is_there(), SimdLevel::Avx512),
        ];
        #[cfg(not(target_arch = "x86_64"))]
        let more: [(bool, SimdLevel); 0] = [];
        let more = more.into_iter().filter(|(there, _)| *there).map(|m| m.1);
        [SimdLevel::Enough].into_iter().chain(more).map(Self)
    }

    /// Marks word after word; `escaping` as in [`marks::mark`].
    pub(crate) fn mark(self, words: &[[u8; WORD]], marks: Marks<'_>, escaping: &mut bool) {
        match self.0 {
            SimdLevel::Enough => {
                let look = |word: &_| (places(word, b'"'), places(word, b'\\'));
                marks::mark(words, marks, escaping, look);
            }
            // SAFETY: the processor has what the function needs, or there would be no such level.
            #[cfg(target_arch = "x86_64")]
            SimdLevel::Avx2 => unsafe { avx2::mark(words, marks, escaping) },
            // SAFETY: likewise.
            #[cfg(target_arch = "x86_64")]
            SimdLevel::Avx512 => unsafe { avx512::mark(words, marks, escaping) },
        }
    }

    /// The text that stands between the quotes of a string, made in `out`, which has [`escapes::room`] for it.
    #[inline]
    pub(crate) fn undo<'o>(self, inner: &[u8], out: &'o mut [u8]) -> Cow<'o, str> {
        let undone = match self.0 {
            SimdLevel::Enough => escapes::undo(inner, out),
            // SAFETY: the processor has what the function needs, or there would be no such level.
            #[cfg(target_arch = "x86_64")]
            SimdLevel::Avx2 => unsafe { avx2::undo(inner, out) },
            // SAFETY: likewise.
            #[cfg(target_arch = "x86_64")]
            SimdLevel::Avx512 => unsafe { avx512::undo(inner, out) },
        };
        let bytes = &out[..undone.len];
        if undone.ascii {
            // SAFETY: each of these bytes was written, as one of `inner`, all of which were found to be ASCII, or as what an
            // escape stands for, which was, too.
            return Cow::Borrowed(unsafe { str::from_utf8_unchecked(bytes) });
        }
        match simdutf8::basic::from_utf8(bytes) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => String::from_utf8_lossy(bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::json::escapes::room;
    use proptest::prelude::*;

    /// Pieces of strings: plain text, every kind of escape, and what is none.
    fn strings() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            4 => "[a-zé😀]{0,80}".prop_map(String::into_bytes),
            4 => prop::sample::select(vec![
                r"\\", r"\r\n", r"\t", r#"\""#, r"\/", r"\b\f", r"\u00e9", r"\ud83d\ude00", r"\ud800", r"\u1", r"\q",
                r"\é", r"\",
            ])
            .prop_map(|s| s.as_bytes().to_vec()),
            1 => proptest::collection::vec(any::<u8>(), 0..4),
            1 => proptest::collection::vec(Just(b'\\'), 0..70),
            1 => Just(br#"""#.to_vec()),
        ];
        proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn all_levels_say_the_same(bytes in strings(), escaping in any::<bool>()) {
            let mut told = Vec::new();
            for level in Level::all() {
                let (words, _) = bytes.as_chunks();
                let (mut quotes, mut escapes) = (vec![0; 8 * words.len()], vec![0; 8 * words.len()]);
                let mut escaping = escaping;
                let marks = Marks { quotes: &mut quotes, escapes: &mut escapes };
                level.mark(words, marks, &mut escaping);
                let mut out = vec![0xaa; room(bytes.len())];
                let text = level.undo(&bytes, &mut out);
                prop_assert!(std::str::from_utf8(text.as_bytes()).is_ok());
                told.push((quotes, escapes, escaping, text.into_owned()));
            }
            for other in &told {
                prop_assert_eq!(other, &told[0]);
            }
        }
    }
}
