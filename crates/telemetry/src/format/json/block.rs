//! A block of JSON with what a reader asks of it again and again made ready: where strings end, and which stretches are
//! UTF-8. Both are found many bytes at a time, a step ahead of the reader, while the bytes are close at hand. This module
//! refuses to know objects and arrays.

use crate::value::json::Level;
use crate::value::json::Marks;
use crate::value::json::WORD;

/// Bytes made ready at a time: few enough to be still at hand when they are read.
const STEP: usize = 1 << 14;
/// Bytes for their bits, and as many more as are looked at together.
const BITS: usize = STEP / 8 + 8;

/// A block and what is known of the stretch of it that the reader has come to.
pub(super) struct Block<'a> {
    pub(super) bytes: &'a [u8],
    /// Quotes in the stretch that end or begin a string, a bit for each byte, and zeros behind them.
    quotes: [u8; BITS],
    /// Backslashes in it that begin an escape.
    escapes: [u8; BITS],
    /// The first word of the stretch.
    first: usize,
    /// The word behind its last.
    end: usize,
    /// The last byte looked at is a backslash that begins an escape.
    escaping: bool,
    level: Level,
    /// Where `text` begins.
    text_at: usize,
    /// UTF-8, as far as the stretch is.
    text: &'a str,
    /// Where the next text begins.
    checked: usize,
}

impl<'a> Block<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            quotes: [0; BITS],
            escapes: [0; BITS],
            first: 0,
            end: 0,
            escaping: false,
            level: Level::best(),
            text_at: 0,
            text: "",
            checked: 0,
        }
    }

    /// The first quote at or after `from` that ends a string, and whether an escape stands between.
    ///
    /// The byte before `from` must be no backslash, and no call may ask for what lies before the end that one before
    /// it found.
    #[inline]
    pub(super) fn string_end(&mut self, from: usize) -> Option<(usize, bool)> {
        // Most strings are short, and a look at the bits from the byte that has the first on is enough.
        let at = from.wrapping_sub(self.first * WORD);
        if let (Some(quotes), Some(escapes)) = (bits(&self.quotes, at), bits(&self.escapes, at))
            && quotes != 0
        {
            self.fetch(from + STEP);
            let before = quotes ^ (quotes - 1);
            return Some((
                from + quotes.trailing_zeros() as usize,
                escapes & before != 0,
            ));
        }
        self.long_string_end(from)
    }

    /// The same of a string of any length.
    #[inline(never)]
    fn long_string_end(&mut self, from: usize) -> Option<(usize, bool)> {
        let mut word = from / WORD;
        let mut kept = !0u64 << (from % WORD);
        let mut any_escapes = 0;
        loop {
            if word >= self.end {
                if !self.look_ahead() {
                    return None;
                }
                continue;
            }
            let at = word.wrapping_sub(self.first).wrapping_mul(WORD);
            let (quotes, escapes) = (bits(&self.quotes, at)?, bits(&self.escapes, at)?);
            self.fetch(word * WORD + STEP);
            let quotes = quotes & kept;
            if quotes != 0 {
                let before = quotes ^ (quotes - 1);
                any_escapes |= escapes & kept & before;
                let end = word * WORD + quotes.trailing_zeros() as usize;
                return Some((end, any_escapes != 0));
            }
            any_escapes |= escapes & kept;
            kept = !0;
            word += 1;
        }
    }

    /// Has the bytes around this brought near, which will be wanted soon. The reader comes to the next stretch while memory is
    /// idle; when that is made ready all at once, it would wait for most of it.
    #[inline(always)]
    fn fetch(&self, at: usize) {
        #[cfg(target_arch = "x86_64")]
        if let Some(byte) = self.bytes.get(at) {
            safe_arch::prefetch_t0(byte);
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = at;
    }

    /// These bytes as text, if they are. Both ends must stand beside ASCII characters.
    #[inline]
    pub(super) fn text(&self, from: usize, to: usize) -> Option<&'a str> {
        let ready = from
            .checked_sub(self.text_at)
            .and_then(|start| self.text.get(start..to - self.text_at));
        match ready {
            Some(text) => Some(text),
            None => simdutf8::basic::from_utf8(&self.bytes[from..to]).ok(),
        }
    }

    /// Makes the next stretch ready; `false` if there is none.
    #[cold]
    #[inline(never)]
    fn look_ahead(&mut self) -> bool {
        let start = self.end * WORD;
        if start >= self.bytes.len() {
            return false;
        }
        let stretch = &self.bytes[start..self.bytes.len().min(start + STEP)];
        let (words, rest) = stretch.as_chunks::<WORD>();
        let marked = Marks {
            quotes: &mut self.quotes,
            escapes: &mut self.escapes,
        };
        self.level.mark(words, marked, &mut self.escaping);
        if stretch.len() < STEP {
            // The last one: behind it nothing is left of the one before.
            let here = 8 * words.len();
            let (quotes, escapes) = (&mut self.quotes[here..], &mut self.escapes[here..]);
            quotes.fill(0);
            escapes.fill(0);
            let mut word = [b' '; WORD];
            word[..rest.len()].copy_from_slice(rest);
            let marks = Marks { quotes, escapes };
            self.level.mark(&[word], marks, &mut self.escaping);
        }
        self.first = self.end;
        self.end += stretch.len().div_ceil(WORD);
        self.check(start + stretch.len());
        true
    }

    /// Takes the bytes up to `end` for text, if they are.
    fn check(&mut self, end: usize) {
        let start = self.checked;
        let mut end = end;
        // A character that goes on behind the end belongs to the next stretch.
        if end < self.bytes.len() {
            let back = (0..4).find(|n| !is_continuation(self.bytes[end - n]));
            end -= back.unwrap_or(0);
        }
        self.checked = end;
        self.text_at = start;
        let bytes = &self.bytes[start..end];
        self.text = match simdutf8::basic::from_utf8(bytes) {
            Ok(text) => text,
            // Values in the rest of the stretch are each looked at for itself.
            Err(_) => bytes.utf8_chunks().next().map_or("", |c| c.valid()),
        };
    }
}

