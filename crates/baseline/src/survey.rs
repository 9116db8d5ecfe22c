//! What was looked at, whatever kind of event it was: which machines, from when to when, and when each was booted. It
//! is fed the same batches as the counters, just before them, and says in the end whether the boots they were told of
//! were all of them.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Int64Array, RecordBatch};

use schema::Sensor;

use crate::boots::{Boots, Kind};
use crate::columns::{CountError, Sources, Texts, at, numbers, times};
use crate::report::{Boot, Exposure, Host, Time};

/// Machines told apart; the events of others are counted under an empty name.
const MAX_HOSTS: usize = 100_000;
/// Days of hosts told apart, over all hosts. Beyond them a day without a place of its own joins the one before it.
const MAX_DAYS: usize = 2_000_000;
/// Hosts whose events after provisional boots are counted apart.
const MAX_PROVISIONAL: usize = 256;
/// Microseconds of a day.
pub(crate) const DAY: i64 = 86_400_000_000;
/// The least time a machine counts as observed, in days: an hour.
const LEAST_DAYS: f64 = 1.0 / 24.0;

#[derive(Clone, Debug, Default)]
struct Seen {
    name: String,
    events: u64,
    /// First and last event of each day (UTC) that has any.
    days: BTreeMap<i64, (Time, Time)>,
    boots: Boots,
    provisional: bool,
    /// Whether events after provisional boots are counted apart, so that such boots can be taken back.
    counted_so: bool,
}

impl Seen {
    fn first(&self) -> Option<Time> {
        self.days.first_key_value().map(|(_, span)| span.0)
    }

    fn last(&self) -> Option<Time> {
        self.days.last_key_value().map(|(_, span)| span.1)
    }

    /// The stretches in which it was observed: no whole day without an event lies inside one.
    fn observed(&self) -> Vec<(Time, Time)> {
        let mut stretches: Vec<(i64, Time, Time)> = Vec::new();
        for (day, (first, last)) in &self.days {
            match stretches.last_mut() {
                Some((before, _, end)) if *before + 1 == *day => (*before, *end) = (*day, *last),
                _ => stretches.push((*day, *first, *last)),
            }
        }
        stretches.into_iter().map(|(_, a, b)| (a, b)).collect()
    }
}

/// Machines, times and boots.
#[derive(Debug, Default)]
pub struct Survey {
    hosts: Vec<Seen>,
    places: BTreeMap<String, u32>,
    timeless: u64,
    /// How many days all hosts have together.
    days: usize,
    late: bool,
    /// How often boots turned out otherwise than known before.
    changes: u64,
    /// How many hosts had provisional boots.
    provisional: usize,
}

/// The columns that a survey reads, by canonical name.
const COLUMNS: [&str; 10] = [
    "timecreated",
    "computer",
    "channel",
    "provider",
    "eventid",
    "image",
    "parentimage",
    "terminalsessionid",
    "newprocessname",
    "state",
];

/// These columns and those that a survey reads, each once.
pub fn with_survey(mut columns: Vec<String>) -> Vec<String> {
    for column in COLUMNS {
        if !columns.iter().any(|c| c == column) {
            columns.push(column.to_owned());
        }
    }
    columns
}

impl Survey {
    /// Takes a batch in.
    ///
    /// # Errors
    /// Where a column cannot be read as what it should hold.
    pub fn add(&mut self, batch: &RecordBatch) -> Result<(), CountError> {
        let host = Texts::of(batch, "Computer")?;
        let time = times(batch, "TimeCreated")?;
        let places = self.places(&host, batch.num_rows());
        // Per distinct host and day first, so that a row costs a few comparisons.
        let mut today = vec![(0u64, i64::MIN, Time::MAX, Time::MIN); places.len()];
        // What lay before this batch decides whether a boot that turns up in it comes too late.
        let before: Vec<Option<Time>> = self.hosts.iter().map(Seen::last).collect();
        for row in 0..batch.num_rows() {
            let key = (host.key(row) as usize).min(places.len() - 1);
            today[key].0 += 1;
            let Some(time) = at(&time, row) else {
                self.timeless += 1;
                continue;
            };
            let (_, day, first, last) = &mut today[key];
            // The day's beginning is kept, because dividing is what costs most here.
            if time.wrapping_sub(*day) as u64 >= DAY as u64 || *first > *last {
                let span = (*first, *last);
                (*first, *last) = (Time::MAX, Time::MIN);
                *day = time.div_euclid(DAY).saturating_mul(DAY);
                if span.0 <= span.1 {
                    self.add_span(places[key], span);
                }
            }
            let (_, _, first, last) = &mut today[key];
            *first = time.min(*first);
            *last = time.max(*last);
        }
        for (place, (events, _, first, last)) in places.iter().zip(today) {
            self.hosts[*place as usize].events += events;
            if first <= last {
                self.add_span(*place, (first, last));
            }
        }
        self.signs(batch, &host, &time, &places)?;
        for (host, before) in self.hosts.iter_mut().zip(before) {
            let was = host.provisional;
            let Some(from) = host.boots.settle() else {
                continue;
            };
            host.provisional = host.boots.provisional();
            if host.provisional && !was {
                host.counted_so = self.provisional < MAX_PROVISIONAL;
                self.provisional += 1;
            }
            self.changes += 1;
            let taken_back = was && !host.provisional && !host.counted_so;
            self.late |= taken_back || before.is_some_and(|last| from <= last);
        }
        Ok(())
    }

