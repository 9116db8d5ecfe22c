//! From counts to the report: rates with their intervals, what stands out, and the order in which it is told. It refuses
//! to count.

use rayon::prelude::*;

use crate::collect::{Collector, Select};
use crate::counting::Counting;
use crate::groups::{self, Place};
use crate::numbered::{Interner, Numbered};
use crate::rate::{Rates, regularity};
use crate::report::{
    Example, Group, Host, HostCount, MAX_USERS, Mark, Parameters, Regularity, Report, Sketch,
    StartUp, Stream, Tally, Time, Timeline,
};
use crate::survey::{DAY, Survey};
use crate::tally::{Counts, HostTally, OTHER, step_for, width};
use crate::words;

/// Of the time observed, what must have passed for a first sight to be late.
const LATE: f64 = 0.75;
/// A bucket stands out from this many events on, and from this many times what any other bucket of its host has.
const HABIT_EVENTS: u64 = 10;
const HABIT_TIMES: u64 = 5;
/// Buckets a host must have been observed in to have habits.
const HABIT_BUCKETS: i64 = 4;

/// Groups that are worth a thread.
const SHARE: usize = 1000;

/// What all streams of a report share.
struct Frame<'a> {
    hosts: &'a [Host],
    rank: &'a [Option<usize>],
    files: &'a Interner,
    timeline: Timeline,
    /// Number of the first bucket.
    origin: i64,
    span: Option<(Time, Time)>,
    /// For each place of a host, in how many buckets it was observed.
    observed: Vec<i64>,
    host_days: f64,
    parameters: &'a Parameters,
}

impl Collector {
    /// The report of what was counted. Streams without events are left out.
    pub fn finish(mut self, survey: &Survey) -> Report {
        let (hosts, rank) = survey.hosts();
        let exposure = survey.exposure(&hosts);
        let span = exposure.first.zip(exposure.last);
        let step = span.map_or(0, |(first, last)| step_for(first, last));
        self.end(step, survey);
        let length = width(self.step);
        let bucket = |t: Time| t.div_euclid(length);
        let timeline = span.map_or_else(Timeline::default, |(first, last)| {
            let buckets = usize::try_from(bucket(last) - bucket(first) + 1).unwrap_or(1);
            Timeline {
                start: bucket(first).saturating_mul(length),
                seconds: (length / 1_000_000).unsigned_abs(),
                buckets,
                middle: buckets.div_ceil(2),
            }
        });
        let frame = Frame {
            hosts: &hosts,
            rank: &rank,
            files: &self.files,
            origin: span.map_or(0, |(first, _)| bucket(first)),
            timeline,
            span,
            observed: (0..survey.count())
                .map(|place| {
                    let stretches = survey.observed(place);
                    stretches
                        .iter()
                        .map(|(a, b)| bucket(*b) - bucket(*a) + 1)
                        .sum()
                })
                .collect(),
            host_days: exposure.host_days,
            parameters: &self.parameters,
        };
        let mut rates = Rates::new(self.parameters.confidence);
        let mut streams: Vec<Stream> = self
            .streams
            .into_iter()
            .filter(|s| s.total.count > 0)
            .map(|s| frame.stream(s, &mut rates))
            .collect();
        streams.sort_by(|a, b| {
            (!a.sysmon, &a.channel, a.event_id, &a.keys)
                .cmp(&(!b.sysmon, &b.channel, b.event_id, &b.keys))
        });
        let boots = survey.boots(&rank);
        let mut notes = survey.notes();
        if exposure.timeless > 0 {
            notes.push(format!(
                "{} events without a time are counted and placed nowhere",
                text::grouped(exposure.timeless)
            ));
        }
        let timeline = frame.timeline;
        let mut report = Report {
            parameters: self.parameters,
            exposure,
            hosts,
            boots,
            timeline,
            streams,
            notes,
        };
        for at in 0..report.streams.len() {
            report.streams[at].summary = words::summary(&report, &report.streams[at]);
        }
        report
    }
}

