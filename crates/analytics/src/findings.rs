//! Findings: the rows of a hunt, gathered by who did it to whom on which machine, with the records they stand on. A
//! finding without its records is no finding. It refuses to judge.

use std::collections::{BTreeMap, BTreeSet};

use datafusion::arrow::array::{Array, RecordBatch};
use datafusion::arrow::datatypes::DataType;
use serde::Serialize;

use crate::pack::Hunt;
use crate::render;

/// Rows of a hunt that say the same of the same actor and target.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// The hunt's id.
    pub hunt: String,
    /// The hunt's title.
    pub title: String,
    /// The hunt's weight.
    pub level: String,
    /// ATT&CK technique ids.
    pub technique: Vec<String>,
    /// The machine.
    pub host: Option<String>,
    /// Who acted.
    pub actor: Option<String>,
    /// Its process id.
    pub actor_id: Option<String>,
    /// Who was acted upon.
    pub target: Option<String>,
    /// Its process id.
    pub target_id: Option<String>,
    /// Rows.
    pub count: u64,
    /// First and last time, ISO 8601 in UTC.
    pub first: Option<String>,
    /// See `first`.
    pub last: Option<String>,
    /// The other columns, each with its different values.
    pub details: BTreeMap<String, BTreeSet<String>>,
    /// The records it stands on, `file#record` (or `file@offset` where records have no number), in their order.
    pub records: Vec<String>,
}

/// Different values of a detail that are kept; a detail with more says so with `…`.
const MAX_VALUES: usize = 32;

/// Columns that have a place of their own in a finding.
const PLACED: [&str; 6] = ["time", "host", "actor_id", "target_id", "actor", "target"];

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    host: Option<String>,
    actor: Option<String>,
    actor_id: Option<String>,
    target: Option<String>,
    target_id: Option<String>,
}

/// A record a finding stands on: its file, its place in it, and how it is shown.
type Evidence = (String, u64, String);

/// The findings of one hunt as its rows come in.
pub struct Gatherer<'h> {
    hunt: &'h Hunt,
    columns: Vec<String>,
    found: BTreeMap<Key, (Finding, BTreeSet<Evidence>)>,
}

impl<'h> Gatherer<'h> {
    /// A gatherer for a hunt whose query has these output columns.
    pub fn new(hunt: &'h Hunt, columns: &[String]) -> Self {
        Self {
            hunt,
            columns: columns.iter().map(|c| c.to_lowercase()).collect(),
            found: BTreeMap::new(),
        }
    }

    /// Takes rows in.
    pub fn add(&mut self, batch: &RecordBatch) {
        for row in 0..batch.num_rows() {
            self.add_row(batch, row);
        }
    }

    fn add_row(&mut self, batch: &RecordBatch, row: usize) {
        let columns = &self.columns;
        let cell = |name: &str| {
            let i = columns.iter().position(|c| c == name)?;
            render::text(batch.column(i), row)
        };
        let key = Key {
            host: cell("host"),
            actor: cell(&self.hunt.actor.to_lowercase()),
            actor_id: cell("actor_id"),
            target: cell(&self.hunt.target.to_lowercase()),
            target_id: cell("target_id"),
        };
        let time = cell("time");
        let evidence: Vec<_> = (1..)
            .map_while(|n| evidence(columns, batch, row, n))
            .flatten()
            .collect();
        let details: Vec<(String, String)> = columns
            .iter()
            .enumerate()
            .filter(|(_, c)| !PLACED.contains(&c.as_str()) && !c.starts_with("evidence_"))
            .filter(|(_, c)| {
                **c != self.hunt.actor.to_lowercase() && **c != self.hunt.target.to_lowercase()
            })
            .filter_map(|(i, c)| Some((c.clone(), detail(batch.column(i), row, c)?)))
            .collect();
        let hunt = self.hunt;
        let (finding, records) = self
            .found
            .entry(key)
            .or_insert_with_key(|key| (begin(hunt, key), BTreeSet::new()));
        finding.count += 1;
        if let Some(time) = time {
            // ISO 8601 in one zone sorts as text.
            if finding.first.as_ref().is_none_or(|first| time < *first) {
                finding.first = Some(time.clone());
            }
            if finding.last.as_ref().is_none_or(|last| time > *last) {
                finding.last = Some(time);
            }
        }
        records.extend(evidence);
        for (name, value) in details {
            let values = finding.details.entry(name).or_default();
            if values.len() < MAX_VALUES {
                values.insert(value);
            } else if !values.contains(&value) {
                values.insert("…".to_owned());
            }
        }
    }

