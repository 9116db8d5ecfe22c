//! One stream in the making. Events are counted by numbers until there are too many of these; then what was counted is
//! added to the groups by text. It refuses to know which rows belong to the stream.

use rustc_hash::FxHashMap;

use crate::collect::Spec;
use crate::groups::Groups;
use crate::local::{HostFound, Local};
use crate::report::{MAX_USERS, Time};
use crate::survey::Survey;
use crate::tally::{Cell, Counts, HostTally};

/// Bytes of the numbers that a stream's values have while it is counted.
const MAX_NUMBERED: usize = 16 << 20;
/// Hosts told apart in the whole of a stream.
const MAX_STREAM_HOSTS: usize = 4096;

/// One stream in the making.
#[derive(Debug)]
pub(crate) struct Counting {
    pub(crate) spec: Spec,
    pub(crate) channel: Option<String>,
    pub(crate) total: Counts,
    pub(crate) groups: Groups,
    /// What is not in the groups yet.
    pub(crate) local: Local,
    /// Cells in all groups.
    pub(crate) cells: usize,
    sum: Sum,
}

impl Counting {
    pub(crate) fn new(spec: Spec, max_groups: usize) -> Self {
        Self {
            spec,
            channel: None,
            total: Counts::default(),
            groups: Groups::new(max_groups),
            local: Local::default(),
            cells: 0,
            sum: Sum::default(),
        }
    }

    /// Joins buckets from one step of coarseness to a later one; everything is in the groups.
    pub(crate) fn coarsen(&mut self, from: u32, to: u32) {
        self.total.coarsen(from, to);
        self.cells = 0;
        for group in self.groups.iter_mut() {
            group.counts.coarsen(from, to);
            self.cells += group.counts.cells.len();
        }
    }

    /// Places events after the boots that are known in the end; everything is in the groups.
    pub(crate) fn decide(&mut self, survey: &Survey, startup: u32) {
        let groups = self.groups.iter_mut().map(|g| &mut g.counts);
        for counts in groups.chain([&mut self.total]) {
            counts.decide(|host| survey.provisional(host), startup);
        }
    }

    /// Adds to the groups what was counted by numbers, telling apart so many hosts in each.
    pub(crate) fn flush(&mut self, most_hosts: usize) {
        for (number, (found, place)) in self.local.groups().enumerate() {
            let hosts = || self.local.hosts_of(number);
            let count = hosts().map(|h| self.local.count_of(h)).sum();
            let values = || self.local.values_of(number);
            let group = self.groups.take(found.number, values, count);
            self.total.count += count;
            let earlier = found.first < group.counts.first.unwrap_or(Time::MAX);
            if group.example.is_none() || earlier {
                group.example = Some(place);
            }
            let before = group.counts.cells.len();
            for (minute, count) in self.local.minutes_of(number) {
                group.counts.add_minute(minute, count);
                self.total.add_minute(minute, count);
            }
            for events in self.local.provisional_of(number) {
                group.counts.add_provisional(events);
                self.total.add_provisional(events);
            }
            for host in hosts() {
                let tally = HostTally {
                    host: host.place,
                    count: self.local.count_of(host),
                    start_up: host.start_up.into(),
                    first: host.first,
                    last: host.last,
                };
                add(&mut group.counts, host);
                add(&mut self.total, host);
                // A cell is counted under the place that its host was given.
                let place = group.counts.add_host(tally, most_hosts);
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
                group.counts.add_user(user, MAX_USERS);
                self.total.add_user(user, MAX_USERS);
            }
            self.cells = (self.cells + group.counts.cells.len()).saturating_sub(before);
        }
        self.sum.take(&mut self.total);
        if self.local.size() > MAX_NUMBERED {
            self.local.forget();
            self.groups.rename();
        } else {
            self.local.clear();
        }
        let freed = std::mem::take(&mut self.groups.freed);
        self.cells = self.cells.saturating_sub(freed);
    }
}

fn add(counts: &mut Counts, host: &HostFound) {
    if host.first <= host.last {
        counts.add_time(host.first, host.last);
    }
    counts.later += u64::from(host.later);
    counts.unknown += u64::from(host.unknown);
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
