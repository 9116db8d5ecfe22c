//! The groups of one stream by their values: exact up to a limit, and beyond it Space-Saving (Metwally, Agrawal and El
//! Abbadi, 2005), which gives the place of the smallest group to a new one and remembers how much that may have made it
//! too large. It refuses to know where values come from.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hash::{BuildHasher, Hash, Hasher};

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::tally::Counts;

/// The values of a group's keys.
pub(crate) type Values = Box<[Option<Box<str>>]>;

#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) values: Values,
    pub(crate) counts: Counts,
    /// How much the count may be too high.
    pub(crate) error: u64,
    /// File and number of the earliest record.
    pub(crate) example: Option<Place>,
}

/// Where a record stands: the file's number, the record's, and its offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) file: Option<u32>,
    pub(crate) record: Option<i64>,
    pub(crate) offset: Option<i64>,
}

#[derive(Debug)]
pub(crate) struct Groups {
    limit: usize,
    groups: Vec<Group>,
    table: HashTable<usize>,
    // Seeded: values come from whoever wrote the log.
    hasher: DefaultHashBuilder,
    /// Counts as they were, smallest on top: none is higher than the group's count is now.
    smallest: BinaryHeap<Reverse<(u64, usize)>>,
    /// Cells that evicted groups gave back.
    pub(crate) freed: usize,
    evicted: bool,
}

impl Groups {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit: limit.max(1),
            groups: Vec::new(),
            table: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            smallest: BinaryHeap::new(),
            freed: 0,
            evicted: false,
        }
    }

    /// The group with these values, with `count` events more.
    pub(crate) fn take(&mut self, values: &[Option<&str>], count: u64) -> &mut Group {
        let hash = hash(&self.hasher, values.iter().copied());
        let same = |g: &Group| {
            g.values
                .iter()
                .map(Option::as_deref)
                .eq(values.iter().copied())
        };
        if let Some(&at) = self.table.find(hash, |at| same(&self.groups[*at])) {
            self.groups[at].counts.count += count;
            return &mut self.groups[at];
        }
        let values: Values = values.iter().map(|v| v.map(Box::from)).collect();
        let mut group = Group {
            values,
            counts: Counts::default(),
            error: 0,
            example: None,
        };
        let at = if self.groups.len() < self.limit {
            group.counts.count = count;
            self.groups.push(group);
            self.groups.len() - 1
        } else {
            let at = self.pop_smallest();
            let old = &self.groups[at];
            let old_hash = self::hash(&self.hasher, old.values.iter().map(Option::as_deref));
            if let Ok(entry) = self.table.find_entry(old_hash, |i| *i == at) {
                entry.remove();
            }
            self.freed += old.counts.cells.len();
            group.error = old.counts.count;
            group.counts.count = old.counts.count + count;
            self.groups[at] = group;
            self.evicted = true;
            at
        };
        self.smallest
            .push(Reverse((self.groups[at].counts.count, at)));
        let (hasher, groups) = (&self.hasher, &self.groups);
        self.table.insert_unique(hash, at, |i| {
            self::hash(hasher, groups[*i].values.iter().map(Option::as_deref))
        });
        &mut self.groups[at]
    }

    /// The place of the group with the smallest count, which leaves the heap.
    fn pop_smallest(&mut self) -> usize {
        loop {
            let Some(Reverse((count, at))) = self.smallest.pop() else {
                return 0;
            };
            let now = self.groups[at].counts.count;
            if now == count {
                return at;
            }
            self.smallest.push(Reverse((now, at)));
        }
    }

    /// Whether some group lost its place, so that counts may be too high.
    pub(crate) fn sketched(&self) -> bool {
        self.evicted
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Group> {
        self.groups.iter_mut()
    }

    pub(crate) fn len(&self) -> usize {
        self.groups.len()
    }

    pub(crate) fn into_groups(self) -> Vec<Group> {
        self.groups
    }

    /// The smallest count that is kept: no group that is left out had more events.
    pub(crate) fn least(&self) -> u64 {
        self.groups
            .iter()
            .map(|g| g.counts.count)
            .min()
            .unwrap_or(0)
    }
}

fn hash<'a>(hasher: &DefaultHashBuilder, values: impl Iterator<Item = Option<&'a str>>) -> u64 {
    let mut state = hasher.build_hasher();
    for value in values {
        value.hash(&mut state);
    }
    state.finish()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_count_is_too_low_or_off_by_more_than_its_error(
            events in prop::collection::vec((0u8..60, 1u64..5), 1..400),
            limit in 1usize..40,
        ) {
            let mut groups = Groups::new(limit);
            let mut truth: BTreeMap<String, u64> = BTreeMap::new();
            for (value, count) in &events {
                let value = value.to_string();
                groups.take(&[Some(&value), None], *count);
                *truth.entry(value).or_default() += count;
            }
            let (least, sketched) = (groups.least(), groups.sketched());
            let total: u64 = truth.values().sum();
            prop_assert_eq!(sketched, truth.len() > limit);
            let groups = groups.into_groups();
            if sketched {
                prop_assert!(least <= total / limit as u64);
            }
            for group in &groups {
                let value = group.values[0].as_deref().unwrap_or_default();
                let real = truth[value];
                prop_assert!(real <= group.counts.count);
                prop_assert!(group.counts.count - group.error <= real);
                prop_assert!(group.error <= least);
            }
            for (value, real) in &truth {
                let kept = groups.iter().any(|g| g.values[0].as_deref() == Some(value));
                prop_assert!(kept || *real <= least);
            }
        }
    }
}