    /// Adds a stretch within one day.
    fn add_span(&mut self, place: u32, (first, last): (Time, Time)) {
        let host = &mut self.hosts[place as usize];
        let mut day = first.div_euclid(DAY);
        if self.days >= MAX_DAYS && !host.days.contains_key(&day) {
            let near = host.days.range(..=day).next_back();
            day = near
                .or_else(|| host.days.first_key_value())
                .map_or(day, |(d, _)| *d);
        }
        let days = host.days.len();
        let span = host.days.entry(day).or_insert((first, last));
        *span = (span.0.min(first), span.1.max(last));
        self.days += host.days.len() - days;
    }

    /// The place of each distinct host of a batch; the last is for rows without one.
    pub(crate) fn places(&mut self, host: &Texts<'_>, rows: usize) -> Vec<u32> {
        let absent = (0..rows).any(|row| host.key(row) as usize >= host.len());
        let count = u32::try_from(host.len()).unwrap_or(u32::MAX);
        let mut places: Vec<u32> = (0..count)
            .map(|key| self.place(host.value(key).unwrap_or_default()))
            .collect();
        places.push(if absent { self.place("") } else { 0 });
        places
    }

    fn place(&mut self, name: &str) -> u32 {
        if let Some(place) = self.places.get(name) {
            return *place;
        }
        if self.hosts.len() >= MAX_HOSTS && !name.is_empty() {
            return self.place("");
        }
        let place = u32::try_from(self.hosts.len()).unwrap_or(u32::MAX);
        self.hosts.push(Seen {
            name: name.to_owned(),
            ..Seen::default()
        });
        self.places.insert(name.to_owned(), place);
        place
    }

    fn signs(
        &mut self,
        batch: &RecordBatch,
        host: &Texts<'_>,
        time: &Int64Array,
        places: &[u32],
    ) -> Result<(), CountError> {
        let ids = numbers(batch, "EventID")?;
        if !ids
            .iter()
            .any(|id| matches!(id, Some(1 | 4 | 12 | 4688 | 6005 | 6009)))
        {
            return Ok(());
        }
        let sources = Sources::of(batch)?;
        let program = |v: Option<&str>| match last_component(v.unwrap_or_default()) {
            n if n.eq_ignore_ascii_case("smss.exe") => Some(Program::Smss),
            n if n.eq_ignore_ascii_case("csrss.exe") => Some(Program::Csrss),
            n if n.eq_ignore_ascii_case("wininit.exe") => Some(Program::Wininit),
            _ => None,
        };
        let (image, created) = (
            Texts::of(batch, "Image")?,
            Texts::of(batch, "NewProcessName")?,
        );
        let (by_image, by_created) = (image.each(program), created.each(program));
        let session = Texts::of(batch, "TerminalSessionId")?;
        let sessions = session.each(|v| v.map(|v| v == "0"));
        let parent = Texts::of(batch, "ParentImage")?;
        let parents = parent.each(|v| match v {
            None | Some("" | "-") => None,
            Some(v) => Some(v.eq_ignore_ascii_case("System")),
        });
        let state = Texts::of(batch, "State")?;
        let started = state.each(|v| v.is_some_and(|v| v.eq_ignore_ascii_case("Started")));
        let kernel = sources.provider().each(|v| {
            v.is_some_and(|v| v.eq_ignore_ascii_case("Microsoft-Windows-Kernel-General"))
        });
        let event_log = sources
            .provider()
            .each(|v| v.is_none_or(|v| v.eq_ignore_ascii_case("EventLog")));
        for (row, id) in ids.iter().enumerate() {
            let Some(id @ (1 | 4 | 12 | 4688 | 6005 | 6009)) = id else {
                continue;
            };
            let Some(time) = at(time, row) else { continue };
            let kind = match (sources.sensor(row), id) {
                (Some(Sensor::Sysmon), 1) => by_image
                    .of(image.key(row))
                    .map(|p| p.started(sessions.of(session.key(row)), parents.of(parent.key(row)))),
                (Some(Sensor::Security), 4688) => by_created
                    .of(created.key(row))
                    .map(|p| p.started(None, None)),
                (Some(Sensor::Sysmon), 4) => {
                    started.of(state.key(row)).then_some(Kind::SensorStarted)
                }
                (Some(Sensor::System), 12) => kernel
                    .of(sources.provider().key(row))
                    .then_some(Kind::KernelStarted),
                (Some(Sensor::System), 6005) => event_log
                    .of(sources.provider().key(row))
                    .then_some(Kind::EventLogStarted),
                (Some(Sensor::System), 6009) => event_log
                    .of(sources.provider().key(row))
                    .then_some(Kind::Version),
                _ => None,
            };
            if let Some(kind) = kind {
                let key = (host.key(row) as usize).min(places.len() - 1);
                self.hosts[places[key] as usize].boots.add(time, kind);
            }
        }
        Ok(())
    }