impl Frame<'_> {
    fn stream(&self, counting: Counting, rates: &mut Rates) -> Stream {
        let Counting {
            spec,
            channel,
            total,
            groups,
            local,
            ..
        } = counting;
        let users = &local.user;
        let sketch = groups.sketched().then(|| Sketch {
            kept: groups.len(),
            error: groups.least(),
        });
        let count = total.count;
        let mut groups = self.groups(groups.into_groups(), count, users);
        groups.sort_by(|a, b| (b.tally.count, &a.values).cmp(&(a.tally.count, &b.values)));
        let outside = |g: &&Group| g.tally.count > g.tally.start_up.count;
        let event_id = match spec.rows {
            Select::Sysmon(id) | Select::Event(_, id) => Some(id),
            Select::All => None,
        };
        Stream {
            name: spec.name,
            sysmon: matches!(spec.rows, Select::Sysmon(_)),
            channel: match spec.rows {
                Select::All => None,
                _ => channel,
            },
            event_id,
            keys: spec.by,
            user: spec.user,
            summary: String::new(),
            total: self.tally(total, users, rates),
            distinct: groups.len() as u64 + u64::from(sketch.is_some()),
            distinct_outside: groups.iter().filter(outside).count() as u64,
            groups,
            sketch,
            comparison: None,
        }
    }

    /// All groups of a stream; many are shared out among threads.
    fn groups(&self, groups: Vec<groups::Group>, of: u64, users: &Numbered) -> Vec<Group> {
        let rates = || Rates::new(self.parameters.confidence);
        let groups = groups.into_par_iter().with_min_len(SHARE);
        groups
            .map_init(rates, |rates, group| self.group(group, of, users, rates))
            .collect()
    }

    fn group(
        &self,
        mut group: groups::Group,
        of: u64,
        users: &Numbered,
        rates: &mut Rates,
    ) -> Group {
        let marks = self.marks(&mut group.counts);
        let count = group.counts.count;
        Group {
            values: group.key.values(),
            tally: self.tally(group.counts, users, rates),
            share: count as f64 / of.max(1) as f64,
            error: group.error,
            example: group.example.and_then(|p| self.example(p)),
            marks,
        }
    }

    fn example(&self, place: Place) -> Option<Example> {
        let file = place.file.and_then(|f| self.files.text(f))?;
        Some(Example {
            record: match (place.record, place.offset) {
                (Some(record), _) => format!("{file}#{record}"),
                (None, Some(offset)) => format!("{file}@{offset}"),
                (None, None) => file.to_owned(),
            },
        })
    }

    fn bucket(&self, bucket: i64) -> usize {
        usize::try_from(bucket - self.origin).unwrap_or(0)
    }

    fn rank(&self, place: u32) -> Option<usize> {
        *self.rank.get(place as usize)?
    }

    fn tally(&self, mut counts: Counts, names: &Numbered, rates: &mut Rates) -> Tally {
        let start_up = counts.start_up(self.parameters.startup_minutes);
        // A sketched group counts events it never saw; where those lay is not known, so they are not taken for quiet.
        let outside = counts.count - start_up.min(counts.count);
        let mut timeline: Vec<(usize, u64)> = Vec::new();
        let mut days: Vec<i64> = Vec::new();
        for cell in counts.cells.settled() {
            let at = self.bucket(cell.bucket);
            match timeline.last_mut() {
                Some((last, count)) if *last == at => *count += cell.count,
                _ => timeline.push((at, cell.count)),
            }
            let length = i64::try_from(self.timeline.seconds).unwrap_or(1) * 1_000_000;
            days.push(cell.bucket.saturating_mul(length).div_euclid(DAY));
        }
        days.dedup();
        let before: u64 = timeline
            .iter()
            .filter(|(at, _)| *at < self.timeline.middle)
            .map(|(_, n)| n)
            .sum();
        let placed: u64 = timeline.iter().map(|(_, n)| n).sum();
        let regularity = self.regularity(&mut counts);
        let mut hosts: Vec<HostCount> = counts
            .hosts
            .iter()
            .filter_map(|h| Some(host_count(h, self.rank(h.host)?)))
            .collect();
        hosts.sort_by_key(|h| (std::cmp::Reverse(h.count), h.host));
        let mut users: Vec<String> = counts
            .users
            .iter()
            .filter_map(|u| names.text(*u).map(str::to_owned))
            .collect();
        users.sort_unstable();
        users.truncate(MAX_USERS);
        Tally {
            count: counts.count,
            first: counts.first,
            last: counts.last,
            hosts_total: hosts.len() as u64 + u64::from(counts.more_hosts),
            hosts,
            users_total: users.len() as u64,
            users,
            days: days.len() as u64,
            timeline,
            halves: [before, placed - before],
            rate: rates.rate(counts.count, self.host_days),
            start_up: StartUp {
                count: start_up,
                share: start_up as f64 / counts.count.max(1) as f64,
                minutes: counts.all_minutes(),
                later: counts.later,
                unknown: counts.unknown,
                outside: rates.rate(outside, self.host_days),
            },
            regularity,
        }
    }

    /// The buckets in which a host was observed.
    fn observed(&self, place: u32) -> i64 {
        self.observed.get(place as usize).copied().unwrap_or(0)
    }

    fn regularity(&self, counts: &mut Counts) -> Regularity {
        let hosts = counts.hosts.iter().map(|h| h.host);
        let buckets: i64 = hosts.map(|h| self.observed(h)).sum();
        regularity(
            counts.cells.settled().iter().map(|c| c.count),
            u64::try_from(buckets).unwrap_or(0),
        )
    }

    fn marks(&self, counts: &mut Counts) -> Vec<Mark> {
        let mut marks = Vec::new();
        if counts.hosts.len() == 1 && !counts.more_hosts && self.hosts.len() > 1 {
            marks.push(Mark::OneHost);
        }
        if let (Some(first), Some((from, to))) = (counts.first, self.span)
            && (first - from) as f64 > LATE * (to - from) as f64
        {
            marks.push(Mark::LateFirst);
        }
        marks.extend(self.above_habit(counts));
        marks
    }

    /// The bucket that stands out most from what its host has otherwise.
    fn above_habit(&self, counts: &mut Counts) -> Option<Mark> {
        let mut by_host: Vec<(u32, u64, i64)> = counts
            .cells
            .settled()
            .iter()
            .filter(|c| c.host != OTHER)
            .map(|c| (c.host, c.count, c.bucket))
            .collect();
        by_host.sort_unstable();
        by_host
            .chunk_by(|a, b| a.0 == b.0)
            .filter_map(|cells| {
                let (host, count, bucket) = *cells.last()?;
                let habit = cells.iter().rev().nth(1).map_or(0, |c| c.1);
                let stands_out = count >= HABIT_EVENTS
                    && count >= HABIT_TIMES * habit
                    && self.observed(host) >= HABIT_BUCKETS;
                stands_out.then_some((count - habit, host, count, habit, bucket))
            })
            .max()
            .and_then(|(_, host, count, habit, bucket)| {
                Some(Mark::AboveHabit {
                    host: self.rank(host)?,
                    bucket: self.bucket(bucket),
                    count,
                    habit,
                })
            })
    }
}

fn host_count(host: &HostTally, rank: usize) -> HostCount {
    let timed = host.first <= host.last;
    HostCount {
        host: rank,
        count: host.count,
        outside: host.count - host.start_up,
        first: timed.then_some(host.first),
        last: timed.then_some(host.last),
    }
}
