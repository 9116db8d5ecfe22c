//! The rules of a hunt, as the events go by.

use std::collections::{BTreeSet, HashMap};

use analytics::{BatchSources, Engine, EventSource, Sweep};
use arrow::array::{Array, RecordBatch};
use sigma::{Matcher, Pack, SourceColumns};
use telemetry::header;

use super::keywords;
use super::matches::Gathering;
use super::outcome::{AnalyticReport, outcome, techniques, visibility};
use super::{AnalyticKind, Arsenal, HuntError, HuntFinding};

/// The column of the event table that holds a field as Sigma names it.
pub fn column_of(field: &str) -> String {
    match field {
        "Provider_Name" => "provider".to_owned(),
        "Execution_ProcessID" => "executionprocessid".to_owned(),
        "Execution_ThreadID" => "executionthreadid".to_owned(),
        "Security_UserID" => "userid".to_owned(),
        field => header::canonical(field),
    }
}

/// The columns that say where an event comes from.
pub fn source_columns() -> SourceColumns {
    SourceColumns {
        channel: "channel".to_owned(),
        provider: "provider".to_owned(),
        event_id: "eventid".to_owned(),
    }
}

/// Columns that are no field of an event, so that nobody looks for words in them.
pub fn no_fields() -> Vec<String> {
    [header::SOURCE_FILE, header::SOURCE_OFFSET, "timecreated"]
        .map(str::to_owned)
        .to_vec()
}

/// The columns that a finding of a rule is made of besides those the rule names.
const PLACES: [&str; 5] = [
    "timecreated",
    "computer",
    "eventrecordid",
    header::SOURCE_FILE,
    header::SOURCE_OFFSET,
];

/// Which columns had a value in the events of each source.
#[derive(Debug, Default)]
pub(super) struct Presence {
    columns: Vec<String>,
    places: HashMap<String, usize>,
    numbers: HashMap<EventSource, usize>,
    has: Vec<Vec<bool>>,
}

/// Sources that are told apart; those of hostile logs have no end.
const MAX_SOURCES: usize = 1 << 12;

impl Presence {
    fn of(columns: impl IntoIterator<Item = String>) -> Self {
        let columns: Vec<String> = columns.into_iter().collect();
        Self {
            places: columns.iter().cloned().zip(0..).collect(),
            columns,
            ..Self::default()
        }
    }

    fn add(&mut self, batch: &RecordBatch, sources: &BatchSources) {
        let numbers: Vec<Option<usize>> = sources.sources.iter().map(|s| self.number(s)).collect();
        for (n, name) in self.columns.iter().enumerate() {
            let Some(column) = batch.column_by_name(name) else {
                continue;
            };
            let known = |number: &Option<usize>| number.is_none_or(|s| self.has[s][n]);
            if column.null_count() == column.len() || numbers.iter().all(known) {
                continue;
            }
            let valid = column.nulls();
            for (row, source) in sources.of_row.iter().enumerate() {
                if let Some(number) = numbers[*source as usize]
                    && valid.is_none_or(|v| v.is_valid(row))
                {
                    self.has[number][n] = true;
                }
            }
        }
    }

    fn number(&mut self, source: &EventSource) -> Option<usize> {
        if let Some(number) = self.numbers.get(source) {
            return Some(*number);
        }
        if self.has.len() >= MAX_SOURCES {
            return None;
        }
        self.has.push(vec![false; self.columns.len()]);
        self.numbers.insert(source.clone(), self.has.len() - 1);
        Some(self.has.len() - 1)
    }

    /// Whether some event of the source had a value in a column. What was not looked at may have been there.
    pub(super) fn has(&self, source: &EventSource, column: &str) -> bool {
        let column = self.places.get(column);
        match (self.numbers.get(source), column) {
            (Some(source), Some(column)) => self.has[*source][*column],
            _ => true,
        }
    }
}

/// The rules of a hunt on their way.
pub(super) struct RuleHunt<'p> {
    pack: &'p Pack,
    muted_correlations: &'p BTreeSet<usize>,
    /// Rules that name fields.
    matcher: Matcher,
    presence: Presence,
    gathering: Gathering<'p>,
}

