//! `show` and `diff`.

use std::io;
use std::process::ExitCode;

use sysmon::compare::Compare;
use sysmon::explain::reason;
use sysmon::replay::{columns, title};
use sysmon::{Config, apart, show as screen};
use telemetry::Plan;

use super::args::{DiffArgs, FileArgs};
use super::load;
use crate::output::{clean, grouped, plural, say};
use crate::reading::{Reading, origins};

pub(crate) fn show(args: &FileArgs) -> anyhow::Result<ExitCode> {
    let config = load::accepted(&args.file, args.how.engine.into())?;
    let text = screen::text(&config);
    print_clean(&text)?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn diff(args: &DiffArgs) -> anyhow::Result<ExitCode> {
    let engine = args.how.engine.into();
    let old = load::accepted(&args.old, engine)?;
    let new = load::accepted(&args.new, engine)?;
    let environment = load::environment(&args.env.env)?;
    let found = apart::differences(&old.rules, &new.rules, &environment);
    let rules: String = found
        .iter()
        .map(|(d, a)| sysmon::diff::text(std::slice::from_ref(d)) + &apart::text(a))
        .collect();
    let options = sysmon::diff::options(&old.options, &new.options);
    if rules.is_empty() && options.is_empty() {
        say!("no difference in meaning: no event tells the two apart")?;
    }
    print_clean(&apart::summary(&found))?;
    if !rules.is_empty() {
        say!("")?;
    }
    print_clean(&rules)?;
    print_clean(&options)?;
    if !args.paths.is_empty() {
        events(&old, &new, args)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Shows the events that only one of two configurations keeps, and why.
fn events(old: &Config, new: &Config, args: &DiffArgs) -> anyhow::Result<()> {
    let environment = load::environment(&args.env.env)?;
    let mut reading = Reading::begin(&args.manner);
    let origins = origins(&args.paths)?;
    let mut compare = Compare::new(&old.rules, &new.rules, &environment);
    let mut columns = columns(&[&old.rules, &new.rules]);
    columns.extend(["eventrecordid", "source_file"].map(str::to_owned));
    let report = reading.scan(&origins, Plan::of(columns), |batch| Ok(compare.add(batch)?))?;
    reading.hush();
    let outcome = compare.finish();
    let only = |new: bool| -> u64 {
        let those = outcome.differences.iter().filter(|d| d.new.log == new);
        those.map(|d| d.count).sum()
    };
    say!(
        "\nof {}: both keep {}, only the old one {}, only the new one {}",
        plural(report.records - outcome.others, "Sysmon event"),
        grouped(outcome.both),
        grouped(only(false)),
        grouped(only(true))
    )?;
    for d in outcome.differences.iter().take(args.top) {
        let example = d
            .example
            .as_ref()
            .map_or(String::new(), |e| format!(", such as {e}"));
        let which = if d.new.log { "new" } else { "old" };
        let what = plural(d.count, &format!("{} event", title(d.id)));
        say!("\nonly the {which} one keeps {what}{}", clean(&example))?;
        for (name, config, decision) in [("old", old, &d.old), ("new", new, &d.new)] {
            say!("  {name}: {}", clean(&reason(config, d.id, decision)))?;
        }
    }
    let more = outcome.differences.len().saturating_sub(args.top);
    if more > 0 {
        say!("\nand for {more} more pairs of reasons (--top)")?;
    }
    reading.end(&report, &[])
}

pub(crate) fn print_clean(text: &str) -> io::Result<()> {
    for line in text.lines() {
        say!("{}", clean(line))?;
    }
    Ok(())
}
