//! What a configuration would have kept of recorded events: counts per event type and rule, and what
//! makes up the volume that is left. Events that the recording sensor had dropped itself are not in
//! the input; nothing here can know them.

use std::collections::{BTreeMap, HashMap};

use arrow::array::{Array as _, AsArray as _, BooleanArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type, TimeUnit};
use predicate::eval::{EvalError, column};

use crate::columnar::{Decider, Input};
use crate::reference::Cause;
use crate::rules::{RuleSet, Unit};
use crate::schema;
use crate::text::Environment;

/// Kept and dropped events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Events that would have been logged.
    pub kept: u64,
    /// Events that would not.
    pub dropped: u64,
}

/// How often a rule decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleHits {
    /// Position of the element in the rules.
    pub element: usize,
    /// Position of the unit in the element, or none for an `and` as a whole.
    pub unit: Option<usize>,
    /// True where the events were logged because of it.
    pub keeps: bool,
    /// How many events it decided.
    pub hits: u64,
    /// The newest of them, in microseconds since 1970 UTC, where the input has times.
    pub last: Option<i64>,
}

/// Who made the kept events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Volume {
    /// The event id.
    pub id: u32,
    /// The program that the event is about.
    pub source: String,
    /// How many are kept.
    pub kept: u64,
}

/// The outcome of a replay.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Per event id.
    pub events: BTreeMap<u32, Count>,
    /// Rows that are no Sysmon events; they are neither kept nor dropped.
    pub others: u64,
    /// Rules that decided at least once, most hits first.
    pub rules: Vec<RuleHits>,
    /// Rules that decided nothing, in the order of the rules: element and unit.
    pub unused: Vec<(usize, Option<usize>)>,
    /// The largest sources of what is kept, largest first.
    pub volume: Vec<Volume>,
}

/// A replay in progress.
#[derive(Debug)]
pub struct Replay<'a> {
    rules: &'a RuleSet,
    decider: Decider,
    events: BTreeMap<u32, Count>,
    others: u64,
    /// Per decision: how often, and when last.
    hits: Vec<(u64, Option<i64>)>,
    volume: HashMap<(u32, String), u64>,
}

/// Distinct sources that are counted; beyond them a source is counted as `(others)`.
const MAX_SOURCES: usize = 100_000;

impl<'a> Replay<'a> {
    /// Prepares a replay of recorded events.
    pub fn new(rules: &'a RuleSet, environment: &Environment) -> Self {
        Self {
            rules,
            decider: Decider::new(rules, environment, Input::Recorded),
            events: BTreeMap::new(),
            others: 0,
            hits: Vec::new(),
            volume: HashMap::new(),
        }
    }

    /// Replays a batch and says which rows would have been kept. Rows of other channels are not kept.
    ///
    /// # Errors
    /// Where a column that is needed cannot be read.
    pub fn add(&mut self, batch: &RecordBatch) -> Result<BooleanArray, EvalError> {
        let sysmon = sysmon_rows(batch)?;
        let ids = crate::columnar::event_ids(batch)?.unwrap_or_else(|| vec![0; batch.num_rows()]);
        let decided = self.decider.decide(batch)?;
        let times = times(batch)?;
        self.hits.resize(self.decider.decisions().len(), (0, None));
        let logs: Vec<bool> = self.decider.decisions().iter().map(|d| d.log).collect();
        let mut kept = vec![false; batch.num_rows()];
        // Count in small tables first: one entry per event id and per decision of this batch.
        let mut counts: HashMap<u32, Count> = HashMap::new();
        for row in 0..batch.num_rows() {
            if !sysmon[row] {
                self.others += 1;
                continue;
            }
            let decision = decided[row] as usize;
            let (hits, last) = &mut self.hits[decision];
            *hits += 1;
            if let Some(time) = times.as_ref().and_then(|t| t[row]) {
                *last = Some(last.map_or(time, |l| l.max(time)));
            }
            let count = counts.entry(ids[row]).or_default();
            if logs[decision] {
                count.kept += 1;
                kept[row] = true;
            } else {
                count.dropped += 1;
            }
        }
        for (id, count) in counts {
            let total = self.events.entry(id).or_default();
            total.kept += count.kept;
            total.dropped += count.dropped;
        }
        self.count_sources(batch, &ids, &kept)?;
        Ok(BooleanArray::from(kept))
    }

    /// Counts kept rows by event id and by the program that the event is about.
    fn count_sources(
        &mut self,
        batch: &RecordBatch,
        ids: &[u32],
        kept: &[bool],
    ) -> Result<(), EvalError> {
        for name in ["Image", "SourceImage", "ImageLoaded"] {
            let Some(distinct) = column(batch, name)? else {
                continue;
            };
            let mut counts: HashMap<(u32, u32), u64> = HashMap::new();
            for row in (0..ids.len()).filter(|r| kept[*r]) {
                if source_field(ids[row]) == name {
                    *counts.entry((ids[row], distinct.keys[row])).or_default() += 1;
                }
            }
            for ((id, key), n) in counts {
                let value = distinct.values.get(key as usize).and_then(|v| v.as_deref());
                let mut entry = (id, value.unwrap_or("-").to_owned());
                if self.volume.len() >= MAX_SOURCES && !self.volume.contains_key(&entry) {
                    entry.1 = "(others)".to_owned();
                }
                *self.volume.entry(entry).or_default() += n;
            }
        }
        Ok(())
    }

