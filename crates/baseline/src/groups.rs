//! The groups of one stream by their values: exact up to a limit, and beyond it Space-Saving (Metwally, Agrawal and El
//! Abbadi, 2005), which gives the place of the smallest group to a new one and remembers how much that may have made it
//! too large. It refuses to know where values come from.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::tally::Counts;

/// The values of a group's keys in one piece, so that they are hashed and compared at once: each with its length before
/// it, or the mark of an absent one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Key(Box<[u8]>);

const ABSENT: [u8; 8] = [0xff; 8];

fn write_key<'a>(values: impl Iterator<Item = Option<&'a str>>, key: &mut Vec<u8>) {
    key.clear();
    for value in values {
        match value {
            Some(value) => {
                key.extend((value.len() as u64).to_le_bytes());
                key.extend(value.as_bytes());
            }
            None => key.extend(ABSENT),
        }
    }
}

impl Key {
    /// The values.
    pub(crate) fn values(&self) -> Vec<Option<String>> {
        let mut values = Vec::new();
        let mut rest = &*self.0;
        while let Some((len, more)) = rest.split_first_chunk::<8>() {
            rest = more;
            values.push((*len != ABSENT).then(|| {
                let len = usize::try_from(u64::from_le_bytes(*len)).unwrap_or(usize::MAX);
                let (value, more) = rest.split_at(len.min(rest.len()));
                rest = more;
                String::from_utf8_lossy(value).into_owned()
            }));
        }
        values
    }
}

#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) key: Key,
    pub(crate) counts: Counts,
    /// What the counter calls it, see [`Groups::called`].
    number: u32,
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

/// No group is called so.
const NOWHERE: u32 = u32::MAX;

#[derive(Debug)]
pub(crate) struct Groups {
    limit: usize,
    groups: Vec<Group>,
    /// By the counter's numbers, the group's place.
    called: Vec<u32>,
    /// Hashes and places.
    table: HashTable<(u64, usize)>,
    scratch: Vec<u8>,
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
            called: Vec::new(),
            table: HashTable::new(),
            scratch: Vec::new(),
            hasher: DefaultHashBuilder::default(),
            smallest: BinaryHeap::new(),
            freed: 0,
            evicted: false,
        }
    }

    /// The group with these values, with `count` events more. Under the counter's number for them it is found without a
    /// look at the values.
    pub(crate) fn take<'a, V>(
        &mut self,
        number: u32,
        values: impl FnOnce() -> V,
        count: u64,
    ) -> &mut Group
    where
        V: Iterator<Item = Option<&'a str>>,
    {
        let at = match self.called.get(number as usize) {
            Some(at) if *at != NOWHERE => *at as usize,
            _ => {
                let at = self.find(number, values(), count);
                self.call(number, at);
                return &mut self.groups[at];
            }
        };
        self.groups[at].counts.count += count;
        &mut self.groups[at]
    }

    /// No more groups than there are, though always so many.
    pub(crate) fn close(&mut self, least: usize) {
        self.limit = self.limit.min(self.groups.len().max(least));
    }

    /// From now on the counter's numbers mean other values.
    pub(crate) fn rename(&mut self) {
        self.called.clear();
    }

    fn call(&mut self, number: u32, at: usize) {
        let place = number as usize;
        if place >= self.called.len() {
            self.called.resize(place + 1, NOWHERE);
        }
        self.called[place] = u32::try_from(at).unwrap_or(NOWHERE);
        self.groups[at].number = number;
    }

    fn find<'a>(
        &mut self,
        number: u32,
        values: impl Iterator<Item = Option<&'a str>>,
        count: u64,
    ) -> usize {
        write_key(values, &mut self.scratch);
        let key = &*self.scratch;
        let hash = self.hasher.hash_one(key);
        let same = |slot: &(u64, usize)| slot.0 == hash && *self.groups[slot.1].key.0 == *key;
        if let Some(&(_, at)) = self.table.find(hash, same) {
            self.groups[at].counts.count += count;
            return at;
        }
        let mut group = Group {
            key: Key(key.into()),
            counts: Counts::default(),
            number,
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
            let old_hash = self.hasher.hash_one(&*old.key.0);
            if let Ok(entry) = self.table.find_entry(old_hash, |slot| slot.1 == at) {
                entry.remove();
            }
            if let Some(place) = self.called.get_mut(old.number as usize)
                && *place as usize == at
            {
                *place = NOWHERE;
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
        self.table.insert_unique(hash, (hash, at), |slot| slot.0);
        at
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn value(group: &Group) -> String {
        group.key.values()[0].clone().unwrap_or_default()
    }

    #[test]
    fn where_there_is_no_more_room_the_smallest_gives_its_place() {
        let mut groups = Groups::new(10);
        let take = |groups: &mut Groups, number: u32, count| {
            let value = number.to_string();
            groups.take(number, || [Some(&*value)].into_iter(), count);
        };
        for (number, count) in [(0, 5), (1, 2), (2, 9)] {
            take(&mut groups, number, count);
        }
        groups.close(1);
        assert!(!groups.sketched());
        take(&mut groups, 3, 1);
        take(&mut groups, 2, 1);
        assert!(groups.sketched());
        let counts = groups.into_groups();
        let counts: Vec<_> = counts
            .iter()
            .map(|g| (value(g), g.counts.count, g.error))
            .collect();
        let counts: Vec<_> = counts.iter().map(|(v, n, e)| (&**v, *n, *e)).collect();
        assert_eq!(counts, [("0", 5, 0), ("3", 3, 2), ("2", 10, 0)]);
    }

    proptest! {
        #[test]
        fn a_key_keeps_its_values(values in prop::collection::vec(prop::option::of(".{0,9}"), 0..5)) {
            let mut key = Vec::new();
            write_key(values.iter().map(Option::as_deref), &mut key);
            prop_assert_eq!(Key(key.into()).values(), values);
        }

        #[test]
        fn no_count_is_too_low_or_off_by_more_than_its_error(
            events in prop::collection::vec((0u8..60, 1u64..5), 1..400),
            limit in 1usize..40,
        ) {
            let mut groups = Groups::new(limit);
            let mut truth: BTreeMap<String, u64> = BTreeMap::new();
            // Numbers of values are theirs until all are renamed.
            let mut names: Vec<u8> = Vec::new();
            for (value, count) in &events {
                if *count == 4 {
                    groups.rename();
                    names.clear();
                }
                let number = names.iter().position(|n| n == value).unwrap_or(names.len());
                if number == names.len() {
                    names.push(*value);
                }
                let value = value.to_string();
                let values = || [Some(&*value), None].into_iter();
                groups.take(u32::try_from(number).unwrap_or(NOWHERE), values, *count);
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
                let real = truth[&value(group)];
                prop_assert!(real <= group.counts.count);
                prop_assert!(group.counts.count - group.error <= real);
                prop_assert!(group.error <= least);
            }
            for (value, real) in &truth {
                let kept = groups.iter().any(|g| self::value(g) == *value);
                prop_assert!(kept || *real <= least);
            }
        }
    }
}
