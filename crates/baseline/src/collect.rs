//! Counting batches into groups. Within a batch everything is done on dictionary keys: rows of a stream are put into
//! groups column by column, each combination of keys becomes a small number once, and only those combinations are looked
//! up by their text. Memory is bounded by limits on groups, hosts, users and buckets of time. It refuses to read files
//! and to judge what it counted.

use std::collections::HashMap;

use arrow::array::{Int64Array, RecordBatch};
use arrow::compute::{max, min};
use rustc_hash::FxHashMap;

use crate::columns::{CountError, Log, Logs, Texts, at, numbers, times};
use crate::groups::{Groups, Place};
use crate::keys::EventKeys;
use crate::local::{Local, Rows};
use crate::report::{MAX_HOSTS, MAX_USERS, Parameters, Time};
use crate::survey::Survey;
use crate::tally::{Counts, HostTally, step_for, width};

/// Hosts told apart in the whole of a stream.
const MAX_STREAM_HOSTS: usize = 4096;
/// Hosts told apart in a group once there are too many cells.
const FEW_HOSTS: usize = 16;
/// Cells (a host in a bucket of time in a group) that are kept before buckets are joined.
const MAX_CELLS: usize = 4 << 20;
/// Different user names and file names that are kept.
const MAX_NAMES: usize = 200_000;

/// Which events are counted, and by which fields.
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    /// What to call the stream.
    pub name: String,
    /// Which rows belong to it.
    pub rows: Select,
    /// The fields that make a group.
    pub by: Vec<String>,
    /// The field that names who did it.
    pub user: Option<String>,
}

/// Which rows of the batches belong to a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Select {
    /// Sysmon's events with this id.
    Sysmon(i64),
    /// Events of another channel with this id.
    Event(String, i64),
    /// Every row, as for the results of a hunt.
    All,
}

impl Spec {
    /// The events of a type by its own keys, or by other fields.
    pub fn of(keys: &EventKeys, by: Option<&[String]>) -> Self {
        Self {
            name: keys.name(),
            rows: match &keys.channel {
                None => Select::Sysmon(keys.id),
                Some(channel) => Select::Event(channel.clone(), keys.id),
            },
            by: by.map_or_else(|| keys.by.clone(), <[String]>::to_vec),
            user: keys.user.clone(),
        }
    }
}

/// What the columns of the batches are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// When.
    pub time: String,
    /// On which machine.
    pub host: String,
    /// The file of the record.
    pub file: String,
    /// The record's number.
    pub record: String,
    /// The record's offset in its file.
    pub offset: String,
}

impl Default for Names {
    /// The event table's.
    fn default() -> Self {
        Self {
            time: "TimeCreated".to_owned(),
            host: "Computer".to_owned(),
            file: "source_file".to_owned(),
            record: "EventRecordID".to_owned(),
            offset: "source_offset".to_owned(),
        }
    }
}

/// The columns that counting by these reads, by canonical name: beside those of a [`Survey`].
pub fn columns(specs: &[Spec]) -> Vec<String> {
    let mut columns: Vec<String> = [
        "timecreated",
        "computer",
        "channel",
        "provider",
        "eventid",
        "eventrecordid",
        "source_file",
        "source_offset",
    ]
    .map(str::to_owned)
    .to_vec();
    for field in specs.iter().flat_map(|s| s.by.iter().chain(&s.user)) {
        let field = telemetry::header::canonical(field);
        if !columns.contains(&field) {
            columns.push(field);
        }
    }
    columns
}

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
}

/// Counts batches.
#[derive(Debug)]
pub struct Collector {
    pub(crate) parameters: Parameters,
    names: Names,
    pub(crate) streams: Vec<Counting>,
    pub(crate) files: Interner,
    /// How coarse the buckets of time are.
    pub(crate) step: u32,
    span: Option<(Time, Time)>,
    cells: usize,
    most_hosts: usize,
    local: Local,
}

impl Collector {
    /// A counter for these streams.
    pub fn new(specs: Vec<Spec>, names: Names, parameters: Parameters) -> Self {
        let streams = specs.into_iter().map(|spec| Counting {
            spec,
            channel: None,
            total: Counts::default(),
            groups: Groups::new(parameters.max_groups),
            users: Interner::default(),
        });
        Self {
            streams: streams.collect(),
            names,
            parameters,
            files: Interner::default(),
            step: 0,
            span: None,
            cells: 0,
            most_hosts: MAX_HOSTS,
            local: Local::default(),
        }
    }

