//! The same question asked of recordings of a real attack: which of the events that the catalog expects are there, and which
//! hunts and rules fire on which records. It does not guess what was done: the techniques are named by whoever asks.

use std::collections::BTreeMap;
use std::path::PathBuf;

use analytics::pack::Hunt;
use analytics::{Engine, Gatherer, render};
use catalog::BehaviourId;
use schema::{LogSource, Sensor};
use serde::Serialize;
use sigma::Rule;
use telemetry::{Options, Plan, Report};

use crate::SightError;
use crate::chain::{RecordView, RuleIndex, is_about};
use crate::simulate::meets;

/// An expected event and what a recording has of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RecordedExpectation {
    /// The event id.
    pub event: u32,
    /// When it is expected, in words.
    pub when: Option<String>,
    /// What the catalog knows of its fields: `GrantedAccess holds 0x143a`.
    pub known: Vec<String>,
    /// How many recorded events are so.
    pub count: u64,
    /// How many recorded events of this type there are at all.
    pub of_type: u64,
    /// The first of them, as `file#record`.
    pub first: Option<String>,
}

/// An analytic that fired on a recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RecordedHit {
    /// The hunt's id, or the rule's title with its id.
    pub name: String,
    /// Whether it is about the technique.
    pub about: bool,
    /// Findings of a hunt, records of a rule.
    pub count: u64,
    /// The first records, as `file#record`.
    pub records: Vec<String>,
}

/// What a recording has of a technique.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RecordedSight {
    /// The technique.
    pub technique: String,
    /// What it is called.
    pub name: String,
    /// The technique of ATT&CK.
    pub attack: String,
    /// The expected events of Sysmon.
    pub events: Vec<RecordedExpectation>,
    /// What fired.
    pub analytics: Vec<RecordedHit>,
}

/// Records named of one analytic.
const MOST_NAMED: usize = 8;

/// What fired, by the place of the analytic.
type AnalyticHits = BTreeMap<usize, (u64, Vec<String>)>;

/// Looks for techniques in recordings.
///
/// # Errors
/// Where a path cannot be read or a hunt cannot be run.
pub fn recorded(
    paths: &[PathBuf],
    techniques: &[BehaviourId],
    rules: &[Rule],
    hunts: &[Hunt],
    options: &Options,
) -> Result<(Vec<RecordedSight>, Report), SightError> {
    let engine = Engine::new(paths, &[], options.clone())?;
    let mut sights: Vec<RecordedSight> = techniques.iter().map(|t| expectations(*t)).collect();
    let index = RuleIndex::new(rules);
    let mut rule_hits = AnalyticHits::new();
    let report = each_event(&engine, |event, place| {
        for (technique, sight) in techniques.iter().zip(&mut sights) {
            count(*technique, sight, event, place);
        }
        for rule in index.matching(event) {
            let (count, records) = rule_hits.entry(rule).or_default();
            *count += 1;
            if records.len() < MOST_NAMED {
                records.push(place.to_owned());
            }
        }
    })?;
    let hunt_hits = run(&engine, hunts)?;
    for (technique, sight) in techniques.iter().zip(&mut sights) {
        for (n, (count, records)) in &hunt_hits {
            let about = hunts[*n].technique.iter().any(|t| is_about(*technique, t));
            sight.analytics.push(RecordedHit {
                name: hunts[*n].id.clone(),
                about,
                count: *count,
                records: records.clone(),
            });
        }
        for (n, (count, records)) in &rule_hits {
            let rule = &rules[*n];
            let mut tags = rule.tags.iter().filter_map(|t| t.strip_prefix("attack."));
            sight.analytics.push(RecordedHit {
                name: rule.title.clone(),
                about: tags.any(|t| is_about(*technique, t)),
                count: *count,
                records: records.clone(),
            });
        }
        sight.analytics.sort_by_key(|a| !a.about);
    }
    Ok((sights, report))
}