/// The bits from this one on, at least 57 of them.
#[inline(always)]
fn bits(all: &[u8; BITS], at: usize) -> Option<u64> {
    let eight = all.get(at / 8..)?.first_chunk()?;
    Some(u64::from_le_bytes(*eight) >> (at % 8))
}

fn is_continuation(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What `string_end` means, byte by byte.
    fn plain_end(bytes: &[u8], from: usize) -> Option<(usize, bool)> {
        let (mut at, mut escaped) = (from, false);
        loop {
            match bytes.get(at)? {
                b'"' => return Some((at, escaped)),
                b'\\' => {
                    escaped = true;
                    at += 2;
                }
                _ => at += 1,
            }
        }
    }

    fn agrees(bytes: &[u8]) {
        for from in 0..=bytes.len() {
            if from > 0 && bytes[from - 1] == b'\\' {
                continue;
            }
            let found = Block::new(bytes).string_end(from);
            assert_eq!(found, plain_end(bytes, from), "from {from}");
        }
    }

    #[test]
    fn runs_of_backslashes_cross_words_and_steps() {
        for edge in [WORD, 2 * WORD] {
            for run in 0..70 {
                for shift in 0..3 {
                    let mut bytes = vec![b'a'; (edge + shift).saturating_sub(run)];
                    bytes.resize(bytes.len() + run, b'\\');
                    bytes.extend_from_slice(br#""b"c"#);
                    agrees(&bytes);
                }
            }
        }
        for run in 1..5 {
            let mut bytes = vec![b'a'; STEP - 2];
            bytes.resize(STEP - 2 + run, b'\\');
            bytes.extend_from_slice(br#"""#);
            let found = Block::new(&bytes).string_end(3);
            assert_eq!(found, plain_end(&bytes, 3), "run {run}");
        }
    }

    #[test]
    fn text_is_what_is_utf8_wherever_stretches_meet() {
        for lead in STEP - 5..STEP + 5 {
            let mut bytes = vec![b'a'; lead];
            bytes.extend_from_slice("é😀\"".as_bytes());
            bytes.resize(2 * STEP, b'b');
            bytes.push(b'"');
            let mut block = Block::new(&bytes);
            let quote = lead + 6;
            assert_eq!(block.string_end(0), Some((quote, false)));
            assert_eq!(block.text(lead - 9, quote), Some("aaaaaaaaaé😀"));
            assert_eq!(block.string_end(quote + 1), Some((2 * STEP, false)));
            assert_eq!(block.text(0, lead).map(str::len), Some(lead));
            assert_eq!(
                block.text(quote, bytes.len()).map(str::len),
                Some(bytes.len() - quote)
            );
        }
        let block = &mut Block::new(b"ok\" \xff bad\" fine\"");
        assert_eq!(block.string_end(3), Some((9, false)));
        assert_eq!(block.text(0, 2), Some("ok"));
        assert_eq!(block.text(3, 9), None);
        assert_eq!(block.text(10, 15), Some(" fine"));
    }

    proptest! {
        #[test]
        fn ends_are_where_a_walk_over_the_bytes_finds_them(
            bytes in proptest::collection::vec(
                prop_oneof![Just(b'\\'), Just(b'"'), Just(b'a'), any::<u8>()],
                0..200,
            ),
        ) {
            agrees(&bytes);
        }
    }
}
