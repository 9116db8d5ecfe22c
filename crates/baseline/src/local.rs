//! Counting on dictionary keys only: which combinations of keys there are, and for each its hosts, buckets of time,
//! minutes after boot and users. Batches with the same dictionaries are counted together, so that text is looked at once
//! for many of them. Everything lies in flat lists that are used again, so that an event costs no allocation. It
//! refuses to look at text.

use arrow::array::Int64Array;
use rustc_hash::FxHashMap;

use crate::columns::{self, ABSENT, Texts};
use crate::report::{MAX_MINUTES, Time};
use crate::survey::Survey;
use crate::tally::{Distance, Provisional};

/// Rows of one stream, and the columns they are counted by.
pub(crate) struct Rows<'b> {
    pub(crate) rows: &'b [u32],
    pub(crate) by: &'b [&'b Texts<'b>],
    pub(crate) user: Option<&'b Texts<'b>>,
    pub(crate) time: &'b Int64Array,
    pub(crate) host: &'b Texts<'b>,
    /// The survey's place of each host key; the last is for rows without one.
    pub(crate) places: &'b [u32],
    pub(crate) evidence: &'b Evidence<'b>,
    /// Microseconds of a bucket of time.
    pub(crate) width: i64,
    /// Minutes after a boot that count as start-up.
    pub(crate) startup: u32,
}

/// Where the records of a batch stand.
pub(crate) struct Evidence<'b> {
    pub(crate) file: Texts<'b>,
    pub(crate) record: Int64Array,
    pub(crate) offset: Int64Array,
}

/// Where one record stands: its file by key, its number, its offset.
#[derive(Clone, Copy, Default)]
pub(crate) struct Spot {
    pub(crate) file: u32,
    pub(crate) record: Option<i64>,
    pub(crate) offset: Option<i64>,
}

impl Evidence<'_> {
    fn spot(&self, row: usize) -> Spot {
        Spot {
            file: self.file.key(row),
            record: columns::at(&self.record, row),
            offset: columns::at(&self.offset, row),
        }
    }
}

/// No further item.
const END: u32 = u32::MAX;

/// Rows with the same keys.
pub(crate) struct Found {
    /// Of the one with the earliest time, else of the first.
    pub(crate) spot: Spot,
    pub(crate) count: u64,
    pub(crate) first: Time,
    pub(crate) last: Time,
    pub(crate) later: u64,
    pub(crate) unknown: u64,
    hosts: u32,
    minutes: u32,
    provisional: u32,
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
    provisional: bool,
    /// Ends of the bucket of the latest cell.
    bucket: (Time, Time),
    cells: u32,
    next: u32,
}

/// Keys up to which a table has a place for each.
const MAX_DIRECT: usize = 1 << 16;

/// Numbers for pairs of numbers, in the order they are met.
#[derive(Debug, Default)]
struct Pairs {
    numbers: FxHashMap<u64, u32>,
    /// Numbers by the second of a pair, where the first is always 0.
    direct: Vec<u32>,
    /// The pairs by number.
    pairs: Vec<(u32, u32)>,
    last: Option<((u32, u32), u32)>,
}

impl Pairs {
    fn clear(&mut self) {
        self.numbers.clear();
        self.direct.clear();
        self.pairs.clear();
        self.last = None;
    }

    /// The number of a pair, and whether it is a new one.
    #[inline]
    fn number(&mut self, a: u32, b: u32) -> (u32, bool) {
        if let Some((pair, number)) = self.last
            && pair == (a, b)
        {
            return (number, false);
        }
        let key = u64::from(a) << 32 | u64::from(b);
        let next = u32::try_from(self.pairs.len()).unwrap_or(END);
        let number = *self.numbers.entry(key).or_insert(next);
        if number == next {
            self.pairs.push((a, b));
        }
        self.last = Some(((a, b), number));
        (number, number == next)
    }

    /// The numbers of pairs of 0 and the keys of a column.
    fn number_column(&mut self, texts: &Texts<'_>, rows: &[u32], ids: &mut [u32]) {
        let len = texts.len();
        if len > MAX_DIRECT {
            for (id, row) in ids.iter_mut().zip(rows) {
                *id = self.number(0, texts.key(*row as usize)).0;
            }
            return;
        }
        // The last place is for rows without a value.
        self.direct.resize(len + 1, END);
        for (id, row) in ids.iter_mut().zip(rows) {
            let key = texts.key(*row as usize);
            let number = &mut self.direct[(key as usize).min(len)];
            if *number == END {
                *number = u32::try_from(self.pairs.len()).unwrap_or(END);
                self.pairs.push((0, key));
            }
            *id = *number;
        }
    }
}

