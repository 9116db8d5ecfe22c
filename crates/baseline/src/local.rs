//! Counting within one batch, on dictionary keys only: which combinations of keys there are, and for each its hosts,
//! buckets of time, minutes after boot and users. Everything lies in flat lists that are used again for the next batch,
//! so that an event costs no allocation. It refuses to look at text.

use arrow::array::Int64Array;
use rustc_hash::FxHashMap;

use crate::columns::{self, Texts};
use crate::report::{MAX_MINUTES, Time};
use crate::survey::Survey;
use crate::tally::Distance;

/// Rows of one stream, and the columns they are counted by.
pub(crate) struct Rows<'b> {
    pub(crate) rows: &'b [u32],
    pub(crate) by: &'b [&'b Texts<'b>],
    pub(crate) user: Option<&'b Texts<'b>>,
    pub(crate) time: &'b Int64Array,
    pub(crate) host: &'b Texts<'b>,
    /// The survey's place of each host key; the last is for rows without one.
    pub(crate) places: &'b [u32],
    /// Microseconds of a bucket of time.
    pub(crate) width: i64,
    /// Minutes after a boot that count as start-up.
    pub(crate) startup: u32,
}

/// No further item.
const END: u32 = u32::MAX;

/// Rows with the same keys.
pub(crate) struct Found {
    /// The first of them.
    pub(crate) row: u32,
    /// The one with the earliest time, else the first.
    pub(crate) earliest: u32,
    pub(crate) count: u64,
    pub(crate) first: Time,
    pub(crate) last: Time,
    pub(crate) later: u64,
    pub(crate) unknown: u64,
    hosts: u32,
    minutes: u32,
    users: u32,
}

impl Found {
    /// Whether any of them has a time.
    pub(crate) fn timed(&self) -> bool {
        self.first <= self.last
    }
}

/// Rows with the same keys on one host.
pub(crate) struct HostFound {
    pub(crate) place: u32,
    pub(crate) count: u64,
    pub(crate) start_up: u64,
    pub(crate) first: Time,
    pub(crate) last: Time,
    /// Events in these ends share the boot they come after.
    after: (Time, Time),
    boot: Option<Time>,
    /// Ends of the bucket of the latest cell.
    bucket: (Time, Time),
    cells: u32,
    next: u32,
}

/// Numbers for pairs of numbers, in the order they are met.
#[derive(Debug, Default)]
struct Pairs {
    numbers: FxHashMap<u64, u32>,
    last: (u64, u32),
}

impl Pairs {
    fn clear(&mut self) {
        self.numbers.clear();
        self.last = (u64::MAX, 0);
    }

    /// The number of a pair, and whether it is a new one.
    #[inline]
    fn number(&mut self, a: u32, b: u32) -> (u32, bool) {
        let key = u64::from(a) << 32 | u64::from(b);
        // Both halves at their highest are an absent value of a group that no batch has rows for.
        if key == self.last.0 && key != u64::MAX {
            return (self.last.1, false);
        }
        let next = u32::try_from(self.numbers.len()).unwrap_or(END);
        let number = *self.numbers.entry(key).or_insert(next);
        self.last = (key, number);
        (number, number == next)
    }
}

#[derive(Default)]
pub(crate) struct Local {
    columns: Vec<Pairs>,
    by_host: Pairs,
    by_minute: Pairs,
    by_user: Pairs,
    ids: Vec<u32>,
    groups: Vec<Found>,
    hosts: Vec<HostFound>,
    /// Bucket, count, next of the same host. A bucket may come twice.
    cells: Vec<(i64, u64, u32)>,
    /// Minute, count, next of the same group.
    minutes: Vec<(u8, u64, u32)>,
    /// Key, next of the same group.
    users: Vec<(u32, u32)>,
}

impl std::fmt::Debug for Local {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Local").finish_non_exhaustive()
    }
}

impl Local {
    /// Counts these rows, and forgets those before.
    pub(crate) fn count(&mut self, input: &Rows<'_>, survey: &Survey) {
        self.groups.clear();
        self.hosts.clear();
        self.cells.clear();
        self.minutes.clear();
        self.users.clear();
        for pairs in [&mut self.by_host, &mut self.by_minute, &mut self.by_user] {
            pairs.clear();
        }
        self.number(input);
        let ids = std::mem::take(&mut self.ids);
        for (&row, &group) in input.rows.iter().zip(&ids) {
            self.add(input, survey, row, group);
        }
        self.ids = ids;
    }

    /// Gives each row the number of its combination of keys.
    fn number(&mut self, input: &Rows<'_>) {
        self.ids.clear();
        self.ids.resize(input.rows.len(), 0);
        self.columns.resize_with(input.by.len(), Pairs::default);
        for (pairs, texts) in self.columns.iter_mut().zip(input.by) {
            // A column that the batch lacks tells no rows apart.
            if texts.is_none() {
                continue;
            }
            pairs.clear();
            for (id, row) in self.ids.iter_mut().zip(input.rows) {
                *id = pairs.number(*id, texts.key(*row as usize)).0;
            }
        }
    }