    /// Takes a batch in; `survey` has seen it before.
    ///
    /// # Errors
    /// Where a column cannot be read as what it should hold.
    pub fn add(&mut self, batch: &RecordBatch, survey: &mut Survey) -> Result<(), CountError> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let time = times(batch, &self.names.time)?;
        let host = Texts::of(batch, &self.names.host)?;
        let places = survey.places(&host, batch.num_rows());
        let logs = Logs::of(batch)?;
        let rows = self.select(batch, &logs)?;
        self.widen(&time);
        let evidence = (
            Texts::of(batch, &self.names.file)?,
            numbers(batch, &self.names.record)?,
            numbers(batch, &self.names.offset)?,
        );
        let texts = self.texts(batch, &rows)?;
        for (stream, rows) in rows.iter().enumerate().filter(|(_, rows)| !rows.is_empty()) {
            if self.streams[stream].channel.is_none() {
                self.streams[stream].channel = logs.channel(rows[0] as usize).map(str::to_owned);
            }
            let spec = &self.streams[stream].spec;
            let by: Vec<&Texts<'_>> = spec.by.iter().map(|field| &texts[field]).collect();
            let user = spec.user.as_ref().map(|field| &texts[field]);
            let input = Rows {
                rows,
                by: &by,
                user,
                time: &time,
                host: &host,
                places: &places,
                width: width(self.step),
                startup: self.parameters.startup_minutes,
            };
            self.local.count(&input, survey);
            self.flush(stream, &input, &evidence);
        }
        self.shrink();
        Ok(())
    }

    /// The columns of all streams that have rows, each once.
    fn texts<'b>(
        &self,
        batch: &'b RecordBatch,
        rows: &[Vec<u32>],
    ) -> Result<HashMap<String, Texts<'b>>, CountError> {
        let mut texts = HashMap::new();
        for (stream, _) in self.streams.iter().zip(rows).filter(|(_, r)| !r.is_empty()) {
            for field in stream.spec.by.iter().chain(&stream.spec.user) {
                if !texts.contains_key(field) {
                    texts.insert(field.clone(), Texts::of(batch, field)?);
                }
            }
        }
        Ok(texts)
    }

    /// The rows of each stream.
    fn select(&self, batch: &RecordBatch, logs: &Logs<'_>) -> Result<Vec<Vec<u32>>, CountError> {
        let mut rows = vec![Vec::new(); self.streams.len()];
        let count = u32::try_from(batch.num_rows()).unwrap_or(u32::MAX);
        let mut selective = Vec::new();
        for (at, stream) in self.streams.iter().enumerate() {
            match stream.spec.rows {
                Select::All => rows[at].extend(0..count),
                _ => selective.push(at),
            }
        }
        if selective.is_empty() {
            return Ok(rows);
        }
        let ids = numbers(batch, "EventID")?;
        // The streams of an event, worked out once for each log and id.
        let mut known: FxHashMap<(Log, i64), usize> = FxHashMap::default();
        let mut lists: Vec<Vec<usize>> = Vec::new();
        let belongs = |log: Log, id: i64, at: usize| match &self.streams[at].spec.rows {
            Select::Sysmon(wanted) => log == Log::Sysmon && *wanted == id,
            Select::Event(channel, wanted) if *wanted == id => match log {
                Log::Security => channel.eq_ignore_ascii_case("Security"),
                Log::System => channel.eq_ignore_ascii_case("System"),
                Log::Other => !["security", "system"].contains(&channel.to_lowercase().as_str()),
                Log::Sysmon => false,
            },
            _ => false,
        };
        for row in 0..count {
            let Some(id) = at(&ids, row as usize) else {
                continue;
            };
            let (log, new) = (logs.log(row as usize), lists.len());
            let list = *known.entry((log, id)).or_insert(new);
            if list == new {
                let fits = |at: &usize| belongs(log, id, *at);
                lists.push(selective.iter().copied().filter(fits).collect());
            }
            for stream in &lists[list] {
                rows[*stream].push(row);
            }
        }
        // Events of other channels are told apart by the channel's own name.
        for at in selective {
            if let Select::Event(channel, _) = &self.streams[at].spec.rows
                && !rows[at].is_empty()
            {
                rows[at].retain(|row| {
                    logs.channel(*row as usize)
                        .is_none_or(|c| c.eq_ignore_ascii_case(channel))
                });
            }
        }
        Ok(rows)
    }

    /// Joins buckets of time where the batch's times would take too many.
    fn widen(&mut self, time: &Int64Array) {
        let (Some(first), Some(last)) = (min(time), max(time)) else {
            return;
        };
        let (a, b) = self.span.unwrap_or((first, last));
        let span = (a.min(first), b.max(last));
        self.span = Some(span);
        let step = step_for(span.0, span.1);
        if step > self.step {
            self.coarsen(step);
        }
    }

    pub(crate) fn coarsen(&mut self, step: u32) {
        let mut cells = 0;
        for stream in &mut self.streams {
            let from = self.step;
            stream.total.coarsen(from, step);
            for group in stream.groups.iter_mut() {
                group.counts.coarsen(from, step);
                cells += group.counts.cells.len();
            }
        }
        self.cells = cells;
        self.step = step;
    }

    /// Makes room where there are too many cells.
    fn shrink(&mut self) {
        for stream in &mut self.streams {
            self.cells = self
                .cells
                .saturating_sub(std::mem::take(&mut stream.groups.freed));
        }
        if self.cells > MAX_CELLS {
            self.coarsen(self.step + 1);
            if self.cells > MAX_CELLS / 2 {
                self.most_hosts = FEW_HOSTS;
            }
        }
    }

    /// Adds what was counted in a batch to the groups.
    fn flush(
        &mut self,
        stream: usize,
        input: &Rows<'_>,
        evidence: &(Texts<'_>, Int64Array, Int64Array),
    ) {
        let stream = &mut self.streams[stream];
        let mut values: Vec<Option<&str>> = Vec::with_capacity(input.by.len());
        if let Some(users) = input.user {
            for user in self.local.users().filter_map(|key| users.value(key)) {
                stream.users.number(user);
            }
        }
        for (number, found) in self.local.groups().enumerate() {
            values.clear();
            let row = found.row as usize;
            values.extend(input.by.iter().map(|texts| texts.value(texts.key(row))));
            let group = stream.groups.take(&values, found.count);
            stream.total.count += found.count;
            let earlier = found.first < group.counts.first.unwrap_or(Time::MAX);
            if group.example.is_none() || (found.timed() && earlier) {
                let (files, records, offsets) = evidence;
                let row = found.earliest as usize;
                group.example = Some(Place {
                    file: files
                        .value(files.key(row))
                        .and_then(|f| self.files.number(f)),
                    record: at(records, row),
                    offset: at(offsets, row),
                });
            }
            for counts in [&mut group.counts, &mut stream.total] {
                if found.timed() {
                    counts.add_time(found.first, found.last);
                }
                counts.later += found.later;
                counts.unknown += found.unknown;
            }
            for (minute, count) in self.local.minutes_of(number) {
                group.counts.add_minute(minute, count);
                stream.total.add_minute(minute, count);
            }
            // A cell is counted under the place that its host was given.
            for host in self.local.hosts_of(number) {
                let tally = HostTally {
                    host: host.place,
                    count: host.count,
                    start_up: host.start_up,
                    first: host.first,
                    last: host.last,
                };
                let (few, many) = (self.most_hosts, MAX_STREAM_HOSTS);
                let place = group.counts.add_host(tally, few);
                let total_place = stream.total.add_host(tally, many);
                for (bucket, count) in self.local.cells_of(host) {
                    self.cells += usize::from(group.counts.add_cell(bucket, place, count));
                    stream.total.add_cell(bucket, total_place, count);
                }
            }
            let Some(users) = input.user else {
                continue;
            };
            for key in self.local.users_of(number) {
                if let Some(user) = users.value(key).and_then(|u| stream.users.number(u)) {
                    group.counts.add_user(user, MAX_USERS);
                    stream.total.add_user(user, MAX_USERS);
                }
            }
        }
    }
}
