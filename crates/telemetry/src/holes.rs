//! What a recording says of its own holes: reports of lost events, numbers of records that are missing, and records that
//! are there twice. Memory is bounded; what could not be looked at for that is said. It refuses to judge why.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};

use arrow::array::{Array, AsArray, BooleanArray, DictionaryArray, RecordBatch};
use arrow::datatypes::{Int32Type, Int64Type, TimestampMicrosecondType};
use rustc_hash::{FxHashMap, FxHashSet};
use schema::{LogSource, Sensor};

/// The columns it looks at, by canonical name.
pub const COLUMNS: [&str; 7] = [
    "computer",
    "channel",
    "provider",
    "eventid",
    "eventrecordid",
    "timecreated",
    "id",
];

/// Records that are remembered to know them again.
const MAX_SEEN: usize = 8 << 20;
/// Logs that are told apart.
const MAX_LOGS: usize = 10_000;
/// Stretches of numbers without a gap that are told apart, of all logs together.
const MAX_RUNS: usize = 1 << 20;
/// Sysmon reports under this id what went wrong, and with this word that events were lost.
const SYSMON_ERROR: i64 = 255;
const LOST: &str = "QUEUE";

/// The holes of one log: a channel on a machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogHoles {
    /// The machine.
    pub host: Option<String>,
    /// The channel.
    pub channel: Option<String>,
    /// Its records, each time they are there.
    pub records: u64,
    /// Reports of Sysmon that events were lost (255 `QUEUE`).
    pub losses: u64,
    /// Numbers between the first and the last record that no record has.
    pub missing: u64,
    /// Stretches of them.
    pub gaps: u64,
    /// Records that were there before, with the same number and time.
    pub twice: u64,
}

impl LogHoles {
    /// Whether there is none.
    pub fn is_whole(&self) -> bool {
        self.losses == 0 && self.missing == 0 && self.twice == 0
    }
}

#[derive(Default)]
struct LogState {
    found: LogHoles,
    /// Numbers of records: stretches by their first, and the one that grows.
    runs: BTreeMap<i64, i64>,
    open: Option<(i64, i64)>,
}

/// Looks for the holes of a recording, batch by batch.
#[derive(Default)]
pub struct Holes {
    logs: Vec<LogState>,
    by_name: FxHashMap<(Option<String>, Option<String>), usize>,
    /// Who forges records cannot know the key of these hashes, and make one look like another.
    hasher: RandomState,
    seen: FxHashSet<u64>,
    runs: usize,
    limits: Vec<&'static str>,
}

impl std::fmt::Debug for Holes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} logs, {} records", self.logs.len(), self.seen.len())
    }
}

type Texts<'a> = &'a DictionaryArray<Int32Type>;

fn texts<'a>(batch: &'a RecordBatch, name: &str) -> Option<Texts<'a>> {
    batch.column_by_name(name)?.as_dictionary_opt()
}

fn value<'a>(texts: Option<Texts<'a>>, row: usize) -> Option<&'a str> {
    let texts = texts?;
    let values = texts.values().as_string_opt::<i32>()?;
    texts.key(row).map(|key| values.value(key))
}

impl Holes {
    /// Looks at a batch with [`COLUMNS`]; gives the rows that were not there before, and `None` where that is all.
    pub fn add(&mut self, batch: &RecordBatch) -> Option<BooleanArray> {
        let (host, channel) = (texts(batch, "computer"), texts(batch, "channel"));
        let int = |name: &str| batch.column_by_name(name)?.as_primitive_opt::<Int64Type>();
        let (event, record) = (int("eventid"), int("eventrecordid"));
        let time = batch.column_by_name("timecreated");
        let time = time.and_then(|t| t.as_primitive_opt::<TimestampMicrosecondType>());
        let mut here: FxHashMap<(Option<usize>, Option<usize>), Option<usize>> =
            FxHashMap::default();
        let mut again = Vec::new();
        for row in 0..batch.num_rows() {
            let keys = (
                host.and_then(|h| h.key(row)),
                channel.and_then(|c| c.key(row)),
            );
            let log = *here
                .entry(keys)
                .or_insert_with(|| self.log(value(host, row), value(channel, row)));
            let Some(log) = log else { continue };
            self.logs[log].found.records += 1;
            if event.is_some_and(|e| e.is_valid(row) && e.value(row) == SYSMON_ERROR)
                && value(texts(batch, "id"), row).is_some_and(|id| id.eq_ignore_ascii_case(LOST))
            {
                let provider = value(texts(batch, "provider"), row);
                let source = LogSource::of(value(channel, row), provider);
                let lost = source.sensor() == Some(Sensor::Sysmon);
                self.logs[log].found.losses += u64::from(lost);
            }
            let Some(id) = record.filter(|r| r.is_valid(row)).map(|r| r.value(row)) else {
                continue;
            };
            self.count(log, id);
            let at = time.filter(|t| t.is_valid(row)).map(|t| t.value(row));
            if at.is_some_and(|at| self.is_known(log, id, at)) {
                self.logs[log].found.twice += 1;
                again.push(row);
            }
        }
        if again.is_empty() {
            return None;
        }
        let mut new = vec![true; batch.num_rows()];
        again.into_iter().for_each(|row| new[row] = false);
        Some(BooleanArray::from(new))
    }

