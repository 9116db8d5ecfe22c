//! Matches of rules become findings: one for each rule and machine, with the records it stands on, what the fields held
//! that the rule names, and where it was asked the conditions that were met.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use analytics::Finding;
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::TimestampMicrosecondType;
use predicate::Values;
use predicate::eval::{Distinct, column};
use schema::LogSource;
use sigma::{Match, Pack, Rule};
use telemetry::{header, time};

use super::outcome::techniques;
use super::rules::{column_of, no_fields};
use super::{AnalyticKind, HuntError, HuntFinding};

/// Different values of a field, and conditions, that a finding shows; one with more says so with `…`.
const MAX_SHOWN: usize = 32;
/// Records that a finding names.
const MAX_RECORDS: usize = 100_000;

/// Findings in the making.
pub(super) struct Gathering<'p> {
    pack: &'p Pack,
    pub(super) muted: BTreeSet<usize>,
    why: bool,
    /// By rule and machine.
    found: BTreeMap<(usize, Option<String>), RuleMatches>,
    /// What correlations count, and the names of those records.
    kept: Vec<Match>,
    records: Vec<String>,
}

#[derive(Default)]
struct RuleMatches {
    count: u64,
    times: Option<(i64, i64)>,
    details: BTreeMap<String, BTreeSet<String>>,
    why: BTreeSet<String>,
    records: Vec<String>,
}

impl<'p> Gathering<'p> {
    pub(super) fn new(pack: &'p Pack, muted: &BTreeSet<usize>, why: bool) -> Self {
        Self {
            pack,
            muted: muted.clone(),
            why,
            found: BTreeMap::new(),
            kept: Vec::new(),
            records: Vec::new(),
        }
    }

    /// The columns that correlations look at.
    pub(super) fn columns(&self) -> BTreeSet<String> {
        let fields = self.pack.correlations.iter().flat_map(|c| c.fields());
        fields.map(column_of).collect()
    }

    /// Takes the matches in a batch, by rule and row.
    pub(super) fn add(
        &mut self,
        batch: &RecordBatch,
        matches: &[(usize, usize)],
    ) -> Result<(), HuntError> {
        if matches.is_empty() {
            return Ok(());
        }
        let cells = EventCells::of(batch);
        let times = batch
            .column_by_name("timecreated")
            .and_then(|c| c.as_primitive_opt::<TimestampMicrosecondType>());
        for (number, row) in matches {
            let event = EventRow {
                cells: &cells,
                row: *row,
            };
            let time = times.filter(|t| t.is_valid(*row)).map(|t| t.value(*row));
            let record = event.record();
            self.count_for_correlations(*number, &event, time, &record);
            let rule = &self.pack.rules[*number];
            if rule.counted_only || self.muted.contains(number) {
                continue;
            }
            let host = event.text("computer");
            let gathered = self.found.entry((*number, host)).or_default();
            gathered.add(rule, &event, self.why);
            gathered.at(time, record);
        }
        cells.failed()
    }

    fn count_for_correlations(
        &mut self,
        rule: usize,
        event: &EventRow<'_, '_>,
        time: Option<i64>,
        record: &str,
    ) {
        // A record without a time lies in no window.
        let Some(time) = time.filter(|_| !self.pack.correlations.is_empty()) else {
            return;
        };
        let fields = self.pack.correlations.iter().flat_map(|c| c.fields());
        let value = |name: &str| Some((name.to_owned(), event.text(&column_of(name))?));
        self.kept.push(Match {
            rule,
            time,
            record: self.records.len(),
            values: fields.filter_map(value).collect(),
        });
        self.records.push(record.to_owned());
    }

    /// The findings: of rules by rule and machine, then of correlations.
    pub(super) fn finish(mut self, muted_correlations: &BTreeSet<usize>) -> Vec<HuntFinding> {
        let found = std::mem::take(&mut self.found);
        let mut findings: Vec<HuntFinding> = found
            .into_iter()
            .map(|((number, host), gathered)| gathered.finding(&self.pack.rules[number], host))
            .collect();
        for fired in sigma::correlate(&self.pack.correlations, &self.kept) {
            if muted_correlations.contains(&fired.correlation) {
                continue;
            }
            let about = &self.pack.correlations[fired.correlation];
            let mut records: Vec<String> = fired
                .records
                .iter()
                .map(|r| self.records[*r].clone())
                .collect();
            records.dedup();
            let values = |(name, value): (&String, &String)| {
                (name.clone(), [value.clone()].into_iter().collect())
            };
            findings.push(HuntFinding {
                kind: AnalyticKind::Sigma,
                rule: Some(about.id.as_ref().unwrap_or(&about.title).clone()),
                finding: Finding {
                    count: records.len() as u64,
                    first: Some(time::format(fired.first)),
                    last: Some(time::format(fired.last)),
                    details: fired.group.iter().map(values).collect(),
                    records,
                    ..about_rule(about.id.as_ref(), &about.title, about.level.as_ref())
                },
                tags: Vec::new(),
                false_positives: Vec::new(),
                why: Vec::new(),
            });
        }
        findings
    }
}

