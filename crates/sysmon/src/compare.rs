//! Two configurations over the same recorded events: which events only one of them keeps, by what
//! decided in each. How the rules themselves differ is told by `diff`.

use arrow::array::{Array as _, RecordBatch};
use hashbrown::HashMap;
use predicate::eval::EvalError;

use crate::columnar::keys::{Column, text};
use crate::columnar::{self, Decider, Input, OTHER};
use crate::reference::Decision;
use crate::rules::RuleSet;
use crate::text::Environment;

/// Events that one configuration keeps and the other drops, for the same two reasons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The event id.
    pub id: u32,
    /// How many events.
    pub count: u64,
    /// What the old configuration decides.
    pub old: Decision,
    /// What the new one decides.
    pub new: Decision,
    /// One of the events, `FILE#RECORD`, where the input has both.
    pub example: Option<String>,
}

/// The outcome of a comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Events that both keep.
    pub both: u64,
    /// Events that both drop.
    pub neither: u64,
    /// Rows that are no events of Sysmon.
    pub others: u64,
    /// The others, most events first.
    pub differences: Vec<Difference>,
}

/// A comparison in progress.
#[derive(Debug)]
pub struct Compare {
    old: Decider,
    new: Decider,
    /// Per pair of decisions how often, and an event.
    pairs: HashMap<(u32, u32), (u64, Option<String>)>,
    others: u64,
}

impl Compare {
    /// Prepares a comparison.
    pub fn new(old: &RuleSet, new: &RuleSet, environment: &Environment) -> Self {
        Self {
            old: Decider::new(old, environment, Input::Recorded),
            new: Decider::new(new, environment, Input::Recorded),
            pairs: HashMap::new(),
            others: 0,
        }
    }

    /// Compares what both do with the rows of a batch.
    ///
    /// # Errors
    /// Where a column that is needed cannot be read.
    pub fn add(&mut self, batch: &RecordBatch) -> Result<(), EvalError> {
        let (old, new) = (self.old.decide(batch)?, self.new.decide(batch)?);
        for (row, (old, new)) in old.into_iter().zip(new).enumerate() {
            if old == OTHER {
                self.others += 1;
            } else if let Some((count, _)) = self.pairs.get_mut(&(old, new)) {
                *count += 1;
            } else {
                self.pairs.insert((old, new), (1, place(batch, row)?));
            }
        }
        Ok(())
    }

    /// What came of it.
    pub fn finish(self) -> Outcome {
        let mut outcome = Outcome {
            others: self.others,
            ..Outcome::default()
        };
        for ((old, new), (count, example)) in self.pairs {
            let id = self.old.event_ids()[old as usize];
            let old = &self.old.decisions()[old as usize];
            let new = &self.new.decisions()[new as usize];
            match (old.log, new.log) {
                (true, true) => outcome.both += count,
                (false, false) => outcome.neither += count,
                _ => outcome.differences.push(Difference {
                    id,
                    count,
                    old: old.clone(),
                    new: new.clone(),
                    example,
                }),
            }
        }
        // Rule names tell apart what causes do not.
        let key = |d: &Difference| {
            let names = (d.old.rule.clone(), d.new.rule.clone());
            let causes = format!("{:?} {:?}", d.old.cause, d.new.cause);
            (std::cmp::Reverse(d.count), d.id, causes, names)
        };
        outcome.differences.sort_by_cached_key(key);
        outcome
    }
}

/// `FILE#RECORD` of a row.
fn place(batch: &RecordBatch, row: usize) -> Result<Option<String>, EvalError> {
    let Some(record) = columnar::find(batch, "EventRecordID") else {
        return Ok(None);
    };
    let records = columnar::int64(record, "EventRecordID")?;
    let Some(files) = Column::find(batch, "source_file")? else {
        return Ok(None);
    };
    let file = text(files.texts(), files.key(row)).filter(|_| records.is_valid(row));
    Ok(file.map(|file| format!("{file}#{}", records.value(row))))
}
