//! What is in a set of files: machines, time span, channels and event ids with their counts, file by file. It refuses
//! to interpret.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{Engine, Error, Outcome, render};

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
}

const QUERY: &str = "SELECT source_file, Computer, Channel, EventID, count(*), min(TimeCreated), max(TimeCreated) \
                     FROM events GROUP BY source_file, Computer, Channel, EventID";

/// Reads the files once and counts.
///
/// # Errors
/// When the reading fails as a whole.
pub fn inventory(engine: &Engine) -> Result<(Inventory, Outcome), Error> {
    let (prepared, answer) = engine.query(QUERY)?;
    let mut all = Inventory::default();
    let mut events: BTreeMap<(Option<String>, Option<i64>), Count> = BTreeMap::new();
    let mut files: BTreeMap<String, u64> = BTreeMap::new();
    for batch in answer {
        let batch = batch?;
        for row in 0..batch.num_rows() {
            let cell = |i: usize| render::text(batch.column(i), row);
            let count: u64 = cell(4).and_then(|c| c.parse().ok()).unwrap_or(0);
            let (first, last) = (cell(5), cell(6));
            let key = (cell(2), cell(3).and_then(|c| c.parse().ok()));
            let entry = events.entry(key.clone()).or_insert_with(|| Count {
                channel: key.0,
                event_id: key.1,
                ..Count::default()
            });
            entry.count += count;
            widen(
                &mut entry.first,
                &mut entry.last,
                first.as_ref(),
                last.as_ref(),
            );
            widen(&mut all.first, &mut all.last, first.as_ref(), last.as_ref());
            all.count += count;
            if let Some(host) = cell(1) {
                *all.hosts.entry(host).or_default() += count;
            }
            *files.entry(cell(0).unwrap_or_default()).or_default() += count;
        }
    }
    all.events = events.into_values().collect();
    all.files = files
        .into_iter()
        .map(|(file, count)| FileCount { file, count })
        .collect();
    Ok((all, engine.outcome(&[&prepared])))
}

/// Times are ISO 8601 in one zone, which sorts as text.
fn widen(
    first: &mut Option<String>,
    last: &mut Option<String>,
    from: Option<&String>,
    to: Option<&String>,
) {
    if let Some(from) = from
        && first.as_ref().is_none_or(|f| from < f)
    {
        *first = Some(from.clone());
    }
    if let Some(to) = to
        && last.as_ref().is_none_or(|l| to > l)
    {
        *last = Some(to.clone());
    }
}
