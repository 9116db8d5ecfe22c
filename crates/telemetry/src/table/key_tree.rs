//! From the keys of an input to the columns of the event table.
//!
//! Every key a reader meets is a node in a tree of paths (`winlog` → `event_data` → `Image`); what it means — a header
//! column, a data field, nothing anybody asked for — is worked out the first time it is met and looked up ever after.
//! This module knows paths; it refuses to know values.

use hashbrown::HashTable;
use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};
use std::hash::BuildHasher;

use crate::table::header::{self, Feed};
use crate::table::key_id::{KeyId, ROOT};
use crate::table::key_predictor::{KeyPredictor, KeyPrefix};

/// A column of the event table as some node's value would fill it, whether or not anybody asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ColumnId(pub(crate) u32);

/// How many different keys one worker tells apart. Real logs have some thousands; an input with more is counted, and its
/// further keys can still be asked for by name.
const MAX_NODES: usize = 1 << 18;
/// How deep keys may nest before the rest is kept as JSON text.
pub const MAX_DEPTH: u8 = 32;

/// What a node's value is for.
#[derive(Clone, Debug)]
pub(crate) struct KeyInfo {
    pub(crate) feed: Option<Feed>,
    /// The column the value has when it does not feed the header.
    pub(crate) target: ColumnId,
    /// The value is itself a JSON or XML document holding the event's data (Azure's `EventData`).
    pub(crate) embedded: bool,
    /// Nobody wants its value.
    pub(super) silent: bool,
    /// An array here is a list of values of one repeated field (`<Data>` without names), not a value.
    pub(crate) repeated: bool,
    /// Only nested Winlogbeat documents have it.
    pub(super) beat: bool,
    /// See [`KeyFlags::wrapped`].
    pub(super) wrapped: Wrapped,
    pub(super) depth: u8,
    pub(super) parent: KeyId,
    pub(super) key: Box<[u8]>,
    /// The path with its dialect's prefixes resolved, as the source spelled it; `None` for a pure container.
    pub(super) path: String,
    pub(super) place: Place,
}

/// Whether a value here may hold the event's data in a shape that the readers do not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrapped {
    No,
    /// If it is a list.
    List,
    /// If it is a list, or a text that is a document.
    Document,
    /// Whatever it is.
    Any,
}

/// Where in an event a node stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Outside the event proper: fields are named by their dotted path.
    Outside,
    /// In the header.
    System,
    /// In the event's own data: fields are named by their last key.
    Data,
    /// The element that wraps user data; its children are data.
    UserData,
}

/// What is asked of a node for every value it has; the rest of [`KeyInfo`] only matters when a node is new.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyFlags {
    pub(crate) feed: Option<Feed>,
    pub(crate) target: ColumnId,
    /// It is a field of the event's own data.
    pub(crate) data: bool,
    /// Only nested Winlogbeat documents have it.
    pub(crate) beat: bool,
    pub(crate) wrapped: Wrapped,
    /// See [`KeyInfo::embedded`].
    pub(crate) embedded: bool,
    /// See [`KeyInfo::repeated`].
    pub(crate) repeated: bool,
    pub(crate) wanted: bool,
}

/// A column known to a worker.
#[derive(Clone, Debug)]
pub(crate) struct ColumnInfo {
    /// The name, in the least of its spellings.
    pub(crate) name: String,
    /// Index among the columns asked for.
    pub(crate) column: Option<u32>,
    /// Index among the values a filter looks at.
    pub(crate) filter: Option<u32>,
    /// A value was met.
    pub(crate) seen: bool,
}

/// What is asked of the readers: which columns, and which values a filter needs to see.
#[derive(Clone, Debug, Default)]
pub(crate) struct Projection {
    pub(crate) columns: FxHashMap<String, u32>,
    pub(crate) filters: FxHashMap<String, u32>,
    /// Fields of which not the first value of a record is asked for, but a later one (`Name#2`).
    pub(crate) repeated: FxHashSet<String>,
    /// Every field is to be looked at, if only to learn that it is there.
    pub(crate) all: bool,
}

