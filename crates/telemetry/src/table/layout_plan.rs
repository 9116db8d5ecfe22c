//! Records with the same keys settle the same way, and most records of a log have the same keys as some other: what was
//! worked out for one is remembered for the next. The order of the keys does not matter unless two of them want the same
//! column. This module refuses to know why a value goes where it goes.

use hashbrown::HashTable;

use crate::table::header::Kind;
use crate::table::key_id::KeyId;
use crate::table::record::Record;
use crate::table::record_layout::LayoutId;

/// Fields of the remembered records; past that, all are forgotten and learned anew.
const MAX_FIELDS: usize = 1 << 18;

/// A value's way: index of the field in the record that taught the route, index of the column among those asked for.
pub(crate) type ColumnWrite = (u32, u32);

/// How records go that a reader recognises by itself. `F` says which field.
#[derive(Clone, Debug)]
pub(crate) struct FastPath<F> {
    /// Fields that the rest is right for only if they can be read as this.
    pub(crate) checks: Box<[(F, Kind)]>,
    /// Fields that it is right for only if they say the same, read as this.
    pub(crate) same: Box<[(F, F, Kind)]>,
    /// The fields a filter looks at.
    pub(crate) filter_values: Box<[Option<F>]>,
    /// Which field goes to which column; known once a record has passed the filter.
    pub(crate) moves: Option<Box<[(F, u32)]>>,
}

impl<F: Copy> FastPath<F> {
    /// The same with other names for fields, if each has one.
    pub(crate) fn map<G>(&self, mut name: impl FnMut(F) -> Option<G>) -> Option<FastPath<G>> {
        let checks = self.checks.iter().map(|(f, kind)| Some((name(*f)?, *kind)));
        let checks = checks.collect::<Option<_>>()?;
        let same = self.same.iter();
        let same = same.map(|(a, b, kind)| Some((name(*a)?, name(*b)?, *kind)));
        let same = same.collect::<Option<_>>()?;
        let filter = self.filter_values.iter();
        let filter_values = filter
            .map(|f| match f {
                Some(f) => name(*f).map(Some),
                None => Some(None),
            })
            .collect::<Option<_>>()?;
        let moves = match &self.moves {
            None => None,
            Some(moves) => {
                let moves = moves.iter().map(|(f, c)| Some((name(*f)?, *c)));
                Some(moves.collect::<Option<_>>()?)
            }
        };
        Some(FastPath {
            checks,
            same,
            filter_values,
            moves,
        })
    }

    /// Whether all is known.
    pub(crate) fn is_whole(&self) -> bool {
        self.moves.is_some()
    }

    /// How many fields are looked at.
    pub(crate) fn len(&self) -> usize {
        let moves = self.moves.as_ref().map_or(0, |m| m.len());
        self.checks.len() + 2 * self.same.len() + self.filter_values.len() + moves
    }

    /// The fields that are looked at, each as often as it is.
    pub(crate) fn sources(&self) -> impl Iterator<Item = F> {
        let moves = self.moves.iter().flatten().map(|m| m.0);
        let checks = self.checks.iter().map(|c| c.0);
        let filter = self.filter_values.iter().flatten().copied();
        let same = self.same.iter().flat_map(|(a, b, _)| [*a, *b]);
        moves.chain(checks).chain(same).chain(filter)
    }
}

/// What was found out about a record. Fields are named by their index in it.
#[derive(Clone, Debug, Default)]
pub(crate) struct ResolvedHeader {
    /// Fields that the rest is right for only if they can be read as this.
    pub(crate) checks: Vec<(u32, Kind)>,
    /// Fields that it is right for only if they say the same, read as this.
    pub(crate) same: Vec<(u32, u32, Kind)>,
    /// The fields a filter looks at.
    pub(crate) filter_values: Vec<Option<u32>>,
    /// Whether the same keys in another order would settle otherwise.
    pub(crate) ordered: bool,
}

