//! Counting by numbers: which combinations of values there are, and for each its hosts, buckets of time, minutes after
//! boot and users. Everything lies in flat lists that are used again, so that an event costs no allocation. It refuses to
//! know how many groups are wanted, and is asked by its owner whether it has grown too large.

use arrow::array::Int64Array;

use crate::columns::{self, ABSENT, PerValue, Texts};
use crate::groups::Place;
use crate::numbered::Numbered;
use crate::pairs::{Combinations, END, Pairs};
use crate::report::{MAX_MINUTES, Time};
use crate::survey::Survey;
use crate::tally::Provisional;

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

/// Rows with the same values.
pub(crate) struct Found {
    /// The number of the combination.
    pub(crate) number: u32,
    /// The earliest time of all; where there is none, beyond every time.
    pub(crate) first: Time,
    hosts: u32,
    minutes: u32,
    provisional: u32,
    users: u32,
    /// The latest user.
    user: u32,
}

/// Rows with the same values on one host.
pub(crate) struct HostFound {
    pub(crate) place: u32,
    next: u32,
    /// Of the buckets before.
    cells: u32,
    /// Rows in the bucket that is counted now.
    here: u32,
    bucket: i64,
    /// Rows without a time.
    pub(crate) untimed: u32,
    pub(crate) start_up: u32,
    pub(crate) later: u32,
    pub(crate) unknown: u32,
    pub(crate) first: Time,
    pub(crate) last: Time,
    /// Events in these ends lie in the same bucket and come after the same boot.
    span: (Time, Time),
    /// Before every time where there is none.
    boot: Time,
    provisional: bool,
}

/// No boot came before.
const NO_BOOT: Time = Time::MIN;
/// From this long after a boot on, minutes are not told apart.
const LATE: Time = MAX_MINUTES as Time * MINUTE;
const MINUTE: Time = 60_000_000;

/// Different user names that are kept.
const MAX_USERS: usize = 200_000;

