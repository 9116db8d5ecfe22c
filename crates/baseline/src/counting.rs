//! One stream in the making. Batches are counted by their keys as long as they have the same dictionaries; then what was
//! counted is added to the groups by text. It refuses to know which rows belong to the stream.

use std::collections::HashMap;

use rustc_hash::FxHashMap;

use crate::collect::Spec;
use crate::columns::{Texts, Values};
use crate::groups::{Groups, Place};
use crate::local::{Found, HostFound, Local, Rows};
use crate::report::{MAX_USERS, Time};
use crate::survey::Survey;
use crate::tally::{Cell, Counts, HostTally};

/// Hosts told apart in the whole of a stream.
const MAX_STREAM_HOSTS: usize = 4096;
/// Rows that are counted by their keys before they are added to the groups.
const MAX_ROWS: usize = 1 << 18;
/// Different user names and file names that are kept.
const MAX_NAMES: usize = 200_000;

/// Different texts, each with a number.
#[derive(Debug, Default)]
pub(crate) struct Interner {
    numbers: HashMap<Box<str>, u32>,
    texts: Vec<Box<str>>,
}

impl Interner {
    fn number(&mut self, text: &str) -> Option<u32> {
        if let Some(n) = self.numbers.get(text) {
            return Some(*n);
        }
        if self.texts.len() >= MAX_NAMES {
            return None;
        }
        let n = u32::try_from(self.texts.len()).ok()?;
        self.texts.push(text.into());
        self.numbers.insert(text.into(), n);
        Some(n)
    }

    pub(crate) fn text(&self, number: u32) -> &str {
        self.texts.get(number as usize).map_or("", |t| t)
    }
}

/// One stream in the making.
#[derive(Debug)]
pub(crate) struct Counting {
    pub(crate) spec: Spec,
    pub(crate) channel: Option<String>,
    pub(crate) total: Counts,
    pub(crate) groups: Groups,
    /// Users in the order they are met, so that those that are kept do not depend on where batches end.
    pub(crate) users: Interner,
    local: Local,
    /// What the keys in `local` stand for, where there are any.
    meaning: Option<Meaning>,
    sum: Sum,
}

/// The values behind the keys of the batches that were counted together.
#[derive(Debug)]
struct Meaning {
    by: Vec<Values>,
    user: Option<Values>,
    file: Values,
}

impl Meaning {
    fn of(input: &Rows<'_>) -> Self {
        Self {
            by: input.by.iter().map(|t| t.values()).collect(),
            user: input.user.map(Texts::values),
            file: input.evidence.file.values(),
        }
    }

    fn serves(&self, input: &Rows<'_>) -> bool {
        let mut by = self.by.iter().zip(input.by);
        by.all(|(v, t)| v.serve(t))
            && self.user.iter().zip(input.user).all(|(v, t)| v.serve(t))
            && self.file.serve(&input.evidence.file)
    }
}

/// Where what was counted goes beside the stream.
pub(crate) struct Common<'a> {
    pub(crate) files: &'a mut Interner,
    /// Cells in all groups.
    pub(crate) cells: &'a mut usize,
    /// Hosts told apart in a group.
    pub(crate) most_hosts: usize,
}

impl Counting {
    pub(crate) fn new(spec: Spec, max_groups: usize) -> Self {
        Self {
            spec,
            channel: None,
            total: Counts::default(),
            groups: Groups::new(max_groups),
            users: Interner::default(),
            local: Local::default(),
            meaning: None,
            sum: Sum::default(),
        }
    }

    /// Counts rows of a batch.
    pub(crate) fn count(&mut self, input: &Rows<'_>, survey: &Survey, common: &mut Common<'_>) {
        if !self.meaning.as_ref().is_some_and(|m| m.serves(input)) {
            self.flush(common);
            self.meaning = Some(Meaning::of(input));
        }
        self.local.count(input, survey);
        if self.local.rows() >= MAX_ROWS {
            self.flush(common);
        }
    }

