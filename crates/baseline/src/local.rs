//! Counting by numbers: which combinations of values there are, and for each its hosts, buckets of time, minutes after
//! boot and users. Everything lies in flat lists that are used again, so that an event costs no allocation. It refuses to
//! know how many groups are wanted, and is asked by its owner whether it has grown too large.

use arrow::array::Int64Array;
use rustc_hash::FxHashMap;

use crate::columns::{self, ABSENT, PerValue, Texts};
use crate::groups::Place;
use crate::numbered::Numbered;
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
    /// Numbers of the files.
    pub(crate) files: PerValue<Option<u32>>,
    pub(crate) record: Int64Array,
    pub(crate) offset: Int64Array,
}

impl Evidence<'_> {
    fn place(&self, row: usize) -> Place {
        Place {
            file: self.files.of(self.file.key(row)),
            record: columns::at(&self.record, row),
            offset: columns::at(&self.offset, row),
        }
    }
}

/// No further item.
const END: u32 = u32::MAX;

/// Rows with the same values.
pub(crate) struct Found {
    /// The number of the combination.
    pub(crate) number: u32,
    /// Of the one with the earliest time, else of the first.
    pub(crate) place: Place,
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

/// Rows with the same values on one host.
pub(crate) struct HostFound {
    pub(crate) place: u32,
    pub(crate) count: u64,
    pub(crate) start_up: u64,
    pub(crate) first: Time,
    pub(crate) last: Time,
    /// Events in these ends share the boot they come after, as long as the boots are in this state.
    after: (Time, Time),
    boots: u64,
    boot: Option<Time>,
    provisional: bool,
    /// Ends of the bucket of the latest cell.
    bucket: (Time, Time),
    cells: u32,
    next: u32,
}

/// Different user names that are kept.
const MAX_USERS: usize = 200_000;

/// Numbers for pairs of numbers, in the order they are met.
#[derive(Debug, Default)]
struct Pairs {
    numbers: FxHashMap<u64, u32>,
    /// Numbers by the second of a pair, where the first is always 0; of an absent one in the first place.
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

    /// The number of the pair of 0 and this.
    #[inline]
    fn number_first(&mut self, b: u32) -> u32 {
        let place = b.wrapping_add(1) as usize;
        if place >= self.direct.len() {
            self.direct.resize(place + 1, END);
        }
        if self.direct[place] == END {
            self.direct[place] = u32::try_from(self.pairs.len()).unwrap_or(END);
            self.pairs.push((0, b));
        }
        self.direct[place]
    }
}

#[derive(Default)]
pub(crate) struct Local {
    columns: Vec<(Numbered, Pairs)>,
    /// Users have their numbers for good, in the order they are met, so that those that are kept do not depend on where
    /// batches end.
    pub(crate) user: Numbered,
    by_host: Pairs,
    by_minute: Pairs,
    by_provisional: Pairs,
    by_user: Pairs,
    ids: Vec<u32>,
    /// By number, the place in `groups`.
    places: Vec<u32>,
    groups: Vec<Found>,
    hosts: Vec<HostFound>,
    /// Bucket, count, next of the same host. A bucket may come twice.
    cells: Vec<(i64, u64, u32)>,
    /// Minute, count, next of the same group.
    minutes: Vec<(u8, u64, u32)>,
    /// Place of the host, minute, count, next of the same group; these come after provisional boots.
    provisional: Vec<(Provisional, u32)>,
    /// Number, next of the same group.
    users: Vec<(u32, u32)>,
    rows: usize,
}

impl std::fmt::Debug for Local {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Local").finish_non_exhaustive()
    }
}

impl Local {
    /// Forgets all rows, and keeps the numbers of the combinations.
    pub(crate) fn clear(&mut self) {
        for group in &self.groups {
            self.places[group.number as usize] = END;
        }
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
        for pairs in pairs {
            pairs.clear();
        }
        self.rows = 0;
    }

    /// Forgets the numbers of the combinations, too.
    pub(crate) fn forget(&mut self) {
        self.clear();
        self.places.clear();
        for (numbered, pairs) in &mut self.columns {
            numbered.clear();
            pairs.clear();
        }
    }

    /// How many rows were counted.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Bytes of texts and numbers, about.
    pub(crate) fn size(&self) -> usize {
        let columns = self.columns.iter();
        columns
            .map(|(numbered, pairs)| 3 * numbered.bytes() + 40 * pairs.pairs.len())
            .sum()
    }

