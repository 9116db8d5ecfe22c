//! Counting batches: which rows belong to which stream, and how coarse the buckets of time are. Memory is bounded by
//! limits on groups, hosts, users and buckets. It refuses to read files and to judge what it counted.

use std::collections::HashMap;

use arrow::array::{Int64Array, RecordBatch};
use arrow::compute::{max, min};
use rayon::prelude::*;
use rustc_hash::FxHashMap;
use schema::{Attribution, Sensor};

use crate::columns::{CountError, Sources, Texts, at, numbers, times};
use crate::counting::Counting;
use crate::keys::EventKeys;
use crate::local::{Evidence, Rows};
use crate::numbered::Interner;
use crate::report::{MAX_HOSTS, Parameters, Time};
use crate::survey::Survey;
use crate::tally::{step_for, width};

/// Hosts told apart in a group once there are too many cells.
const FEW_HOSTS: usize = 16;
/// Cells (a host in a bucket of time in a group) that are kept before buckets are joined.
const MAX_CELLS: usize = 4 << 20;

/// Groups of all streams together, beyond which none may have more than it has then, or than these few.
const MAX_ALL_GROUPS: usize = 200_000;
const LEAST_GROUPS: usize = 1000;
/// Different file names that are kept.
const MAX_FILES: usize = 200_000;
/// Rows that are counted by numbers before they are added to the groups: few enough for what is known of them to lie in
/// the processor's caches.
const MAX_ROWS: usize = 1 << 17;
/// Rows that are worth a thread.
const MIN_ROWS: usize = 8192;
/// Event ids that are looked up in a table.
const SMALL_IDS: usize = 64;

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
}