    /// Adds to the groups what was counted by keys.
    pub(crate) fn flush(&mut self, common: &mut Common<'_>) {
        let Some(meaning) = self.meaning.take() else {
            return;
        };
        let users = self.number_users(&meaning);
        let (mut keys, mut values) = (Vec::new(), Vec::new());
        for (number, found) in self.local.groups().enumerate() {
            self.local.keys_of(number, &mut keys);
            values.clear();
            values.extend(meaning.by.iter().zip(&keys).map(|(v, k)| v.value(*k)));
            let group = self.groups.take(&values, found.count);
            let earlier = found.first < group.counts.first.unwrap_or(Time::MAX);
            if group.example.is_none() || (found.timed() && earlier) {
                let file = meaning.file.value(found.spot.file);
                group.example = Some(Place {
                    file: file.and_then(|f| common.files.number(f)),
                    record: found.spot.record,
                    offset: found.spot.offset,
                });
            }
            let before = group.counts.cells.len();
            add(&mut group.counts, found);
            add(&mut self.total, found);
            self.total.count += found.count;
            for (minute, count) in self.local.minutes_of(number) {
                group.counts.add_minute(minute, count);
                self.total.add_minute(minute, count);
            }
            for events in self.local.provisional_of(number) {
                group.counts.add_provisional(events);
                self.total.add_provisional(events);
            }
            for host in self.local.hosts_of(number) {
                let tally = HostTally::from(host);
                // A cell is counted under the place that its host was given.
                let place = group.counts.add_host(tally, common.most_hosts);
                self.sum.add_host(tally);
                for (bucket, count) in self.local.cells_of(host) {
                    let host = place;
                    let cell = Cell {
                        bucket,
                        host,
                        count,
                    };
                    group.counts.cells.add(cell);
                    self.sum.add_cell(bucket, tally.host, count);
                }
            }
            for user in self.local.users_of(number) {
                if let Some(user) = users.get(&user) {
                    group.counts.add_user(*user, MAX_USERS);
                    self.total.add_user(*user, MAX_USERS);
                }
            }
            *common.cells = (*common.cells + group.counts.cells.len()).saturating_sub(before);
        }
        self.sum.take(&mut self.total);
        self.local.clear();
        *common.cells = common
            .cells
            .saturating_sub(std::mem::take(&mut self.groups.freed));
    }

    /// The numbers of the users, by key.
    fn number_users(&mut self, meaning: &Meaning) -> FxHashMap<u32, u32> {
        let mut numbers = FxHashMap::default();
        let Some(values) = &meaning.user else {
            return numbers;
        };
        for key in self.local.users() {
            if let std::collections::hash_map::Entry::Vacant(entry) = numbers.entry(key)
                && let Some(number) = values.value(key).and_then(|u| self.users.number(u))
            {
                entry.insert(number);
            }
        }
        numbers
    }
}

fn add(counts: &mut Counts, found: &Found) {
    if found.timed() {
        counts.add_time(found.first, found.last);
    }
    counts.later += found.later;
    counts.unknown += found.unknown;
}

impl From<&HostFound> for HostTally {
    fn from(host: &HostFound) -> Self {
        Self {
            host: host.place,
            count: host.count,
            start_up: host.start_up,
            first: host.first,
            last: host.last,
        }
    }
}

/// What all groups together add to the stream, so that its lists are searched once for all of them.
#[derive(Debug, Default)]
struct Sum {
    hosts: FxHashMap<u32, HostTally>,
    cells: FxHashMap<(u32, i64), u64>,
}

impl Sum {
    fn add_host(&mut self, tally: HostTally) {
        let sum = self.hosts.entry(tally.host).or_insert(HostTally {
            count: 0,
            start_up: 0,
            ..tally
        });
        sum.add(&tally);
    }

    fn add_cell(&mut self, bucket: i64, host: u32, count: u64) {
        *self.cells.entry((host, bucket)).or_default() += count;
    }

    fn take(&mut self, total: &mut Counts) {
        let mut hosts: Vec<HostTally> = self.hosts.drain().map(|(_, tally)| tally).collect();
        hosts.sort_unstable_by_key(|h| h.host);
        let places: FxHashMap<u32, u32> = hosts
            .into_iter()
            .map(|tally| (tally.host, total.add_host(tally, MAX_STREAM_HOSTS)))
            .collect();
        let mut cells: Vec<Cell> = self
            .cells
            .drain()
            .map(|((host, bucket), count)| Cell {
                bucket,
                host: places.get(&host).copied().unwrap_or(host),
                count,
            })
            .collect();
        cells.sort_unstable_by_key(|c| (c.bucket, c.host));
        for cell in cells {
            total.cells.add(cell);
        }
    }
}
