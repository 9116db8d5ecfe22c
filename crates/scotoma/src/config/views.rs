//! `show` and `diff`.

use std::process::ExitCode;

use sysmon::columnar::{Decider, Input, OTHER};
use sysmon::{Config, show as screen};

use super::args::{DiffArgs, FileArgs};
use super::{load, replay};
use crate::output::{clean, grouped, plural};
use crate::reading::{Reading, origins};

pub(crate) fn show(args: &FileArgs) -> anyhow::Result<ExitCode> {
    let config = load::any(&args.file, args.how.engine.into())?;
    let text = screen::text(&config);
    print_clean(&text);
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn diff(args: &DiffArgs) -> anyhow::Result<ExitCode> {
    let engine = args.how.engine.into();
    let old = load::accepted(&args.old, engine)?;
    let new = load::accepted(&args.new, engine)?;
    print_clean(&sysmon::diff::text(&sysmon::diff::diff(
        &old.rules, &new.rules,
    )));
    if !args.paths.is_empty() {
        events(&old, &new, args)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Counts the events that only one of two configurations keeps.
fn events(old: &Config, new: &Config, args: &DiffArgs) -> anyhow::Result<()> {
    let environment = load::environment(&args.env.env)?;
    let mut reading = Reading::begin(&args.manner);
    let origins = origins(&args.paths)?;
    let mut a = Decider::new(&old.rules, &environment, Input::Recorded);
    let mut b = Decider::new(&new.rules, &environment, Input::Recorded);
    let (mut both, mut lost, mut gained) = (0u64, 0u64, 0u64);
    let columns = replay::columns(&[&old.rules, &new.rules]);
    let report = reading.scan(&origins, replay::plan(columns), |batch| {
        let (x, y) = (a.decide(batch)?, b.decide(batch)?);
        for (x, y) in x.iter().zip(&y).filter(|(x, _)| **x != OTHER) {
            match (
                a.decisions()[*x as usize].log,
                b.decisions()[*y as usize].log,
            ) {
                (true, true) => both += 1,
                (true, false) => lost += 1,
                (false, true) => gained += 1,
                (false, false) => {}
            }
        }
        Ok(())
    })?;
    reading.hush();
    println!(
        "\nof {}: both keep {}, only the old one {}, only the new one {}",
        plural(report.records, "recorded event"),
        grouped(both),
        grouped(lost),
        grouped(gained)
    );
    reading.end(&report, &[])
}

pub(crate) fn print_clean(text: &str) {
    for line in text.lines() {
        println!("{}", clean(line));
    }
}
