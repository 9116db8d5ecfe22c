//! A block of JSON with what a reader asks of it again and again made ready: where strings end, and which stretches are
//! UTF-8. Both are found many bytes at a time, a step ahead of the reader, while the bytes are close at hand. This module
//! refuses to know objects and arrays.

use super::marks::Marks;
use super::places::WORD;
use super::vector::Level;

/// Bytes made ready at a time: few enough to be still at hand when they are read.
const STEP: usize = 1 << 14;

/// A block and what is known of the stretch of it that the reader has come to.
pub(super) struct Block<'a> {
    pub(super) bytes: &'a [u8],
    /// The stretch, word by word.
    marks: [Marks; STEP / WORD],
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
            marks: [Marks::default(); STEP / WORD],
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
        let (word, begin) = (from / WORD, from % WORD);
        // Most strings are short, but every other one crosses from one word to the next, and which cannot be foreseen:
        // the bytes that follow are looked at as one word, wherever they lie in two.
        if let Some([first, second]) = self.two(word) {
            let join = |a: u64, b: u64| a >> begin | (b << (WORD - 1 - begin)) << 1;
            let quotes = join(first.quotes, second.quotes);
            if quotes != 0 {
                self.fetch(word + STEP / WORD);
                let before = quotes ^ (quotes - 1);
                let escapes = join(first.escapes, second.escapes) & before;
                return Some((from + quotes.trailing_zeros() as usize, escapes != 0));
            }
        }
        self.long_string_end(from)
    }

    /// The marks of a word and the next, if both are ready.
    #[inline(always)]
    fn two(&self, word: usize) -> Option<[Marks; 2]> {
        if word + 1 >= self.end {
            return None;
        }
        self.marks
            .get(word.wrapping_sub(self.first)..)?
            .first_chunk()
            .copied()
    }

    /// The same of a string of any length.
    #[inline(never)]
    fn long_string_end(&mut self, from: usize) -> Option<(usize, bool)> {
        let mut word = from / WORD;
        let mut kept = !0u64 << (from % WORD);
        let mut escapes = 0;
        loop {
            if word >= self.end {
                if !self.look_ahead() {
                    return None;
                }
                continue;
            }
            let marks = self.marks.get(word.wrapping_sub(self.first))?;
            self.fetch(word + STEP / WORD);
            let quotes = marks.quotes & kept;
            if quotes != 0 {
                let before = quotes ^ (quotes - 1);
                escapes |= marks.escapes & kept & before;
                let end = word * WORD + quotes.trailing_zeros() as usize;
                return Some((end, escapes != 0));
            }
            escapes |= marks.escapes & kept;
            kept = !0;
            word += 1;
        }
    }

    /// Has a word brought near that will be wanted soon. The reader comes to the next stretch while memory is idle; when
    /// that is made ready all at once, it would wait for most of it.
    #[inline(always)]
    fn fetch(&self, word: usize) {
        #[cfg(target_arch = "x86_64")]
        if let Some(byte) = self.bytes.get(word * WORD) {
            safe_arch::prefetch_t0(byte);
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = word;
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
        self.level.mark(words, &mut self.marks, &mut self.escaping);
        if !rest.is_empty() {
            let mut word = [b' '; WORD];
            word[..rest.len()].copy_from_slice(rest);
            let marks = &mut self.marks[words.len()..];
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
