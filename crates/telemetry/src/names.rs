//! From the keys of an input to the columns of the event table.
//!
//! Every key a reader meets is a node in a tree of paths (`winlog` → `event_data` → `Image`); what it means — a header
//! column, a data field, nothing anybody asked for — is worked out the first time it is met and looked up ever after.
//! This module knows paths; it refuses to know values.

use hashbrown::HashTable;
use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};
use std::hash::BuildHasher;

use crate::header::{self, Feed};
use crate::sequel::{Run, Sequel};

/// A key of an input, with the path that leads to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Node(u32);

impl Node {
    /// No node.
    pub(crate) const NONE: Self = Self(u32::MAX);

    /// A number of its own.
    pub(crate) fn number(self) -> u64 {
        self.0.into()
    }

    /// Its place among all nodes.
    #[inline]
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// A column of the event table as some node's value would fill it, whether or not anybody asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Target(pub(crate) u32);

/// The root of a record: children are top-level keys.
pub const ROOT: Node = Node(0);
/// The event's `System` element: children are its elements, their children its attributes.
pub const SYSTEM: Node = Node(1);
/// The event's own data: children are its named fields.
pub const DATA: Node = Node(2);

/// How many different keys one worker tells apart. Real logs have some thousands; an input with more is counted, and its
/// further keys can still be asked for by name.
const MAX_NODES: usize = 1 << 18;
/// How deep keys may nest before the rest is kept as JSON text.
pub const MAX_DEPTH: u8 = 32;

/// What a node's value is for.
#[derive(Clone, Debug)]
pub(crate) struct NodeInfo {
    pub(crate) feed: Option<Feed>,
    /// The column the value has when it does not feed the header.
    pub(crate) target: Target,
    /// The value is itself a JSON or XML document holding the event's data (Azure's `EventData`).
    pub(crate) embedded: bool,
    /// An array here is a list of values of one repeated field (`<Data>` without names), not a value.
    pub(crate) repeated: bool,
    /// Only nested Winlogbeat documents have it.
    beat: bool,
    depth: u8,
    parent: Node,
    key: Box<[u8]>,
    /// The path with its dialect's prefixes resolved, as the source spelled it; `None` for a pure container.
    path: String,
    place: Place,
}

/// Where in an event a node stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Outside the event proper: fields are named by their dotted path.
    Outside,
    /// In the header.
    System,
    /// In the event's own data: fields are named by their last key.
    Data,
    /// The element that wraps user data; its children are data.
    UserData,
}

/// What is asked of a node for every value it has; the rest of [`NodeInfo`] only matters when a node is new.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Brief {
    pub(crate) feed: Option<Feed>,
    pub(crate) target: Target,
    /// It is a field of the event's own data.
    pub(crate) data: bool,
    /// Only nested Winlogbeat documents have it.
    pub(crate) beat: bool,
    /// See [`NodeInfo::embedded`].
    pub(crate) embedded: bool,
    /// See [`NodeInfo::repeated`].
    pub(crate) repeated: bool,
    pub(crate) wanted: bool,
}