fn expectations(technique: BehaviourId) -> RecordedSight {
    let of_sysmon = technique
        .expected
        .iter()
        .filter(|e| e.event.sensor.slug() == "sysmon");
    let events = of_sysmon.map(|e| RecordedExpectation {
        event: e.event.number,
        when: e.when.map(str::to_owned),
        known: e.fields.iter().map(crate::chain::known_words).collect(),
        count: 0,
        of_type: 0,
        first: None,
    });
    RecordedSight {
        technique: technique.slug().to_owned(),
        name: technique.name.to_owned(),
        attack: technique.technique.to_owned(),
        events: events.collect(),
        analytics: Vec::new(),
    }
}

fn count(technique: BehaviourId, sight: &mut RecordedSight, event: RecordView<'_>, place: &str) {
    let of_sysmon = technique
        .expected
        .iter()
        .filter(|e| e.event.sensor.slug() == "sysmon");
    for (expected, found) in of_sysmon.zip(&mut sight.events) {
        if expected.event.number != event.id {
            continue;
        }
        found.of_type += 1;
        let mut known = expected.fields.iter();
        // A field that says nothing is written `-`, is empty in old versions, and is left out by some shippers.
        let value = |field| event.field(field).filter(|v| !v.is_empty()).unwrap_or("-");
        if known.all(|k| meets(value(k.field), k)) {
            found.count += 1;
            found.first.get_or_insert_with(|| place.to_owned());
        }
    }
}

/// Hands over Sysmon's events, one by one, with their places.
fn each_event(
    engine: &Engine,
    mut each: impl FnMut(RecordView<'_>, &str),
) -> Result<Report, SightError> {
    const HEADER: [&str; 7] = [
        "eventid",
        "channel",
        "provider",
        "computer",
        "eventrecordid",
        "source_file",
        "source_offset",
    ];
    let fields = engine.fields();
    let known = |f: &&String| schema::sysmon::field_type(f).is_some();
    let fields: Vec<String> = fields.iter().filter(known).cloned().collect();
    let columns: Vec<String> = HEADER
        .iter()
        .map(|c| (*c).to_owned())
        .chain(fields.iter().map(|f| f.to_lowercase()))
        .collect();
    let mut scan = engine.read(Plan::of(columns));
    for batch in &mut scan {
        for row in 0..batch.num_rows() {
            let cell = |column: usize| render::text(batch.column(column), row);
            let source = [cell(1), cell(2)];
            let source = LogSource::of(source[0].as_deref(), source[1].as_deref());
            let id = cell(0).and_then(|id| id.parse().ok());
            let (Some(id), Some(Sensor::Sysmon)) = (id, source.sensor()) else {
                continue;
            };
            let values = fields.iter().enumerate();
            let values: Vec<(String, String)> = values
                .filter_map(|(n, field)| Some((field.clone(), cell(HEADER.len() + n)?)))
                .collect();
            let computer = cell(3).unwrap_or_default();
            let file = cell(5).unwrap_or_default();
            // Records without a number are named by where they begin.
            let place = match cell(4) {
                Some(record) => format!("{file}#{record}"),
                None => format!("{file}@{}", cell(6).unwrap_or_default()),
            };
            let view = RecordView {
                id,
                computer: &computer,
                fields: &values,
            };
            each(view, &place);
        }
    }
    Ok(scan.report())
}

/// The hunts that fire, with how many findings and their first records.
fn run(engine: &Engine, hunts: &[Hunt]) -> Result<AnalyticHits, SightError> {
    let mut hits = AnalyticHits::new();
    for (n, hunt) in hunts.iter().enumerate() {
        let wrong = |source| SightError::Hunt {
            id: hunt.id.clone(),
            source,
        };
        let (_, answer) = engine.query(&hunt.sql).map_err(wrong)?;
        let mut gatherer = Gatherer::new(hunt, &answer.columns);
        for batch in answer {
            gatherer.add(&batch.map_err(wrong)?);
        }
        let findings = gatherer.finish();
        if !findings.is_empty() {
            let records = findings.iter().flat_map(|f| f.records.iter().cloned());
            let records = records.take(MOST_NAMED).collect();
            hits.insert(n, (findings.len() as u64, records));
        }
    }
    Ok(hits)
}
