//! Which key comes next. Writers of logs put the keys of one kind of event in one order, so what came after the same
//! keys before mostly comes again, and comparing is cheaper than finding out where it ends and which it is. A key that is
//! not predicted is looked for among all by its bytes. This module refuses to know what a key means.

use rustc_hash::FxHashMap;

use crate::table::key_id::KeyId;
use crate::table::prefix_words::{mask, same, words};

/// Longest key that is predicted, with the quote and the colon behind it.
const LONGEST: usize = 8 * WORDS;
const WORDS: usize = 4;
/// How many keys are compared with what comes behind the same keys; others are looked up.
const CHOICES: usize = 4;
/// How many runs of keys from the beginning of an object are remembered. Where keys come in any order there is no end of
/// them, and what is known by then is of no use.
const MAX_RUNS: usize = 1 << 13;
/// So many runs of one object's keys are remembered, whatever their use.
const MANY_RUNS: u32 = 1 << 10;
/// Places for keys by their bytes, a power of two.
const PLACES: usize = 1 << 10;

/// Keys of an object from its first on, which a value or a key comes behind: a number for them, if they are remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct KeyPrefix(u32);

impl KeyPrefix {
    /// One that is not remembered.
    pub(crate) const UNKNOWN: Self = Self(u32::MAX);

    /// Its place among all runs; past any if it is not remembered.
    #[inline]
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// What came behind a run of keys, and the run that it makes.
type Choices = [(KeyId, KeyPrefix); CHOICES];

/// A key as it stands in JSON with the quote and the colon behind it, to be compared at once.
#[derive(Clone, Copy, Debug)]
struct Spelled {
    text: [u64; WORDS],
    mask: [u64; WORDS],
    parent: KeyId,
    len: u8,
}

/// What is known of the keys of one object.
#[derive(Clone, Copy, Debug)]
struct Object {
    /// Its empty run.
    start: KeyPrefix,
    /// How many runs of its keys are remembered.
    runs: u32,
    /// How often it began.
    times: u32,
}

/// What came after what.
#[derive(Debug, Default)]
pub(crate) struct KeyPredictor {
    spelled: Vec<Spelled>,
    runs: Vec<Choices>,
    /// What else came behind a run.
    rarer: FxHashMap<(KeyPrefix, KeyId), KeyPrefix>,
    /// By the node whose value the object is.
    objects: Vec<Object>,
    /// Keys met lately, by their bytes.
    places: Vec<KeyId>,
}

impl KeyPredictor {
    /// Makes the next node known, with its key.
    pub(crate) fn add(&mut self, parent: KeyId, key: &[u8]) {
        let mut text = [0; LONGEST];
        let mut len = 0;
        // A key that must be spelled with escapes can be spelled in several ways.
        let plain = |b: &u8| !matches!(b, b'"' | b'\\' | 0..b' ');
        if key.len() + 2 <= LONGEST && key.iter().all(plain) {
            text[..key.len()].copy_from_slice(key);
            len = key.len() + 2;
            text[key.len()..len].copy_from_slice(b"\":");
        }
        self.spelled.push(Spelled {
            text: words(&text).unwrap_or_default(),
            mask: mask(len).unwrap_or_default(),
            parent,
            len: len as u8,
        });
        self.objects.push(Object {
            start: KeyPrefix::UNKNOWN,
            runs: 0,
            times: 0,
        });
    }

    /// The beginning of the object that is this node's value.
    pub(crate) fn start(&mut self, node: KeyId) -> KeyPrefix {
        let Some(object) = self.objects.get_mut(node.index()) else {
            return KeyPrefix::UNKNOWN;
        };
        if object.in_any_order() {
            return KeyPrefix::UNKNOWN;
        }
        object.times = object.times.saturating_add(1);
        if object.start != KeyPrefix::UNKNOWN {
            return object.start;
        }
        let start = self.new_run(node);
        self.objects[node.index()].start = start;
        start
    }

    /// The key at the beginning of `text`, behind its opening quote, if it is one that mostly came behind this run; its
    /// length with the quote and the colon; and the run that it makes.
    #[inline]
    pub(crate) fn predict(&self, run: KeyPrefix, text: &[u8]) -> Option<(KeyId, usize, KeyPrefix)> {
        let choices = self.runs.get(run.index())?;
        let found = words(text)?;
        for (node, next) in choices {
            let Some(s) = self.spelled.get(node.index()) else {
                break;
            };
            if s.is(&found) {
                return Some((*node, usize::from(s.len), *next));
            }
        }
        None
    }