impl Projection {
    /// Whether a value of this name can decide which value a later one of a record is: as one of them, or because the key
    /// is spelled like one.
    fn may_repeat(&self, name: &str) -> bool {
        if self.repeated.is_empty() {
            return false;
        }
        let name = name.to_lowercase();
        let ends = name.match_indices('#').map(|(at, _)| at);
        let mut names = ends.chain([name.len()]).map(|at| &name[..at]);
        names.any(|name| self.repeated.contains(name))
    }
}

/// The keys one worker has met so far.
#[derive(Debug)]
pub struct KeyTree {
    pub(super) nodes: Vec<KeyInfo>,
    briefs: Vec<KeyFlags>,
    key_predictor: KeyPredictor,
    index: HashTable<u32>,
    targets: Vec<ColumnInfo>,
    by_name: FxHashMap<String, ColumnId>,
    repeats: FxHashMap<(ColumnId, u32), ColumnId>,
    wanted: Projection,
    /// Keys that were not told apart because there were too many.
    pub(crate) overflow: u64,
}

impl KeyTree {
    pub(crate) fn new(wanted: Projection) -> Self {
        let mut names = Self {
            nodes: Vec::new(),
            briefs: Vec::new(),
            key_predictor: KeyPredictor::default(),
            index: HashTable::new(),
            targets: Vec::new(),
            by_name: FxHashMap::default(),
            repeats: FxHashMap::default(),
            wanted,
            overflow: 0,
        };
        for (key, place) in [
            ("", Place::Outside),
            ("System", Place::System),
            ("EventData", Place::Data),
        ] {
            let target = names.target(key);
            names.push(KeyInfo {
                feed: None,
                target,
                embedded: false,
                silent: false,
                repeated: false,
                beat: false,
                wrapped: Wrapped::No,
                depth: 0,
                parent: ROOT,
                key: key.as_bytes().into(),
                path: if place == Place::Outside {
                    String::new()
                } else {
                    key.to_owned()
                },
                place,
            });
        }
        names
    }

    /// The node of `key` under `parent`, told apart by its exact spelling.
    pub fn child(&mut self, parent: KeyId, key: &[u8]) -> KeyId {
        let hash = hash(parent, key);
        let nodes = &self.nodes;
        let found = self.index.find(hash, |&n| {
            let info = &nodes[n as usize];
            info.parent == parent && *info.key == *key
        });
        match found {
            Some(&n) => KeyId(n),
            None => self.add(parent, key, hash),
        }
    }

    /// See [`KeyPredictor::predict`].
    #[inline]
    pub(crate) fn predict(&self, run: KeyPrefix, text: &[u8]) -> Option<(KeyId, usize, KeyPrefix)> {
        self.key_predictor.predict(run, text)
    }

    /// The node of the key that the first `len` bytes of `text` spell, where it was not predicted, and the run it makes.
    #[inline]
    pub(crate) fn child_after(
        &mut self,
        run: KeyPrefix,
        parent: KeyId,
        text: &[u8],
        len: usize,
    ) -> (KeyId, KeyPrefix) {
        let node = match self.key_predictor.find(parent, text, len) {
            Some(node) => node,
            None => self.lookup_slow(parent, text, len),
        };
        (node, self.key_predictor.with(run, node))
    }

    /// The node of a key that was not met lately.
    #[inline(never)]
    fn lookup_slow(&mut self, parent: KeyId, text: &[u8], len: usize) -> KeyId {
        let node = self.child(parent, &text[..len]);
        self.key_predictor.learn(parent, text, len, node);
        node
    }

    /// The beginning of the object that is this node's value.
    #[inline]
    pub(crate) fn start(&mut self, node: KeyId) -> KeyPrefix {
        self.key_predictor.start(node)
    }

    /// Whether anybody asked for this node's value, so that a reader need not format what nobody reads.
    ///
    /// Header candidates are always wanted: which of them wins is known only at the end of the record.
    pub fn wanted(&self, node: KeyId) -> bool {
        self.briefs[node.0 as usize].wanted
    }

    #[inline]
    pub(crate) fn brief(&self, node: KeyId) -> KeyFlags {
        self.briefs[node.0 as usize]
    }