impl RuleMatches {
    fn add(&mut self, rule: &Rule, event: &EventRow<'_, '_>, why: bool) {
        self.count += 1;
        for feed in &rule.feeds {
            if !feed.route.accepts(&event.source(), event.event_id()) {
                continue;
            }
            let mut fields = BTreeSet::new();
            feed.predicate.atoms(&mut |atom| {
                fields.insert(atom.field.to_string());
            });
            for field in fields {
                if let Some(value) = event.text(&column_of(&field)) {
                    put(self.details.entry(field).or_default(), value);
                }
            }
            if why {
                for (leaf, holds) in feed.predicate.reasons(event) {
                    let said = match holds {
                        true => leaf.to_string(),
                        false => format!("not {leaf}"),
                    };
                    put(&mut self.why, said);
                }
            }
        }
    }

    fn at(&mut self, time: Option<i64>, record: String) {
        if let Some(time) = time {
            let (first, last) = self.times.unwrap_or((time, time));
            self.times = Some((first.min(time), last.max(time)));
        }
        if self.records.len() < MAX_RECORDS {
            self.records.push(record);
        }
    }

    fn finding(self, rule: &Rule, host: Option<String>) -> HuntFinding {
        HuntFinding {
            kind: AnalyticKind::Sigma,
            rule: Some(rule.id.as_ref().unwrap_or(&rule.title).clone()),
            finding: Finding {
                technique: techniques(&rule.tags),
                host,
                count: self.count,
                first: self.times.map(|(first, _)| time::format(first)),
                last: self.times.map(|(_, last)| time::format(last)),
                details: self.details,
                records: self.records,
                ..about_rule(rule.id.as_ref(), &rule.title, rule.level.as_ref())
            },
            tags: rule.tags.clone(),
            false_positives: rule.false_positives.clone(),
            why: self.why.into_iter().collect(),
        }
    }
}

fn about_rule(id: Option<&String>, title: &str, level: Option<&String>) -> Finding {
    Finding {
        hunt: id.cloned().unwrap_or_else(|| title.to_owned()),
        title: title.to_owned(),
        level: level.cloned().unwrap_or_default(),
        technique: Vec::new(),
        host: None,
        actor: None,
        actor_id: None,
        target: None,
        target_id: None,
        count: 0,
        first: None,
        last: None,
        details: BTreeMap::new(),
        records: Vec::new(),
    }
}

fn put(values: &mut BTreeSet<String>, value: String) {
    if values.len() < MAX_SHOWN {
        values.insert(value);
    } else if !values.contains(&value) {
        values.insert("…".to_owned());
    }
}

/// The cells of a batch as text; columns are looked at when they are asked for.
struct EventCells<'b> {
    batch: &'b RecordBatch,
    columns: RefCell<HashMap<String, Option<Distinct<'b>>>>,
    error: RefCell<Option<predicate::eval::EvalError>>,
}

impl<'b> EventCells<'b> {
    fn of(batch: &'b RecordBatch) -> Self {
        Self {
            batch,
            columns: RefCell::default(),
            error: RefCell::default(),
        }
    }

    fn text(&self, name: &str, row: usize) -> Option<String> {
        let mut columns = self.columns.borrow_mut();
        if !columns.contains_key(name) {
            let read = column(self.batch, name).unwrap_or_else(|error| {
                *self.error.borrow_mut() = Some(error);
                None
            });
            columns.insert(name.to_owned(), read);
        }
        let column = columns.get(name)?.as_ref()?;
        let value = column.values.get(*column.keys.get(row)? as usize)?;
        value.as_deref().map(str::to_owned)
    }

    fn failed(self) -> Result<(), HuntError> {
        self.error
            .into_inner()
            .map_or(Ok(()), |error| Err(error.into()))
    }
}

/// One event of a batch.
struct EventRow<'c, 'b> {
    cells: &'c EventCells<'b>,
    row: usize,
}

impl EventRow<'_, '_> {
    fn text(&self, column: &str) -> Option<String> {
        self.cells.text(column, self.row)
    }

    fn event_id(&self) -> Option<u32> {
        self.text("eventid")?.parse().ok()
    }

    fn source(&self) -> LogSource<'_> {
        // The batch lives longer than the text that was made of its cell.
        let of = |name: &str| text_in(self.cells.batch, name, self.row);
        LogSource::of(of("channel"), of("provider"))
    }

    /// `file#record`, or `file@offset` where records have no number.
    fn record(&self) -> String {
        let file = self.text(header::SOURCE_FILE).unwrap_or_default();
        let offset = || self.text(header::SOURCE_OFFSET).unwrap_or_default();
        match self.text("eventrecordid") {
            Some(id) => format!("{file}#{id}"),
            None => format!("{file}@{}", offset()),
        }
    }
}

/// A cell of a column of texts.
fn text_in<'b>(batch: &'b RecordBatch, name: &str, row: usize) -> Option<&'b str> {
    let column = batch.column_by_name(name)?;
    let column = column.as_dictionary_opt::<arrow::datatypes::Int32Type>()?;
    let values = column.values().as_string_opt::<i32>()?;
    let key = column.is_valid(row).then(|| column.keys().value(row))?;
    let key = usize::try_from(key).ok()?;
    values.is_valid(key).then(|| values.value(key))
}

impl Values for EventRow<'_, '_> {
    fn any(&self, field: &str, passes: &mut dyn FnMut(&str) -> bool) -> bool {
        self.text(&column_of(field)).is_some_and(|v| passes(&v))
    }

    fn any_field(&self, passes: &mut dyn FnMut(&str) -> bool) -> bool {
        let not = no_fields();
        let schema = self.cells.batch.schema_ref();
        let mut names = schema.fields().iter().map(|f| f.name());
        names.any(|name| !not.contains(name) && self.text(name).is_some_and(|v| passes(&v)))
    }
}
