//! `from-rules`: a configuration that feeds Sigma rules.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use coverage::{FeedVerdict, KeptHow, WrittenConfig};
use sysmon::replay::{Replay, columns, title};
use telemetry::Plan;

use super::args::{Env, How};
use super::{feeds, load};
use crate::cli::Manner;
use crate::output::{OutputArgs, Sink, clean, grouped, must_end_in, plural};
use crate::reading::{Reading, origins};

#[derive(Args, Debug)]
pub(crate) struct FromRulesArgs {
    /// Sigma rules: files, or folders with all that lies below.
    #[arg(required = true, value_name = "PATH")]
    pub(crate) rules: Vec<PathBuf>,
    /// A configuration whose elements stay as they are where they feed their rules already.
    #[arg(long, value_name = "FILE")]
    pub(crate) base: Option<PathBuf>,
    /// Recorded logs, to count what would be written.
    #[arg(long, value_name = "PATH", num_args = 1..)]
    pub(crate) logs: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) to: OutputArgs,
    #[command(flatten)]
    pub(crate) how: How,
    #[command(flatten)]
    pub(crate) env: Env,
    #[command(flatten)]
    pub(crate) manner: Manner,
}

pub(crate) fn run(args: &FromRulesArgs) -> anyhow::Result<ExitCode> {
    if let Some(path) = &args.to.output {
        must_end_in(path, &["xml"])?;
    }
    let mut inputs = args.rules.clone();
    inputs.extend(args.base.clone());
    inputs.extend(args.logs.iter().cloned());
    let destination = args.to.destination(&inputs)?;
    let environment = load::environment(&args.env.env)?;
    let base = match &args.base {
        Some(path) => Some(load::accepted(path, args.how.engine.into())?),
        None => None,
    };
    let pack = feeds::rules(&args.rules)?;
    let made = coverage::from_rules(&pack.rules, base.as_ref(), &environment);
    let mut out = Sink::new(
        destination
            .map(app::output::Destination::create)
            .transpose()?,
    );
    out.write_all(made.xml.as_bytes())?;
    out.keep()?;
    args.to.say_written(args.manner.quiet);
    if !args.manner.quiet {
        summary(&made);
    }
    if !args.logs.is_empty() {
        let mut reading = Reading::begin(&args.manner);
        let origins = origins(&args.logs)?;
        let mut replay = Replay::new(&made.config.rules, &environment);
        let plan = Plan::of(columns(&[&made.config.rules]));
        let report = reading.scan(&origins, plan, |batch| {
            replay.add(batch)?;
            Ok(())
        })?;
        reading.hush();
        for (id, count) in &replay.finish(0).events {
            let (kept, all) = (grouped(count.kept), grouped(count.kept + count.dropped));
            eprintln!(
                "event {id} ({}): {kept} of {all} would be written",
                title(*id)
            );
        }
        reading.end(&report, &[])?;
    }
    Ok(ExitCode::SUCCESS)
}

fn summary(made: &WrittenConfig) {
    for element in &made.elements {
        let how = match element.how {
            KeptHow::Whole => "all events".to_owned(),
            KeptHow::Conditions(n) => plural(n as u64, "condition"),
            KeptHow::Base => "as in the base".to_owned(),
        };
        eprintln!(
            "{}: {how}, for {}",
            element.element,
            plural(element.rules as u64, "rule")
        );
    }
    let count = |v| made.answers.iter().filter(|a| a.verdict == v).count();
    eprintln!(
        "{}: {} fed, {} in part, {} by no Sysmon configuration, {} undecided",
        plural(made.answers.len() as u64, "rule"),
        count(FeedVerdict::Fed),
        count(FeedVerdict::Part),
        count(FeedVerdict::Never),
        count(FeedVerdict::Undecided)
    );
    for answer in made
        .answers
        .iter()
        .filter(|a| a.verdict == FeedVerdict::Never)
    {
        eprintln!("not fed: {}: {}", clean(&answer.title), clean(&answer.why));
    }
}
