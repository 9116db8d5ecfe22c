//! `scotoma stack --call-trace`: how processes were opened, by the stacks that event 10 recorded.

use std::io::{self, Write};
use std::process::ExitCode;

use analytics::render;
use research::call_trace::{Chain, Met, Pair, TraceSummary};
use serde_json::json;

use crate::output::page::Page;
use crate::output::{clean, grouped, plural};
use crate::reading::Session;
use crate::stack::{StackArgs, StackFormat};

/// Chains shown for reading.
const MAX_CHAINS: usize = 40;
/// Sources and targets shown of a chain that stands out.
const MAX_PAIRS: usize = 3;

const TRACES: &str = "SELECT CallTrace, SourceImage, TargetImage, count(*) FROM sysmon WHERE EventID = 10 AND CallTrace IS NOT NULL GROUP BY CallTrace, SourceImage, TargetImage";

pub(crate) fn run(args: &StackArgs) -> anyhow::Result<ExitCode> {
    let mut session = Session::begin(&args.logs, &[], &args.manner)?;
    let (prepared, answer) = session.engine.query(TRACES)?;
    let mut summary = TraceSummary::default();
    for batch in answer {
        let batch = batch?;
        let cell = |column: usize, row: usize| render::text(batch.column(column), row);
        for row in 0..batch.num_rows() {
            let events = cell(3, row).and_then(|n| n.parse().ok());
            let pair = Pair {
                source: cell(1, row).unwrap_or_default(),
                target: cell(2, row).unwrap_or_default(),
            };
            if let (Some(trace), Some(events)) = (cell(0, row), events) {
                summary.add(&trace, pair, events);
            }
        }
    }
    session.hush();
    let text = show(&summary, args.format)?;
    io::stdout().lock().write_all(text.as_bytes())?;
    let outcome = session.engine.outcome(&[&prepared]);
    session.end(&outcome, false, &[])
}

fn show(summary: &TraceSummary, format: StackFormat) -> anyhow::Result<String> {
    let rows = summary.rows();
    if format != StackFormat::Text {
        let rows: Vec<_> = rows
            .iter()
            .map(|(chain, met)| {
                let pairs: Vec<_> = met
                    .by_count()
                    .into_iter()
                    .map(|(pair, events)| json!({ "source": pair.source, "target": pair.target, "events": events }))
                    .collect();
                json!({ "chain": chain, "stands_out": chain.stands_out(), "events": met.events, "pairs": pairs })
            })
            .collect();
        return Ok(serde_json::to_string_pretty(&rows)? + "\n");
    }
    let mut page = Page::new();
    page.title("How processes were opened (event 10)");
    if rows.is_empty() {
        page.item("No event 10 with a call trace.");
        return Ok(page.finish());
    }
    for (entry, count) in summary.entries() {
        page.item(format_args!("{:>9}  {}", grouped(count), entry.describe()));
    }
    let ordinary = rows
        .iter()
        .position(|(c, _)| !c.stands_out())
        .unwrap_or(rows.len());
    let (odd, rest) = rows.split_at(ordinary);
    if odd.is_empty() {
        page.head("No frame stands in no module, and no system call came from outside the system's modules.");
    } else {
        let events = odd.iter().map(|(_, met)| met.events).sum();
        page.head(format_args!(
            "{} with a frame in no module (?), or with a system call of the caller's own. Code compiled at run time (.NET, scripts) gives such frames too.",
            plural(events, "event")
        ));
        chains(&mut page, odd, true);
    }
    page.head("Chains of modules, the innermost first");
    chains(&mut page, rest, false);
    Ok(page.finish())
}

fn chains(page: &mut Page, rows: &[(&Chain, &Met)], with_pairs: bool) {
    for (chain, met) in rows.iter().take(MAX_CHAINS) {
        let modules: Vec<String> = chain.modules.iter().map(|m| clean(m)).collect();
        page.item(format_args!(
            "{:>9}  {}",
            grouped(met.events),
            modules.join(" < ")
        ));
        let caller = match chain.caller.as_deref() {
            None => "a caller that is not in the trace".to_owned(),
            Some("?") => "memory in no module".to_owned(),
            Some(module) => clean(module),
        };
        let unknown = match chain.unknown {
            0 => String::new(),
            n => format!(", {} in no module", plural(n as u64, "frame")),
        };
        let wow64 = if chain.wow64 { ", 32-bit" } else { "" };
        page.under(format_args!(
            "{}, called by {caller}{wow64}{unknown}",
            chain.entry.describe()
        ));
        if with_pairs {
            pairs(page, met);
        }
    }
    if rows.len() > MAX_CHAINS {
        page.item(format_args!(
            "... and {} (--format json)",
            plural((rows.len() - MAX_CHAINS) as u64, "more chain")
        ));
    }
}

fn pairs(page: &mut Page, met: &Met) {
    let pairs = met.by_count();
    for (pair, events) in pairs.iter().take(MAX_PAIRS) {
        page.under(format_args!(
            "{} -> {} ({})",
            clean(&pair.source),
            clean(&pair.target),
            grouped(*events)
        ));
    }
    if pairs.len() > MAX_PAIRS {
        page.under(format_args!(
            "... and {}",
            plural((pairs.len() - MAX_PAIRS) as u64, "more pair")
        ));
    }
}
