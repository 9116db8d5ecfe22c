//! Feeds the counters: from a plain reading, from the events a condition holds for, or from what a hunt finds. Boots and
//! the time observed always come from all events.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use analytics::{Outcome, pack};
use anyhow::{Context as _, bail};
use arrow::array::RecordBatch;
use arrow::compute::filter_record_batch;
use arrow::datatypes::{Field, Schema};
use baseline::{
    Collector, Names, Parameters, Report, Select, Spec, Survey, columns, hole_notes, with_survey,
};
use telemetry::Plan;
use telemetry::holes::{self, Holes};

use super::args::BaselineArgs;
use super::streams;
use crate::reading::{Reading, Session, origins};

/// What is left to tell after the answer.
pub(super) enum End {
    Plain(Reading, telemetry::Report),
    Engine(Box<Session>, Outcome),
}

impl End {
    /// Tells what was read and skipped; an error when there was nothing to read.
    pub(super) fn tell(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Plain(reading, report) => reading.end(&report, &[]).map(|()| ExitCode::SUCCESS),
            Self::Engine(session, outcome) => session.end(&outcome, false, &[]),
        }
    }
}

pub(super) fn run(args: &BaselineArgs) -> anyhow::Result<(Report, End)> {
    let parameters = Parameters {
        startup_minutes: args.startup_minutes,
        max_groups: usize::try_from(args.max_groups)?,
        ..Parameters::default()
    };
    if let Some(id) = &args.hunt {
        return of_hunt(args, id, parameters);
    }
    let specs = streams::specs(args)?;
    match &args.condition {
        Some(condition) => of_condition(args, condition, specs, parameters),
        None => plain(args, specs, parameters),
    }
}

fn plain(
    args: &BaselineArgs,
    specs: Vec<Spec>,
    parameters: Parameters,
) -> anyhow::Result<(Report, End)> {
    let mut reading = Reading::begin(&args.reading.manner);
    let origins = origins(&args.reading.paths)?;
    let plan = Plan::of(with_holes(with_survey(columns(&specs))));
    let (mut survey, mut holes) = (Survey::default(), Holes::default());
    let new = || Collector::new(specs.clone(), Names::default(), parameters.clone());
    let mut collector = new();
    let read = reading.scan(&origins, plan.clone(), |batch| {
        let batch = once(&mut holes, batch)?;
        survey.add(&batch)?;
        Ok(collector.add(&batch, &mut survey)?)
    })?;
    let mut note = None;
    if survey.late() && !from_stdin(args) {
        // A boot turned up after later events had been counted: count again, now that all are known.
        survey.settled();
        collector = new();
        holes = Holes::default();
        reading.scan(&origins, plan, |batch| {
            let batch = once(&mut holes, batch)?;
            Ok(collector.add(&batch, &mut survey)?)
        })?;
    } else if survey.late() {
        note = Some(
            "the input is not in order of time and can be read only once: events may have been placed after an earlier \
             boot than theirs",
        );
    }
    reading.hush();
    let mut report = collector.finish(&survey);
    report.notes.extend(note.map(str::to_owned));
    note_holes(&mut report, &holes, true);
    Ok((report, End::Plain(reading, read)))
}

/// The columns of a reading, and those that its holes are told by.
fn with_holes(mut columns: Vec<String>) -> Vec<String> {
    for column in holes::COLUMNS {
        if !columns.iter().any(|c| c == column) {
            columns.push(column.to_owned());
        }
    }
    columns
}

/// The rows of a batch that were not there before.
fn once(holes: &mut Holes, batch: &RecordBatch) -> anyhow::Result<RecordBatch> {
    Ok(match holes.add(batch) {
        Some(new) => filter_record_batch(batch, &new)?,
        None => batch.clone(),
    })
}

fn note_holes(report: &mut Report, holes: &Holes, once: bool) {
    report.notes.extend(hole_notes(&holes.found(), once));
    report
        .notes
        .extend(holes.limits().iter().map(|l| (*l).to_owned()));
}

/// All events of a session, without those of the condition or hunt.
struct Surroundings {
    session: Session,
    survey: Survey,
    holes: Holes,
    read: telemetry::Report,
}

fn from_stdin(args: &BaselineArgs) -> bool {
    args.reading.paths.iter().any(|p| p == Path::new("-"))
}

