//! Values that came at the same place before. Much of what a log says it says in every record of a kind: behind the same
//! keys mostly stands the same channel, the same host, the same user. Comparing with what stood there last is cheaper than
//! finding where the value ends and which one it is. This module refuses to know what a value means.

use crate::table::key_predictor::KeyPrefix;
use crate::table::prefix_words::{mask, same, words};

/// Longest value that is remembered, as it is spelled with what ends it: as long as leaves room for the rest in a line of
/// the processor's cache.
const LONGEST: usize = 8 * WORDS;
const WORDS: usize = 7;

/// The value that came last at one place.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
struct Last {
    text: [u64; WORDS],
    /// 0 where there is none.
    len: u8,
    escaped: bool,
    number: u32,
}

/// A value that is known from before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    /// How many bytes are before its last, which is a quote or what comes after a number.
    pub(crate) len: usize,
    pub(crate) escaped: bool,
    /// Its number, as given out by [`BatchBuilder::number`](crate::table::batch_builder::BatchBuilder::number).
    pub(crate) number: u32,
}

/// The value that came last behind each run of keys.
#[derive(Debug, Default)]
pub(crate) struct ValueCache {
    last: Vec<Last>,
}

impl ValueCache {
    /// The value at the beginning of `text`, if it is the one that came last behind this run.
    #[inline(always)]
    pub(crate) fn lookup(&self, run: KeyPrefix, text: &[u8]) -> Option<Known> {
        let last = self.last.get(run.index())?;
        let len = usize::from(last.len);
        let before_last = len.checked_sub(1)?;
        same(&words(text)?, &last.text, &mask(len)?).then_some(Known {
            len: before_last,
            escaped: last.escaped,
            number: last.number,
        })
    }

    /// Whether a value that is spelled so, with what ends it, is remembered behind this run.
    #[inline]
    pub(crate) fn takes(run: KeyPrefix, text: &[u8]) -> bool {
        run != KeyPrefix::UNKNOWN && (1..=LONGEST).contains(&text.len())
    }

    /// Remembers what came behind this run, with what ends it, and that it is known by this number.
    pub(crate) fn learn(&mut self, run: KeyPrefix, text: &[u8], escaped: bool, number: u32) {
        if !Self::takes(run, text) {
            return;
        }
        let mut padded = [0; LONGEST];
        padded[..text.len()].copy_from_slice(text);
        if run.index() >= self.last.len() {
            self.last.resize(run.index() + 1, Last::default());
        }
        self.last[run.index()] = Last {
            text: words(&padded).unwrap_or_default(),
            len: text.len() as u8,
            escaped,
            number,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::key_id::ROOT;
    use crate::table::key_tree::{KeyTree, Projection};

    #[test]
    fn a_value_is_recognised_where_it_came_and_by_all_of_it() {
        let mut names = KeyTree::new(Projection::default());
        let here = names.start(ROOT);
        let (_, there) = names.child_after(here, ROOT, b"Channel", 7);
        let mut familiar = ValueCache::default();
        let after =
            ",\"Channel\":\"Security\",\"Level\":4,\"Keywords\":-9223372036854775808,\"Task\":10}";
        let text = |value: &str| format!("{value}{after}").into_bytes();
        assert_eq!(familiar.lookup(here, &text("7")), None);
        familiar.learn(here, b"7,", false, 1);
        let known = familiar.lookup(here, &text("7")).expect("it came");
        assert_eq!((known.len, known.escaped, known.number), (1, false, 1));
        for other in ["70", "6", "\"7\"", "7 ", ""] {
            assert_eq!(familiar.lookup(here, &text(other)), None, "{other}");
        }
        assert_eq!(familiar.lookup(there, &text("7")), None);
        // Near the end of a block nothing is recognised.
        assert_eq!(familiar.lookup(here, b"7,\"Level\":4}"), None);

        familiar.learn(here, br#""C:\\a""#, true, 2);
        assert_eq!(familiar.lookup(here, &text("7")), None);
        let known = familiar.lookup(here, &text(r#""C:\\a""#));
        let known = known.expect("it came");
        assert_eq!((known.len, known.escaped, known.number), (6, true, 2));

        let longest = format!("\"{}\"", "x".repeat(LONGEST - 2));
        familiar.learn(here, longest.as_bytes(), false, 3);
        assert!(familiar.lookup(here, &text(&longest)).is_some());
        let longer = format!("\"{}\"", "x".repeat(LONGEST - 1));
        assert_eq!(familiar.lookup(here, &text(&longer)), None);
        familiar.learn(there, longer.as_bytes(), false, 4);
        familiar.learn(there, b"", false, 5);
        familiar.learn(KeyPrefix::UNKNOWN, b"7,", false, 6);
        assert_eq!(familiar.lookup(there, &text(&longer)), None);
        assert_eq!(familiar.lookup(there, &text("")), None);
        assert_eq!(familiar.lookup(KeyPrefix::UNKNOWN, &text("7")), None);
    }
}