/// What records with these keys have in common.
#[derive(Debug)]
pub(crate) struct Route {
    nodes: Box<[KeyId]>,
    beat: bool,
    /// No two routes have the same, also not one after another in the same place.
    version: u64,
    /// For each node its index among `nodes`, at the place that [`place`] gives it or behind; empty if order matters.
    places: Box<[u32]>,
    pub(crate) settled: ResolvedHeader,
    /// Known once a record has passed the filter: text, and numbers by their index among the checks.
    pub(crate) moves: Option<ColumnWrites>,
}

/// The ways of a record's values.
#[derive(Debug)]
pub(crate) struct ColumnWrites {
    pub(crate) text: Box<[ColumnWrite]>,
    pub(crate) numbers: Box<[ColumnWrite]>,
}

/// The routes of one worker.
#[derive(Debug, Default)]
pub(crate) struct LayoutPlans {
    routes: Vec<Route>,
    /// One for each hash.
    index: HashTable<(u64, u32)>,
    /// The routes of records of one shape, with the version they had.
    by_shape: Vec<(u32, u64)>,
    fields: usize,
    /// Of the route added last.
    version: u64,
}

const NONE: u32 = u32::MAX;

impl LayoutPlans {
    /// What records with the same keys have in common. Others may have it, too: it costs time then and no more.
    fn hash(record: &Record<'_>) -> u64 {
        let sum = |sum: u64, (node, _): &(KeyId, _)| sum.wrapping_add(mix(*node));
        let first = (record.fields.len() as u64) << 1 | u64::from(record.beat);
        mix_bits(record.fields.iter().fold(first, sum))
    }

    /// The route for this record. `order` is set to where in the record the fields stand that it speaks of.
    pub(crate) fn find(&mut self, record: &Record<'_>, order: &mut Vec<u32>) -> Option<usize> {
        if let Some(n) = self.by_shape(record.shape) {
            order.clear();
            order.extend(0..record.fields.len() as u32);
            return Some(n);
        }
        let hash = Self::hash(record);
        let (_, n) = self.index.find(hash, |(h, _)| *h == hash)?;
        let n = *n as usize;
        if !self.routes[n].fits(record, order) {
            return None;
        }
        if order.is_sorted() {
            self.learn_shape(record.shape, n);
        }
        Some(n)
    }

    #[inline]
    fn by_shape(&self, shape: LayoutId) -> Option<usize> {
        let (n, version) = *self.by_shape.get(shape.index()?)?;
        let route = self.routes.get(n as usize)?;
        (route.version == version).then_some(n as usize)
    }

    /// Remembers that records of this shape go this way, their fields in the same order.
    fn learn_shape(&mut self, shape: LayoutId, n: usize) {
        let Some(index) = shape.index() else {
            return;
        };
        if index >= self.by_shape.len() {
            self.by_shape.resize(index + 1, (NONE, 0));
        }
        self.by_shape[index] = (n as u32, self.routes[n].version);
    }

    #[inline]
    pub(crate) fn get(&self, n: usize) -> &Route {
        &self.routes[n]
    }

    pub(crate) fn learn_moves(&mut self, n: usize, moves: ColumnWrites) {
        self.routes[n].moves = Some(moves);
    }

    /// Remembers how this record settled.
    pub(crate) fn add(&mut self, record: &Record<'_>, settled: &ResolvedHeader) -> usize {
        let hash = Self::hash(record);
        self.version += 1;
        let route = Route::new(record, settled, self.version);
        if self.fields + record.fields.len() > MAX_FIELDS {
            let version = self.version;
            *self = Self {
                version,
                ..Self::default()
            };
        }
        self.fields += record.fields.len();
        let known = self.index.find(hash, |(h, _)| *h == hash);
        if let Some(&(_, n)) = known {
            let n = n as usize;
            self.fields -= self.routes[n].nodes.len();
            self.routes[n] = route;
            self.learn_shape(record.shape, n);
            return n;
        }
        let n = self.routes.len();
        self.routes.push(route);
        self.index
            .insert_unique(hash, (hash, n as u32), |(hash, _)| *hash);
        self.learn_shape(record.shape, n);
        n
    }
}

