//! What is kept of one group while it is counted: numbers only, in bounded space. It refuses to know fields and batches.

use crate::report::{MAX_MINUTES, Time};

/// Lengths of the buckets of time in seconds, each a multiple of the one before, so that counts can be joined. Up to a
/// day they also divide a day.
const WIDTHS: [i64; 8] = [60, 300, 900, 3_600, 10_800, 21_600, 43_200, 86_400];
/// Buckets that a whole recording may take before they are joined.
pub(crate) const MAX_BUCKETS: i64 = 240;
/// The place of hosts beyond those a group tells apart.
pub(crate) const OTHER: u32 = u32::MAX;

/// Microseconds of a bucket at this step of coarseness. From a day on, each step doubles.
pub(crate) fn width(step: u32) -> i64 {
    let last = WIDTHS.len() - 1;
    let seconds = match usize::try_from(step).unwrap_or(usize::MAX) {
        i if i <= last => WIDTHS[i],
        // Beyond 2^40 days there is no time that fits into 64 bits.
        i => WIDTHS[last] << (i - last).min(23),
    };
    seconds * 1_000_000
}

/// The least step at which both instants lie within [`MAX_BUCKETS`].
pub(crate) fn step_for(first: Time, last: Time) -> u32 {
    (0..)
        .find(|s| last.div_euclid(width(*s)) - first.div_euclid(width(*s)) < MAX_BUCKETS)
        .unwrap_or(0)
}

/// Events of one host in one bucket of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cell {
    /// Start of the bucket over its length.
    pub(crate) bucket: i64,
    pub(crate) host: u32,
    pub(crate) count: u64,
}

/// New cells that are let lie before they are sorted in.
const MIN_UNSORTED: usize = 32;

/// Cells by bucket, then host. New ones are laid behind those in order, and sorted in when there are as many of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cells {
    cells: Vec<Cell>,
    sorted: usize,
}

impl Cells {
    pub(crate) fn add(&mut self, cell: Cell) {
        match self.cells.last_mut() {
            Some(last) if (last.bucket, last.host) == (cell.bucket, cell.host) => {
                last.count += cell.count;
            }
            _ => {
                if self.cells.len() >= (2 * self.sorted).max(MIN_UNSORTED) {
                    self.settle();
                }
                self.cells.push(cell);
            }
        }
    }

    /// How many there are; one that came twice may be counted twice.
    pub(crate) fn len(&self) -> usize {
        self.cells.len()
    }

    /// All of them, each once.
    pub(crate) fn settled(&mut self) -> &[Cell] {
        self.settle();
        &self.cells
    }

    fn settle(&mut self) {
        if self.sorted == self.cells.len() {
            return;
        }
        // The stable sort merges what already is in order.
        self.cells.sort_by_key(|c| (c.bucket, c.host));
        self.cells.dedup_by(|next, cell| {
            let same = (next.bucket, next.host) == (cell.bucket, cell.host);
            if same {
                cell.count += next.count;
            }
            same
        });
        self.sorted = self.cells.len();
    }

    /// Joins each so many buckets.
    fn coarsen(&mut self, factor: i64) {
        for cell in &mut self.cells {
            cell.bucket = cell.bucket.div_euclid(factor);
        }
        self.sorted = 0;
        self.settle();
        self.cells.shrink_to_fit();
    }
}

/// Events of one host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HostTally {
    pub(crate) host: u32,
    pub(crate) count: u64,
    pub(crate) start_up: u64,
    pub(crate) first: Time,
    pub(crate) last: Time,
}

impl HostTally {
    /// Adds other events of the same host.
    pub(crate) fn add(&mut self, more: &Self) {
        self.count += more.count;
        self.start_up += more.start_up;
        self.first = self.first.min(more.first);
        self.last = self.last.max(more.last);
    }
}

/// Events of one host so many whole minutes, or longer, after a boot that may turn out to be none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Provisional {
    pub(crate) host: u32,
    pub(crate) minute: Option<u8>,
    pub(crate) count: u64,
}

/// The counts of a set of events.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) count: u64,
    pub(crate) first: Option<Time>,
    pub(crate) last: Option<Time>,
    /// By host.
    pub(crate) hosts: Vec<HostTally>,
    pub(crate) more_hosts: bool,
    pub(crate) cells: Cells,
    /// As far as there are events.
    minutes: Vec<u64>,
    pub(crate) later: u64,
    pub(crate) unknown: u64,
    /// By host, then minute.
    provisional: Vec<Provisional>,
    /// Places of the users, in order.
    pub(crate) users: Vec<u32>,
}