#[derive(Default)]
pub(crate) struct Local {
    columns: Vec<Pairs>,
    by_host: Pairs,
    by_minute: Pairs,
    by_provisional: Pairs,
    by_user: Pairs,
    ids: Vec<u32>,
    groups: Vec<Found>,
    hosts: Vec<HostFound>,
    /// Bucket, count, next of the same host. A bucket may come twice.
    cells: Vec<(i64, u64, u32)>,
    /// Minute, count, next of the same group.
    minutes: Vec<(u8, u64, u32)>,
    /// Place of the host, minute, count, next of the same group; these come after provisional boots.
    provisional: Vec<(Provisional, u32)>,
    /// Key, next of the same group.
    users: Vec<(u32, u32)>,
    rows: usize,
    /// The state of the boots that distances were last taken from.
    boots: u64,
}

impl std::fmt::Debug for Local {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Local").finish_non_exhaustive()
    }
}

impl Local {
    /// Forgets all rows.
    pub(crate) fn clear(&mut self) {
        self.groups.clear();
        self.hosts.clear();
        self.cells.clear();
        self.minutes.clear();
        self.provisional.clear();
        self.users.clear();
        let pairs = [
            &mut self.by_host,
            &mut self.by_minute,
            &mut self.by_provisional,
            &mut self.by_user,
        ];
        for pairs in pairs.into_iter().chain(&mut self.columns) {
            pairs.clear();
        }
        self.rows = 0;
    }

    /// How many rows were counted.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Counts these rows beside those before, whose keys mean the same and whose buckets are as wide.
    pub(crate) fn count(&mut self, input: &Rows<'_>, survey: &Survey) {
        if survey.changes() != self.boots {
            self.boots = survey.changes();
            for host in &mut self.hosts {
                host.after = (1, 0);
            }
        }
        self.rows += input.rows.len();
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
        // A column that the batch lacks tells no rows apart.
        let columns = self.columns.iter_mut().zip(input.by);
        let mut columns = columns.filter(|(_, texts)| !texts.is_none());
        if let Some((pairs, texts)) = columns.next() {
            pairs.number_column(texts, input.rows, &mut self.ids);
        }
        for (pairs, texts) in columns {
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
                spot: input.evidence.spot(at),
                count: 0,
                first: Time::MAX,
                last: Time::MIN,
                later: 0,
                unknown: 0,
                hosts: END,
                minutes: END,
                provisional: END,
                users: END,
            });
        }
        let group = &mut self.groups[n];
        let key = (input.host.key(at) as usize).min(input.places.len() - 1);
        let place = input.places[key];
        // Mostly it is the host that the group was last seen on.
        let mut h = group.hosts;
        if self.hosts.get(h as usize).is_none_or(|h| h.place != place) {
            let (number, new) = self.by_host.number(number, place);
            if new {
                self.hosts.push(HostFound {
                    place,
                    count: 0,
                    start_up: 0,
                    first: Time::MAX,
                    last: Time::MIN,
                    after: (1, 0),
                    boot: None,
                    provisional: false,
                    bucket: (1, 0),
                    cells: END,
                    next: std::mem::replace(&mut group.hosts, number),
                });
            }
            h = number;
        }
        let host = &mut self.hosts[h as usize];
        group.count += 1;
        host.count += 1;
        if let Some(time) = columns::at(input.time, at) {
            if time < group.first {
                group.first = time;
                group.spot = input.evidence.spot(at);
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
                Distance::Unknown => group.unknown += 1,
                distance if host.provisional => {
                    let minute = match distance {
                        Distance::Minutes(minute) => Some(minute),
                        _ => None,
                    };
                    let code = minute.map_or(ABSENT, u32::from);
                    let (p, new) = self.by_provisional.number(h, code);
                    if new {
                        let next = std::mem::replace(&mut group.provisional, p);
                        let (host, count) = (place, 0);
                        let entry = Provisional {
                            host,
                            minute,
                            count,
                        };
                        self.provisional.push((entry, next));
                    }
                    self.provisional[p as usize].0.count += 1;
                }
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
            }
        }
        if let Some(user) = input.user {
            let key = user.key(at);
            if self
                .users
                .get(group.users as usize)
                .is_none_or(|u| u.0 != key)
            {
                let (u, new) = self.by_user.number(number, key);
                if new {
                    let next = std::mem::replace(&mut group.users, u);
                    self.users.push((key, next));
                }
            }
        }
    }

    /// The combinations of keys, in the order they were met.
    pub(crate) fn groups(&self) -> impl Iterator<Item = &Found> {
        self.groups.iter()
    }

    /// The key of each column in a group.
    pub(crate) fn keys_of(&self, group: usize, keys: &mut Vec<u32>) {
        keys.clear();
        let mut number = group;
        for column in self.columns.iter().rev() {
            let pair = column.pairs.get(number).copied();
            keys.push(pair.map_or(ABSENT, |p| p.1));
            number = pair.map_or(number, |p| p.0 as usize);
        }
        keys.reverse();
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

    pub(crate) fn provisional_of(&self, group: usize) -> impl Iterator<Item = Provisional> {
        let from = |at: u32| self.provisional.get(at as usize);
        let first = from(self.groups[group].provisional);
        std::iter::successors(first, move |p| from(p.1)).map(|p| p.0)
    }

    /// Keys of users in the order they were met; one comes once for each group.
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
            self.provisional = survey.provisional(self.place);
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