#[derive(Default)]
pub(crate) struct Local {
    columns: Vec<(Numbered, Combinations)>,
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
    /// For each group, where the record with the earliest time stands, else the first record.
    evidence: Vec<Place>,
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
    /// The state of the boots that rows were last placed after.
    boots: u64,
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
        self.evidence.clear();
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
            .map(|(numbered, pairs)| 3 * numbered.bytes() + 40 * pairs.len())
            .sum()
    }

    /// Counts these rows beside those before, whose buckets are as wide.
    pub(crate) fn count(&mut self, input: &Rows<'_>, survey: &Survey) {
        self.rows += input.rows.len();
        if survey.changes() != self.boots {
            self.boots = survey.changes();
            for host in &mut self.hosts {
                host.span = (1, 0);
            }
        }
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
        for ((numbered, combinations), texts) in self.columns.iter_mut().zip(input.by) {
            numbered.begin(texts);
            for (id, row) in self.ids.iter_mut().zip(input.rows) {
                let value = numbered.number(texts, *row as usize, most);
                *id = combinations.number(*id, value);
            }
        }
        if let Some(texts) = input.user {
            self.user.begin(texts);
        }
    }

    /// The place of a combination in `groups`.
    #[inline]
    fn group(&mut self, input: &Rows<'_>, row: usize, number: u32) -> u32 {
        let at = number as usize;
        if at >= self.places.len() {
            self.places.resize(at + 1, END);
        }
        if self.places[at] == END {
            self.places[at] = u32::try_from(self.groups.len()).unwrap_or(END);
            self.groups.push(Found {
                number,
                first: Time::MAX,
                hosts: END,
                minutes: END,
                provisional: END,
                users: END,
                user: ABSENT,
            });
            self.evidence.push(input.evidence.place(row));
        }
        self.places[at]
    }

    /// The place of a group's host in `hosts`.
    #[inline]
    fn host(&mut self, group: u32, place: u32) -> u32 {
        let head = &mut self.groups[group as usize].hosts;
        // Mostly it is the host that the group was last seen on.
        match self.hosts.get(*head as usize) {
            Some(host) if host.place == place => *head,
            _ => {
                let (found, new) = self.by_host.number(group, place);
                if new {
                    let next = std::mem::replace(head, found);
                    self.hosts.push(HostFound::new(place, next));
                }
                found
            }
        }
    }

    #[inline]
    fn add(&mut self, input: &Rows<'_>, survey: &Survey, row: u32, number: u32) {
        let at = row as usize;
        let g = self.group(input, at, number);
        let key = (input.host.key(at) as usize).min(input.places.len() - 1);
        let place = input.places[key];
        let h = self.host(g, place);
        let (group, host) = (&mut self.groups[g as usize], &mut self.hosts[h as usize]);
        if let Some(time) = columns::at(input.time, at) {
            if time < group.first {
                group.first = time;
                self.evidence[g as usize] = input.evidence.place(at);
            }
            if time < host.span.0 || time >= host.span.1 {
                host.turn(time, input.width, survey, &mut self.cells);
            }
            host.here += 1;
            host.first = host.first.min(time);
            host.last = host.last.max(time);
            let since = time.wrapping_sub(host.boot);
            if host.boot == NO_BOOT {
                host.unknown += 1;
            } else if since >= LATE && !host.provisional {
                host.later += 1;
            } else {
                self.near_boot(input, g, h, since);
            }
        } else {
            host.untimed += 1;
        }
        if let Some(texts) = input.user {
            let user = self.user.number(texts, at, MAX_USERS);
            let group = &mut self.groups[g as usize];
            if user != group.user {
                group.user = user;
                let (u, new) = self.by_user.number(g, user);
                if new {
                    let next = std::mem::replace(&mut group.users, u);
                    self.users.push((user, next));
                }
            }
        }
    }

    /// Counts a row that comes so long after a boot.
    fn near_boot(&mut self, input: &Rows<'_>, g: u32, h: u32, since: Time) {
        let (group, host) = (&mut self.groups[g as usize], &mut self.hosts[h as usize]);
        let minute = u8::try_from(since / MINUTE).ok().filter(|_| since < LATE);
        if host.provisional {
            let code = minute.map_or(ABSENT, u32::from);
            let (p, new) = self.by_provisional.number(h, code);
            if new {
                let next = std::mem::replace(&mut group.provisional, p);
                let entry = Provisional {
                    host: host.place,
                    minute,
                    count: 0,
                };
                self.provisional.push((entry, next));
            }
            self.provisional[p as usize].0.count += 1;
        } else if let Some(minute) = minute {
            host.start_up += u32::from(u32::from(minute) < input.startup);
            let (m, new) = self.by_minute.number(g, u32::from(minute));
            if new {
                let next = std::mem::replace(&mut group.minutes, m);
                self.minutes.push((minute, 0, next));
            }
            self.minutes[m as usize].1 += 1;
        }
    }

    /// The combinations of values, in the order they were met, each with where its earliest record stands.
    pub(crate) fn groups(&self) -> impl Iterator<Item = (&Found, Place)> {
        self.groups.iter().zip(self.evidence.iter().copied())
    }

    /// The values of a group.
    pub(crate) fn values_of(&self, group: usize) -> impl Iterator<Item = Option<&str>> {
        let mut value = vec![None; self.columns.len()];
        let mut at = self.groups[group].number as usize;
        for (value, (numbered, pairs)) in value.iter_mut().zip(&self.columns).rev() {
            if let Some((before, number)) = pairs.pair(at) {
                *value = numbered.text(number);
                at = before as usize;
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
        let before = std::iter::successors(from(host.cells), move |c| from(c.2));
        let here = (host.here > 0).then_some((host.bucket, u64::from(host.here)));
        here.into_iter().chain(before.map(|c| (c.0, c.1)))
    }

    /// Rows on one host.
    pub(crate) fn count_of(&self, host: &HostFound) -> u64 {
        let timed: u64 = self.cells_of(host).map(|c| c.1).sum();
        timed + u64::from(host.untimed)
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
        let all = std::iter::successors(from(self.groups[group].users), move |u| from(u.1));
        all.map(|u| u.0).filter(|user| *user != ABSENT)
    }
}

impl HostFound {
    fn new(place: u32, next: u32) -> Self {
        Self {
            place,
            next,
            cells: END,
            here: 0,
            bucket: 0,
            untimed: 0,
            start_up: 0,
            later: 0,
            unknown: 0,
            first: Time::MAX,
            last: Time::MIN,
            span: (1, 0),
            boot: NO_BOOT,
            provisional: false,
        }
    }

    /// Turns to the bucket and the boot of a time.
    #[cold]
    fn turn(&mut self, time: Time, width: i64, survey: &Survey, cells: &mut Vec<(i64, u64, u32)>) {
        let bucket = time.div_euclid(width);
        if bucket != self.bucket && self.here > 0 {
            let cell = u32::try_from(cells.len()).unwrap_or(END);
            cells.push((self.bucket, u64::from(self.here), self.cells));
            self.cells = cell;
            self.here = 0;
        }
        self.bucket = bucket;
        let boots = survey.boots_of(self.place);
        let at = boots.partition_point(|b| *b <= time);
        self.boot = at.checked_sub(1).map_or(NO_BOOT, |i| boots[i]);
        self.provisional = survey.provisional(self.place);
        let start = bucket.saturating_mul(width);
        self.span = (
            start.max(self.boot),
            start
                .saturating_add(width)
                .min(boots.get(at).copied().unwrap_or(Time::MAX)),
        );
    }
}