/// A column known to a worker.
#[derive(Clone, Debug)]
pub(crate) struct TargetInfo {
    /// The name as first spelled.
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
pub(crate) struct Wanted {
    pub(crate) columns: FxHashMap<String, u32>,
    pub(crate) filters: FxHashMap<String, u32>,
    /// Fields of which not the first value of a record is asked for, but a later one (`Name#2`).
    pub(crate) repeated: FxHashSet<String>,
    /// Every field is to be looked at, if only to learn that it is there.
    pub(crate) all: bool,
}

impl Wanted {
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
pub struct Names {
    nodes: Vec<NodeInfo>,
    briefs: Vec<Brief>,
    sequel: Sequel,
    index: HashTable<u32>,
    targets: Vec<TargetInfo>,
    by_name: FxHashMap<String, Target>,
    repeats: FxHashMap<(Target, u32), Target>,
    wanted: Wanted,
    /// Keys that were not told apart because there were too many.
    pub(crate) overflow: u64,
}

impl Names {
    pub(crate) fn new(wanted: Wanted) -> Self {
        let mut names = Self {
            nodes: Vec::new(),
            briefs: Vec::new(),
            sequel: Sequel::default(),
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
            names.push(NodeInfo {
                feed: None,
                target,
                embedded: false,
                repeated: false,
                beat: false,
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
    pub fn child(&mut self, parent: Node, key: &[u8]) -> Node {
        let hash = hash(parent, key);
        let nodes = &self.nodes;
        let found = self.index.find(hash, |&n| {
            let info = &nodes[n as usize];
            info.parent == parent && *info.key == *key
        });
        match found {
            Some(&n) => Node(n),
            None => self.add(parent, key, hash),
        }
    }

    /// See [`Sequel::foresee`].
    #[inline]
    pub(crate) fn foresee(&self, run: Run, text: &[u8]) -> Option<(Node, usize, Run)> {
        self.sequel.foresee(run, text)
    }

    /// The node of the key that the first `len` bytes of `text` spell, where it was not foreseen, and the run it makes.
    #[inline]
    pub(crate) fn child_after(
        &mut self,
        run: Run,
        parent: Node,
        text: &[u8],
        len: usize,
    ) -> (Node, Run) {
        let node = match self.sequel.find(parent, text, len) {
            Some(node) => node,
            None => self.seldom(parent, text, len),
        };
        (node, self.sequel.with(run, node))
    }

    /// The node of a key that was not met lately.
    #[inline(never)]
    fn seldom(&mut self, parent: Node, text: &[u8], len: usize) -> Node {
        let node = self.child(parent, &text[..len]);
        self.sequel.learn(parent, text, len, node);
        node
    }

    /// The beginning of the object that is this node's value.
    #[inline]
    pub(crate) fn start(&mut self, node: Node) -> Run {
        self.sequel.start(node)
    }

    /// Whether anybody asked for this node's value, so that a reader need not format what nobody reads.
    ///
    /// Header candidates are always wanted: which of them wins is known only at the end of the record.
    pub fn wanted(&self, node: Node) -> bool {
        self.briefs[node.0 as usize].wanted
    }

    #[inline]
    pub(crate) fn brief(&self, node: Node) -> Brief {
        self.briefs[node.0 as usize]
    }

    fn push(&mut self, info: NodeInfo) {
        let target = &self.targets[info.target.0 as usize];
        self.briefs.push(Brief {
            feed: info.feed,
            target: info.target,
            data: info.place == Place::Data,
            beat: info.beat,
            embedded: info.embedded,
            repeated: info.repeated,
            wanted: self.wanted.all
                || self.wanted.may_repeat(&target.name)
                || info.feed.is_some()
                || target.column.is_some()
                || target.filter.is_some()
                || info.embedded,
        });
        self.sequel.add(info.parent, &info.key);
        self.nodes.push(info);
    }

    pub(crate) fn info(&self, node: Node) -> &NodeInfo {
        &self.nodes[node.0 as usize]
    }

    pub(crate) fn target_info(&self, target: Target) -> &TargetInfo {
        &self.targets[target.0 as usize]
    }

    pub(crate) fn see(&mut self, target: Target) {
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
    pub fn may_descend(&self, node: Node) -> bool {
        self.info(node).depth < MAX_DEPTH
    }

    /// The column of the `n`-th value (from 2) that one record has for the same field: `Name#n`.
    pub(crate) fn repeat(&mut self, target: Target, n: u32) -> Target {
        if let Some(&t) = self.repeats.get(&(target, n)) {
            return t;
        }
        let name = format!("{}#{n}", self.target_info(target).name);
        let t = self.target(&name);
        self.repeats.insert((target, n), t);
        t
    }

    /// The column of a value that could not take its place in the header.
    pub(crate) fn raw(&mut self, node: Node) -> Target {
        let name = self.targets[self.info(node).target.0 as usize].name.clone();
        let reserved = header::by_name(&name.to_lowercase()).is_some();
        if reserved {
            self.target(&format!("{name}#raw"))
        } else {
            self.info(node).target
        }
    }

    /// The column with this name, whatever its case.
    fn target(&mut self, name: &str) -> Target {
        let lower = name.to_lowercase();
        if let Some(&t) = self.by_name.get(&lower) {
            return t;
        }
        let t = Target(u32::try_from(self.targets.len()).unwrap_or(u32::MAX));
        self.targets.push(TargetInfo {
            name: name.to_owned(),
            column: self.wanted.columns.get(&lower).copied(),
            filter: self.wanted.filters.get(&lower).copied(),
            seen: false,
        });
        self.by_name.insert(lower, t);
        t
    }

    fn add(&mut self, parent: Node, key: &[u8], hash: u64) -> Node {
        // Past the limit every new key of a container is one and the same nameless key, unless a query asks for it.
        let lower = || String::from_utf8_lossy(key).to_lowercase();
        let asked = |w: &Wanted| {
            let lower = lower();
            w.columns.contains_key(&lower) || w.filters.contains_key(&lower)
        };
        if self.nodes.len() >= MAX_NODES && !key.is_empty() && !asked(&self.wanted) {
            self.overflow += 1;
            return self.child(parent, b"");
        }
        let info = self.describe(parent, key);
        let node = Node(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
        self.push(info);
        let nodes = &self.nodes;
        self.index.insert_unique(hash, node.0, |&n| {
            let info = &nodes[n as usize];
            self::hash(info.parent, &info.key)
        });
        node
    }

    fn describe(&mut self, parent: Node, key: &[u8]) -> NodeInfo {
        let spelled = String::from_utf8_lossy(key);
        let up = &self.nodes[parent.0 as usize];
        let (up_place, up_beat, depth) = (up.place, up.beat, up.depth.saturating_add(1));
        let mut beat = up_beat;
        let lower = spelled.to_lowercase();
        let (place, path) = match up_place {
            // `#attributes` and `#text` are how evtx_dump spells XML's attributes and text: same path as the element.
            _ if matches!(lower.as_str(), "#attributes" | "#text") => (up_place, up.path.clone()),
            // Case tells evtx_dump's `Event` from the `event` of the Elastic Common Schema.
            Place::Outside => match (up.path.as_str(), &*spelled) {
                // What Elasticsearch and its exporters wrap around a document goes, too.
                ("", "Event" | "_source") if parent == ROOT => (Place::Outside, String::new()),
                ("", "System" | "System_attributes") => (Place::System, "System".to_owned()),
                ("", "EventData" | "EventData_attributes") => (Place::Data, "EventData".to_owned()),
                ("", "UserData" | "UserData_attributes") => {
                    (Place::UserData, "UserData".to_owned())
                }
                ("", "event_data") => {
                    beat = true;
                    (Place::Data, "EventData".to_owned())
                }
                ("", "user_data") => {
                    beat = true;
                    (Place::Data, "UserData".to_owned())
                }
                ("winlog", "event_data") => (Place::Data, "EventData".to_owned()),
                ("winlog", "user_data") => (Place::Data, "UserData".to_owned()),
                ("", _) => (Place::Outside, spelled.into_owned()),
                (_, _) => (Place::Outside, format!("{}.{spelled}", up.path)),
            },
            Place::System => {
                let name = spelled.strip_suffix("_attributes").unwrap_or(&spelled);
                let name = name.strip_prefix('@').unwrap_or(name);
                (Place::System, format!("{}.{name}", up.path))
            }
            Place::UserData => (Place::Data, "UserData".to_owned()),
            Place::Data => {
                // Data fields stand under their own names; what nests deeper keeps the path inside its field.
                if matches!(up.path.as_str(), "EventData" | "UserData") {
                    (Place::Data, spelled.into_owned())
                } else {
                    (Place::Data, format!("{}.{spelled}", up.path))
                }
            }
        };
        let feed = match place {
            Place::Outside | Place::System => header::feed(&path.to_lowercase()),
            Place::Data | Place::UserData => {
                header::feed(&path.to_lowercase()).filter(|f| f.keeps_column)
            }
        };
        let column = match place {
            // The provider's identity is wanted under the name the field gives it.
            Place::System if path.eq_ignore_ascii_case("System.Provider.Guid") => {
                "ProviderGuid".to_owned()
            }
            Place::Outside
                if matches!(
                    path.to_lowercase().as_str(),
                    "winlog.provider_guid" | "provider_guid"
                ) =>
            {
                "ProviderGuid".to_owned()
            }
            // The text of the event as Windows shows it, whichever export put it beside the event.
            Place::Outside if path.eq_ignore_ascii_case("RenderingInfo.Message") => {
                "Message".to_owned()
            }
            // A provider's own field that is spelled like a header column stands beside it.
            Place::Data if header::by_name(&path.to_lowercase()).is_some() => {
                format!("EventData.{path}")
            }
            _ if path.is_empty() => "#unnamed".to_owned(),
            // Every row has values of these names already.
            _ if [header::SOURCE_FILE, header::SOURCE_OFFSET]
                .iter()
                .any(|name| path.eq_ignore_ascii_case(name)) =>
            {
                format!("{path}#raw")
            }
            _ => path.clone(),
        };
        let target = self.target(&column);
        let embedded = parent == ROOT && lower == "eventdata";
        let repeated = place == Place::Data && lower_last(&path) == "data";
        NodeInfo {
            feed,
            target,
            embedded,
            repeated,
            beat,
            depth,
            parent,
            key: key.into(),
            path,
            place,
        }
    }
}

fn lower_last(path: &str) -> String {
    path.rsplit('.').next().unwrap_or_default().to_lowercase()
}

fn hash(parent: Node, key: &[u8]) -> u64 {
    FxBuildHasher.hash_one((parent.0, key))
}