impl Collector {
    /// A counter for these streams.
    pub fn new(specs: Vec<Spec>, names: Names, parameters: Parameters) -> Self {
        let new = |spec| Counting::new(spec, parameters.max_groups);
        let streams = specs.into_iter().map(new);
        Self {
            streams: streams.collect(),
            names,
            parameters,
            files: Interner::default(),
            step: 0,
            span: None,
            cells: 0,
            most_hosts: MAX_HOSTS,
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
        let sources = Sources::of(batch)?;
        let rows = self.select(batch, &sources)?;
        self.widen(&time);
        let file = Texts::of(batch, &self.names.file)?;
        let evidence = Evidence {
            files: file.each(|f| self.files.number(f?, MAX_FILES)),
            file,
            record: numbers(batch, &self.names.record)?,
            offset: numbers(batch, &self.names.offset)?,
        };
        let texts = self.texts(batch, &rows)?;
        let (width, startup) = (width(self.step), self.parameters.startup_minutes);
        let streams = self.streams.iter_mut().zip(&rows);
        let jobs = streams.filter(|(_, rows)| !rows.is_empty());
        let survey = &*survey;
        for_each(
            jobs.map(|(s, rows)| (rows.len(), (s, rows))).collect(),
            |(stream, rows)| {
                if stream.channel.is_none() {
                    stream.channel = sources.channel(rows[0] as usize).map(str::to_owned);
                }
                let spec = &stream.spec;
                let by: Vec<&Texts<'_>> = spec.by.iter().map(|field| &texts[field]).collect();
                let user = spec.user.as_ref().map(|field| &texts[field]);
                let input = Rows {
                    rows,
                    by: &by,
                    user,
                    time: &time,
                    host: &host,
                    places: &places,
                    evidence: &evidence,
                    width,
                    startup,
                };
                stream.local.count(&input, survey);
            },
        );
        if self.streams.iter().map(|s| s.local.rows()).sum::<usize>() >= MAX_ROWS {
            self.flush();
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
    fn select(
        &self,
        batch: &RecordBatch,
        sources: &Sources<'_>,
    ) -> Result<Vec<Vec<u32>>, CountError> {
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
        // The streams of an event, worked out once for each sensor and id; most ids are small.
        let mut known: FxHashMap<(Option<Sensor>, i64), usize> = FxHashMap::default();
        let mut small = vec![[usize::MAX; SMALL_IDS]; 1 + Sensor::all().count()];
        let mut lists: Vec<Vec<usize>> = Vec::new();
        let belongs = |sensor: Option<Sensor>, id: i64, at: usize| {
            match &self.streams[at].spec.rows {
                Select::Sysmon(wanted) => sensor == Some(Sensor::Sysmon) && *wanted == id,
                Select::Event(channel, wanted) if *wanted == id => {
                    match Attribution::of_channel(channel) {
                        Attribution::Of(of) => sensor == Some(of),
                        // A collector's channel may have events of any sensor.
                        _ => true,
                    }
                }
                _ => false,
            }
        };
        for row in 0..count {
            let Some(id) = at(&ids, row as usize) else {
                continue;
            };
            let (sensor, new) = (sources.sensor(row as usize), lists.len());
            let list = match usize::try_from(id) {
                Ok(id) if id < SMALL_IDS => &mut small[sensor.map_or(0, |s| 1 + s as usize)][id],
                _ => known.entry((sensor, id)).or_insert(usize::MAX),
            };
            if *list == usize::MAX {
                *list = new;
                let fits = |at: &usize| belongs(sensor, id, *at);
                lists.push(selective.iter().copied().filter(fits).collect());
            }
            for stream in &lists[*list] {
                rows[*stream].push(row);
            }
        }
        // Events of other channels are told apart by the channel's own name.
        for at in selective {
            if let Select::Event(channel, _) = &self.streams[at].spec.rows
                && !rows[at].is_empty()
            {
                let mut from: FxHashMap<(u32, u32), bool> = FxHashMap::default();
                rows[at].retain(|row| {
                    let row = *row as usize;
                    *from
                        .entry(sources.keys(row))
                        .or_insert_with(|| sources.source(row).is_from(channel))
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

    /// Adds to the groups what is counted by numbers only.
    fn flush(&mut self) {
        let most_hosts = self.most_hosts;
        let rows = |s: &Counting| s.local.rows();
        let jobs = self.streams.iter_mut().filter(|s| rows(s) > 0);
        for_each(jobs.map(|s| (rows(s), s)).collect(), |stream| {
            stream.flush(most_hosts);
        });
        self.cells = self.streams.iter().map(|s| s.cells).sum();
        let groups: usize = self.streams.iter().map(|s| s.groups.len()).sum();
        if groups > MAX_ALL_GROUPS {
            for stream in &mut self.streams {
                stream.groups.close(LEAST_GROUPS);
            }
        }
    }

    /// Ends the counting: everything is in the groups, in buckets at this step or coarser ones, and placed after the
    /// boots that are known in the end.
    pub(crate) fn end(&mut self, step: u32, survey: &Survey) {
        self.flush();
        for stream in &mut self.streams {
            stream.decide(survey, self.parameters.startup_minutes);
        }
        if step > self.step {
            self.coarsen(step);
        }
    }

    fn coarsen(&mut self, step: u32) {
        // What is counted by numbers only has buckets as they were.
        self.flush();
        for stream in &mut self.streams {
            stream.coarsen(self.step, step);
        }
        self.cells = self.streams.iter().map(|s| s.cells).sum();
        self.step = step;
    }

    /// Makes room where there are too many cells.
    fn shrink(&mut self) {
        if self.cells > MAX_CELLS {
            self.coarsen(self.step + 1);
            if self.cells > MAX_CELLS / 2 {
                self.most_hosts = FEW_HOSTS;
            }
        }
    }
}

/// Runs the jobs side by side where they have rows enough to be worth it.
fn for_each<T: Send>(jobs: Vec<(usize, T)>, run: impl Fn(T) + Send + Sync) {
    let rows: usize = jobs.iter().map(|(rows, _)| rows).sum();
    match rows < 2 * MIN_ROWS {
        true => jobs.into_iter().for_each(|(_, job)| run(job)),
        false => jobs.into_par_iter().for_each(|(_, job)| run(job)),
    }
}