/// A session for a query, and what all events say of boots and of the time observed.
fn surveyed(args: &BaselineArgs) -> anyhow::Result<Surroundings> {
    if from_stdin(args) {
        bail!(
            "--where and --hunt read twice, and standard input can be read once: put it into a file"
        );
    }
    let session = Session::begin(&args.reading.paths, &[], &args.reading.manner)?;
    let (mut survey, mut holes) = (Survey::default(), Holes::default());
    let plan = Plan::of(with_holes(with_survey(Vec::new())));
    let mut scan = session.engine.read(plan);
    for batch in &mut scan {
        survey.add(&once(&mut holes, &batch)?)?;
    }
    survey.settled();
    let read = scan.report();
    Ok(Surroundings {
        session,
        survey,
        holes,
        read,
    })
}

fn of_condition(
    args: &BaselineArgs,
    condition: &str,
    specs: Vec<Spec>,
    parameters: Parameters,
) -> anyhow::Result<(Report, End)> {
    let wanted = columns(&specs);
    let quoted: Vec<String> = wanted.iter().map(|c| format!("`{c}`")).collect();
    // The line end keeps a comment at the end of the condition from swallowing the bracket.
    let sql = format!(
        "SELECT {} FROM events WHERE ({condition}\n)",
        quoted.join(", ")
    );
    let Surroundings {
        session,
        mut survey,
        holes,
        read,
    } = surveyed(args)?;
    let (prepared, answer) = session.engine.query(&sql).context("--where")?;
    let mut collector = Collector::new(specs, Names::default(), parameters);
    for batch in answer {
        collector.add(&batch?, &mut survey)?;
    }
    let mut warnings = session.engine.outcome(&[&prepared]).warnings;
    // A field that only our own list of columns names is no mistake of whoever wrote the condition.
    let mentioned = format!("{condition} {}", args.by.join(" ")).to_lowercase();
    warnings.retain(|w| {
        let ours = wanted.iter().find(|c| w.contains(&format!("a field {c}")));
        ours.is_none_or(|c| mentioned.contains(c.as_str()))
    });
    let outcome = Outcome {
        report: Some(read),
        warnings,
    };
    let mut report = collector.finish(&survey);
    note_holes(&mut report, &holes, false);
    Ok((report, End::Engine(Box::new(session), outcome)))
}

fn of_hunt(args: &BaselineArgs, id: &str, parameters: Parameters) -> anyhow::Result<(Report, End)> {
    let hunts = pack::load(args.pack.as_deref())?;
    let Some(hunt) = hunts.iter().find(|h| h.id == id) else {
        let known: Vec<&str> = hunts.iter().map(|h| h.id.as_str()).collect();
        bail!("no hunt {id} in this pack; it has {}", known.join(", "));
    };
    let Surroundings {
        session,
        mut survey,
        holes,
        read,
    } = surveyed(args)?;
    let (prepared, answer) = session
        .engine
        .query(&hunt.sql)
        .with_context(|| format!("hunt {id}"))?;
    let names = answer.columns.clone();
    let by = match args.by.as_slice() {
        [] => vec![hunt.actor.clone(), hunt.target.clone()],
        by => by.to_vec(),
    };
    if let Some(unknown) = by
        .iter()
        .find(|f| !names.iter().any(|n| n.eq_ignore_ascii_case(f)))
    {
        bail!(
            "the hunt {id} has no column {unknown}; it has {}",
            names.join(", ")
        );
    }
    let spec = Spec {
        name: hunt.id.clone(),
        rows: Select::All,
        by,
        user: None,
    };
    let places = Names {
        time: "time".to_owned(),
        host: "host".to_owned(),
        file: "evidence_file_1".to_owned(),
        record: "evidence_record_1".to_owned(),
        offset: "evidence_offset_1".to_owned(),
    };
    let mut collector = Collector::new(vec![spec], places, parameters);
    for batch in answer {
        collector.add(&named(&batch?, &names)?, &mut survey)?;
    }
    let outcome = Outcome {
        report: Some(read),
        warnings: session.engine.outcome(&[&prepared]).warnings,
    };
    let mut report = collector.finish(&survey);
    note_holes(&mut report, &holes, false);
    Ok((report, End::Engine(Box::new(session), outcome)))
}

/// A batch under the names that the query gave its columns.
fn named(batch: &RecordBatch, names: &[String]) -> anyhow::Result<RecordBatch> {
    let fields = batch
        .schema()
        .fields()
        .iter()
        .zip(names)
        .map(|(f, name)| Field::new(name, f.data_type().clone(), true))
        .collect::<Vec<_>>();
    Ok(RecordBatch::try_new(
        Arc::new(Schema::new(fields)),
        batch.columns().to_vec(),
    )?)
}
