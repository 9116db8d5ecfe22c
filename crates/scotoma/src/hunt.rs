//! `scotoma hunt`: hunts and Sigma rules over one reading, findings out.

use std::path::Path;
use std::process::ExitCode;

use analytics::pack::Hunt;
use analytics::{Engine, Outcome, Prepared};
use anyhow::Context;
use app::hunt::{AnalyticChoice, Arsenal, RuleLevel};
use app::output::Destination;
use telemetry::Options;

use crate::cli::{FindingFormat, HuntArgs, LeastLevel};
use crate::output::findings::{self, Shown};
use crate::output::{Sink, clean, ending, listing, must_end_in};
use crate::reading::Session;

pub(crate) fn run(args: &HuntArgs) -> anyhow::Result<ExitCode> {
    let mut arsenal = Arsenal::load(args.pack.as_deref(), &args.rules, &args.exclude)?;
    if args.no_pack {
        arsenal.hunts.clear();
    }
    for refusal in &arsenal.rules.refused {
        eprintln!("refused: {}", clean(&refusal.to_string()));
    }
    let choice = AnalyticChoice {
        level: args.level.map(least),
        status: args.status.clone(),
        tags: args.tag.clone(),
        only: args.only.clone(),
    };
    choice.apply(&mut arsenal)?;
    anyhow::ensure!(
        !arsenal.is_empty(),
        "nothing is left to run of what was loaded"
    );
    let output = args.to.output.as_deref();
    let format = args.format.unwrap_or_else(|| by_ending(output));
    if let Some(path) = output {
        must_end_in(path, endings(format))?;
    }
    if args.list {
        let engine = Engine::new(&[], &[], Options::default())?;
        let listed = app::hunt::list(&engine, &arsenal)?;
        listing::show(&listed, format, args.to.destination(&[])?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut inputs = args.paths.clone();
    inputs.extend(
        args.pack
            .iter()
            .chain(&args.rules)
            .chain(&args.exclude)
            .cloned(),
    );
    let destination = args.to.destination(&inputs)?;
    let mut session = Session::over(&args.paths, &[], args.events.filter()?, &args.manner)?;
    let answer = app::hunt::hunt(&session.engine, &arsenal, args.why)?;
    session.hush();
    // Without events there is nothing to say; the session says so.
    if answer.report.records > 0 {
        let mut out = Sink::new(destination.map(Destination::create).transpose()?);
        let shown = Shown {
            answer: &answer,
            all: args.all,
        };
        findings::show(&mut out, format, &shown)?;
        out.keep()?;
        args.to.say_written(args.manner.quiet);
    }
    let outcome = Outcome {
        report: Some(answer.report),
        warnings: answer.warnings,
    };
    session.end(&outcome, !answer.findings.is_empty(), &args.fail_on)
}

/// Plans hunts, and reads once what they need where that is less work.
pub(crate) fn prepare(session: &Session, hunts: &[Hunt]) -> anyhow::Result<Vec<Prepared>> {
    let prepared = session
        .engine
        .prepare_all(hunts.iter().map(|hunt| hunt.sql.as_str()))
        .into_iter()
        .zip(hunts)
        .map(|(prepared, hunt)| prepared.with_context(|| hunt.place()))
        .collect::<anyhow::Result<Vec<_>>>()?;
    session.engine.share(&prepared.iter().collect::<Vec<_>>())?;
    Ok(prepared)
}

fn least(level: LeastLevel) -> RuleLevel {
    match level {
        LeastLevel::Critical => RuleLevel::Critical,
        LeastLevel::High => RuleLevel::High,
        LeastLevel::Medium => RuleLevel::Medium,
        LeastLevel::Low => RuleLevel::Low,
        LeastLevel::Informational => RuleLevel::Informational,
    }
}

fn by_ending(output: Option<&Path>) -> FindingFormat {
    let formats = [
        FindingFormat::Json,
        FindingFormat::Ndjson,
        FindingFormat::Csv,
        FindingFormat::Sarif,
    ];
    let is = output.and_then(ending);
    let named = formats
        .into_iter()
        .find(|f| is.as_deref().is_some_and(|is| endings(*f).contains(&is)));
    named.unwrap_or(FindingFormat::Table)
}

/// The endings of a format's files, of which the first is the usual one.
fn endings(format: FindingFormat) -> &'static [&'static str] {
    match format {
        FindingFormat::Table => &["txt"],
        FindingFormat::Json | FindingFormat::Report | FindingFormat::Navigator => &["json"],
        FindingFormat::Ndjson => &["ndjson", "jsonl", "json"],
        FindingFormat::Csv => &["csv"],
        FindingFormat::Sarif => &["sarif", "json"],
    }
}
