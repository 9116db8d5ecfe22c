//! What a configuration would have kept of recorded events: counts per event type and rule, and what
//! makes up the volume that is left. Events that the recording sensor had dropped itself are not in
//! the input; nothing here can know them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{Array as _, BooleanArray, Int64Array, RecordBatch, StringArray};
use arrow::buffer::BooleanBuffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit};
use hashbrown::HashMap;
use predicate::eval::EvalError;

use crate::columnar::keys::{Column, text};
use crate::columnar::{self, Decider, Input};
use crate::config::Config;
use crate::explain::describe;
use crate::reference::Cause;
use crate::rules::{Filter, Record, RuleSet, Unit};
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
    others: u64,
    /// Per decision.
    hits: Vec<Hits>,
    /// By event id and program.
    volume: BTreeMap<u32, HashMap<Box<str>, u64>>,
    sources: usize,
}

/// How often a decision was made, and when last, in microseconds; `i64::MIN` where no time is known.
#[derive(Clone, Copy, Debug)]
struct Hits {
    count: u64,
    last: i64,
}

const NONE: Hits = Hits {
    count: 0,
    last: i64::MIN,
};

/// Distinct sources that are counted; beyond them a source is counted as `(others)`.
const MAX_SOURCES: usize = 100_000;

impl<'a> Replay<'a> {
    /// Prepares a replay of recorded events.
    pub fn new(rules: &'a RuleSet, environment: &Environment) -> Self {
        Self {
            rules,
            decider: Decider::new(rules, environment, Input::Recorded),
            others: 0,
            hits: Vec::new(),
            volume: BTreeMap::new(),
            sources: 0,
        }
    }

    /// Replays a batch and says which rows would have been kept. Rows of other channels are not kept.
    ///
    /// # Errors
    /// Where a column that is needed cannot be read.
    pub fn add(&mut self, batch: &RecordBatch) -> Result<BooleanArray, EvalError> {
        Ok(self.decide(batch)?.0)
    }

    /// Replays a batch; also the rule name that each row would be logged with, `-` for none.
    ///
    /// # Errors
    /// Where a column that is needed cannot be read.
    pub(crate) fn named(
        &mut self,
        batch: &RecordBatch,
    ) -> Result<(BooleanArray, StringArray), EvalError> {
        let (kept, decided) = self.decide(batch)?;
        let decisions = self.decider.decisions();
        let name = |number: &u32| match decisions.get(*number as usize) {
            Some(decision) if !decision.rule.is_empty() => decision.rule.as_str(),
            _ => "-",
        };
        let names = StringArray::from_iter_values(decided.iter().map(name));
        Ok((kept, names))
    }

    fn decide(&mut self, batch: &RecordBatch) -> Result<(BooleanArray, Vec<u32>), EvalError> {
        let decided = self.decider.decide(batch)?;
        self.hits.resize(self.decider.decisions().len(), NONE);
        let times = times(batch)?;
        let time = |row: usize| match &times {
            Some(times) if times.is_valid(row) => times.value(row),
            _ => i64::MIN,
        };
        for (row, decision) in decided.iter().enumerate() {
            match self.hits.get_mut(*decision as usize) {
                Some(hits) => {
                    hits.count += 1;
                    hits.last = hits.last.max(time(row));
                }
                None => self.others += 1,
            }
        }
        let logs: Vec<bool> = self.decider.decisions().iter().map(|d| d.log).collect();
        let keep = |row: usize| logs.get(decided[row] as usize).copied().unwrap_or(false);
        let kept = BooleanBuffer::collect_bool(decided.len(), keep);
        self.count_sources(batch, &decided, &kept)?;
        Ok((BooleanArray::from(kept), decided))
    }

    /// Counts kept rows by event id and by the program that the event is about.
    fn count_sources(
        &mut self,
        batch: &RecordBatch,
        decided: &[u32],
        kept: &BooleanBuffer,
    ) -> Result<(), EvalError> {
        for name in SOURCES {
            let Some(column) = Column::find(batch, name)? else {
                continue;
            };
            // Per event id that this column tells the source of, a count for each value and for none.
            let width = column.values.len() + 1;
            let mut first: BTreeMap<u32, usize> = BTreeMap::new();
            let mut places = Vec::with_capacity(self.hits.len());
            for (id, decision) in self
                .decider
                .event_ids()
                .iter()
                .zip(self.decider.decisions())
            {
                let counts = decision.log && source_field(*id) == name;
                let next = first.len() * width;
                places.push(counts.then(|| *first.entry(*id).or_insert(next)));
            }
            let mut counts = vec![0u64; first.len() * width];
            for row in kept.set_indices() {
                if let Some(place) = places[decided[row] as usize] {
                    counts[place + column.key(row).min(width - 1)] += 1;
                }
            }
            for (id, place) in first {
                for (key, n) in counts[place..place + width].iter().enumerate() {
                    if *n > 0 {
                        self.count_source(id, text(column.texts(), key).unwrap_or("-"), *n);
                    }
                }
            }
        }
        Ok(())
    }