    /// Counts these rows beside those before, whose buckets are as wide.
    pub(crate) fn count(&mut self, input: &Rows<'_>, survey: &Survey) {
        self.rows += input.rows.len();
        self.number(input);
        let ids = std::mem::take(&mut self.ids);
        for (&row, &group) in input.rows.iter().zip(&ids) {
            self.add(input, survey, row, group);
        }
        self.ids = ids;
    }

    /// Gives each row the number of its combination of values.
    fn number(&mut self, input: &Rows<'_>) {
        self.ids.clear();
        self.ids.resize(input.rows.len(), 0);
        self.columns.resize_with(input.by.len(), Default::default);
        // Texts are bounded by their bytes.
        let most = usize::MAX;
        for (at, ((numbered, pairs), texts)) in self.columns.iter_mut().zip(input.by).enumerate() {
            numbered.begin(texts);
            for (id, row) in self.ids.iter_mut().zip(input.rows) {
                let value = numbered.number(texts, *row as usize, most);
                *id = match at {
                    0 => pairs.number_first(value),
                    _ => pairs.number(*id, value).0,
                };
            }
        }
        if let Some(texts) = input.user {
            self.user.begin(texts);
        }
    }

    #[inline]
    fn add(&mut self, input: &Rows<'_>, survey: &Survey, row: u32, number: u32) {
        let at = row as usize;
        let known = number as usize;
        if known >= self.places.len() {
            self.places.resize(known + 1, END);
        }
        let mut n = self.places[known];
        if n == END {
            n = u32::try_from(self.groups.len()).unwrap_or(END);
            self.places[known] = n;
            self.groups.push(Found {
                number,
                place: input.evidence.place(at),
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
        let group = &mut self.groups[n as usize];
        let key = (input.host.key(at) as usize).min(input.places.len() - 1);
        let place = input.places[key];
        // Mostly it is the host that the group was last seen on.
        let mut h = group.hosts;
        if self.hosts.get(h as usize).is_none_or(|h| h.place != place) {
            let (found, new) = self.by_host.number(n, place);
            if new {
                self.hosts.push(HostFound {
                    place,
                    count: 0,
                    start_up: 0,
                    first: Time::MAX,
                    last: Time::MIN,
                    after: (1, 0),
                    boots: 0,
                    boot: None,
                    provisional: false,
                    bucket: (1, 0),
                    cells: END,
                    next: std::mem::replace(&mut group.hosts, found),
                });
            }
            h = found;
        }
        let host = &mut self.hosts[h as usize];
        group.count += 1;
        host.count += 1;
        if let Some(time) = columns::at(input.time, at) {
            if time < group.first {
                group.first = time;
                group.place = input.evidence.place(at);
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
                    let (m, new) = self.by_minute.number(n, u32::from(minute));
                    if new {
                        let next = std::mem::replace(&mut group.minutes, m);
                        self.minutes.push((minute, 0, next));
                    }
                    self.minutes[m as usize].1 += 1;
                }
                Distance::Later => group.later += 1,
            }
        }
        if let Some(texts) = input.user {
            let user = self.user.number(texts, at, MAX_USERS);
            let known = self.users.get(group.users as usize);
            if user != ABSENT && known.is_none_or(|u| u.0 != user) {
                let (u, new) = self.by_user.number(n, user);
                if new {
                    let next = std::mem::replace(&mut group.users, u);
                    self.users.push((user, next));
                }
            }
        }
    }

    /// The combinations of keys, in the order they were met.
    pub(crate) fn groups(&self) -> impl Iterator<Item = &Found> {
        self.groups.iter()
    }

    /// The values of a group.
    pub(crate) fn values_of(&self, group: usize) -> impl Iterator<Item = Option<&str>> {
        let mut value = vec![None; self.columns.len()];
        let mut at = self.groups[group].number as usize;
        for (value, (numbered, pairs)) in value.iter_mut().zip(&self.columns).rev() {
            if let Some((before, number)) = pairs.pairs.get(at) {
                *value = numbered.text(*number);
                at = *before as usize;
            }
        }
        value.into_iter()
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

    pub(crate) fn users_of(&self, group: usize) -> impl Iterator<Item = u32> {
        let from = |at: u32| self.users.get(at as usize);
        std::iter::successors(from(self.groups[group].users), move |u| from(u.1)).map(|u| u.0)
    }
}

impl HostFound {
    fn distance(&mut self, time: Time, survey: &Survey) -> Distance {
        if time < self.after.0 || time >= self.after.1 || self.boots != survey.changes() {
            self.boots = survey.changes();
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