    /// Whether a boot turned up after later events of its machine had gone by: then who counted along was told of too
    /// few boots, and must count again with this survey.
    pub fn late(&self) -> bool {
        self.late
    }

    /// Forgets that boots turned up late: what is counted from here on knows of all.
    pub fn settled(&mut self) {
        self.late = false;
    }

    /// Boots of the machine in this place, in order.
    pub(crate) fn boots_of(&self, place: u32) -> &[Time] {
        self.hosts
            .get(place as usize)
            .map_or(&[], |h| h.boots.instants())
    }

    /// Whether the boots of the machine in this place may turn out to be none, and events after them are counted apart.
    pub(crate) fn provisional(&self, place: u32) -> bool {
        let host = self.hosts.get(place as usize);
        host.is_some_and(|h| h.provisional && h.counted_so)
    }

    /// Another number whenever the boots of some machine have changed.
    pub(crate) fn changes(&self) -> u64 {
        self.changes
    }

    /// Every machine with events, by name, and for each place its rank in this list, if it is there.
    pub(crate) fn hosts(&self) -> (Vec<Host>, Vec<Option<usize>>) {
        let mut rank = vec![None; self.hosts.len()];
        let mut hosts = Vec::new();
        for place in self.places.values().map(|p| *p as usize) {
            let seen = &self.hosts[place];
            if seen.events == 0 {
                continue;
            }
            rank[place] = Some(hosts.len());
            let span: i64 = seen
                .observed()
                .iter()
                .map(|(a, b)| b.saturating_sub(*a))
                .sum();
            hosts.push(Host {
                name: seen.name.clone(),
                events: seen.events,
                first: seen.first(),
                last: seen.last(),
                // Where no event has a time, nothing is known of how long it was observed.
                days: match seen.days.is_empty() {
                    true => 0.0,
                    false => (span as f64 / DAY as f64).max(LEAST_DAYS),
                },
            });
        }
        (hosts, rank)
    }

    /// Every boot, by host and time.
    pub(crate) fn boots(&self, rank: &[Option<usize>]) -> Vec<Boot> {
        let places = self.places.values().map(|p| *p as usize);
        places
            .filter_map(|p| Some(self.hosts[p].boots.report(rank[p]?)))
            .flatten()
            .collect()
    }

    fn different_days(&self) -> u64 {
        let mut days: BTreeSet<i64> = BTreeSet::new();
        for host in &self.hosts {
            days.extend(host.days.keys());
        }
        days.len() as u64
    }

    /// The stretches in which the machine in this place was observed.
    pub(crate) fn observed(&self, place: u32) -> Vec<(Time, Time)> {
        self.hosts
            .get(place as usize)
            .map_or_else(Vec::new, Seen::observed)
    }

    /// How many machines have a place.
    pub(crate) fn count(&self) -> u32 {
        u32::try_from(self.hosts.len()).unwrap_or(u32::MAX)
    }

    /// What was observed.
    pub(crate) fn exposure(&self, hosts: &[Host]) -> Exposure {
        Exposure {
            events: self.hosts.iter().map(|h| h.events).sum(),
            timeless: self.timeless,
            first: hosts.iter().filter_map(|h| h.first).min(),
            last: hosts.iter().filter_map(|h| h.last).max(),
            days: self.different_days(),
            host_days: hosts.iter().map(|h| h.days).sum(),
        }
    }

    /// Whether more was met than is told apart, in words.
    pub(crate) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.hosts.len() >= MAX_HOSTS {
            notes.push(format!(
                "more than {MAX_HOSTS} hosts; the rest is counted as one without a name"
            ));
        }
        let lost: u64 = self.hosts.iter().map(|h| h.boots.lost).sum();
        if lost > 0 {
            notes.push(format!(
                "{lost} signs of boots were left aside: more than any machine leaves"
            ));
        }
        notes
    }
}

/// A program that Windows starts in each boot or session.
#[derive(Clone, Copy)]
enum Program {
    Smss,
    Csrss,
    Wininit,
}

impl Program {
    /// What the start of this program is a sign of. The session manager starts one of itself for each session.
    fn started(self, session_zero: Option<bool>, by_system: Option<bool>) -> Kind {
        match (self, session_zero, by_system) {
            (Self::Wininit, ..) => Kind::Wininit,
            (Self::Smss, Some(true), Some(true)) => Kind::SessionManager,
            (Self::Smss, Some(true), None) => Kind::SessionManagerZero,
            (Self::Csrss, Some(true), _) => Kind::CsrssZero,
            _ => Kind::SessionProcess,
        }
    }
}

fn last_component(path: &str) -> &str {
    path.rsplit('\\').next().unwrap_or(path)
}