    fn count_source(&mut self, id: u32, source: &str, n: u64) {
        let sources = self.volume.entry(id).or_default();
        if let Some(count) = sources.get_mut(source) {
            *count += n;
            return;
        }
        self.sources += 1;
        let source = if self.sources > MAX_SOURCES {
            "(others)"
        } else {
            source
        };
        *sources.entry(source.into()).or_default() += n;
    }

    /// The outcome; at most `top` sources of volume.
    pub fn finish(self, top: usize) -> Summary {
        let mut by_rule: BTreeMap<(usize, Option<usize>), RuleHits> = BTreeMap::new();
        let mut events: BTreeMap<u32, Count> = BTreeMap::new();
        let made = self.decider.decisions().iter().zip(&self.hits);
        for ((decision, hits), id) in made.zip(self.decider.event_ids()) {
            if hits.count == 0 {
                continue;
            }
            let count = events.entry(*id).or_default();
            match decision.log {
                true => count.kept += hits.count,
                false => count.dropped += hits.count,
            }
            if let Cause::Element { element, unit } = decision.cause {
                let entry = by_rule.entry((element, unit)).or_insert(RuleHits {
                    element,
                    unit,
                    keeps: decision.log,
                    hits: 0,
                    last: None,
                });
                entry.hits += hits.count;
                entry.last = entry.last.max((hits.last > i64::MIN).then_some(hits.last));
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
            .flat_map(|(id, sources)| {
                sources.into_iter().map(move |(source, kept)| Volume {
                    id,
                    source: source.into(),
                    kept,
                })
            })
            .collect();
        volume.sort_by(|a, b| (b.kept, a.id, &a.source).cmp(&(a.kept, b.id, &b.source)));
        volume.truncate(top);
        Summary {
            events,
            others: self.others,
            rules,
            unused,
            volume,
        }
    }
}

/// The fields that name the program behind an event.
const SOURCES: [&str; 3] = ["Image", "SourceImage", "ImageLoaded"];

/// The one of an event type.
fn source_field(id: u32) -> &'static str {
    match id {
        6 => "ImageLoaded",
        8 | 10 => "SourceImage",
        _ => "Image",
    }
}

/// The time of each row in microseconds, where the batch has a timestamp column `TimeCreated`.
fn times(batch: &RecordBatch) -> Result<Option<Int64Array>, EvalError> {
    let Some(array) = columnar::find(batch, "TimeCreated") else {
        return Ok(None);
    };
    let micros = match array.data_type() {
        DataType::Timestamp(TimeUnit::Microsecond, _) => Arc::clone(array),
        DataType::Timestamp(_, zone) => {
            let micros = DataType::Timestamp(TimeUnit::Microsecond, zone.clone());
            cast(array, &micros).map_err(|source| EvalError::Column {
                column: "TimeCreated".to_owned(),
                source,
            })?
        }
        _ => return Ok(None),
    };
    columnar::int64(&micros, "TimeCreated").map(Some)
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

/// The columns of the event table that rules look at, in lower case, and those that a [`Summary`] needs.
pub fn columns(rules: &[&RuleSet]) -> Vec<String> {
    let mut names: Vec<String> = [
        "timecreated",
        "channel",
        "provider",
        "eventid",
        "image",
        "sourceimage",
        "imageloaded",
    ]
    .map(str::to_owned)
    .to_vec();
    for filter in rules
        .iter()
        .flat_map(|r| r.kept())
        .flat_map(|e| e.filters())
    {
        names.push(filter.field_name.to_lowercase());
    }
    let mut seen = BTreeSet::new();
    names.retain(|n| seen.insert(n.clone()));
    names
}

/// The name that a match reports, as a remark.
fn named(name: &str) -> String {
    match name {
        "" => String::new(),
        name => format!("  [{name}]"),
    }
}

/// The line of a rule, by the places of its element and its unit, and a few words about it.
pub fn place(config: &Config, element: usize, unit: Option<usize>) -> (usize, String) {
    let Some(e) = config.rules.elements.get(element) else {
        return (0, String::new());
    };
    let units = e.units();
    let line = |f: &Filter| config.source.position(f.span.start).0;
    match unit.and_then(|u| units.get(u)) {
        Some(Unit::Filter(f)) => (
            line(f),
            format!(
                "{} {}{}",
                e.tag,
                describe(&Record::Filter((*f).clone())),
                named(&f.name)
            ),
        ),
        Some(Unit::Rule(id, _, filters)) => {
            let name = e
                .rule(*id)
                .map_or("<Rule>".to_owned(), |r| describe(&Record::Rule(r.clone())));
            let reported = filters.last().map_or("", |f| &f.name);
            let shown = e.rule(*id).is_some_and(|r| r.name == reported);
            (
                filters.first().map_or(0, |f| line(f)),
                format!(
                    "{} {name}{}",
                    e.tag,
                    named(if shown { "" } else { reported })
                ),
            )
        }
        None => (
            config.source.position(e.span.start).0,
            format!("{} (all conditions)", e.tag),
        ),
    }
}