    /// The child of `parent` that is spelled by the first `len` bytes of `text`, if it was met lately and a quote and a
    /// colon follow.
    #[inline]
    pub(crate) fn find(&self, parent: KeyId, text: &[u8], len: usize) -> Option<KeyId> {
        let found = words(text)?;
        let node = *self.places.get(place(parent, &found, len)?)?;
        let s = self.spelled.get(node.index())?;
        (s.parent == parent && usize::from(s.len) == len + 2 && s.is(&found)).then_some(node)
    }

    /// Learns that the first `len` bytes of `text` spell this child of `parent`.
    pub(crate) fn learn(&mut self, parent: KeyId, text: &[u8], len: usize, node: KeyId) {
        let found = words(text);
        if let Some(place) = found.and_then(|found| place(parent, &found, len)) {
            self.places.resize(PLACES, KeyId::NONE);
            self.places[place] = node;
        }
    }

    /// The run that `node` makes of the one before it.
    #[inline]
    pub(crate) fn with(&mut self, run: KeyPrefix, node: KeyId) -> KeyPrefix {
        match run {
            KeyPrefix::UNKNOWN => run,
            run => self.extend(run, node),
        }
    }

    /// The same, which is remembered if there is room.
    #[inline(never)]
    fn extend(&mut self, run: KeyPrefix, node: KeyId) -> KeyPrefix {
        let (Some(choices), Some(spelled)) =
            (self.runs.get(run.index()), self.spelled.get(node.index()))
        else {
            return KeyPrefix::UNKNOWN;
        };
        let known = choices.iter().find(|(n, _)| *n == node).map(|c| c.1);
        if let Some(known) = known.or_else(|| self.rarer.get(&(run, node)).copied()) {
            return known;
        }
        let (parent, predicted) = (spelled.parent, spelled.len > 0);
        let next = self.new_run(parent);
        if next == KeyPrefix::UNKNOWN {
            return next;
        }
        // Those that came first stay: where there are many, none is worth more than another. What has no spelling would
        // be taken for everything.
        let mut choices = self.runs[run.index()].iter_mut().filter(|_| predicted);
        match choices.find(|(n, _)| *n == KeyId::NONE) {
            Some(free) => *free = (node, next),
            None => {
                self.rarer.insert((run, node), next);
            }
        }
        next
    }

