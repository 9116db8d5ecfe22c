//! Baselines as a use case: which streams are asked for, by event types under any of their names and the fields they are
//! grouped by, and the counting of recorded events.

use arrow::array::RecordBatch;
use arrow::compute::filter_record_batch;
use arrow::error::ArrowError;
use baseline::keys::{self, EventKeys, UnknownEvent};
use baseline::{
    Collector, CountError, Names, Parameters, Report, Select, Spec, Survey, columns, hole_notes,
    with_survey,
};
use schema::{LogSource, Sensor, sysmon as sysmon_schema};
use telemetry::holes::{self, Holes};
use telemetry::{Options, Origin, Plan, Scan, header};

/// Why streams cannot be counted as asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// No event type has the name.
    #[error(transparent)]
    Event(#[from] UnknownEvent),
    /// No event type has the field.
    #[error("no Sysmon event has a field {field}{meant}")]
    UnknownField {
        /// The field as it was asked for.
        field: String,
        /// The nearest names, in words.
        meant: String,
    },
    /// The event type has no such field.
    #[error("{event} has no field {field}{meant}")]
    NotOfEvent {
        /// The event type in words.
        event: String,
        /// The field as it was asked for.
        field: String,
        /// The nearest names, in words.
        meant: String,
    },
    /// No event type has all of the fields.
    #[error("no Sysmon event has all of {0}")]
    NoneHasAll(String),
    /// An event of another sensor, for which no fields are known to group by.
    #[error("{channel}/{id} has no fields to group by of its own; say which with --by")]
    NoFields {
        /// Its channel.
        channel: String,
        /// Its id.
        id: i64,
    },
}

/// The streams of the event types named, or of all of Sysmon's, grouped by these fields or by those that make sense.
///
/// # Errors
/// Where a name or a field is not known, or no event type has the fields.
pub fn streams(events: &[String], by: &[String]) -> Result<Vec<Spec>, StreamError> {
    let by = (!by.is_empty()).then_some(by);
    let mut specs: Vec<Spec> = Vec::new();
    for event in events {
        match foreign(event) {
            Some((channel, id)) => specs.push(other(channel, id, by)?),
            None => {
                for keys in keys::find(event)? {
                    check(keys, by)?;
                    specs.push(Spec::of(keys, by));
                }
            }
        }
    }
    if events.is_empty() {
        specs = of_all(by)?;
    }
    let mut seen: Vec<Spec> = Vec::new();
    specs.retain(|s| {
        !seen.contains(s) && {
            seen.push(s.clone());
            true
        }
    });
    Ok(specs)
}

/// Every Sysmon event type; of fields asked for, those types that have them.
fn of_all(by: Option<&[String]>) -> Result<Vec<Spec>, StreamError> {
    let keys = keys::all().iter().filter(|k| k.channel.is_none());
    let mut specs: Vec<Spec> = keys.map(|keys| Spec::of(keys, by)).collect();
    let Some(by) = by else { return Ok(specs) };
    if let Some(unknown) = by.iter().find(|f| !anywhere(f)) {
        return Err(StreamError::UnknownField {
            field: unknown.clone(),
            meant: suggestion(unknown, fields(None)),
        });
    }
    specs.retain(|s| match s.rows {
        Select::Sysmon(id) => by.iter().all(|f| has(id, f)),
        _ => true,
    });
    match specs.is_empty() {
        true => Err(StreamError::NoneHasAll(by.join(", "))),
        false => Ok(specs),
    }
}

/// `CHANNEL/ID`. A channel's own name may have slashes.
fn foreign(event: &str) -> Option<(&str, i64)> {
    let (channel, id) = event.rsplit_once('/')?;
    Some((channel, id.trim().parse().ok()?))
}

fn other(channel: &str, id: i64, by: Option<&[String]>) -> Result<Spec, StreamError> {
    if LogSource::of(Some(channel), None).sensor() == Some(Sensor::Sysmon)
        && let Some(keys) = keys::sysmon(id)
    {
        check(keys, by)?;
        return Ok(Spec::of(keys, by));
    }
    let known = keys::all().iter().find(|k| {
        k.id == id
            && k.channel
                .as_deref()
                .is_some_and(|c| c.eq_ignore_ascii_case(channel))
    });
    match (known, by) {
        (Some(keys), by) => Ok(Spec::of(keys, by)),
        (None, Some(by)) => Ok(Spec {
            name: format!("{channel} {id}"),
            rows: Select::Event(channel.to_owned(), id),
            by: by.to_vec(),
            user: None,
        }),
        (None, None) => Err(StreamError::NoFields {
            channel: channel.to_owned(),
            id,
        }),
    }
}