    /// The outcome; at most `top` sources of volume.
    pub fn finish(self, top: usize) -> Summary {
        let mut by_rule: BTreeMap<(usize, Option<usize>), RuleHits> = BTreeMap::new();
        for (decision, (hits, last)) in self.decider.decisions().iter().zip(&self.hits) {
            if let (Cause::Element { element, unit }, true) = (decision.cause, *hits > 0) {
                let entry = by_rule.entry((element, unit)).or_insert(RuleHits {
                    element,
                    unit,
                    keeps: decision.log,
                    hits: 0,
                    last: None,
                });
                entry.hits += hits;
                entry.last = entry.last.max(*last);
            }
        }
        let mut unused = Vec::new();
        for (i, element) in self
            .rules
            .elements
            .iter()
            .enumerate()
            .filter(|(_, e)| !e.undone)
        {
            let units: Vec<Unit<'_>> = element.units();
            let keys: Vec<Option<usize>> = match element.relation {
                crate::rules::Relation::Or => (0..units.len()).map(Some).collect(),
                crate::rules::Relation::And if units.is_empty() => Vec::new(),
                crate::rules::Relation::And => vec![None],
            };
            unused.extend(
                keys.into_iter()
                    .map(|u| (i, u))
                    .filter(|k| !by_rule.contains_key(k)),
            );
        }
        let mut rules: Vec<RuleHits> = by_rule.into_values().collect();
        rules.sort_by_key(|r| (std::cmp::Reverse(r.hits), r.element, r.unit));
        let mut volume: Vec<Volume> = self
            .volume
            .into_iter()
            .map(|((id, source), kept)| Volume { id, source, kept })
            .collect();
        volume.sort_by(|a, b| (b.kept, a.id, &a.source).cmp(&(a.kept, b.id, &b.source)));
        volume.truncate(top);
        Summary {
            events: self.events,
            others: self.others,
            rules,
            unused,
            volume,
        }
    }
}

/// The field that names the program behind an event.
fn source_field(id: u32) -> &'static str {
    match id {
        6 => "ImageLoaded",
        8 | 10 => "SourceImage",
        _ => "Image",
    }
}

/// Which rows are Sysmon's, by channel or provider; all of them where the batch has neither.
///
/// # Errors
/// Where these columns cannot be read as text.
pub fn sysmon_rows(batch: &RecordBatch) -> Result<Vec<bool>, EvalError> {
    for name in ["Channel", "Provider"] {
        if let Some(distinct) = column(batch, name)? {
            let ours: Vec<bool> = distinct
                .values
                .iter()
                .map(|v| {
                    v.as_deref()
                        .is_some_and(|v| v.to_ascii_lowercase().contains("sysmon"))
                })
                .collect();
            if distinct.keys.iter().all(|k| (*k as usize) >= ours.len())
                && !distinct.keys.is_empty()
            {
                continue; // No row has one.
            }
            let row = |k: &u32| ours.get(*k as usize).copied().unwrap_or(false);
            return Ok(distinct.keys.iter().map(row).collect());
        }
    }
    Ok(vec![true; batch.num_rows()])
}

/// The time of each row in microseconds, where the batch has a timestamp column `TimeCreated`.
fn times(batch: &RecordBatch) -> Result<Option<Vec<Option<i64>>>, EvalError> {
    let Some(array) = crate::columnar::find(batch, "TimeCreated") else {
        return Ok(None);
    };
    let DataType::Timestamp(_, zone) = array.data_type() else {
        return Ok(None);
    };
    let error = |source| EvalError::Column {
        column: "TimeCreated".to_owned(),
        source,
    };
    let micros = cast(
        array,
        &DataType::Timestamp(TimeUnit::Microsecond, zone.clone()),
    )
    .map_err(error)?;
    let micros = cast(&micros, &DataType::Int64).map_err(error)?;
    let micros = micros.as_primitive::<Int64Type>();
    Ok(Some(micros.iter().collect()))
}

/// The share of kept events, 0 to 1; 0 where there are none.
pub fn share(count: Count) -> f64 {
    let total = count.kept + count.dropped;
    if total == 0 {
        0.0
    } else {
        count.kept as f64 / total as f64
    }
}

/// The tag of an event id, or its number where it has none.
pub fn title(id: u32) -> String {
    schema::newest()
        .event(id)
        .and_then(|e| e.tag.clone())
        .unwrap_or_else(|| format!("event {id}"))
}