    #[inline]
    fn add(&mut self, input: &Rows<'_>, survey: &Survey, row: u32, number: u32) {
        let (at, n) = (row as usize, number as usize);
        if n >= self.groups.len() {
            self.groups.push(Found {
                row,
                earliest: row,
                count: 0,
                first: Time::MAX,
                last: Time::MIN,
                later: 0,
                unknown: 0,
                hosts: END,
                minutes: END,
                users: END,
            });
        }
        let key = (input.host.key(at) as usize).min(input.places.len() - 1);
        let place = input.places[key];
        let (h, new) = self.by_host.number(number, place);
        if new {
            self.hosts.push(HostFound {
                place,
                count: 0,
                start_up: 0,
                first: Time::MAX,
                last: Time::MIN,
                after: (1, 0),
                boot: None,
                bucket: (1, 0),
                cells: END,
                next: std::mem::replace(&mut self.groups[n].hosts, h),
            });
        }
        let (group, host) = (&mut self.groups[n], &mut self.hosts[h as usize]);
        group.count += 1;
        host.count += 1;
        if let Some(time) = columns::at(input.time, at) {
            if time < group.first {
                group.first = time;
                group.earliest = row;
            }
            group.last = group.last.max(time);
            host.first = host.first.min(time);
            host.last = host.last.max(time);
            if host.cells != END && host.bucket.0 <= time && time < host.bucket.1 {
                self.cells[host.cells as usize].1 += 1;
            } else {
                let bucket = time.div_euclid(input.width);
                let start = bucket.saturating_mul(input.width);
                let cell = u32::try_from(self.cells.len()).unwrap_or(END);
                self.cells.push((bucket, 1, host.cells));
                host.cells = cell;
                host.bucket = (start, start.saturating_add(input.width));
            }
            match host.distance(time, survey) {
                Distance::Minutes(minute) => {
                    host.start_up += u64::from(u32::from(minute) < input.startup);
                    let (m, new) = self.by_minute.number(number, u32::from(minute));
                    if new {
                        let next = std::mem::replace(&mut group.minutes, m);
                        self.minutes.push((minute, 0, next));
                    }
                    self.minutes[m as usize].1 += 1;
                }
                Distance::Later => group.later += 1,
                Distance::Unknown => group.unknown += 1,
            }
        }
        if let Some(user) = input.user {
            let key = user.key(at);
            let (u, new) = self.by_user.number(number, key);
            if new {
                let next = std::mem::replace(&mut group.users, u);
                self.users.push((key, next));
            }
        }
    }

    /// The combinations of keys, in the order they were met.
    pub(crate) fn groups(&self) -> impl Iterator<Item = &Found> {
        self.groups.iter()
    }

    pub(crate) fn hosts_of(&self, group: usize) -> impl Iterator<Item = &HostFound> {
        let from = |at: u32| self.hosts.get(at as usize);
        std::iter::successors(from(self.groups[group].hosts), move |h| from(h.next))
    }

    /// Buckets with their counts; one may come twice.
    pub(crate) fn cells_of(&self, host: &HostFound) -> impl Iterator<Item = (i64, u64)> {
        let from = |at: u32| self.cells.get(at as usize);
        std::iter::successors(from(host.cells), move |c| from(c.2)).map(|c| (c.0, c.1))
    }

    pub(crate) fn minutes_of(&self, group: usize) -> impl Iterator<Item = (u8, u64)> {
        let from = |at: u32| self.minutes.get(at as usize);
        let first = from(self.groups[group].minutes);
        std::iter::successors(first, move |m| from(m.2)).map(|m| (m.0, m.1))
    }

    /// Keys of users in the order of the rows; one may come more than once.
    pub(crate) fn users(&self) -> impl Iterator<Item = u32> {
        self.users.iter().map(|u| u.0)
    }

    pub(crate) fn users_of(&self, group: usize) -> impl Iterator<Item = u32> {
        let from = |at: u32| self.users.get(at as usize);
        std::iter::successors(from(self.groups[group].users), move |u| from(u.1)).map(|u| u.0)
    }
}

impl HostFound {
    fn distance(&mut self, time: Time, survey: &Survey) -> Distance {
        if time < self.after.0 || time >= self.after.1 {
            let boots = survey.boots_of(self.place);
            let at = boots.partition_point(|b| *b <= time);
            self.boot = at.checked_sub(1).map(|i| boots[i]);
            self.after = (
                self.boot.unwrap_or(Time::MIN),
                boots.get(at).copied().unwrap_or(Time::MAX),
            );
        }
        let Some(boot) = self.boot else {
            return Distance::Unknown;
        };
        match u8::try_from((time - boot) / 60_000_000) {
            Ok(minute) if usize::from(minute) < MAX_MINUTES => Distance::Minutes(minute),
            _ => Distance::Later,
        }
    }
}
