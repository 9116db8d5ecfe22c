//! Words in one register of 64 bytes: bytes are compared at once, and those to be left out are, too.

use std::arch::x86_64::{
    __m512i, _mm512_cmpeq_epi8_mask, _mm512_loadu_epi8, _mm512_mask_blend_epi8,
    _mm512_maskz_compress_epi8, _mm512_maskz_loadu_epi8, _mm512_movepi8_mask, _mm512_set1_epi8,
    _mm512_storeu_epi8,
};

use super::super::escapes::{Unescaped, undo_by_words};
use super::super::marks::{self, Marks};
use super::super::places::WORD;

/// Whether the processor has what the functions below need.
pub(super) fn is_there() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vbmi2")
        && super::has_bits()
}

#[target_feature(enable = "avx512f,avx512bw,avx512vbmi2,bmi1,bmi2,lzcnt,popcnt")]
pub(super) fn mark(words: &[[u8; WORD]], marks: Marks<'_>, escaping: &mut bool) {
    marks::mark(words, marks, escaping, |word| {
        let word = load(word);
        (places(word, b'"'), places(word, b'\\'))
    });
}

#[target_feature(enable = "avx512f,avx512bw,avx512vbmi2,bmi1,bmi2,lzcnt,popcnt")]
pub(super) fn undo(inner: &[u8], out: &mut [u8]) -> Unescaped {
    let look = |word: &__m512i| (places(*word, b'\\'), _mm512_movepi8_mask(*word));
    let pack = |word: &__m512i, escapes: u64, escaped: u64, out: &mut [u8; WORD]| {
        let of = |byte| places(*word, byte) & escaped;
        let (n, r, t) = (of(b'n'), of(b'r'), of(b't'));
        let same = of(b'"') | of(b'\\') | of(b'/');
        let word = _mm512_mask_blend_epi8(n, *word, all(b'\n'));
        let word = _mm512_mask_blend_epi8(r, word, all(b'\r'));
        let word = _mm512_mask_blend_epi8(t, word, all(b'\t'));
        store(_mm512_maskz_compress_epi8(!escapes, word), out);
        escaped & !(n | r | t | same)
    };
    undo_by_words(inner, out, |bytes| load(bytes), look, pack)
}

/// The first word of these bytes, zeros behind their end.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn load(bytes: &[u8]) -> __m512i {
    match bytes.first_chunk::<WORD>() {
        // SAFETY: that many bytes are read as are there, wherever they lie.
        Some(word) => unsafe { _mm512_loadu_epi8(word.as_ptr().cast()) },
        None => {
            let there = !(!0 << bytes.len());
            // SAFETY: of bytes whose bit is not set nothing is read, and bits are set for as many as are there.
            unsafe { _mm512_maskz_loadu_epi8(there, bytes.as_ptr().cast()) }
        }
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn store(word: __m512i, out: &mut [u8; WORD]) {
    // SAFETY: that many bytes are written as are there, wherever they lie.
    unsafe { _mm512_storeu_epi8(out.as_mut_ptr().cast(), word) }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn all(byte: u8) -> __m512i {
    _mm512_set1_epi8(byte.cast_signed())
}

/// A bit for each place where `byte` stands.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn places(word: __m512i, byte: u8) -> u64 {
    _mm512_cmpeq_epi8_mask(word, all(byte))
}
