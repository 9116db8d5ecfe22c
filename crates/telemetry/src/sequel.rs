//! Which key comes next. Writers of logs put the keys of one kind of event in one order, so what came after the same
//! keys before mostly comes again; where they put them in many, it is still mostly one of few that came after the last
//! key. Comparing is cheaper than looking it up. This module refuses to know what a key means.

use crate::names::Node;

/// Longest key that is foreseen, with the quote and the colon behind it.
const LONGEST: usize = 32;
/// How many keys are remembered to have come after one, or after the same keys.
const CHOICES: usize = 4;
/// How many runs of keys from the beginning of an object are remembered. Where keys come in any order there is no end of
/// them; what is known by then is of no use, and the last key alone must do.
const MAX_RUNS: usize = 1 << 12;

/// Behind what keys a key comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct After {
    /// The last of them, or the object if there is none.
    last: usize,
    /// All of them.
    run: u32,
}

/// No run that is remembered.
const NO_RUN: u32 = u32::MAX;

impl After {
    /// After this key, which makes this run with those before it.
    fn key(node: Node, run: u32) -> Self {
        let last = 2 * node.index() + 1;
        Self { last, run }
    }
}

/// What came behind a run of keys, and the run that it makes.
type Run = [(Node, u32); CHOICES];

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
    /// By the last key.
    choices: Vec<[Node; CHOICES]>,
    runs: Vec<Run>,
    /// The empty run of each object, by the node whose value it is.
    starts: Vec<u32>,
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
        self.starts.push(NO_RUN);
    }

    /// The beginning of the object that is this node's value.
    pub(crate) fn start(&mut self, node: Node) -> After {
        let run = match self.starts.get(node.index()) {
            Some(&NO_RUN) => {
                let run = self.new_run();
                self.starts[node.index()] = run;
                run
            }
            known => known.copied().unwrap_or(NO_RUN),
        };
        let last = 2 * node.index();
        After { last, run }
    }

    /// The key at the beginning of `text`, behind its opening quote, if it is one that came here before; its length with
    /// the colon; and what is behind it then.
    #[inline]
    pub(crate) fn foresee(&mut self, after: After, text: &[u8]) -> Option<(Node, usize, After)> {
        let found = words(text.first_chunk::<LONGEST>()?);
        if let Some(run) = self.runs.get(after.run as usize) {
            for (node, next) in run {
                let Some(s) = self.spelled.get(node.index()) else {
                    break;
                };
                if s.is(&found) {
                    return Some((*node, usize::from(s.len), After::key(*node, *next)));
                }
            }
        }
        self.after_last(after, &found)
    }

    /// The same by the last key alone.
    #[inline(never)]
    fn after_last(&mut self, after: After, found: &[u64; 4]) -> Option<(Node, usize, After)> {
        let choices = self.choices.get(after.last)?;
        let (node, len) = choices.iter().find_map(|node| {
            let s = self.spelled.get(node.index())?;
            s.is(found).then_some((*node, usize::from(s.len)))
        })?;
        Some((node, len, self.extend(after, node)))
    }

    /// Learns that `node` came here; gives what is behind it.
    pub(crate) fn learn(&mut self, after: After, node: Node) -> After {
        // What has no spelling would be taken for everything.
        if self.spelled.get(node.index()).is_none_or(|s| s.len == 0) {
            return After::key(node, NO_RUN);
        }
        if let Some(choices) = self.choices.get_mut(after.last) {
            let [first, second, third, _] = *choices;
            *choices = [node, first, second, third];
        }
        self.extend(after, node)
    }

    /// The run that `node` makes of the one before it, which is remembered if there is room.
    fn extend(&mut self, after: After, node: Node) -> After {
        let Some(run) = self.runs.get(after.run as usize) else {
            return After::key(node, NO_RUN);
        };
        // Those that came first stay: where there are many, none is worth more than another.
        let place = run.iter().position(|(n, _)| *n == node || *n == Node::NONE);
        let next = match place.map(|place| (place, run[place])) {
            None => NO_RUN,
            Some((_, (known, next))) if known == node => next,
            Some((free, _)) => {
                let next = self.new_run();
                if next != NO_RUN {
                    self.runs[after.run as usize][free] = (node, next);
                }
                next
            }
        };
        After::key(node, next)
    }

    fn new_run(&mut self) -> u32 {
        if self.runs.len() >= MAX_RUNS {
            return NO_RUN;
        }
        self.runs.push([(Node::NONE, NO_RUN); CHOICES]);
        u32::try_from(self.runs.len() - 1).unwrap_or(NO_RUN)
    }
}

impl Spelled {
    #[inline(always)]
    fn is(&self, found: &[u64; 4]) -> bool {
        (0..4).fold(0, |all, i| all | ((found[i] ^ self.text[i]) & self.mask[i])) == 0
    }
}

fn words(bytes: &[u8; LONGEST]) -> [u64; 4] {
    let (eights, _) = bytes.as_chunks::<8>();
    [0, 1, 2, 3].map(|i| eights.get(i).map_or(0, |e| u64::from_le_bytes(*e)))
}

#[cfg(test)]
mod tests {
    use crate::names::{Names, ROOT, Wanted};

    #[test]
    fn only_what_was_learned_and_stands_there_is_foreseen() {
        let mut names = Names::new(Wanted::default());
        let start = names.start(ROOT);
        let (channel, after_channel) = names.child_after(start, ROOT, b"Channel");
        let (level, after_level) = names.child_after(start, ROOT, b"Level");
        let behind = " and what comes behind it, long enough";
        let at = |key: &str| format!("{key}{behind}").into_bytes();
        assert_eq!(
            names.foresee(start, &at("Channel\":")),
            Some((channel, 9, after_channel))
        );
        assert_eq!(
            names.foresee(start, &at("Level\":")),
            Some((level, 7, after_level))
        );
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
        assert_eq!(names.foresee(after_level, &at("Channel\":")), None);
        // Near the end of a block nothing is foreseen, and it is looked up.
        assert_eq!(names.foresee(start, b"Channel\":1}"), None);
    }

    #[test]
    fn a_key_without_one_spelling_is_taken_for_no_other() {
        let mut names = Names::new(Wanted::default());
        let start = names.start(ROOT);
        for key in [&[b'k'; 31][..], b"a\"b", b"a\\b", b"a\nb"] {
            names.child_after(start, ROOT, key);
        }
        let (longest, behind) = names.child_after(start, ROOT, &[b'k'; 30]);
        let mut text = vec![b'k'; 30];
        text.extend_from_slice(b"\":\"value\"");
        assert_eq!(names.foresee(start, &text), Some((longest, 32, behind)));
        assert_eq!(names.foresee(start, &[b'x'; 40]), None);
        assert_eq!(names.foresee(start, &[b'k'; 40]), None);
    }
}
