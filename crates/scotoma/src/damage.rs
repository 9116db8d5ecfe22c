//! `scotoma events --damage`: all that was skipped, left out or not understood.

use std::io::{self, Write};
use std::process::ExitCode;

use serde::Serialize;
use telemetry::{Diagnostic, NotUnderstood, Plan, Report};

use crate::cli::{EventsArgs, FailOn, InventoryFormat};
use crate::output::{clean, grouped, write_json};
use crate::reading::{Reading, origins};

/// Problems listed before the rest is only counted: what a hostile file has must not take all memory.
const MAX_PROBLEMS: usize = 1_000_000;

/// A problem as it is listed.
#[derive(Serialize)]
struct Listed<'r> {
    file: &'r str,
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<u64>,
    kind: &'static str,
    problem: String,
}

impl<'r> From<&'r Diagnostic> for Listed<'r> {
    fn from(found: &'r Diagnostic) -> Self {
        Self {
            file: &found.source,
            offset: found.offset,
            kind: found.problem.kind(),
            problem: found.problem.to_string(),
        }
    }
}

/// Records of one file that are no events.
#[derive(Serialize)]
struct ForeignRecords<'r> {
    file: &'r str,
    records: u64,
    offset: u64,
    looks_like: &'r str,
    needs: &'r str,
}

impl<'r> From<&'r NotUnderstood> for ForeignRecords<'r> {
    fn from(found: &'r NotUnderstood) -> Self {
        Self {
            file: &found.source,
            records: found.count,
            offset: found.offset,
            looks_like: &found.looks_like,
            needs: found.needs,
        }
    }
}

/// All of it, as JSON has it.
#[derive(Serialize)]
struct DamageList<'r> {
    damaged: u64,
    skipped: Vec<Listed<'r>>,
    no_logs: u64,
    left_out: Vec<Listed<'r>>,
    not_understood: Vec<ForeignRecords<'r>>,
}

pub(crate) fn run(args: &EventsArgs) -> anyhow::Result<ExitCode> {
    let mut reading = Reading::begin(&args.reading.manner).listing(MAX_PROBLEMS);
    let plan = Plan::of(vec!["eventid".to_owned()]);
    let report = reading.scan(&origins(&args.reading.paths)?, plan, |_| Ok(()))?;
    reading.hush();
    let problems = &report.diagnostics;
    let list = DamageList {
        damaged: problems.damaged,
        skipped: problems.listed.iter().map(Listed::from).collect(),
        no_logs: problems.no_logs_count,
        left_out: problems.no_logs.iter().map(Listed::from).collect(),
        not_understood: problems
            .foreign
            .values()
            .map(ForeignRecords::from)
            .collect(),
    };
    let mut out = io::stdout().lock();
    match args.format {
        InventoryFormat::Table => show(&mut out, &report, &list)?,
        InventoryFormat::Json => {
            write_json(&mut out, &list, true)?;
            writeln!(out)?;
        }
    }
    drop(out);
    let damaged = problems.damaged > 0;
    reading.end(&report, &[])?;
    Ok(match args.fail_on.contains(&FailOn::Damage) && damaged {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    })
}

fn show(out: &mut impl Write, report: &Report, list: &DamageList<'_>) -> io::Result<()> {
    let problems = &report.diagnostics;
    let all = [
        ("skipped", &problems.listed, list.damaged),
        ("left out", &problems.no_logs, list.no_logs),
    ];
    for (word, listed, count) in all {
        for problem in listed.iter() {
            writeln!(out, "{word}: {}", clean(&problem.to_string()))?;
        }
        let more = count.saturating_sub(listed.len() as u64);
        if more > 0 {
            writeln!(out, "{word}: and {} more", grouped(more))?;
        }
    }
    for foreign in problems.foreign.values() {
        writeln!(out, "not understood: {}", clean(&foreign.to_string()))?;
    }
    Ok(())
}