impl Route {
    fn new(record: &Record<'_>, settled: &ResolvedHeader, version: u64) -> Self {
        let nodes: Box<[KeyId]> = record.fields.iter().map(|f| f.0).collect();
        let mut places = Vec::new();
        if !settled.ordered {
            // So roomy that nodes seldom meet: whether they do cannot be predicted, and looking again costs more.
            places.resize((8 * nodes.len()).next_power_of_two(), NONE);
            for (i, node) in (0..).zip(&nodes) {
                let mut at = place(*node, places.len());
                while places[at] != NONE {
                    at = (at + 1) % places.len();
                }
                places[at] = i;
            }
        }
        Self {
            nodes,
            beat: record.beat,
            version,
            places: places.into(),
            settled: settled.clone(),
            moves: None,
        }
    }

    /// Whether the record has these keys, each as often. `order` is set to where they stand in it.
    fn fits(&self, record: &Record<'_>, order: &mut Vec<u32>) -> bool {
        order.clear();
        let fields = &record.fields;
        if fields.len() != self.nodes.len() || record.beat != self.beat {
            return false;
        }
        let same = |(a, b): (&KeyId, &(KeyId, _))| *a == b.0;
        if self.nodes.iter().zip(fields).all(same) {
            order.extend(0..fields.len() as u32);
            return true;
        }
        if self.settled.ordered {
            return false;
        }
        order.resize(fields.len(), NONE);
        for (i, (node, _)) in (0..).zip(fields) {
            let Some(known) = self.find(*node) else {
                return false;
            };
            // As many fields as nodes, and no node twice: then they are the same.
            let at = &mut order[known as usize];
            if *at != NONE {
                return false;
            }
            *at = i;
        }
        true
    }

    fn find(&self, node: KeyId) -> Option<u32> {
        let mut at = place(node, self.places.len());
        loop {
            match self.places[at] {
                NONE => return None,
                n if self.nodes[n as usize] == node => return Some(n),
                _ => at = (at + 1) % self.places.len(),
            }
        }
    }
}

fn mix(node: KeyId) -> u64 {
    mix_bits(node.number() + 1)
}

fn mix_bits(bits: u64) -> u64 {
    let mixed = bits.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ mixed >> 32
}

