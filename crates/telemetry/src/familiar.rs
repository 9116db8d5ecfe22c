//! Values that came at the same place before. Much of what a log says it says in every record of a kind: behind the same
//! keys mostly stands the same channel, the same host, the same user. Comparing with what stood there last is cheaper than
//! finding where the value ends and which one it is. This module refuses to know what a value means.

use crate::sequel::Run;

/// Longest value that is remembered, as it is spelled with what ends it: as long as leaves room for the rest in a line of
/// the processor's cache.
pub(crate) const LONGEST: usize = 56;
const WORDS: usize = LONGEST / 8;

/// The value that came last at one place.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
struct Last {
    text: [u64; WORDS],
    /// 0 where there is none.
    len: u8,
    known: Known,
}

/// A value that is known from before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Known {
    /// Its number, as given out by [`Rows::number`](crate::rows::Rows::number).
    pub(crate) number: u32,
    pub(crate) escaped: bool,
    before_last: u8,
}

impl Known {
    /// How many bytes are before its last, which is a quote or what comes after a number.
    #[inline]
    pub(crate) fn len(self) -> usize {
        self.before_last.into()
    }
}

/// The value that came last behind each run of keys.
#[derive(Debug, Default)]
pub(crate) struct Familiar {
    last: Vec<Last>,
}

/// As many ones as a value is long, at [`LONGEST`] less that.
const ONES: [u8; 2 * LONGEST] = {
    let mut ones = [0; 2 * LONGEST];
    let mut i = 0;
    while i < LONGEST {
        ones[i] = 0xff;
        i += 1;
    }
    ones
};

impl Familiar {
    /// The value at the beginning of `text`, if it is the one that came last behind this run.
    #[inline(always)]
    pub(crate) fn recognise(&self, run: Run, text: &[u8]) -> Option<Known> {
        let last = self.last.get(run.index()).filter(|l| l.len > 0)?;
        let found = words(text.first_chunk()?);
        let mask = ONES.get(LONGEST - usize::from(last.len)..)?.first_chunk()?;
        let mask = words(mask);
        let differ = |i: usize| (found[i] ^ last.text[i]) & mask[i];
        let same = (0..WORDS).fold(0, |all, i| all | differ(i)) == 0;
        same.then_some(last.known)
    }

    /// Remembers what came behind this run, with what ends it, and that it is known by this number.
    pub(crate) fn learn(&mut self, run: Run, text: &[u8], escaped: bool, number: u32) {
        let mut padded = [0; LONGEST];
        let (Some(start), Some(before_last)) =
            (padded.get_mut(..text.len()), text.len().checked_sub(1))
        else {
            return;
        };
        if run == Run::UNKNOWN {
            return;
        }
        start.copy_from_slice(text);
        if run.index() >= self.last.len() {
            self.last.resize(run.index() + 1, Last::default());
        }
        self.last[run.index()] = Last {
            text: words(&padded),
            len: text.len() as u8,
            known: Known {
                number,
                escaped,
                before_last: before_last as u8,
            },
        };
    }
}

fn words(bytes: &[u8; LONGEST]) -> [u64; WORDS] {
    let (eights, _) = bytes.as_chunks::<8>();
    std::array::from_fn(|i| eights.get(i).map_or(0, |e| u64::from_le_bytes(*e)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::{Names, ROOT, Wanted};

    #[test]
    fn a_value_is_recognised_where_it_came_and_by_all_of_it() {
        let mut names = Names::new(Wanted::default());
        let here = names.start(ROOT);
        let (_, there) = names.child_after(here, ROOT, b"Channel", 7);
        let mut familiar = Familiar::default();
        let after =
            ",\"Channel\":\"Security\",\"Level\":4,\"Keywords\":-9223372036854775808,\"Task\":10}";
        let text = |value: &str| format!("{value}{after}").into_bytes();
        assert_eq!(familiar.recognise(here, &text("7")), None);
        familiar.learn(here, b"7,", false, 1);
        let known = familiar.recognise(here, &text("7")).expect("it came");
        assert_eq!((known.len(), known.escaped, known.number), (1, false, 1));
        for other in ["70", "6", "\"7\"", "7 ", ""] {
            assert_eq!(familiar.recognise(here, &text(other)), None, "{other}");
        }
        assert_eq!(familiar.recognise(there, &text("7")), None);
        // Near the end of a block nothing is recognised.
        assert_eq!(familiar.recognise(here, b"7,\"Level\":4}"), None);

        familiar.learn(here, br#""C:\\a""#, true, 2);
        assert_eq!(familiar.recognise(here, &text("7")), None);
        let known = familiar.recognise(here, &text(r#""C:\\a""#));
        let known = known.expect("it came");
        assert_eq!((known.len(), known.escaped, known.number), (6, true, 2));

        let longest = format!("\"{}\"", "x".repeat(LONGEST - 2));
        familiar.learn(here, longest.as_bytes(), false, 3);
        assert!(familiar.recognise(here, &text(&longest)).is_some());
        let longer = format!("\"{}\"", "x".repeat(LONGEST - 1));
        assert_eq!(familiar.recognise(here, &text(&longer)), None);
        familiar.learn(there, longer.as_bytes(), false, 4);
        familiar.learn(there, b"", false, 5);
        familiar.learn(Run::UNKNOWN, b"7,", false, 6);
        assert_eq!(familiar.recognise(there, &text(&longer)), None);
        assert_eq!(familiar.recognise(there, &text("")), None);
        assert_eq!(familiar.recognise(Run::UNKNOWN, &text("7")), None);
    }
}
