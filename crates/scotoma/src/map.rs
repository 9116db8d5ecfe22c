//! `scotoma map`: the line of sight through a call, a mechanism, an event, a technique or a data component.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use app::output::Destination;
use catalog::draw::{MapPlan, dot, html, svg};
use catalog::map::{LineOfSight, Visibility, line, not_observed, seen};
use catalog::{ApiId, FoundRow, SensorId};
use clap::{Args, ValueEnum};

use crate::additions::CatalogArgs;
use crate::output::page::Page;
use crate::output::{must_end_in, say_written};

mod answer;
mod call;
mod rows;
mod site;

pub(crate) use answer::show_technique_name;
pub(crate) use rows::{event_name, show_evidence, show_openings, show_tampering, trace};

#[derive(Args, Debug)]
pub(crate) struct MapArgs {
    /// A call (CreateRemoteThread, kernel32!CreateFileW), a mechanism (ObRegisterCallbacks), an event (10, EID 10,
    /// ProcessAccess, security:4688, TI 14), a field (GrantedAccess), a mask or right (0x1410, PROCESS_VM_READ), a technique
    /// or tactic (T1055.001, TA0006), a data component, a sensor, or a tool that stands in the catalog.
    #[arg(required_unless_present_any = ["all", "not_observed", "schema"], value_name = "NAME")]
    names: Vec<String>,
    /// The whole map.
    #[arg(long, conflicts_with = "names")]
    all: bool,
    /// The calls that leave no event, and those the catalog cannot tell.
    #[arg(long, conflicts_with_all = ["names", "all"])]
    not_observed: bool,
    /// The sensor that --not-observed is about.
    #[arg(long, default_value = "sysmon", value_name = "SENSOR")]
    sensor: String,
    /// The JSON Schema of `map --all --format json`.
    #[arg(long, conflicts_with_all = ["names", "all", "not_observed"])]
    schema: bool,
    /// How to show it.
    #[arg(long, value_enum, default_value_t = MapFormat::Text)]
    format: MapFormat,
    /// Show every technique and every way of tampering, not the first of them.
    #[arg(long)]
    full: bool,
    /// Write into this file; with --all and the name of a folder, a page for every call and event.
    #[arg(short, long, value_name = "FILE|FOLDER")]
    output: Option<PathBuf>,
    /// Replace the file if it exists.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    catalog: CatalogArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum MapFormat {
    /// For reading.
    Text,
    /// The rows, as JSON.
    Json,
    /// A picture.
    Svg,
    /// A page that answers as you type; one file, no network.
    Html,
    /// A Graphviz graph.
    Dot,
}

impl MapFormat {
    fn endings(self) -> &'static [&'static str] {
        match self {
            Self::Text => &["txt"],
            Self::Json => &["json"],
            Self::Svg => &["svg"],
            Self::Html => &["html"],
            Self::Dot => &["dot"],
        }
    }
}

pub(crate) fn run(args: &MapArgs) -> anyhow::Result<ExitCode> {
    args.catalog.load()?;
    if let Some(folder) = args
        .output
        .as_ref()
        .filter(|o| args.all && site::is_folder(o))
    {
        let staged = Destination::folder(folder)?.stage()?;
        let pages = site::write(staged.path())?;
        staged.keep()?;
        eprintln!("{pages} pages in {}", folder.display());
        return Ok(ExitCode::SUCCESS);
    }
    let text = if args.schema {
        catalog::SCHEMA.to_owned()
    } else if args.not_observed {
        visibility(args)?
    } else {
        answer(args)?
    };
    match &args.output {
        Some(path) => {
            must_end_in(path, args.format.endings())?;
            let mut out = Destination::new(path, args.force, &[])?.create()?;
            out.write_all(text.as_bytes())?;
            out.keep()?;
            say_written(path);
        }
        None => io::stdout().lock().write_all(text.as_bytes())?,
    }
    Ok(ExitCode::SUCCESS)
}