impl Counts {
    /// Adds events of one host; says under which place they are counted.
    pub(crate) fn add_host(&mut self, events: HostTally, most: usize) -> u32 {
        // Files are mostly of one host each, so it is mostly the latest one.
        let found = match self.hosts.last() {
            Some(last) if last.host == events.host => Ok(self.hosts.len() - 1),
            Some(last) if last.host > events.host => {
                self.hosts.binary_search_by_key(&events.host, |h| h.host)
            }
            _ => Err(self.hosts.len()),
        };
        match found {
            Ok(at) => {
                self.hosts[at].add(&events);
                events.host
            }
            Err(at) if self.hosts.len() < most || events.host == OTHER => {
                self.hosts.insert(at, events);
                events.host
            }
            Err(_) => {
                self.more_hosts = true;
                let host = OTHER;
                self.add_host(HostTally { host, ..events }, most)
            }
        }
    }

    pub(crate) fn add_minute(&mut self, minute: u8, count: u64) {
        let minute = usize::from(minute);
        if minute >= self.minutes.len() {
            self.minutes.resize(minute + 1, 0);
        }
        self.minutes[minute] += count;
    }

    pub(crate) fn add_provisional(&mut self, events: Provisional) {
        let key = |p: &Provisional| (p.host, p.minute);
        match self.provisional.binary_search_by_key(&key(&events), key) {
            Ok(at) => self.provisional[at].count += events.count,
            Err(at) => self.provisional.insert(at, events),
        }
    }

    /// Counts what came after provisional boots as what it is, now that it is known on which hosts these were boots.
    pub(crate) fn decide(&mut self, stand: impl Fn(u32) -> bool, startup: u32) {
        for events in std::mem::take(&mut self.provisional) {
            match events.minute {
                _ if !stand(events.host) => self.unknown += events.count,
                None => self.later += events.count,
                Some(minute) => {
                    self.add_minute(minute, events.count);
                    if u32::from(minute) < startup {
                        self.add_start_up(events.host, events.count);
                    }
                }
            }
        }
    }

    fn add_start_up(&mut self, host: u32, count: u64) {
        let find = |host| self.hosts.binary_search_by_key(&host, |h| h.host);
        if let Ok(at) = find(host).or_else(|_| find(OTHER)) {
            self.hosts[at].start_up += count;
        }
    }

    /// Events in each minute after a boot; none where there are none in any.
    pub(crate) fn all_minutes(&self) -> Vec<u64> {
        let mut minutes = self.minutes.clone();
        if !minutes.is_empty() {
            minutes.resize(MAX_MINUTES, 0);
        }
        minutes
    }

    /// Events in the first minutes after a boot.
    pub(crate) fn start_up(&self, minutes: u32) -> u64 {
        let n = usize::try_from(minutes).unwrap_or(usize::MAX);
        self.minutes.iter().take(n).sum()
    }

    pub(crate) fn add_time(&mut self, first: Time, last: Time) {
        self.first = Some(self.first.map_or(first, |f| f.min(first)));
        self.last = Some(self.last.map_or(last, |l| l.max(last)));
    }

    /// Adds a user; at most so many are kept, those with the smallest numbers.
    pub(crate) fn add_user(&mut self, user: u32, most: usize) {
        if let Err(at) = self.users.binary_search(&user)
            && at < most
        {
            self.users.insert(at, user);
            self.users.truncate(most);
        }
    }

    /// Joins buckets from one step of coarseness to a later one.
    pub(crate) fn coarsen(&mut self, from: u32, to: u32) {
        self.cells.coarsen(width(to) / width(from));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn buckets_nest_and_every_time_fits() {
        for step in 0..30 {
            assert_eq!(width(step + 1) % width(step), 0, "step {step}");
        }
        let step = step_for(i64::MIN / 2, i64::MAX / 2);
        assert!(width(step) > 0);
    }

    proptest! {
        #[test]
        fn joining_buckets_is_counting_in_wider_ones(
            events in prop::collection::vec((0i64..400_000_000_000, 0u32..3), 1..200),
            from in 0u32..5, more in 1u32..5,
        ) {
            let (mut fine, mut coarse) = (Counts::default(), Counts::default());
            for (time, host) in &events {
                for (counts, step) in [(&mut fine, from), (&mut coarse, from + more)] {
                    let bucket = time.div_euclid(width(step));
                    counts.cells.add(Cell { bucket, host: *host, count: 1 });
                }
            }
            fine.coarsen(from, from + more);
            let cells = coarse.cells.settled();
            prop_assert_eq!(fine.cells.settled(), cells);
            prop_assert!(cells.is_sorted_by(|a, b| (a.bucket, a.host) < (b.bucket, b.host)));
            prop_assert_eq!(cells.iter().map(|c| c.count).sum::<u64>(), events.len() as u64);
        }
    }
}
