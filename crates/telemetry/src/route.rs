//! Records whose keys are the same in the same order settle the same way, and most records of a log do: what was worked
//! out for one is remembered for the next. This module refuses to know why a value goes where it goes.

use std::hash::BuildHasher;

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

use crate::header::Kind;
use crate::names::Node;
use crate::record::Record;

/// Different records remembered; past that, all are forgotten and learned anew.
const MAX_ROUTES: usize = 1 << 12;

/// A value's way: index of the field in the record, index of the column among those asked for.
pub(crate) type Move = (u32, u32);

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
    /// What tells this record's keys from others'.
    pub(crate) fn hash(record: &Record<'_>) -> u64 {
        let nodes = record.fields.iter();
        // Nodes are small numbers that this program gave out itself.
        let mixed = nodes.fold(record.fields.len() as u64, |hash, (node, _)| {
            (hash.rotate_left(5) ^ node.number()).wrapping_mul(0x9e37_79b9_7f4a_7c15)
        });
        FxBuildHasher.hash_one(mixed)
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