fn answer(args: &MapArgs) -> anyhow::Result<String> {
    let mut matches = Vec::new();
    for name in &args.names {
        matches.extend(lookup(name)?);
    }
    let lines: Vec<(FoundRow, LineOfSight)> =
        matches.into_iter().map(|m| (m, line(m.subject))).collect();
    let plan = || {
        let lines: Vec<LineOfSight> = lines.iter().map(|(_, l)| l.clone()).collect();
        if args.all {
            MapPlan::all()
        } else {
            MapPlan::of(&lines)
        }
    };
    Ok(match args.format {
        MapFormat::Svg => svg(&plan()),
        MapFormat::Html => html(&plan()),
        MapFormat::Dot => dot(&plan()),
        MapFormat::Json if args.all => serde_json::to_string_pretty(&catalog::contents())? + "\n",
        MapFormat::Json => {
            serde_json::to_string_pretty(&lines.iter().map(|(_, l)| l).collect::<Vec<_>>())? + "\n"
        }
        MapFormat::Text if args.all => overview(),
        MapFormat::Text => {
            let mut page = Page::new();
            let (mentioned, named): (Vec<_>, Vec<_>) =
                lines.iter().partition(|(f, _)| f.mentioned && !args.full);
            answer::show_mentions(&mut page, mentioned.iter().map(|(found, _)| found));
            for (found, line) in named {
                answer::show(&mut page, found, line, args.full);
            }
            page.finish()
        }
    })
}

/// The rows that answer to a name, or an error with the nearest names.
pub(crate) fn lookup(name: &str) -> anyhow::Result<Vec<FoundRow>> {
    let found = catalog::find(name);
    if found.is_empty() {
        let near = catalog::nearest(name, 5);
        match near.is_empty() {
            true => bail!("nothing is called {name:?}"),
            false => bail!(
                "nothing is called {name:?}; the nearest names: {}",
                near.join(", ")
            ),
        }
    }
    Ok(found)
}

fn visibility(args: &MapArgs) -> anyhow::Result<String> {
    let Some(sensor) = SensorId::named(&args.sensor) else {
        let names: Vec<_> = SensorId::all().map(SensorId::slug).collect();
        bail!(
            "no sensor is called {:?}; there are {}",
            args.sensor,
            names.join(", ")
        );
    };
    let stated: Vec<_> = not_observed().filter(|s| s.sensor == sensor).collect();
    let calls = |wanted: &[Visibility]| -> Vec<ApiId> {
        ApiId::all()
            .filter(|a| wanted.contains(&seen(*a, sensor)))
            .collect()
    };
    let unknown = calls(&[Visibility::Unknown]);
    let are_seen = calls(&[Visibility::Seen, Visibility::SeenBelow]);
    if args.format == MapFormat::Json {
        let json = serde_json::json!({ "sensor": sensor, "seen": are_seen, "not_observed": stated, "unknown": unknown });
        return Ok(serde_json::to_string_pretty(&json)? + "\n");
    }
    if args.format != MapFormat::Text {
        bail!("--not-observed is text or JSON; the map shows it as a picture too");
    }
    let mut page = Page::new();
    page.title(format_args!("Known to leave no event of {}", sensor.name));
    for silence in &stated {
        let names: Vec<_> = silence.apis.iter().map(|a| a.slug()).collect();
        page.item(names.join(", "));
        let event = silence.event.map_or_else(
            || "no event at all".to_owned(),
            |e| format!("no {}", event_name(e)),
        );
        page.under(format_args!(
            "{event}: {} {}",
            silence.why,
            trace(silence.mark, silence.source)
        ));
    }
    let names = |calls: &[ApiId]| {
        calls
            .iter()
            .map(|a| a.slug())
            .collect::<Vec<_>>()
            .join(", ")
    };
    page.head(format_args!("Visibility: {} calls", are_seen.len()));
    page.item(names(&are_seen));
    page.head(format_args!(
        "Unknown: {} calls of the catalog without an arrow to {} and without a word that there is none. That is no proof of silence.",
        unknown.len(),
        sensor.name
    ));
    page.item(names(&unknown));
    Ok(page.finish())
}

fn overview() -> String {
    let mut page = Page::new();
    for section in MapPlan::all().sections {
        page.title(section.sensor.name);
        for group in section.blocks.iter().flat_map(|b| &b.groups) {
            page.item(format_args!(
                "{} <- {}",
                event_name(group.event),
                group.event.mechanism.map_or("", |m| m.slug())
            ));
            let calls: Vec<_> = group
                .arrows
                .iter()
                .filter_map(|a| a.api)
                .map(ApiId::slug)
                .collect();
            if !calls.is_empty() {
                page.under(calls.join(", "));
            }
        }
    }
    page.finish()
}
