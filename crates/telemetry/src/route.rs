//! Records whose keys are the same in the same order settle the same way, and most records of a log do: what was worked
//! out for one is remembered for the next. This module refuses to know why a value goes where it goes.

use hashbrown::HashTable;

use crate::header::Kind;
use crate::names::Node;
use crate::record::Record;

/// Different records remembered; past that, all are forgotten and learned anew.
const MAX_ROUTES: usize = 1 << 12;

/// A value's way: index of the field in the record, index of the column among those asked for.
pub(crate) type Move = (u32, u32);

/// How records go that a reader recognises by itself. `F` says which field.
#[derive(Clone, Debug)]
pub(crate) struct Way<F> {
    /// Fields that the rest is right for only if they can be read as this.
    pub(crate) checks: Box<[(F, Kind)]>,
    /// The fields a filter looks at.
    pub(crate) filter_values: Box<[Option<F>]>,
    /// Which field goes to which column; known once a record has passed the filter.
    pub(crate) moves: Option<Box<[(F, u32)]>>,
}

impl<F: Copy> Way<F> {
    /// The same with other names for fields, if each has one.
    pub(crate) fn map<G>(&self, mut name: impl FnMut(F) -> Option<G>) -> Option<Way<G>> {
        let checks = self.checks.iter().map(|(f, kind)| Some((name(*f)?, *kind)));
        let checks = checks.collect::<Option<_>>()?;
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
        Some(Way {
            checks,
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
        self.checks.len() + self.filter_values.len() + moves
    }

    /// The fields that are looked at, each as often as it is.
    pub(crate) fn sources(&self) -> impl Iterator<Item = F> {
        let moves = self.moves.iter().flatten().map(|m| m.0);
        let checks = self.checks.iter().map(|c| c.0);
        let filter = self.filter_values.iter().flatten().copied();
        moves.chain(checks).chain(filter)
    }
}

/// What records with these keys have in common.
#[derive(Debug)]
pub(crate) struct Route {
    hash: u64,
    nodes: Box<[Node]>,
    /// Fields that the rest is right for only if they can be read as this.
    pub(crate) checks: Box<[(u32, Kind)]>,
    /// The fields a filter looks at.
    pub(crate) filter_values: Box<[Option<u32>]>,
    /// Known once a record has passed the filter.
    pub(crate) moves: Option<Box<[Move]>>,
}

/// The routes of one worker.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    routes: Vec<Route>,
    index: HashTable<u32>,
}

impl Routes {
    /// What tells this record's keys from others'. Nodes are numbers that this program gave out, so nobody from outside can
    /// make them collide.
    pub(crate) fn hash(record: &Record<'_>) -> u64 {
        const MIX: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut lanes = [record.fields.len() as u64; 4];
        let mut mix = |lane: usize, node: Node| {
            lanes[lane] = (lanes[lane].rotate_left(5) ^ node.number()).wrapping_mul(MIX);
        };
        let (fours, rest) = record.fields.as_chunks::<4>();
        for four in fours {
            for (lane, (node, _)) in four.iter().enumerate() {
                mix(lane, *node);
            }
        }
        rest.iter().for_each(|(node, _)| mix(0, *node));
        let all = |hash: u64, lane: &u64| (hash.rotate_left(23) ^ lane).wrapping_mul(MIX);
        lanes.iter().fold(0, all)
    }

    pub(crate) fn find(&self, hash: u64, record: &Record<'_>) -> Option<usize> {
        let same = |n: &u32| {
            let route = &self.routes[*n as usize];
            route.hash == hash
                && route.nodes.len() == record.fields.len()
                && route
                    .nodes
                    .iter()
                    .zip(&record.fields)
                    .all(|(n, f)| *n == f.0)
        };
        self.index.find(hash, same).map(|n| *n as usize)
    }

    pub(crate) fn get(&self, n: usize) -> &Route {
        &self.routes[n]
    }

    pub(crate) fn learn_moves(&mut self, n: usize, moves: &[Move]) {
        self.routes[n].moves = Some(moves.into());
    }

    pub(crate) fn add(
        &mut self,
        hash: u64,
        record: &Record<'_>,
        checks: &[(u32, Kind)],
        filter_values: &[Option<u32>],
    ) -> usize {
        if self.routes.len() >= MAX_ROUTES {
            self.routes.clear();
            self.index.clear();
        }
        let n = self.routes.len();
        self.routes.push(Route {
            hash,
            nodes: record.fields.iter().map(|f| f.0).collect(),
            checks: checks.into(),
            filter_values: filter_values.into(),
            moves: None,
        });
        let routes = &self.routes;
        self.index
            .insert_unique(hash, n as u32, |n| routes[*n as usize].hash);
        n
    }
}

#[cfg(test)]
mod tests {
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
        assert_eq!(diagnostics.count, 0);
        assert_eq!(shown("eventid"), some(["7", "", "8", "9"]));
        assert_eq!(shown("eventid#raw"), some(["", "none", "", ""]));
        assert_eq!(shown("channel"), some(["a", "b", "c", "d"]));
        assert_eq!(shown("x"), some(["1", "2", "3", "4"]));
    }
}
