//! Which events a reading met: how many of each channel, provider and event id. It refuses to look at their fields.

use std::collections::{BTreeMap, HashMap};

use datafusion::arrow::array::{Array, AsArray, Int32Array, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{Int32Type, Int64Type};
use schema::{Attribution, LogSource, Sensor};
use spark::dialect::EVENT_ID;

/// The columns that a census reads.
pub(crate) const COLUMNS: [&str; 3] = ["channel", "provider", EVENT_ID];

/// Where events come from and which they are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventSource {
    /// The channel, if their header names one.
    pub channel: Option<String>,
    /// The provider, if their header names one.
    pub provider: Option<String>,
    /// The event id, if they have one.
    pub event_id: Option<i64>,
}

impl EventSource {
    /// Channel and provider.
    pub fn log_source(&self) -> LogSource<'_> {
        LogSource::of(self.channel.as_deref(), self.provider.as_deref())
    }
}

/// How many events of each source a reading met.
#[derive(Clone, Debug, Default)]
pub struct Census {
    counts: BTreeMap<EventSource, u64>,
}

impl Census {
    /// The sources with how many events each has.
    pub fn iter(&self) -> impl Iterator<Item = (&EventSource, u64)> {
        self.counts.iter().map(|(source, n)| (source, *n))
    }

    /// Events that name a sensor and are not counted as its, as their channel or their provider is known to be another's:
    /// in words, with how many there are.
    pub fn left_out(&self) -> Vec<String> {
        let mut left: BTreeMap<(Sensor, String), u64> = BTreeMap::new();
        for (source, n) in self.iter() {
            let own = source.log_source().sensor();
            let channel = source.channel.as_deref().map(Attribution::of_channel);
            let provider = source.provider.as_deref().map(Attribution::of_provider);
            let sensor = [channel, provider].into_iter().find_map(|said| match said {
                Some(Attribution::Of(sensor) | Attribution::Perhaps(sensor))
                    if own != Some(sensor) =>
                {
                    Some(sensor)
                }
                _ => None,
            });
            if let Some(sensor) = sensor {
                let name = |name: &Option<String>| name.clone().unwrap_or_else(|| "-".to_owned());
                let names = format!(
                    "channel {}, provider {}",
                    name(&source.channel),
                    name(&source.provider)
                );
                *left.entry((sensor, names)).or_default() += n;
            }
        }
        let words = |((sensor, names), n): ((Sensor, String), u64)| {
            format!(
                "{} of {names} left out of the {} tables: that channel or provider is known to be another's",
                text::plural(n, "event"),
                sensor.name()
            )
        };
        left.into_iter().map(words).collect()
    }
}

/// Sources that are counted each for itself; those of hostile logs have no end.
const MAX_SOURCES: usize = 1 << 16;

/// The sources of one batch.
#[derive(Debug, Default)]
pub struct BatchSources {
    /// The place of each row's source in `sources`.
    pub of_row: Vec<u32>,
    /// The sources, each once.
    pub sources: Vec<EventSource>,
}

impl BatchSources {
    /// Tells the rows of a batch apart by their sources.
    pub(crate) fn of(batch: &RecordBatch) -> Self {
        let text = |name: &str| {
            let column = batch.column_by_name(name)?;
            let column = column.as_dictionary_opt::<Int32Type>()?;
            Some((column.keys(), column.values().as_string_opt::<i32>()?))
        };
        let (channel, provider) = (text(COLUMNS[0]), text(COLUMNS[1]));
        let id = batch
            .column_by_name(EVENT_ID)
            .and_then(|c| c.as_primitive_opt::<Int64Type>());
        let key = |column: &Option<(&Int32Array, _)>, row| match column {
            Some((keys, _)) if keys.is_valid(row) => keys.value(row),
            _ => -1,
        };
        let value = |column: &Option<(_, &StringArray)>, key| {
            let (_, values) = column.as_ref()?;
            let key = usize::try_from(key).ok()?;
            values.is_valid(key).then(|| values.value(key).to_owned())
        };
        let mut known: HashMap<(i32, i32, Option<i64>), u32> = HashMap::new();
        let mut by_source: HashMap<EventSource, u32> = HashMap::new();
        let mut last = None;
        let mut out = Self::default();
        for row in 0..batch.num_rows() {
            let event_id = id.filter(|ids| ids.is_valid(row)).map(|ids| ids.value(row));
            let of_row = (key(&channel, row), key(&provider, row), event_id);
            let number = match last {
                Some((before, number)) if before == of_row => number,
                _ => *known.entry(of_row).or_insert_with(|| {
                    let source = EventSource {
                        channel: value(&channel, of_row.0),
                        provider: value(&provider, of_row.1),
                        event_id,
                    };
                    *by_source.entry(source).or_insert_with_key(|source| {
                        out.sources.push(source.clone());
                        u32::try_from(out.sources.len() - 1).unwrap_or(u32::MAX)
                    })
                }),
            };
            last = Some((of_row, number));
            out.of_row.push(number);
        }
        out
    }
}

impl Census {
    /// Counts the rows of a batch.
    pub(crate) fn add(&mut self, batch: &BatchSources) {
        let mut counts = vec![0u64; batch.sources.len()];
        for number in &batch.of_row {
            counts[*number as usize] += 1;
        }
        for (source, n) in batch.sources.iter().zip(counts) {
            let full = self.counts.len() >= MAX_SOURCES;
            match self.counts.get_mut(source) {
                Some(count) => *count += n,
                None if full => {}
                None => {
                    self.counts.insert(source.clone(), n);
                }
            }
        }
    }
}
