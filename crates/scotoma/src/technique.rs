//! `scotoma technique`: a technique as calls in order, with what should show and what stays unseen.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use catalog::attack::{self, Technique};
use catalog::map::{LineOfSight, line};
use catalog::{ApiId, BehaviourId, Subject, Syscall, evidence, find};
use clap::{Args, ValueEnum};

use crate::additions::CatalogArgs;
use crate::against;
use crate::config::args::How;
use crate::config::load;
use crate::map::{
    event_name, show_evidence, show_openings, show_tampering, show_technique_name, trace,
};
use crate::output::page::Page;

#[derive(Args, Debug)]
pub(crate) struct TechniqueArgs {
    /// ATT&CK technique (T1055.001; T1055 with its sub-techniques), or a behaviour's name. Without any, the list of all.
    #[arg(value_name = "ID|NAME")]
    names: Vec<String>,
    /// How to show it.
    #[arg(long, value_enum, default_value_t = TechniqueFormat::Text)]
    format: TechniqueFormat,
    /// Show every way of tampering in full; with --against, every rule.
    #[arg(long)]
    full: bool,
    /// Say which of the expected events this Sysmon configuration can keep at all: XML, a rule blob, a .reg export or a hive.
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    #[command(flatten)]
    how: How,
    #[command(flatten)]
    catalog: CatalogArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum TechniqueFormat {
    /// For reading.
    Text,
    /// JSON.
    Json,
}

pub(crate) fn run(args: &TechniqueArgs) -> anyhow::Result<ExitCode> {
    args.catalog.load()?;
    let mut behaviours: Vec<BehaviourId> = Vec::new();
    // Techniques of ATT&CK that the catalog has no calls of.
    let mut unmapped: Vec<(Technique, &str)> = Vec::new();
    for name in &args.names {
        let found = find::behaviours(name);
        if found.is_empty() {
            unmapped.push((unmapped_technique(name)?, name));
        }
        behaviours.extend(found.iter().filter_map(|m| match m.subject {
            Subject::Behaviour(behaviour) => Some(behaviour),
            _ => None,
        }));
    }
    let all = args.names.is_empty();
    if all {
        behaviours = BehaviourId::all().collect();
    }
    if let Some(file) = &args.against {
        let config = load::accepted(file, args.how.engine.into())?;
        let json = args.format == TechniqueFormat::Json;
        let text = against::answer(&config, &behaviours, json, args.full, all)?;
        io::stdout().lock().write_all(text.as_bytes())?;
        return Ok(ExitCode::SUCCESS);
    }
    let text = match args.format {
        TechniqueFormat::Json => {
            let rows: Vec<serde_json::Value> = behaviours
                .iter()
                .map(|b| {
                    let line = line(Subject::Behaviour(*b));
                    serde_json::json!({ "behaviour": b.row(), "components": line.components, "tampering": line.tampering,
                                        "not_observed": line.not_observed })
                })
                .collect();
            serde_json::to_string_pretty(&rows)? + "\n"
        }
        TechniqueFormat::Text => {
            let mut page = Page::new();
            for (technique, asked) in unmapped {
                show_technique_name(&mut page, technique, technique.asked_otherwise(asked));
                page.item("No calls known.");
            }
            for behaviour in behaviours {
                if all {
                    page.item(format_args!(
                        "{:<10} {} ({behaviour})",
                        behaviour.technique, behaviour.name
                    ));
                } else {
                    show(&mut page, behaviour, args.full);
                }
            }
            page.finish()
        }
    };
    io::stdout().lock().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// The technique of ATT&CK that a name means, or an error with the nearest names.
pub(crate) fn unmapped_technique(name: &str) -> anyhow::Result<Technique> {
    let by_name = || attack::all().find(|t| t.name.eq_ignore_ascii_case(name));
    if let Some(technique) = attack::technique(name).or_else(by_name) {
        return Ok(technique.current());
    }
    let behaviours = BehaviourId::all().flat_map(|b| [b.slug(), b.row().name]);
    let names = behaviours.chain(attack::all().map(|t| t.name));
    let near = find::nearest_of(name, 5, names);
    match near.is_empty() {
        true => bail!("no technique is called {name:?}"),
        false => bail!(
            "no technique is called {name:?}; the nearest: {}",
            near.join(", ")
        ),
    }
}

/// A technique with everything on its line of sight.
pub(crate) fn show(page: &mut Page, behaviour: BehaviourId, full: bool) {
    let line = line(Subject::Behaviour(behaviour));
    page.title(format_args!(
        "{} - {} {} ({behaviour})",
        behaviour.name, behaviour.technique, behaviour.technique_name
    ));
    page.item(format_args!(
        "Tactics: {}. {}",
        behaviour.tactics.join(", "),
        trace(behaviour.mark, behaviour.source)
    ));
    if let Some(former) = behaviour.technique_v18 {
        page.item(format_args!("{former} before ATT&CK {}.", attack::VERSION));
    }
    page.item_if(behaviour.note);
    calls(page, "Calls in order", behaviour.win32);
    calls(page, "The same through the native API", behaviour.native);
    match behaviour.syscall {
        Syscall::SameServices => page.under("By system calls of one's own: the same services run, so kernel mechanisms see the same; hooks in user mode do not, and the call trace of event 10 begins outside ntdll."),
        Syscall::NotApplicable => {}
        Syscall::Other => page.under(behaviour.syscall_note.unwrap_or_default()),
    }
    if !behaviour.handle_rights.is_empty() {
        page.head("Handle rights");
        for needed in behaviour.handle_rights {
            let logged = catalog::rights::object(needed.object)
                .map_or(needed.mask, |o| o.with_implied(needed.mask));
            page.item(format_args!(
                "{}: {:#x}, logged as {logged:#x}",
                needed.object, needed.mask
            ));
            page.under(needed.rights.join(" | "));
            if let Some(note) = needed.note {
                page.under(note);
            }
        }
    }
    if !line.openings.is_empty() {
        page.head("Through the handles they need");
        show_openings(page, &line.openings);
    }
    page.head(format_args!(
        "Events a log-everything setup can give {}",
        trace(behaviour.expected_mark, &[])
    ));
    if behaviour.expected.is_empty() {
        page.item("none");
    }
    for expected in behaviour.expected {
        page.item(event_name(expected.event));
        if let Some(when) = expected.when {
            page.under(when);
        }
        show_evidence(page, evidence::of_expected(behaviour, expected.event));
    }
    for elsewhere in behaviour.expected_elsewhere {
        let event = elsewhere
            .event
            .map_or_else(String::new, |e| format!(" {e}"));
        page.item(format_args!("{}{event}: {}", elsewhere.log, elsewhere.what));
    }
    blind_spots(page, behaviour, &line);
    let components: Vec<_> = line.components.iter().map(|c| c.name).collect();
    if !components.is_empty() {
        page.head(format_args!("Data components: {}", components.join(", ")));
    }
    if !line.tampering.is_empty() {
        page.head("Silenced by");
        show_tampering(page, &line.tampering, full);
    }
}

fn calls(page: &mut Page, title: &str, calls: &[ApiId]) {
    if !calls.is_empty() {
        page.head(title);
        for (place, api) in calls.iter().enumerate() {
            page.item(format_args!("{}. {api}", place + 1));
        }
    }
}

fn blind_spots(page: &mut Page, behaviour: BehaviourId, line: &LineOfSight) {
    if behaviour.blind_spots.is_empty() && line.not_observed.is_empty() {
        return;
    }
    page.head("Blind spots");
    behaviour.blind_spots.iter().for_each(|b| page.item(b));
    for silence in &line.not_observed {
        let names: Vec<_> = silence
            .apis
            .iter()
            .filter(|a| behaviour.win32.contains(a) || behaviour.native.contains(a))
            .map(|a| a.slug())
            .collect();
        page.item(format_args!(
            "{}: {} {}",
            names.join(", "),
            silence.why,
            trace(silence.mark, silence.source)
        ));
    }
}
