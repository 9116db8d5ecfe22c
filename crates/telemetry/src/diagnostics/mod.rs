//! What went wrong while reading, as data: which file, at which byte, what. Reading goes on; nothing is hidden. A file
//! that is wrong all over is listed in part and counted in whole. What is listed, and in which order, does not depend on
//! which thread read what. This module refuses to print.

mod problem;

use std::collections::BTreeMap;
use std::fmt;

pub use problem::Problem;

/// A problem and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file, with the archive it lies in.
    pub source: String,
    /// Byte offset in the (decompressed) file.
    pub offset: Option<u64>,
    /// What was found.
    pub problem: Problem,
    /// The part of the reading that found it.
    part: Part,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.offset {
            Some(offset) => write!(f, "{} at byte {offset}: {}", self.source, self.problem),
            None => write!(f, "{}: {}", self.source, self.problem),
        }
    }
}

/// Records of one file that were read and are no events: they say no event id, or neither channel nor provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotUnderstood {
    /// The file, with the archive it lies in.
    pub source: String,
    /// How many records.
    pub count: u64,
    /// Where the first of them stands: byte offset in the (decompressed) file.
    pub offset: u64,
    /// What that one looks like.
    pub looks_like: String,
    /// What it lacks.
    pub needs: &'static str,
}

impl fmt::Display for NotUnderstood {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let records = if self.count == 1 { "record" } else { "records" };
        write!(
            f,
            "{}: {} {records} not understood ({}; needs {})",
            self.source, self.count, self.looks_like, self.needs
        )
    }
}

/// A part of a reading that one thread does alone: the input's number, and the part's within it.
pub(crate) type Part = (usize, u64);

/// Problems listed one by one in one reading, unless another number was asked for; the rest is counted.
pub(crate) const MAX_LISTED: usize = 1000;

/// The first problems of a reading, in the order of the inputs.
#[derive(Clone, Debug)]
pub struct FirstProblems {
    list: Vec<Diagnostic>,
    limit: usize,
    /// There are as many as may be up to this part.
    full_at: Option<Part>,
}

impl std::ops::Deref for FirstProblems {
    type Target = [Diagnostic];

    fn deref(&self) -> &[Diagnostic] {
        &self.list
    }
}

impl FirstProblems {
    fn new(limit: usize) -> Self {
        Self {
            list: Vec::new(),
            limit,
            full_at: None,
        }
    }

    fn add(&mut self, part: Part, found: impl FnOnce() -> Diagnostic) {
        // Parts come nearly in order, so that not much is listed in vain.
        if self.list.len() >= self.limit.saturating_mul(2) {
            self.settle();
        }
        if self.full_at.is_none_or(|last| part < last) {
            self.list.push(found());
        }
    }

    fn merge(&mut self, other: Self) {
        self.limit = self.limit.max(other.limit);
        self.list.extend(other.list);
        self.settle();
    }

    /// Leaves the first. Within a part the order is that of the reports.
    fn settle(&mut self) {
        self.list.sort_by_key(|l| l.part);
        self.list.truncate(self.limit);
        let last = self.list.last().map(|l| l.part);
        self.full_at = last.filter(|_| self.list.len() == self.limit);
    }
}

/// The problems of one reading.
#[derive(Clone, Debug)]
pub struct Diagnostics {
    /// Those because of which events may be missing.
    pub listed: FirstProblems,
    /// Files that are no logs.
    pub no_logs: FirstProblems,
    /// Records and chunks that were lost, and files given up: all of them.
    pub damaged: u64,
    /// All files that are no logs.
    pub no_logs_count: u64,
    /// Deleted records that were read, where they were asked for.
    pub recovered: u64,
    /// Deleted records of which too much is gone.
    pub unrecoverable: u64,
    /// Lines of a syslog that hold no event, which is no problem.
    pub other_lines: u64,
    /// Records that were read and not understood, all of them.
    pub not_understood: u64,
    /// The files that have such records, the first thousand by name.
    pub foreign: BTreeMap<String, NotUnderstood>,
    /// Events whose time was there and could not be read.
    pub unread_times: u64,
    /// One of those times.
    pub unread_time: Option<String>,
    /// What is being read now.
    part: Part,
}

impl Default for Diagnostics {
    fn default() -> Self {
        Self::listing(MAX_LISTED)
    }
}