impl<'p> RuleHunt<'p> {
    pub(super) fn new(arsenal: &'p Arsenal, why: bool) -> Self {
        let pack = &arsenal.rules;
        let named = pack.rules.iter().enumerate();
        let named = named.filter(|(_, rule)| !keywords::has_keywords(rule));
        let matcher = Matcher::of(named, source_columns(), &column_of, &no_fields());
        let asked = matcher.columns().map(str::to_owned);
        let of_keywords = keywords::columns(pack);
        let columns: BTreeSet<String> = asked.chain(of_keywords).collect();
        Self {
            pack,
            muted_correlations: &arsenal.muted_correlations,
            presence: Presence::of(columns),
            matcher,
            gathering: Gathering::new(pack, &arsenal.muted_rules, why),
        }
    }

    /// The columns it looks at.
    pub(super) fn columns(&self) -> Vec<String> {
        if self.pack.rules.is_empty() {
            return Vec::new();
        }
        let mut columns: BTreeSet<String> = self.presence.columns.iter().cloned().collect();
        columns.extend(PLACES.map(str::to_owned));
        columns.extend(self.gathering.columns());
        columns.into_iter().collect()
    }

    /// Whether some of them look for words in every field.
    pub(super) fn has_keywords(&self) -> bool {
        self.pack.rules.iter().any(keywords::has_keywords)
    }

    pub(super) fn add(
        &mut self,
        batch: &RecordBatch,
        sources: &BatchSources,
    ) -> Result<(), HuntError> {
        if self.pack.rules.is_empty() {
            return Ok(());
        }
        self.presence.add(batch, sources);
        let matches = self.matcher.matches(batch)?;
        self.gathering.add(batch, &matches)
    }

    /// Reads again for rules that look for words in every field, where there are events that can feed them.
    pub(super) fn second_reading(
        &mut self,
        engine: &Engine,
        sweep: &Sweep,
    ) -> Result<(), HuntError> {
        let mut columns = self.gathering.columns();
        columns.extend(PLACES.map(str::to_owned));
        let gathering = &mut self.gathering;
        keywords::read(self.pack, engine, sweep, columns, &mut |batch, matches| {
            gathering.add(batch, matches)
        })
    }

    /// The findings, and what became of each rule.
    pub(super) fn finish(self, sweep: &Sweep) -> (Vec<HuntFinding>, Vec<AnalyticReport>) {
        let (pack, presence) = (self.pack, &self.presence);
        let muted_rules = self.gathering.muted.clone();
        let findings = self.gathering.finish(self.muted_correlations);
        let mut counts: HashMap<&str, u64> = HashMap::new();
        for finding in &findings {
            *counts.entry(&finding.finding.hunt).or_default() += 1;
        }
        let mut reports = Vec::new();
        let mut blind = vec![None; pack.rules.len()];
        for (n, rule) in pack.rules.iter().enumerate() {
            let visibility = visibility(rule, sweep, presence);
            let why = match rule.feeds.is_empty() {
                true => Some("no Windows event log feeds it".to_owned()),
                false => visibility.blind(),
            };
            blind[n].clone_from(&why);
            if rule.counted_only || muted_rules.contains(&n) {
                continue;
            }
            let id = rule.id.as_ref().unwrap_or(&rule.title);
            let count = counts.get(id.as_str()).copied().unwrap_or(0);
            let why = why.filter(|_| count == 0);
            reports.push(AnalyticReport {
                id: id.clone(),
                kind: AnalyticKind::Sigma,
                title: rule.title.clone(),
                level: rule.level.clone().unwrap_or_default(),
                technique: techniques(&rule.tags),
                outcome: outcome(count, why.as_ref()),
                findings: count,
                needs: visibility.words(),
                why,
            });
        }
        for (n, correlation) in pack.correlations.iter().enumerate() {
            if self.muted_correlations.contains(&n) {
                continue;
            }
            let id = correlation.id.as_ref().unwrap_or(&correlation.title);
            let count = counts.get(id.as_str()).copied().unwrap_or(0);
            let rules = correlation.rules(&pack.correlations);
            let reasons: Option<Vec<&String>> = rules.iter().map(|r| blind[*r].as_ref()).collect();
            let why = reasons
                .filter(|r| count == 0 && !r.is_empty())
                .map(|r| r[0].clone());
            reports.push(AnalyticReport {
                id: id.clone(),
                kind: AnalyticKind::Sigma,
                title: correlation.title.clone(),
                level: correlation.level.clone().unwrap_or_default(),
                technique: Vec::new(),
                outcome: outcome(count, why.as_ref()),
                findings: count,
                needs: Vec::new(),
                why,
            });
        }
        (findings, reports)
    }
}