    fn log(&mut self, host: Option<&str>, channel: Option<&str>) -> Option<usize> {
        let name = (host.map(str::to_owned), channel.map(str::to_owned));
        if let Some(log) = self.by_name.get(&name) {
            return Some(*log);
        }
        if self.logs.len() >= MAX_LOGS {
            self.limit("there are more logs than are told apart");
            return None;
        }
        self.logs.push(LogState {
            found: LogHoles {
                host: name.0.clone(),
                channel: name.1.clone(),
                ..LogHoles::default()
            },
            ..LogState::default()
        });
        self.by_name.insert(name, self.logs.len() - 1);
        Some(self.logs.len() - 1)
    }

    fn limit(&mut self, why: &'static str) {
        if !self.limits.contains(&why) {
            self.limits.push(why);
        }
    }

    fn count(&mut self, log: usize, id: i64) {
        if self.runs >= MAX_RUNS {
            return self.limit(
                "the numbers of records are scattered, and gaps were not looked for in all of them",
            );
        }
        let state = &mut self.logs[log];
        match &mut state.open {
            Some((_, last)) if last.checked_add(1) == Some(id) => *last = id,
            Some((first, last)) if (*first..=*last).contains(&id) => {}
            _ => {
                let before = state.runs.len();
                state.close();
                self.runs = (self.runs + state.runs.len()).saturating_sub(before);
                state.open = Some((id, id));
            }
        }
    }

    fn is_known(&mut self, log: usize, id: i64, time: i64) -> bool {
        let hash = self.hasher.hash_one((log, id, time));
        if self.seen.len() >= MAX_SEEN {
            self.limit("records that are there twice were looked for among the first 8 million");
            return self.seen.contains(&hash);
        }
        !self.seen.insert(hash)
    }

    /// The logs with holes, by machine and channel.
    pub fn found(&self) -> Vec<LogHoles> {
        let mut all: Vec<LogHoles> = self.logs.iter().map(LogState::found).collect();
        all.retain(|log| !log.is_whole());
        all.sort_by(|a, b| (&a.host, &a.channel).cmp(&(&b.host, &b.channel)));
        all
    }

    /// What was not looked at, as there was too much of it.
    pub fn limits(&self) -> &[&'static str] {
        &self.limits
    }
}

impl LogState {
    /// Puts the stretch that grew among the others.
    fn close(&mut self) {
        let Some((mut first, mut last)) = self.open.take() else {
            return;
        };
        // Those that it touches, from the last one that begins before its end on.
        let reach = last.saturating_add(1);
        while let Some((start, end)) = self.runs.range(..=reach).next_back().map(|(s, e)| (*s, *e))
        {
            if end.saturating_add(1) < first {
                break;
            }
            self.runs.remove(&start);
            (first, last) = (first.min(start), last.max(end));
        }
        self.runs.insert(first, last);
    }

    fn found(&self) -> LogHoles {
        let mut whole = Self {
            runs: self.runs.clone(),
            open: self.open,
            ..Self::default()
        };
        whole.close();
        let between = whole.runs.values().zip(whole.runs.keys().skip(1));
        let missing = between.map(|(end, start)| start.abs_diff(*end) - 1);
        LogHoles {
            missing: missing.fold(0, u64::saturating_add),
            gaps: whole.runs.len().saturating_sub(1) as u64,
            ..self.found.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn gaps_are_what_no_record_fills(ids in proptest::collection::vec(0i64..60, 1..80)) {
            let mut holes = Holes::default();
            let log = holes.log(Some("h"), Some("c")).expect("a log");
            ids.iter().for_each(|id| holes.count(log, *id));
            let found = holes.logs[log].found();
            let there: BTreeSet<i64> = ids.into_iter().collect();
            let (first, last) = (there.first().expect("one"), there.last().expect("one"));
            let missing: Vec<i64> = (*first..=*last).filter(|id| !there.contains(id)).collect();
            let gaps = missing.iter().filter(|id| there.contains(&(*id - 1))).count();
            prop_assert_eq!((found.missing, found.gaps), (missing.len() as u64, gaps as u64));
        }
    }

    #[test]
    fn the_largest_numbers_are_counted() {
        let mut holes = Holes::default();
        let log = holes.log(None, None).expect("a log");
        [i64::MAX, i64::MIN, i64::MAX, 0]
            .iter()
            .for_each(|id| holes.count(log, *id));
        let found = holes.logs[log].found();
        assert_eq!((found.missing, found.gaps), (u64::MAX - 2, 2));
    }
}