impl Diagnostics {
    /// None yet; so many will be listed.
    pub(crate) fn listing(limit: usize) -> Self {
        Self {
            listed: FirstProblems::new(limit),
            no_logs: FirstProblems::new(limit),
            damaged: 0,
            no_logs_count: 0,
            recovered: 0,
            unrecoverable: 0,
            other_lines: 0,
            not_understood: 0,
            foreign: BTreeMap::new(),
            unread_times: 0,
            unread_time: None,
            part: (0, 0),
        }
    }

    /// Says which part of the reading comes next.
    pub(crate) fn enter(&mut self, part: Part) {
        self.part = part;
    }

    /// Notes a problem.
    pub fn report(&mut self, source: &str, offset: Option<u64>, problem: Problem) {
        let (list, count) = match problem.is_damage() {
            true => (&mut self.listed, &mut self.damaged),
            false => (&mut self.no_logs, &mut self.no_logs_count),
        };
        *count += 1;
        let part = self.part;
        list.add(part, || Diagnostic {
            source: source.to_owned(),
            offset,
            problem,
            part,
        });
    }

    /// Notes a record that is no event.
    pub fn not_understood(
        &mut self,
        source: &str,
        offset: u64,
        looks_like: String,
        needs: &'static str,
    ) {
        self.add_foreign(NotUnderstood {
            source: source.to_owned(),
            count: 1,
            offset,
            looks_like,
            needs,
        });
    }

    fn add_foreign(&mut self, found: NotUnderstood) {
        self.not_understood += found.count;
        match self.foreign.get_mut(&found.source) {
            Some(known) => {
                let count = known.count + found.count;
                // The first one speaks for all, whichever worker was faster.
                if found.offset < known.offset {
                    *known = found;
                }
                known.count = count;
            }
            None => {
                self.foreign.insert(found.source.clone(), found);
                if self.foreign.len() > MAX_LISTED {
                    self.foreign.pop_last();
                }
            }
        }
    }

    /// Adds another worker's problems.
    pub fn merge(&mut self, other: Self) {
        self.damaged += other.damaged;
        self.no_logs_count += other.no_logs_count;
        self.recovered += other.recovered;
        self.unrecoverable += other.unrecoverable;
        self.other_lines += other.other_lines;
        self.unread_times += other.unread_times;
        // The least of them, so that every run names the same.
        self.unread_time = match (self.unread_time.take(), other.unread_time) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        let counted = self.not_understood + other.not_understood;
        for found in other.foreign.into_values() {
            self.add_foreign(found);
        }
        self.not_understood = counted;
        self.listed.merge(other.listed);
        self.no_logs.merge(other.no_logs);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whoever read which part, and in which order: the same is listed.
        #[test]
        fn what_is_listed_does_not_depend_on_who_read_what(
            parts in proptest::collection::vec((0usize..3, 0u64..12, 1u64..4), 0..30),
            workers in proptest::collection::vec(0usize..4, 30),
            limit in 1usize..12,
        ) {
            let mut parts: Vec<_> = parts.into_iter().map(|(o, b, n)| ((o, b), n)).collect();
            parts.sort_unstable_by_key(|p| p.0);
            parts.dedup_by_key(|p| p.0);
            let read = |order: &mut dyn Iterator<Item = (usize, &(Part, u64))>| {
                let mut all = vec![Diagnostics::listing(limit); 4];
                for (worker, (part, problems)) in order {
                    all[worker].enter(*part);
                    for n in 0..*problems {
                        all[worker].report("f", Some(n), Problem::CutOff);
                    }
                }
                let mut sum = Diagnostics::listing(limit);
                all.into_iter().for_each(|one| sum.merge(one));
                let listed = sum.listed.iter().map(|l| (l.part, l.offset));
                (listed.collect::<Vec<_>>(), sum.damaged)
            };
            let alone = read(&mut parts.iter().map(|p| (0, p)));
            let shared = read(&mut workers.iter().copied().zip(&parts));
            let backwards = read(&mut workers.iter().copied().zip(parts.iter().rev()));
            prop_assert_eq!(&alone, &shared);
            prop_assert_eq!(&alone, &backwards);
            prop_assert!(alone.0.len() <= limit);
        }
    }
}
