//! Words in two registers of 32 bytes: bytes are compared at once, and those to be left out are taken from eight at a time.

use std::arch::x86_64::{
    __m256i, _mm256_and_si256, _mm256_cmpeq_epi8, _mm256_extract_epi64, _mm256_loadu_si256,
    _mm256_movemask_epi8, _mm256_or_si256, _mm256_set1_epi8, _mm256_set1_epi32, _mm256_set1_epi64x,
    _mm256_setr_epi64x, _mm256_shuffle_epi8, _mm256_xor_si256, _pdep_u64, _pext_u64,
};

use super::super::escapes::{Unescaped, undo_by_words};
use super::super::marks::{self, Marks};
use super::super::places::WORD;

/// A word; its first half first.
type Halves = [__m256i; 2];

/// Whether the processor has what the functions below need.
pub(super) fn is_there() -> bool {
    is_x86_feature_detected!("avx2") && super::has_bits()
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
pub(super) fn mark(words: &[[u8; WORD]], marks: Marks<'_>, escaping: &mut bool) {
    marks::mark(words, marks, escaping, |word| {
        let word = load(word);
        (bits(are(word, b'"')), bits(are(word, b'\\')))
    });
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
pub(super) fn undo(inner: &[u8], out: &mut [u8]) -> Unescaped {
    let look = |word: &Halves| (bits(are(*word, b'\\')), bits(*word));
    let pack = |word: &Halves, escapes: u64, escaped: u64, out: &mut [u8; WORD]| {
        let [n, r, t] = [b'n', b'r', b't'].map(|byte| are(*word, byte));
        let [quote, backslash, slash] = [b'"', b'\\', b'/'].map(|byte| are(*word, byte));
        let known = bits(or(or(or(n, r), or(t, quote)), or(backslash, slash)));
        // What turns a letter into what it stands for.
        let turn = or(
            or(and(n, all(b'n' ^ b'\n')), and(r, all(b'r' ^ b'\r'))),
            and(t, all(b't' ^ b'\t')),
        );
        let turned = xor(*word, and(turn, bytes(escaped)));
        keep(turned, !escapes, out);
        escaped & !known
    };
    undo_by_words(inner, out, |bytes| load(bytes), look, pack)
}

/// Writes those bytes of the word whose bit is set, one behind the other; what is written behind them means nothing.
#[inline]
#[target_feature(enable = "avx2,bmi2,popcnt")]
fn keep(word: Halves, kept: u64, out: &mut [u8; WORD]) {
    let eights = [
        _mm256_extract_epi64::<0>(word[0]),
        _mm256_extract_epi64::<1>(word[0]),
        _mm256_extract_epi64::<2>(word[0]),
        _mm256_extract_epi64::<3>(word[0]),
        _mm256_extract_epi64::<0>(word[1]),
        _mm256_extract_epi64::<1>(word[1]),
        _mm256_extract_epi64::<2>(word[1]),
        _mm256_extract_epi64::<3>(word[1]),
    ];
    let mut to = 0;
    for (i, eight) in eights.into_iter().enumerate() {
        let kept = kept >> (8 * i) & 0xff;
        let whole_bytes = _pdep_u64(kept, 0x0101_0101_0101_0101) * 0xff;
        let packed = _pext_u64(eight.cast_unsigned(), whole_bytes);
        out[to..to + 8].copy_from_slice(&packed.to_le_bytes());
        to += kept.count_ones() as usize;
    }
}

/// The first word of these bytes, zeros behind their end.
#[inline]
#[target_feature(enable = "avx2")]
fn load(bytes: &[u8]) -> Halves {
    let mut padded = [0; WORD];
    let word = match bytes.first_chunk::<WORD>() {
        Some(word) => word,
        None => {
            padded[..bytes.len()].copy_from_slice(bytes);
            &padded
        }
    };
    let (halves, _) = word.as_chunks::<{ WORD / 2 }>();
    // SAFETY: that many bytes are read as are there, wherever they lie.
    [0, 1].map(|i| unsafe { _mm256_loadu_si256(halves[i].as_ptr().cast()) })
}

#[inline]
#[target_feature(enable = "avx2")]
fn all(byte: u8) -> Halves {
    [_mm256_set1_epi8(byte.cast_signed()); 2]
}

/// Ones in the bytes that are `byte`.
#[inline]
#[target_feature(enable = "avx2")]
fn are(word: Halves, byte: u8) -> Halves {
    let wanted = all(byte);
    [0, 1].map(|i| _mm256_cmpeq_epi8(word[i], wanted[i]))
}

/// A bit for each byte, its highest.
#[inline]
#[target_feature(enable = "avx2")]
fn bits(word: Halves) -> u64 {
    let [low, high] = word.map(|half| _mm256_movemask_epi8(half).cast_unsigned());
    u64::from(low) | u64::from(high) << 32
}

/// Ones in the bytes whose bit is set.
#[inline]
#[target_feature(enable = "avx2")]
fn bytes(bits: u64) -> Halves {
    // Each byte gets the eight bits that its own is among, and keeps that.
    let eight = |n: i64| n * 0x0101_0101_0101_0101;
    let places = _mm256_setr_epi64x(eight(0), eight(1), eight(2), eight(3));
    let own = _mm256_set1_epi64x(0x8040_2010_0804_0201_u64.cast_signed());
    [bits as u32, (bits >> 32) as u32].map(|bits| {
        let spread = _mm256_shuffle_epi8(_mm256_set1_epi32(bits.cast_signed()), places);
        _mm256_cmpeq_epi8(_mm256_and_si256(spread, own), own)
    })
}

#[inline]
#[target_feature(enable = "avx2")]
fn and(a: Halves, b: Halves) -> Halves {
    [0, 1].map(|i| _mm256_and_si256(a[i], b[i]))
}

#[inline]
#[target_feature(enable = "avx2")]
fn or(a: Halves, b: Halves) -> Halves {
    [0, 1].map(|i| _mm256_or_si256(a[i], b[i]))
}

#[inline]
#[target_feature(enable = "avx2")]
fn xor(a: Halves, b: Halves) -> Halves {
    [0, 1].map(|i| _mm256_xor_si256(a[i], b[i]))
}
