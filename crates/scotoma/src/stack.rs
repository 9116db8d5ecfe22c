//! `scotoma stack`: debugger logs and recorded call traces, read to what they show.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use analytics::render;
use anyhow::{Context, bail};
use catalog::EventId;
use clap::{Args, ValueEnum};
use research::correlate::{Correlation, RecordedEvent, correlations};
use research::stack::{Break, MAX_LOG, Observed, StackAnalysis, breaks, read};
use serde_json::json;

use crate::additions::CatalogArgs;
use crate::cli::Manner;
use crate::map::event_name;
use crate::output::clean;
use crate::output::page::Page;
use crate::reading::Session;

#[derive(Args, Debug)]
pub(crate) struct StackArgs {
    /// Debugger logs (WinDbg, kd); with --call-trace, recordings. `-` is standard input.
    #[arg(required = true, value_name = "LOG")]
    pub(crate) logs: Vec<PathBuf>,
    /// Correlation every break to the event recorded for it: files and folders as `scotoma events` takes them.
    #[arg(long, value_name = "PATH", num_args = 1..)]
    events: Vec<PathBuf>,
    /// Summarise the CallTrace of Sysmon's event 10 by the modules it runs through.
    #[arg(long, conflicts_with = "events")]
    call_trace: bool,
    /// How to show it.
    #[arg(long, value_enum, default_value_t = StackFormat::Text)]
    pub(crate) format: StackFormat,
    #[command(flatten)]
    pub(crate) manner: Manner,
    #[command(flatten)]
    catalog: CatalogArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum StackFormat {
    /// For reading.
    Text,
    /// JSON.
    Json,
    /// Rows to add to the catalog.
    Rows,
}

pub(crate) fn run(args: &StackArgs) -> anyhow::Result<ExitCode> {
    args.catalog.load()?;
    if args.call_trace {
        return crate::call_trace::run(args);
    }
    let mut stops: Vec<(String, Break, StackAnalysis)> = Vec::new();
    for log in &args.logs {
        let name = log.display().to_string();
        let text = text_of(log)?;
        let found = breaks(&text);
        if found.is_empty() {
            eprintln!("skipped: {}: no stack and no process in it", clean(&name));
        }
        stops.extend(found.into_iter().map(|stop| {
            let reading = read(&stop);
            (name.clone(), stop, reading)
        }));
    }
    if stops.is_empty() {
        bail!("no stack found");
    }
    let recorded = if args.events.is_empty() {
        Vec::new()
    } else {
        recorded(args)?
    };
    let tied: Vec<Vec<Correlation>> = stops
        .iter()
        .map(|(_, stop, reading)| correlations(stop, reading, &recorded))
        .collect();
    let text = match args.format {
        StackFormat::Json => {
            let rows: Vec<_> = stops
                .iter()
                .zip(&tied)
                .map(|((log, stop, reading), correlations)| {
                    let events: Vec<_> = correlations
                        .iter()
                        .map(|t| json!({ "tie": t, "event": recorded[t.recorded] }))
                        .collect();
                    json!({ "log": log, "break": stop, "reading": reading, "recorded": events })
                })
                .collect();
            serde_json::to_string_pretty(&rows)? + "\n"
        }
        StackFormat::Rows => rows(&stops),
        StackFormat::Text => {
            let mut page = Page::new();
            for ((log, stop, reading), correlations) in stops.iter().zip(&tied) {
                show(&mut page, log, stop, reading);
                if !args.events.is_empty() {
                    show_ties(&mut page, correlations, &recorded);
                }
            }
            page.finish()
        }
    };
    io::stdout().lock().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

fn text_of(log: &Path) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    let read = if log.as_os_str() == "-" {
        io::stdin().lock().take(MAX_LOG + 1).read_to_end(&mut bytes)
    } else {
        File::open(log).and_then(|f| f.take(MAX_LOG + 1).read_to_end(&mut bytes))
    };
    read.with_context(|| format!("cannot read {}", log.display()))?;
    if bytes.len() as u64 > MAX_LOG {
        bail!(
            "{}: longer than {MAX_LOG} bytes; logs above that are not read",
            log.display()
        );
    }
    // WinDbg writes its logs in the system's code page or, asked to, in UTF-16.
    Ok(match bytes.as_slice() {
        [0xFF, 0xFE, rest @ ..] => {
            let units: Vec<u16> = rest
                .chunks_exact(2)
                .map(|c| u16::from_le_bytes([c[0], c[1]]))
                .collect();
            String::from_utf16_lossy(&units)
        }
        _ => String::from_utf8_lossy(&bytes).into_owned(),
    })
}

fn show(page: &mut Page, log: &str, stop: &Break, reading: &StackAnalysis) {
    let breakpoint = stop
        .breakpoint
        .map_or_else(String::new, |b| format!(", breakpoint {b}"));
    page.title(format_args!(
        "{} line {}{breakpoint}",
        clean(log),
        stop.line
    ));
    if let Some(client) = stop.client {
        let image = stop
            .image
            .as_deref()
            .map_or_else(String::new, |i| format!(" {}", clean(i)));
        let thread = client
            .thread
            .map_or_else(String::new, |t| format!(", thread {t:#x} = {t}"));
        page.item(format_args!(
            "process {:04x} = {}{image}{thread}",
            client.process, client.process
        ));
    }
    if let Some(callback) = &reading.callback {
        let module = |symbol: &str| symbol.split(['!', '+']).next().map(str::to_ascii_lowercase);
        match &reading.dispatcher {
            // Where the system itself writes the event, the debugger stops in the system.
            Some(by) if module(by) == module(callback) => page.item(format_args!(
                "stopped at {}; nobody is called back there",
                clean(callback)
            )),
            _ => page.item(format_args!("callback {}", clean(callback))),
        }
    }
    match reading.mechanism {
        Some(mechanism) => page.item(format_args!(
            "by {} ({mechanism}), says {}",
            mechanism.name,
            reading.dispatcher.as_deref().unwrap_or("the stack")
        )),
        None => page.item("by no mechanism that the stack shows"),
    }
    let events: Vec<_> = reading.events.iter().map(|e| event_name(*e)).collect();
    if !events.is_empty() {
        page.item(format_args!("event {}", events.join(" or ")));
    }
    if let Some(boundary) = &reading.boundary {
        let service = boundary.service.as_deref().unwrap_or("(service not named)");
        let from = boundary.from.as_deref().unwrap_or("(no frame)");
        let how = match (boundary.direct, boundary.unresolved) {
            (true, _) => "DIRECT SYSTEM CALL from",
            (_, true) => "from unresolved code at",
            _ => "from",
        };
        page.item(format_args!(
            "into the kernel by {} {how} {}",
            clean(service),
            clean(from)
        ));
    }
    if let Some(entered) = &reading.entered_by {
        page.item(format_args!(
            "entered by {}{}",
            clean(entered),
            if reading.wow64 {
                " (32-bit process)"
            } else {
                ""
            }
        ));
    }
    calls(page, reading);
    for gap in &reading.gaps {
        page.item(format_args!("gap: {gap}"));
    }
}

/// The frames that are calls, and what they say to the catalog.
fn calls(page: &mut Page, reading: &StackAnalysis) {
    if !reading.kept.is_empty() {
        page.head("Frames of nt, ntdll, KERNELBASE and KERNEL32 in the order of the calls");
        for frame in &reading.kept {
            page.item(format_args!("{:02x} {}", frame.index, clean(&frame.symbol)));
        }
    }
    if !reading.observations.is_empty() {
        page.head("Observed");
        for observation in &reading.observations {
            let events: Vec<_> = observation.events.iter().map(|e| e.slug()).collect();
            let status = match observation.status {
                Observed::Known => "in the catalog",
                Observed::NewArrow => "the catalog has the call and not this arrow",
                Observed::NewCall => "the catalog does not have this call",
                Observed::SaidSilent => "the catalog says that this call is not seen in this way",
            };
            page.item(format_args!(
                "{} -> {} -> {} ({status})",
                clean(&observation.api),
                observation.mechanism,
                events.join(" or ")
            ));
        }
    }
}

fn show_ties(page: &mut Page, correlations: &[Correlation], recorded: &[RecordedEvent]) {
    page.head("Recorded");
    if correlations.is_empty() {
        page.item("no event of this process and kind near this time");
    }
    for tie in correlations.iter().take(5) {
        let event = &recorded[tie.recorded];
        let after = tie.after.map_or_else(
            || "no time to compare".to_owned(),
            |a| format!("{:.3} s after the break", a as f64 / 1e6),
        );
        page.item(format_args!(
            "{} {} ({}, {after})",
            event_name(event.event),
            clean(&event.place),
            tie.field
        ));
    }
    if correlations.len() > 5 {
        page.item(format_args!("... and {} more", correlations.len() - 5));
    }
}

/// Sysmon's events as far as it takes to tie them.
const RECORDED: &str = "SELECT EventID, TimeCreated, source_file, EventRecordID, ProcessId, ParentProcessId, SourceProcessId FROM sysmon";

fn recorded(args: &StackArgs) -> anyhow::Result<Vec<RecordedEvent>> {
    let mut session = Session::begin(&args.events, &[], &args.manner)?;
    let (prepared, answer) = session.engine.query(RECORDED)?;
    let mut rows = Vec::new();
    for batch in answer {
        let batch = batch?;
        let cell = |column: usize, row: usize| render::text(batch.column(column), row);
        for row in 0..batch.num_rows() {
            let Some(event) = cell(0, row).and_then(|n| EventId::named(&format!("sysmon:{n}")))
            else {
                continue;
            };
            let fields = [
                (4, "ProcessId"),
                (5, "ParentProcessId"),
                (6, "SourceProcessId"),
            ];
            let processes = fields
                .into_iter()
                .filter_map(|(column, name)| {
                    Some((name.to_owned(), cell(column, row)?.parse().ok()?))
                })
                .collect();
            let place = format!(
                "{} record {}",
                cell(2, row).unwrap_or_default(),
                cell(3, row).unwrap_or_default()
            );
            let time = cell(1, row)
                .as_deref()
                .and_then(research::correlate::iso_micros);
            rows.push(RecordedEvent {
                event,
                time,
                processes,
                place,
            });
        }
    }
    session.hush();
    let outcome = session.engine.outcome(&[&prepared]);
    session.end(&outcome, false, &[])?;
    Ok(rows)
}

/// What a folder for `--catalog` takes to have the calls that were seen and are not in the catalog: file by file.
fn rows(stops: &[(String, Break, StackAnalysis)]) -> String {
    const SOURCE: &str = "own-stacks";
    let mut apis = BTreeMap::new();
    let mut mappings = BTreeMap::new();
    for (log, _, reading) in stops {
        let source = format!("{SOURCE}#{}", clean(log));
        let new = reading.observations.iter();
        for observation in new.filter(|o| o.status != Observed::Known) {
            // What several logs show is one row; the first of them is its source.
            if let Some(row) = observation.call_yaml(&source) {
                apis.entry(&observation.api).or_insert(row);
            }
            for event in &observation.events {
                mappings
                    .entry((&observation.api, *event))
                    .or_insert_with(|| observation.mapping_yaml(*event, &source));
            }
        }
    }
    if mappings.is_empty() {
        return String::new();
    }
    let title = "Debugger stacks of our own; the log stands behind the sign";
    let source = format!("- {{id: {SOURCE}, title: {title}, at: own logs, licence: own}}\n");
    let files = [
        ("sources.yaml", source),
        ("apis.yaml", apis.into_values().collect()),
        ("mappings.yaml", mappings.into_values().collect()),
    ];
    let filled = files.into_iter().filter(|(_, rows)| !rows.is_empty());
    filled
        .map(|(name, rows)| format!("# {name}\n{rows}"))
        .collect()
}