    /// A run of keys of the object that is this node's value.
    fn new_run(&mut self, node: KeyId) -> KeyPrefix {
        if self.runs.len() >= MAX_RUNS {
            return KeyPrefix::UNKNOWN;
        }
        if let Some(object) = self.objects.get_mut(node.index()) {
            object.runs += 1;
        }
        self.runs.push([(KeyId::NONE, KeyPrefix::UNKNOWN); CHOICES]);
        u32::try_from(self.runs.len() - 1).map_or(KeyPrefix::UNKNOWN, KeyPrefix)
    }
}

/// Where a key of so many bytes is remembered, if it is no longer than can be compared.
#[inline]
fn place(parent: KeyId, found: &[u64; WORDS], len: usize) -> Option<usize> {
    const FACTORS: [u64; WORDS] = [
        0x9e37_79b9_7f4a_7c15,
        0xbf58_476d_1ce4_e5b9,
        0x94d0_49bb_1331_11eb,
        0xd6e8_feb8_6659_fd93,
    ];
    if len > LONGEST - 2 {
        return None;
    }
    let mask: [u64; WORDS] = mask(len)?;
    let start = (parent.number() + 1).wrapping_mul(FACTORS[3]);
    let add = |sum: u64, i: usize| sum.wrapping_add((found[i] & mask[i]).wrapping_mul(FACTORS[i]));
    let sum = (0..WORDS).fold(start, add);
    Some((sum ^ sum >> 32).wrapping_mul(FACTORS[0]) as usize >> (usize::BITS - PLACES.ilog2()))
}

impl Object {
    /// Whether its keys mostly came as never before, though it was given time.
    #[inline]
    fn in_any_order(self) -> bool {
        self.runs > MANY_RUNS && self.runs / 4 > self.times
    }
}

impl Spelled {
    #[inline(always)]
    fn is(&self, found: &[u64; WORDS]) -> bool {
        same(found, &self.text, &self.mask)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::key_id::ROOT;
    use crate::table::key_tree::{KeyTree, Projection};

    const TAIL: &str = " and what comes behind it, long enough";

    /// The key as it would stand in a record, and what is behind it.
    fn read(names: &mut KeyTree, run: KeyPrefix, key: &str) -> (KeyId, KeyPrefix) {
        let text = format!("{key}\":{TAIL}");
        names.child_after(run, ROOT, text.as_bytes(), key.len())
    }

    #[test]
    fn only_what_was_learned_and_stands_there_is_foreseen() {
        let mut names = KeyTree::new(Projection::default());
        let start = names.start(ROOT);
        let (channel, after_channel) = read(&mut names, start, "Channel");
        let (level, after_level) = read(&mut names, start, "Level");
        let at = |key: &str| format!("{key}{TAIL}").into_bytes();
        assert_eq!(
            names.predict(start, &at("Channel\":")),
            Some((channel, 9, after_channel))
        );
        assert_eq!(
            names.predict(start, &at("Level\":")),
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
            assert_eq!(names.predict(start, &at(other)), None, "{other}");
        }
        assert_eq!(names.predict(after_level, &at("Channel\":")), None);
        // Near the end of a block nothing is predicted, and it is looked up.
        assert_eq!(names.predict(start, b"Channel\":1}"), None);
        let near_the_end = names.child_after(start, ROOT, b"Channel\":1}", 7);
        assert_eq!(near_the_end, (channel, after_channel));
    }

    #[test]
    fn a_key_without_one_spelling_is_taken_for_no_other() {
        let mut names = KeyTree::new(Projection::default());
        let start = names.start(ROOT);
        for key in ["k".repeat(31).as_str(), "a\"b", "a\\b", "a\nb"] {
            let (node, run) = read(&mut names, start, key);
            assert_eq!(read(&mut names, start, key), (node, run), "{key}");
            assert_ne!(run, KeyPrefix::UNKNOWN, "{key}");
        }
        let (longest, behind) = read(&mut names, start, &"k".repeat(30));
        let mut text = vec![b'k'; 30];
        text.extend_from_slice(b"\":\"value\"");
        assert_eq!(names.predict(start, &text), Some((longest, 32, behind)));
        assert_eq!(names.predict(start, &[b'x'; 40]), None);
        assert_eq!(names.predict(start, &[b'k'; 40]), None);
    }

    #[test]
    fn every_order_of_keys_is_a_run_of_its_own_and_stays_it() {
        let mut names = KeyTree::new(Projection::default());
        // More than are compared at once come behind the same key, each followed by one of two.
        let keys: Vec<String> = (0..3 * CHOICES).map(|i| format!("Key{i}")).collect();
        let mut runs = std::collections::HashMap::new();
        for _ in 0..3 {
            for key in &keys {
                for last in ["Level", "Task"] {
                    let mut run = names.start(ROOT);
                    for key in ["Channel", key, last] {
                        let text = format!("{key}\":{TAIL}");
                        run = match names.predict(run, text.as_bytes()) {
                            Some((_, len, run)) => {
                                assert_eq!(len, key.len() + 2);
                                run
                            }
                            None => read(&mut names, run, key).1,
                        };
                    }
                    assert_ne!(run, KeyPrefix::UNKNOWN);
                    let known = *runs.entry((key.clone(), last)).or_insert(run);
                    assert_eq!(run, known, "{key} {last}");
                }
            }
        }
        let different: std::collections::HashSet<KeyPrefix> = runs.values().copied().collect();
        assert_eq!(different.len(), runs.len());
    }

    #[test]
    fn keys_in_any_order_are_given_up_and_still_told_apart() {
        let mut names = KeyTree::new(Projection::default());
        let keys: Vec<String> = (0..40).map(|i| format!("Key{i}")).collect();
        let nodes: Vec<KeyId> = keys
            .iter()
            .map(|key| read(&mut names, KeyPrefix::UNKNOWN, key).0)
            .collect();
        let mut known = 0;
        let mut order: Vec<usize> = (0..keys.len()).collect();
        let mut random = 1u64;
        for _ in 0..2000 {
            let mut run = names.start(ROOT);
            known += usize::from(run != KeyPrefix::UNKNOWN);
            for i in 0..order.len() {
                random = random.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
                order.swap(i, (random >> 33) as usize % keys.len());
            }
            for &i in &order {
                let (node, with) = read(&mut names, run, &keys[i]);
                assert_eq!(node, nodes[i]);
                run = with;
            }
        }
        assert!(known < 1000, "{known} beginnings remembered");
        // That says nothing of another object.
        assert_ne!(names.start(nodes[0]), KeyPrefix::UNKNOWN);
    }
}
