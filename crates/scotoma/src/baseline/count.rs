//! Feeds the counters: from a plain reading, from the events a condition holds for, or from what a hunt finds. Boots and
//! the time observed always come from all events.

use std::process::ExitCode;
use std::sync::Arc;

use analytics::{Outcome, pack};
use anyhow::{Context as _, bail};
use app::baseline::{note_holes, once, with_holes};
use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema};
use baseline::{Collector, Names, Parameters, Report, Select, Spec, Survey, columns, with_survey};
use telemetry::Plan;
use telemetry::holes::Holes;

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
    let (report, read) =
        app::baseline::count(&origins, &specs, &parameters, reading.options(), || true)?;
    reading.hush();
    Ok((report, End::Plain(reading, read)))
}

/// All events of a session, without those of the condition or hunt.
struct Surroundings {
    session: Session,
    survey: Survey,
    holes: Holes,
    read: telemetry::Report,
}

/// A session for a query, and what all events say of boots and of the time observed.
fn surveyed(args: &BaselineArgs) -> anyhow::Result<Surroundings> {
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