    /// The findings, by host, actor and target.
    pub fn finish(self) -> Vec<Finding> {
        self.found
            .into_values()
            .map(|(mut finding, records)| {
                finding.records = records.into_iter().map(|(_, _, shown)| shown).collect();
                finding
            })
            .collect()
    }
}

fn begin(hunt: &Hunt, key: &Key) -> Finding {
    Finding {
        hunt: hunt.id.clone(),
        title: hunt.title.clone(),
        level: hunt.level.clone(),
        technique: hunt.technique.clone(),
        host: key.host.clone(),
        actor: key.actor.clone(),
        actor_id: key.actor_id.clone(),
        target: key.target.clone(),
        target_id: key.target_id.clone(),
        count: 0,
        first: None,
        last: None,
        details: BTreeMap::new(),
        records: Vec::new(),
    }
}

/// The `n`-th record a row stands on: outer `None` when the hunt has no such column, inner when the row has no value.
fn evidence(
    columns: &[String],
    batch: &RecordBatch,
    row: usize,
    n: usize,
) -> Option<Option<Evidence>> {
    let column = |what: &str| {
        columns
            .iter()
            .position(|c| *c == format!("evidence_{what}_{n}"))
    };
    let file = column("file")?;
    let number = |i: Option<usize>| {
        i.and_then(|i| render::text(batch.column(i), row))
            .and_then(|t| t.parse::<u64>().ok())
    };
    let (record, offset) = (number(column("record")), number(column("offset")));
    Some(render::text(batch.column(file), row).map(|file| {
        let shown = match (record, offset) {
            (Some(record), _) => format!("{file}#{record}"),
            (None, Some(offset)) => format!("{file}@{offset}"),
            (None, None) => file.clone(),
        };
        (file, offset.or(record).unwrap_or(0), shown)
    }))
}

/// The records a row stands on: their files and places in them.
pub(crate) fn evidence_of(
    columns: &[String],
    batch: &RecordBatch,
    row: usize,
) -> Vec<(String, u64)> {
    (1..)
        .map_while(|n| evidence(columns, batch, row, n))
        .flatten()
        .map(|(file, place, _)| (file, place))
        .collect()
}

/// Who did what to whom where, in words; what is not known is left out.
pub(crate) fn cells(
    hunt: &Hunt,
    columns: &[String],
    batch: &RecordBatch,
    row: usize,
) -> Vec<String> {
    let actor = hunt.actor.to_lowercase();
    let target = hunt.target.to_lowercase();
    ["host", &actor, "actor_id", "->", &target, "target_id"]
        .into_iter()
        .filter_map(|name| match name {
            "->" => Some(name.to_owned()),
            _ => {
                let i = columns.iter().position(|c| c == name)?;
                render::text(batch.column(i), row)
            }
        })
        .collect()
}

/// A detail as hunters read it: access masks in hexadecimal.
fn detail(array: &dyn Array, row: usize, name: &str) -> Option<String> {
    let text = render::text(array, row)?;
    if name.ends_with("granted_access") && *array.data_type() == DataType::Int64 {
        return text.parse::<i64>().ok().map(|mask| format!("{mask:#x}"));
    }
    Some(text)
}