/// Where a node is looked for among this many places, a power of two.
fn place(node: KeyId, places: usize) -> usize {
    mix(node) as usize & (places - 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::filter::{Atom, RowFilter, Test};
    use crate::{probe, testing};

    #[test]
    fn what_was_learned_from_one_record_is_not_believed_of_another() {
        // The same keys three times; the second identifier is none, so that it takes another way than the others.
        let lines = br#"
            {"EventID":7,"Channel":"a","X":"1"}
            {"EventID":"none","Channel":"b","X":"2"}
            {"EventID":"8","Channel":"c","X":"3"}
            {"Channel":"d","EventID":9,"X":"4"}"#;
        let (batch, diagnostics) = probe::json(lines, &probe::json_plan(lines));
        let rows = batch.as_ref().map_or_else(Vec::new, testing::rows);
        let shown = |column: &str| -> Vec<Option<String>> {
            rows.iter().map(|r| r.get(column).cloned()).collect()
        };
        let some = |texts: [&str; 4]| {
            texts
                .map(|t| (!t.is_empty()).then(|| t.to_owned()))
                .to_vec()
        };
        assert_eq!(diagnostics.damaged, 0);
        assert_eq!(shown("eventid"), some(["7", "", "8", "9"]));
        assert_eq!(shown("eventid#raw"), some(["", "none", "", ""]));
        assert_eq!(shown("channel"), some(["a", "b", "c", "d"]));
        assert_eq!(shown("x"), some(["1", "2", "3", "4"]));
    }

    /// JSON objects, their keys in any order and any of them twice; most have the keys of another with other values.
    fn objects() -> impl Strategy<Value = Vec<String>> {
        const KEYS: [&str; 22] = [
            "EventID",
            "event_id",
            "EventCode",
            "event.code",
            "Channel",
            "log_name",
            "@timestamp",
            "TimeCreated",
            "UtcTime",
            "utctime",
            "EventTime",
            "X",
            "x",
            "X#2",
            "EventID#raw",
            "process_id",
            "source_file",
            "Source_Offset",
            "event_data",
            "Data",
            "EventData",
            // The same as `X`.
            "\\u0058",
        ];
        const VALUES: [&str; 19] = [
            "7",
            "\"7\"",
            "\"8\"",
            "\"none\"",
            "\"2020-01-01T00:00:00Z\"",
            "\"2020-01-01 00:00:00\"",
            "null",
            "\"a\\\\b\"",
            "[\"1\",\"2\"]",
            "{\"A\":\"1\",\"x\":\"2\"}",
            "{}",
            "{\"A\":null}",
            "\"{\\\"A\\\":\\\"1\\\"}\"",
            "\"{A}\"",
            "\"<EventData><Data Name='A'>1</Data></EventData>\"",
            "{\"Data\":[\"1\",\"2\"]}",
            "{\"Data\":[\"1\"]}",
            "7.5",
            "true",
        ];
        let keys = proptest::collection::vec(0..KEYS.len(), 1..7);
        let values = proptest::collection::vec(0..VALUES.len(), 7);
        let written = |keys: &Vec<usize>, values: &Vec<usize>| {
            let fields = keys.iter().zip(values);
            let fields = fields.map(|(k, v)| format!("\"{}\":{}", KEYS[*k], VALUES[*v]));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
        };
        let kinds = proptest::collection::vec(keys, 1..3);
        let objects = proptest::collection::vec((any::<prop::sample::Index>(), values), 1..6);
        (kinds, objects).prop_map(move |(kinds, objects)| {
            let objects = objects.iter();
            objects
                .map(|(kind, values)| written(kind.get(&kinds), values))
                .collect()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]
        #[test]
        fn a_record_means_the_same_whatever_came_before_it(
            few in objects(),
            which in proptest::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 1..30),
        ) {
            // The same few again and again, so that routes are taken, and some of them turned around.
            let turned = |object: &String| {
                let document: serde_json::Map<String, serde_json::Value> =
                    serde_json::from_str(object).expect("an object");
                let back: serde_json::Map<_, _> = document.into_iter().rev().collect();
                serde_json::to_string(&back).expect("JSON")
            };
            let lines: Vec<String> = which
                .iter()
                .map(|(i, turn)| {
                    let object = i.get(&few);
                    if *turn { turned(object) } else { object.clone() }
                })
                .collect();
            let text = lines.join("\n");
            let mut plan = probe::json_plan(text.as_bytes());
            plan.columns.retain(|c| c != crate::table::header::SOURCE_OFFSET);
            let atom = |column: &str, test| Atom { column: column.into(), test };
            let filter = RowFilter {
                clauses: vec![vec![
                    atom("eventid", Test::IntIn(vec![7])),
                    atom("x", Test::TextIn(vec!["8".into(), "a\\b".into()])),
                    atom("timecreated", Test::Null),
                ]],
            };
            // A column has the same values whether it is asked for alone or beside others.
            let (all, _) = probe::json(text.as_bytes(), &plan);
            let all = all.as_ref().map_or_else(Vec::new, testing::rows);
            for column in &plan.columns {
                let alone = crate::table::batch_builder::Plan { columns: vec![column.clone()], ..plan.clone() };
                let (batch, _) = probe::json(text.as_bytes(), &alone);
                let rows = batch.as_ref().map_or_else(Vec::new, testing::rows);
                let values = |rows: &[std::collections::BTreeMap<String, String>]| {
                    rows.iter().map(|r| r.get(column).cloned()).collect::<Vec<_>>()
                };
                prop_assert_eq!(values(&rows), values(&all), "{}", column);
            }
            for filter in [RowFilter::default(), filter] {
                plan.filter = filter;
                let read = |text: &str| {
                    let (batch, diagnostics) = probe::json(text.as_bytes(), &plan);
                    (batch.as_ref().map_or_else(Vec::new, testing::rows), diagnostics.damaged)
                };
                let (together, problems) = read(&text);
                let alone: Vec<_> = lines.iter().map(|line| read(line)).collect();
                prop_assert_eq!(problems, alone.iter().map(|(_, n)| n).sum::<u64>());
                let alone: Vec<_> = alone.into_iter().flat_map(|(rows, _)| rows).collect();
                prop_assert_eq!(together, alone);
            }
        }
    }
}
