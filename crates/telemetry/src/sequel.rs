//! Which key comes next: writers of logs put keys in few orders, so the next one is mostly one of those that came after
//! the same key before, and comparing is cheaper than looking it up. This module refuses to know what a key means.

use crate::names::Node;

/// Longest key that is foreseen, with the quote and the colon behind it.
const LONGEST: usize = 32;
/// How many keys are remembered to have come after one.
const CHOICES: usize = 4;

/// Behind what a key comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct After(usize);

impl After {
    /// At the beginning of the object that is this node's value.
    pub(crate) fn start(node: Node) -> Self {
        Self(2 * node.index())
    }

    /// After this key in the same object.
    pub(crate) fn key(node: Node) -> Self {
        Self(2 * node.index() + 1)
    }
}

/// A key as it stands in JSON with the quote and the colon behind it, to be compared at once.
#[derive(Clone, Copy, Debug)]
struct Spelled {
    text: [u64; 4],
    mask: [u64; 4],
    len: u8,
}

/// What came after what.
#[derive(Debug, Default)]
pub(crate) struct Sequel {
    spelled: Vec<Spelled>,
    choices: Vec<[Node; CHOICES]>,
}

impl Sequel {
    /// Makes the next node known, with its key.
    pub(crate) fn add(&mut self, key: &[u8]) {
        let (mut text, mut mask) = ([0; LONGEST], [0; LONGEST]);
        let mut len = 0;
        // A key that must be spelled with escapes can be spelled in several ways.
        let plain = |b: &u8| !matches!(b, b'"' | b'\\' | 0..b' ');
        if key.len() + 2 <= LONGEST && key.iter().all(plain) {
            text[..key.len()].copy_from_slice(key);
            len = key.len() + 2;
            text[key.len()..len].copy_from_slice(b"\":");
            mask[..len].fill(0xff);
        }
        self.spelled.push(Spelled {
            text: words(&text),
            mask: words(&mask),
            len: len as u8,
        });
        self.choices.extend([[Node::NONE; CHOICES]; 2]);
    }

    /// The key at the beginning of `text`, behind its opening quote, and its length with the colon, if it is one that came
    /// here before.
    #[inline]
    pub(crate) fn foresee(&self, after: After, text: &[u8]) -> Option<(Node, usize)> {
        let found = words(text.first_chunk::<LONGEST>()?);
        let choices = self.choices.get(after.0)?;
        choices.iter().find_map(|node| {
            let s = self.spelled.get(node.index())?;
            let differ = (0..4).fold(0, |all, i| all | ((found[i] ^ s.text[i]) & s.mask[i]));
            (differ == 0).then_some((*node, usize::from(s.len)))
        })
    }

    /// Learns that `node` came here.
    pub(crate) fn learn(&mut self, after: After, node: Node) {
        // What has no spelling would be taken for everything.
        if self.spelled.get(node.index()).is_some_and(|s| s.len > 0)
            && let Some(choices) = self.choices.get_mut(after.0)
        {
            let [first, second, third, _] = *choices;
            *choices = [node, first, second, third];
        }
    }
}

fn words(bytes: &[u8; LONGEST]) -> [u64; 4] {
    let (eights, _) = bytes.as_chunks::<8>();
    [0, 1, 2, 3].map(|i| eights.get(i).map_or(0, |e| u64::from_le_bytes(*e)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::{Names, ROOT, Wanted};

    #[test]
    fn only_what_was_learned_and_stands_there_is_foreseen() {
        let mut names = Names::new(Wanted::default());
        let start = After::start(ROOT);
        let channel = names.child_after(start, ROOT, b"Channel");
        let level = names.child_after(start, ROOT, b"Level");
        let behind = " and what comes behind it, long enough";
        let at = |key: &str| format!("{key}{behind}").into_bytes();
        assert_eq!(names.foresee(start, &at("Channel\":")), Some((channel, 9)));
        assert_eq!(names.foresee(start, &at("Level\":")), Some((level, 7)));
        for other in [
            "Channels\":",
            "Channel\" :",
            "Chann\":",
            "channel\":",
            "\":",
            "",
        ] {
            assert_eq!(names.foresee(start, &at(other)), None, "{other}");
        }
        assert_eq!(names.foresee(After::key(level), &at("Channel\":")), None);
        // Near the end of a block nothing is foreseen, and it is looked up.
        assert_eq!(names.foresee(start, b"Channel\":1}"), None);
    }

    #[test]
    fn a_key_without_one_spelling_is_taken_for_no_other() {
        let mut names = Names::new(Wanted::default());
        let start = After::start(ROOT);
        for key in [&[b'k'; 31][..], b"a\"b", b"a\\b", b"a\nb"] {
            names.child_after(start, ROOT, key);
        }
        let longest = names.child_after(start, ROOT, &[b'k'; 30]);
        let mut text = vec![b'k'; 30];
        text.extend_from_slice(b"\":\"value\"");
        assert_eq!(names.foresee(start, &text), Some((longest, 32)));
        assert_eq!(names.foresee(start, &[b'x'; 40]), None);
        assert_eq!(names.foresee(start, &[b'k'; 40]), None);
    }
}
