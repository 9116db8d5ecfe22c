//! `replay`: logs through a configuration.

use std::collections::BTreeSet;
use std::io;
use std::process::ExitCode;

use anyhow::Context as _;
use sysmon::Config;
use sysmon::logged::RULE_NAME;
use sysmon::replay::{Replay, Summary, columns, place, share, title};
use telemetry::Plan;
use telemetry::parquet::{Writer, column_names};

use super::args::ReplayArgs;
use super::load;
use crate::output::{clean, grouped, must_end_in, plural, say, table, width, wrapped};
use crate::reading::{Reading, origins};

pub(crate) fn run(args: &ReplayArgs) -> anyhow::Result<ExitCode> {
    if let Some(path) = &args.to.output {
        must_end_in(path, &["parquet"])?;
    }
    let mut inputs = args.paths.clone();
    inputs.push(args.file.clone());
    let destination = args.to.destination(&inputs)?;
    let config = load::accepted(&args.file, args.how.engine.into())?;
    let environment = load::environment(&args.env.env)?;
    load::tell_variables(&config, &environment);
    let mut reading = Reading::begin(&args.manner);
    let origins = origins(&args.paths)?;
    let mut replay = Replay::new(&config.rules, &environment);
    let mut writer = None;
    let columns = match destination {
        None => columns(&[&config.rules]),
        Some(destination) => {
            // Kept events are written whole, so the fields are learnt first.
            let learnt = reading.scan(&origins, Plan::discovery(), |_| Ok(()))?;
            let mut names = column_names(&learnt.fields);
            if !names.iter().any(|n| n.eq_ignore_ascii_case(RULE_NAME)) {
                names.push(RULE_NAME.to_owned());
            }
            let staged = destination.stage()?;
            let made = Writer::create(staged.path(), &names, false)
                .with_context(|| staged.path().display().to_string())?;
            writer = Some((made, staged));
            names.iter().map(|n| n.to_lowercase()).collect()
        }
    };
    let report = reading.scan(&origins, Plan::of(columns), |batch| {
        match &mut writer {
            Some((writer, _)) => writer.write(&replay.logged(batch)?)?,
            None => {
                replay.add(batch)?;
            }
        }
        Ok(())
    })?;
    reading.hush();
    // The file is whole before anything is said, whoever stops listening.
    let written = match writer {
        Some((writer, staged)) => {
            let (rows, _) = writer.close()?;
            Some((rows, staged.keep()?))
        }
        None => None,
    };
    if report.records > 0 {
        show(&config, &replay.finish(args.top), args.top)?;
    }
    if let Some((rows, path)) = written {
        let path = clean(&path.display().to_string());
        say!("\n{} written to {path}", plural(rows, "kept event"))?;
    }
    if report.records > 0 {
        say!(
            "\nEvents that the recording sensor had dropped itself are not in these logs:\nthis configuration may have kept more than is shown."
        )?;
    }
    reading.end(&report, &[])?;
    Ok(ExitCode::SUCCESS)
}

/// Says which event types the configuration filters and the logs do not hold: nothing was decided on them.
fn unseen(config: &Config, summary: &Summary) -> io::Result<()> {
    let filtered = config.rules.elements.iter().filter(|e| !e.undone);
    let filtered = filtered.filter(|e| e.filters().next().is_some());
    let ids: BTreeSet<u32> = filtered.map(|e| e.event_id).collect();
    let missing = ids.iter().filter(|id| !summary.events.contains_key(id));
    let names: Vec<String> = missing.map(|id| format!("{} ({id})", title(*id))).collect();
    match names.is_empty() {
        true => Ok(()),
        false => {
            say!("")?;
            let line = format!(
                "could not see: filters of {}; these logs have none",
                names.join(", ")
            );
            let width = usize::from(width().unwrap_or(80)).max(40);
            wrapped(&mut io::stdout().lock(), "", &line, width)
        }
    }
}

fn show(config: &Config, summary: &Summary, top: usize) -> io::Result<()> {
    let (kept, dropped) = summary
        .events
        .values()
        .fold((0, 0), |(k, d), c| (k + c.kept, d + c.dropped));
    if kept + dropped == 0 {
        say!("could not see: needs Sysmon events, these logs have none")?;
    }
    say!(
        "{} kept, {} dropped",
        plural(kept, "event"),
        grouped(dropped)
    )?;
    if summary.others > 0 {
        say!(
            "{} of other channels left aside",
            plural(summary.others, "event")
        )?;
    }
    let rows = summary.events.iter().map(|(id, c)| {
        vec![
            id.to_string(),
            title(*id),
            grouped(c.kept),
            grouped(c.dropped),
            format!("{:.1} %", 100.0 * share(*c)),
        ]
    });
    say!(
        "\n{}",
        table(
            &["id", "event", "kept", "dropped", "kept share"],
            rows,
            &[0, 2, 3, 4]
        )
    )?;
    let total: u64 = kept + dropped;
    let rows = summary.rules.iter().take(top).map(|r| {
        // To the second: rules are compared by day and hour, and the line has to fit.
        let last = r.last.map_or("-".to_owned(), |last| {
            telemetry::time::format(last - last.rem_euclid(1_000_000)).replace(".000Z", "Z")
        });
        let (line, rule) = place(config, r.element, r.unit);
        vec![
            grouped(r.hits),
            format!("{:.1} %", 100.0 * r.hits as f64 / total.max(1) as f64),
            if r.keeps { "keep" } else { "drop" }.to_owned(),
            last,
            line.to_string(),
            clean(&rule),
        ]
    });
    say!(
        "\n{}",
        table(
            &["hits", "share", "does", "last", "line", "rule"],
            rows,
            &[0, 1, 4]
        )
    )?;
    unseen(config, summary)?;
    say!(
        "\n{} never decided anything",
        plural(summary.unused.len() as u64, "rule")
    )?;
    for (element, unit) in summary.unused.iter().take(top) {
        let (line, rule) = place(config, *element, *unit);
        say!("  line {line}: {}", clean(&rule))?;
    }
    let more = summary.unused.len().saturating_sub(top);
    if more > 0 {
        say!("  and {} more (--top)", grouped(more as u64))?;
    }
    let rows = summary
        .volume
        .iter()
        .map(|v| vec![grouped(v.kept), title(v.id), clean(&v.source)]);
    say!("\n{}", table(&["kept", "event", "by"], rows, &[0]))?;
    Ok(())
}
