//! What is in a set of files: machines, time span, channels and event ids with their counts, file by file, and what the
//! recording lacks. It refuses to interpret.

use std::collections::{BTreeMap, HashMap};

use datafusion::arrow::array::{Array, AsArray, DictionaryArray, RecordBatch};
use datafusion::arrow::datatypes::{Int32Type, Int64Type, TimestampMicrosecondType};
use serde::Serialize;
use telemetry::holes::{self, Holes, LogHoles};
use telemetry::{Plan, time};

use crate::{Engine, Error, Outcome};

/// Events of one channel and id.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Count {
    /// The channel, if the events have one.
    pub channel: Option<String>,
    /// The event id, if the events have one.
    pub event_id: Option<i64>,
    /// How many there are.
    pub count: u64,
    /// First and last time, ISO 8601 in UTC.
    pub first: Option<String>,
    /// See `first`.
    pub last: Option<String>,
}

/// Events of one file.
#[derive(Clone, Debug, Default, Serialize)]
pub struct FileCount {
    /// The file.
    pub file: String,
    /// How many events it has.
    pub count: u64,
}

/// What the log of a channel on a machine lacks, or has too often.
#[derive(Clone, Debug, Serialize)]
pub struct HoleCount {
    /// The machine.
    pub host: Option<String>,
    /// The channel.
    pub channel: Option<String>,
    /// Reports of Sysmon that events were lost (event 255, `QUEUE`).
    pub losses: u64,
    /// Numbers of records that are missing between the first and the last.
    pub missing: u64,
    /// Stretches of them.
    pub gaps: u64,
    /// Records that are there again, with the same number and time.
    pub twice: u64,
}

impl From<LogHoles> for HoleCount {
    fn from(log: LogHoles) -> Self {
        Self {
            host: log.host,
            channel: log.channel,
            losses: log.losses,
            missing: log.missing,
            gaps: log.gaps,
            twice: log.twice,
        }
    }
}

/// What is in there.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Inventory {
    /// All events.
    pub count: u64,
    /// First and last time, ISO 8601 in UTC.
    pub first: Option<String>,
    /// See `first`.
    pub last: Option<String>,
    /// Machines with their number of events.
    pub hosts: BTreeMap<String, u64>,
    /// Channels and event ids, by channel, then id.
    pub events: Vec<Count>,
    /// Files with events.
    pub files: Vec<FileCount>,
    /// Logs that are not whole, by machine and channel.
    pub holes: Vec<HoleCount>,
    /// What was not looked for in all of them, as there was too much.
    pub holes_limits: Vec<&'static str>,
}

/// A span of time, in microseconds since 1970.
#[derive(Clone, Copy, Debug, Default)]
struct TimeSpan(Option<(i64, i64)>);

impl TimeSpan {
    fn widen(&mut self, other: Self) {
        self.0 = match (self.0, other.0) {
            (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
            (one, other) => one.or(other),
        };
    }

    fn texts(self) -> (Option<String>, Option<String>) {
        let ends = self.0.map(|(a, b)| (time::format(a), time::format(b)));
        ends.unzip()
    }
}

/// What rows have in common that are counted together: places in the dictionaries of a batch, and the event id.
type CellKey = (Option<usize>, Option<usize>, Option<usize>, Option<i64>);

#[derive(Default)]
struct Tallies {
    events: BTreeMap<(Option<String>, Option<i64>), (u64, TimeSpan)>,
    hosts: BTreeMap<String, u64>,
    files: BTreeMap<String, u64>,
}

impl Tallies {
    fn add(&mut self, batch: &RecordBatch) {
        let texts = |name: &str| batch.column_by_name(name)?.as_dictionary_opt::<Int32Type>();
        let (file, host, channel) = (texts("source_file"), texts("computer"), texts("channel"));
        let ids = batch.column_by_name("eventid");
        let ids = ids.and_then(|c| c.as_primitive_opt::<Int64Type>());
        let times = batch.column_by_name("timecreated");
        let times = times.and_then(|c| c.as_primitive_opt::<TimestampMicrosecondType>());
        let mut cells: HashMap<CellKey, (u64, TimeSpan)> = HashMap::new();
        for row in 0..batch.num_rows() {
            let key = |texts: Option<&DictionaryArray<Int32Type>>| texts.and_then(|t| t.key(row));
            let id = ids.filter(|i| i.is_valid(row)).map(|i| i.value(row));
            let cell = (key(file), key(host), key(channel), id);
            let (count, extent) = cells.entry(cell).or_default();
            *count += 1;
            let at = times.filter(|t| t.is_valid(row)).map(|t| t.value(row));
            extent.widen(TimeSpan(at.map(|t| (t, t))));
        }
        for ((in_file, on_host, of_channel, id), (count, extent)) in cells {
            let text = |texts: Option<&DictionaryArray<Int32Type>>, key: Option<usize>| {
                let values = texts?.values().as_string_opt::<i32>()?;
                key.map(|k| values.value(k).to_owned())
            };
            let entry = self.events.entry((text(channel, of_channel), id));
            let (events, span) = entry.or_default();
            *events += count;
            span.widen(extent);
            if let Some(host) = text(host, on_host) {
                *self.hosts.entry(host).or_default() += count;
            }
            let file = text(file, in_file).unwrap_or_default();
            *self.files.entry(file).or_default() += count;
        }
    }

    fn inventory(self, holes: &Holes) -> Inventory {
        let mut all = Inventory {
            hosts: self.hosts,
            holes: holes.found().into_iter().map(HoleCount::from).collect(),
            holes_limits: holes.limits().to_vec(),
            ..Inventory::default()
        };
        let mut extent = TimeSpan::default();
        for ((channel, event_id), (count, span)) in self.events {
            all.count += count;
            extent.widen(span);
            let (first, last) = span.texts();
            all.events.push(Count {
                channel,
                event_id,
                count,
                first,
                last,
            });
        }
        (all.first, all.last) = extent.texts();
        let files = self.files.into_iter();
        all.files = files
            .map(|(file, count)| FileCount { file, count })
            .collect();
        all
    }
}

/// Reads the files once and counts.
///
/// # Errors
/// When the reading fails as a whole.
pub fn inventory(engine: &Engine) -> Result<(Inventory, Outcome), Error> {
    let columns = ["source_file"].iter().chain(&holes::COLUMNS);
    let columns = columns.map(|c| (*c).to_owned()).collect();
    let (mut tallies, mut holes) = (Tallies::default(), Holes::default());
    // Where only some events count, the numbers of the others are not missing.
    let whole = engine.source.only().clauses.is_empty();
    let report = engine.read_each(Plan::of(columns), &mut |batch| {
        tallies.add(batch);
        if whole {
            holes.add(batch);
        }
        Ok::<(), Error>(())
    })?;
    let outcome = Outcome {
        report: Some(report),
        warnings: Vec::new(),
    };
    Ok((tallies.inventory(&holes), outcome))
}