fn has(id: i64, field: &str) -> bool {
    let event = u32::try_from(id).ok().and_then(sysmon_schema::event);
    event.is_some_and(|e| e.has(field)) || header::is_header(&header::canonical(field))
}

fn anywhere(field: &str) -> bool {
    sysmon_schema::field_type(field).is_some() || header::is_header(&header::canonical(field))
}

/// The fields of an event type, or of all of Sysmon's.
fn fields(id: Option<i64>) -> Vec<String> {
    sysmon_schema::events()
        .iter()
        .filter(|e| id.is_none_or(|id| i64::from(e.id) == id))
        .flat_map(|e| &e.fields)
        .map(|f| f.name.clone())
        .collect()
}

fn check(keys: &EventKeys, by: Option<&[String]>) -> Result<(), StreamError> {
    if keys.channel.is_some() {
        return Ok(());
    }
    let unknown = by.and_then(|by| by.iter().find(|f| !has(keys.id, f)));
    match unknown {
        Some(f) => Err(StreamError::NotOfEvent {
            event: format!("{} (event {})", keys.name(), keys.id),
            field: f.clone(),
            meant: suggestion(f, fields(Some(keys.id))),
        }),
        None => Ok(()),
    }
}

fn suggestion(field: &str, fields: Vec<String>) -> String {
    text::did_you_mean(field, fields)
}

/// Why counting ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CountingError {
    /// A column does not have the type the event table gives it.
    #[error(transparent)]
    Column(#[from] CountError),
    /// Rows cannot be left out of a batch.
    #[error(transparent)]
    Rows(#[from] ArrowError),
}

/// Counts the events of some files, each record once. Boots and the time observed come from all events. `wanted` is asked
/// from batch to batch whether the answer is still needed; where it is not, what was counted so far comes back.
///
/// # Errors
/// Where a column does not have the type the event table gives it.
pub fn count(
    origins: &[Origin],
    specs: &[Spec],
    parameters: &Parameters,
    options: &Options,
    wanted: impl Fn() -> bool,
) -> Result<(Report, telemetry::Report), CountingError> {
    let plan = Plan::of(with_holes(with_survey(columns(specs))));
    let begin = || Scan::new(origins.to_vec(), plan.clone(), options.clone());
    let new = || Collector::new(specs.to_vec(), Names::default(), parameters.clone());
    let (mut survey, mut holes) = (Survey::default(), Holes::default());
    let (mut collector, mut scan) = (new(), begin());
    for batch in &mut scan {
        let batch = once(&mut holes, &batch)?;
        survey.add(&batch)?;
        collector.add(&batch, &mut survey)?;
        if !wanted() {
            break;
        }
    }
    let read = scan.report();
    if survey.late() {
        // A boot turned up after later events had been counted: count again, now that all are known.
        survey.settled();
        (collector, holes) = (new(), Holes::default());
        for batch in &mut begin() {
            collector.add(&once(&mut holes, &batch)?, &mut survey)?;
            if !wanted() {
                break;
            }
        }
    }
    let mut report = collector.finish(&survey);
    note_holes(&mut report, &holes, true);
    Ok((report, read))
}

/// The columns of a reading, and those that its holes are told by.
pub fn with_holes(mut columns: Vec<String>) -> Vec<String> {
    for column in holes::COLUMNS {
        if !columns.iter().any(|c| c == column) {
            columns.push(column.to_owned());
        }
    }
    columns
}

/// The rows of a batch that were not there before.
///
/// # Errors
/// Where the rows cannot be taken out.
pub fn once(holes: &mut Holes, batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    match holes.add(batch) {
        Some(new) => filter_record_batch(batch, &new),
        None => Ok(batch.clone()),
    }
}

/// Says in a report which records are missing or were there twice; `once` says whether doubles were counted once.
pub fn note_holes(report: &mut Report, holes: &Holes, once: bool) {
    report.notes.extend(hole_notes(&holes.found(), once));
    let limits = holes.limits().iter().map(|l| (*l).to_owned());
    report.notes.extend(limits);
}