    fn push(&mut self, info: KeyInfo) {
        let target = &self.targets[info.target.0 as usize];
        self.briefs.push(KeyFlags {
            feed: info.feed,
            target: info.target,
            data: info.place == Place::Data,
            beat: info.beat,
            wrapped: info.wrapped,
            embedded: info.embedded,
            repeated: info.repeated,
            wanted: !info.silent
                && (self.wanted.all
                    || self.wanted.may_repeat(&target.name)
                    || info.feed.is_some()
                    || target.column.is_some()
                    || target.filter.is_some()
                    || info.embedded),
        });
        self.key_predictor.add(info.parent, &info.key);
        self.nodes.push(info);
    }

    pub(crate) fn info(&self, node: KeyId) -> &KeyInfo {
        &self.nodes[node.0 as usize]
    }

    pub(crate) fn target_info(&self, target: ColumnId) -> &ColumnInfo {
        &self.targets[target.0 as usize]
    }

    pub(crate) fn see(&mut self, target: ColumnId) {
        self.targets[target.0 as usize].seen = true;
    }

    pub(crate) fn target_count(&self) -> usize {
        self.targets.len()
    }

    /// Names of the columns that some record filled, as spelled.
    pub(crate) fn seen(&self) -> impl Iterator<Item = &str> {
        self.targets
            .iter()
            .filter(|t| t.seen)
            .map(|t| t.name.as_str())
    }

    /// Names of all columns the input has something for.
    pub(crate) fn met(&self) -> impl Iterator<Item = &str> {
        self.targets.iter().map(|t| t.name.as_str())
    }

    /// Whether containers may still be entered below this node.
    pub fn may_descend(&self, node: KeyId) -> bool {
        self.info(node).depth < MAX_DEPTH
    }

    /// The column of the `n`-th value (from 2) that one record has for the same field: `Name#n`.
    pub(crate) fn repeat(&mut self, target: ColumnId, n: u32) -> ColumnId {
        if let Some(&t) = self.repeats.get(&(target, n)) {
            return t;
        }
        let name = format!("{}#{n}", self.target_info(target).name);
        let t = self.target(&name);
        self.repeats.insert((target, n), t);
        t
    }

    /// The column of a value that could not take its place in the header.
    pub(crate) fn raw(&mut self, node: KeyId) -> ColumnId {
        let name = self.targets[self.info(node).target.0 as usize].name.clone();
        let reserved = header::by_name(&name.to_lowercase()).is_some();
        if reserved {
            self.target(&format!("{name}#raw"))
        } else {
            self.info(node).target
        }
    }

    /// The column with this name, whatever its case.
    pub(super) fn target(&mut self, name: &str) -> ColumnId {
        let lower = name.to_lowercase();
        if let Some(&t) = self.by_name.get(&lower) {
            // The least spelling stands for all, whichever thread met which first.
            let known = &mut self.targets[t.0 as usize].name;
            if name < known.as_str() {
                name.clone_into(known);
            }
            return t;
        }
        let t = ColumnId(u32::try_from(self.targets.len()).unwrap_or(u32::MAX));
        self.targets.push(ColumnInfo {
            name: name.to_owned(),
            column: self.wanted.columns.get(&lower).copied(),
            filter: self.wanted.filters.get(&lower).copied(),
            seen: false,
        });
        self.by_name.insert(lower, t);
        t
    }

    fn add(&mut self, parent: KeyId, key: &[u8], hash: u64) -> KeyId {
        // Past the limit every new key of a container is one and the same nameless key, unless a query asks for it.
        let lower = || String::from_utf8_lossy(key).to_lowercase();
        let asked = |w: &Projection| {
            let lower = lower();
            w.columns.contains_key(&lower) || w.filters.contains_key(&lower)
        };
        if self.nodes.len() >= MAX_NODES && !key.is_empty() && !asked(&self.wanted) {
            self.overflow += 1;
            return self.child(parent, b"");
        }
        let info = self.describe(parent, key);
        let node = KeyId(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
        self.push(info);
        let nodes = &self.nodes;
        self.index.insert_unique(hash, node.0, |&n| {
            let info = &nodes[n as usize];
            self::hash(info.parent, &info.key)
        });
        node
    }
}

fn hash(parent: KeyId, key: &[u8]) -> u64 {
    FxBuildHasher.hash_one((parent.0, key))
}
