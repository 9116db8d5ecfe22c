//! `scotoma map`: the line of sight through a call, a mechanism, an event, a technique or a data component.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use catalog::draw::{Plan, dot, html, svg};
use catalog::map::{Line, Seen, component_row, line, seen, silences};
use catalog::{ApiId, EventId, Mapping, Mark, Match, MechanismId, SensorId, Subject, TamperingId};
use clap::{Args, ValueEnum};

use crate::output::page::Page;

#[derive(Args, Debug)]
pub(crate) struct MapArgs {
    /// A call (CreateRemoteThread, kernel32!CreateFileW), a mechanism (ObRegisterCallbacks), an event (10, ProcessAccess,
    /// security:4688), a technique (T1055.001) or a data component.
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
    /// Write into this file.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
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

/// Items of a long list shown without --full.
const SHORT: usize = 6;

pub(crate) fn run(args: &MapArgs) -> anyhow::Result<ExitCode> {
    let text = if args.schema {
        catalog::SCHEMA.to_owned()
    } else if args.not_observed {
        not_observed(args)?
    } else {
        answer(args)?
    };
    match &args.output {
        Some(path) => std::fs::write(path, text)
            .with_context(|| format!("cannot write {}", path.display()))?,
        None => io::stdout().lock().write_all(text.as_bytes())?,
    }
    Ok(ExitCode::SUCCESS)
}

fn answer(args: &MapArgs) -> anyhow::Result<String> {
    let mut matches = Vec::new();
    for name in &args.names {
        matches.extend(lookup(name)?);
    }
    let lines: Vec<(Match, Line)> = matches.into_iter().map(|m| (m, line(m.subject))).collect();
    let plan = || {
        let lines: Vec<Line> = lines.iter().map(|(_, l)| l.clone()).collect();
        if args.all {
            Plan::all()
        } else {
            Plan::of(&lines)
        }
    };
    Ok(match args.format {
        MapFormat::Svg => svg(&plan()),
        MapFormat::Html => html(&plan()),
        MapFormat::Dot => dot(&plan()),
        MapFormat::Json if args.all => serde_json::to_string_pretty(&catalog::whole())? + "\n",
        MapFormat::Json => {
            serde_json::to_string_pretty(&lines.iter().map(|(_, l)| l).collect::<Vec<_>>())? + "\n"
        }
        MapFormat::Text if args.all => overview(),
        MapFormat::Text => {
            let mut page = Page::new();
            for (found, line) in &lines {
                show(&mut page, found, line, args.full);
            }
            page.finish()
        }
    })
}

/// The rows that answer to a name, or an error with the nearest names.
pub(crate) fn lookup(name: &str) -> anyhow::Result<Vec<Match>> {
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

fn show(page: &mut Page, found: &Match, line: &Line, full: bool) {
    match found.subject {
        Subject::Api(api) => show_api(page, api, found.by, line),
        Subject::Mechanism(mechanism) => show_mechanism(page, mechanism, line),
        Subject::Event(event) => show_event(page, event, line),
        Subject::Behaviour(behaviour) => {
            crate::technique::show(page, behaviour, full);
            return;
        }
        Subject::Component(component) => {
            let id = component.attack_id.unwrap_or("no longer in ATT&CK");
            page.title(format_args!("{} - data component ({id})", component.name));
            page.head("Events that are evidence of it");
            for event in &line.events {
                page.item(event_name(*event));
                if let Some(remark) = component_row(*event).and_then(|r| r.remark) {
                    page.under(remark);
                }
            }
        }
        Subject::Tampering(tampering) => {
            page.title(format_args!("{} - tampering", tampering.name));
            show_tampering(page, &[tampering], true);
        }
    }
    if !line.behaviours.is_empty() {
        page.head("Techniques");
        let limit = if full { usize::MAX } else { SHORT };
        for behaviour in line.behaviours.iter().take(limit) {
            page.item(format_args!(
                "{} {} ({behaviour})",
                behaviour.technique, behaviour.name
            ));
        }
        more(page, line.behaviours.len(), limit);
    }
    if !matches!(found.subject, Subject::Tampering(_)) && !line.tampering.is_empty() {
        page.head("Silenced by");
        show_tampering(page, &line.tampering, full);
    }
}

fn show_api(page: &mut Page, api: ApiId, by: Option<&str>, line: &Line) {
    page.title(format_args!("{} - {}", api.id, layer(api)));
    if let Some(by) = by {
        page.item(format_args!("{by} is a form of it."));
    }
    if !api.modules.is_empty() {
        page.item(format_args!("In {}.", api.modules.join(", ")));
    }
    if !api.native.is_empty() {
        let names: Vec<_> = api.native.iter().map(|n| n.slug()).collect();
        page.item(format_args!("Ends in {}.", names.join(", ")));
    }
    page.item_if(api.note);
    if line.arrows.is_empty() && line.below.is_empty() {
        let verdict = if line.not_observed.is_empty() {
            "The catalog has no arrow for this call and no word that there is none. That is no proof of silence."
        } else {
            "No sensor of the catalog sees it."
        };
        page.head(verdict);
    }
    if !line.arrows.is_empty() {
        page.head("Seen");
        line.arrows.iter().for_each(|a| show_arrow(page, a, false));
    }
    let own: Vec<_> = line.arrows.iter().map(|a| a.event).collect();
    let below: Vec<_> = line
        .below
        .iter()
        .filter(|a| !own.contains(&a.event))
        .collect();
    if !below.is_empty() {
        page.head("Seen in the system service it ends in");
        below.iter().for_each(|a| show_arrow(page, a, true));
    }
    if !line.not_observed.is_empty() {
        page.head("Not observed");
        for silence in &line.not_observed {
            let event = silence.event.map_or_else(
                || "no event".to_owned(),
                |e| format!("not as {}", event_name(e)),
            );
            page.item(format_args!("by {}: {event}", silence.sensor.name));
            page.under(format_args!(
                "{} {}",
                silence.why,
                trace(silence.mark, silence.source)
            ));
        }
    }
    if !line.mechanisms.is_empty() {
        page.head("What these mechanisms do not see");
        for mechanism in &line.mechanisms {
            page.item(format_args!("{mechanism}"));
            mechanism
                .not_observed
                .iter()
                .for_each(|n| page.under(format_args!("- {n}")));
        }
    }
    if let Some(row) = catalog::needs::row(api) {
        for (place, handle) in row.handles.iter().enumerate() {
            if place == 0 {
                page.head("Rights it needs");
            }
            page.item(format_args!(
                "{} handle: {} = {:#x}",
                handle.object,
                handle.rights.join(" | "),
                handle.mask
            ));
            page.under(trace(row.mark, row.source));
        }
    }
    if !line.callers.is_empty() {
        let names: Vec<_> = line.callers.iter().map(|a| a.slug()).collect();
        page.head(format_args!("Called by {}", names.join(", ")));
    }
}

fn show_mechanism(page: &mut Page, mechanism: MechanismId, line: &Line) {
    page.title(format_args!("{} - mechanism ({mechanism})", mechanism.name));
    page.item(trace(mechanism.mark, mechanism.source));
    if let Some(provider) = mechanism.provider {
        page.item(format_args!(
            "Provider {} {}, written in {}.",
            provider.name, provider.guid, provider.emitted_in
        ));
    }
    let imports: Vec<_> = mechanism.imports.iter().map(|i| i.name).collect();
    if !imports.is_empty() {
        page.item(format_args!("Registered by {}.", imports.join(", ")));
    }
    if !mechanism.remove_with.is_empty() {
        page.item(format_args!(
            "Taken back by {}.",
            mechanism.remove_with.join(", ")
        ));
    }
    page.head("Sees");
    mechanism
        .observes
        .iter()
        .for_each(|o| page.item(format_args!("- {o}")));
    page.head("Does not see");
    mechanism
        .not_observed
        .iter()
        .for_each(|o| page.item(format_args!("- {o}")));
    page.head("Events and the calls that lead to them");
    for event in &line.events {
        page.item(event_name(*event));
        calls(page, line, *event);
    }
}

fn show_event(page: &mut Page, event: EventId, line: &Line) {
    page.title(format_args!("{} - event", event_name(event)));
    page.item(trace(event.mark, event.source));
    page.item_if(event.note);
    match event.mechanism {
        Some(mechanism) => {
            page.item(format_args!("By {} ({mechanism}).", mechanism.name));
            page.head("Calls that lead to it");
            calls(page, line, event);
            page.head("What the mechanism does not see");
            mechanism
                .not_observed
                .iter()
                .for_each(|o| page.item(format_args!("- {o}")));
        }
        None => page.item("The catalog does not know what makes the sensor see it."),
    }
    if !line.not_observed.is_empty() {
        page.head("Calls that do not give it");
        for silence in &line.not_observed {
            let names: Vec<_> = silence.apis.iter().map(|a| a.slug()).collect();
            page.item(names.join(", "));
            page.under(format_args!(
                "{} {}",
                silence.why,
                trace(silence.mark, silence.source)
            ));
        }
    }
    let components: Vec<_> = line.components.iter().map(|c| c.name).collect();
    if !components.is_empty() {
        page.head(format_args!("Evidence of {}", components.join(", ")));
    }
    if let Some(sysmon) = event.sysmon {
        page.head(format_args!("Fields: {}", sysmon.fields.join(", ")));
    }
    if let Some(security) = event.security {
        page.head(format_args!(
            "Turned on by audit subcategory {}",
            security.audit_subcategory.join(", ")
        ));
        page.item(security.functions_in_order.join(" -> "));
    }
}

fn calls(page: &mut Page, line: &Line, event: EventId) {
    let arrows: Vec<_> = line.arrows.iter().filter(|a| a.event == event).collect();
    if arrows.is_empty() {
        page.under("(no call is mapped)");
    }
    for arrow in arrows {
        let name = arrow.api.map_or("(the source names no call)", |a| a.slug());
        let when = arrow.when.map_or_else(String::new, |w| format!(" ({w})"));
        page.under(format_args!(
            "{name}{when} {}",
            trace(arrow.mark, arrow.source)
        ));
        if let Some(correction) = arrow.correction {
            page.under(format_args!("  but: {correction}"));
        }
    }
}

fn show_arrow(page: &mut Page, arrow: &Mapping, below: bool) {
    let through = arrow
        .api
        .filter(|_| below)
        .map_or_else(String::new, |a| format!(", through {a}"));
    let when = arrow.when.map_or_else(String::new, |w| format!(" ({w})"));
    page.item(format_args!("{}{when}", event_name(arrow.event)));
    page.under(format_args!(
        "by {} ({}){through}",
        arrow.mechanism.name, arrow.mechanism
    ));
    page.under(trace(arrow.mark, arrow.source));
    for remark in [arrow.correction, arrow.note].into_iter().flatten() {
        page.under(format_args!("note: {remark}"));
    }
}

pub(crate) fn show_tampering(page: &mut Page, tampering: &[TamperingId], full: bool) {
    let limit = if full { usize::MAX } else { SHORT };
    for way in tampering.iter().take(limit) {
        page.item(format_args!("{} ({way})", way.name));
        if full {
            page.under(format_args!(
                "{} {}",
                way.effect,
                trace(way.mark, way.source)
            ));
        }
        let signs: Vec<_> = way
            .reveals
            .iter()
            .map(|s| format!("{} ({})", s.event, s.why))
            .collect();
        match signs.is_empty() {
            true => page.under("still shows: nothing known"),
            false => page.under(format_args!("still shows: {}", signs.join("; "))),
        }
        if full {
            page.under(format_args!("counter: {}", way.counter));
        }
    }
    more(page, tampering.len(), limit);
}

pub(crate) fn more(page: &mut Page, count: usize, limit: usize) {
    if count > limit {
        page.item(format_args!("... and {} more (--full)", count - limit));
    }
}

fn not_observed(args: &MapArgs) -> anyhow::Result<String> {
    let Some(sensor) = SensorId::named(&args.sensor) else {
        let names: Vec<_> = SensorId::all().map(SensorId::slug).collect();
        bail!(
            "no sensor is called {:?}; there are {}",
            args.sensor,
            names.join(", ")
        );
    };
    let stated: Vec<_> = silences().filter(|s| s.sensor == sensor).collect();
    let unknown: Vec<ApiId> = ApiId::all()
        .filter(|a| seen(*a, sensor) == Seen::Unknown)
        .collect();
    if args.format == MapFormat::Json {
        let json =
            serde_json::json!({ "sensor": sensor, "not_observed": stated, "unknown": unknown });
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
    page.head(format_args!(
        "Unknown: {} calls of the catalog without an arrow to {} and without a word that there is none. That is no proof of silence.",
        unknown.len(),
        sensor.name
    ));
    page.item(
        unknown
            .iter()
            .map(|a| a.slug())
            .collect::<Vec<_>>()
            .join(", "),
    );
    Ok(page.finish())
}

fn overview() -> String {
    let mut page = Page::new();
    for section in Plan::all().sections {
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

pub(crate) fn event_name(event: EventId) -> String {
    let tag = event
        .sysmon
        .and_then(|s| s.rule_tag)
        .map_or_else(String::new, |t| format!(" {t}"));
    let name = event.name.map_or_else(String::new, |n| format!(", {n}"));
    format!("{event}{tag}{name}")
}

/// `[from-source: telemetrysource, otrf-api]`.
pub(crate) fn trace(mark: Mark, sources: &[&str]) -> String {
    let mut ids: Vec<&str> = Vec::new();
    for source in sources {
        let id = source.split(['#', ' ']).next().unwrap_or_default();
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    let mark = match mark {
        Mark::FromSource => "from-source",
        Mark::Observed => "observed",
        Mark::Derived => "derived",
        Mark::Doubtful => "doubtful",
    };
    if ids.is_empty() {
        return format!("[{mark}]");
    }
    format!("[{mark}: {}]", ids.join(", "))
}

fn layer(api: ApiId) -> &'static str {
    use catalog::Layer;
    match api.layer {
        Layer::Win32 => "Windows API",
        Layer::Win32Internal => "internal function of a Windows API module",
        Layer::Native => "native API",
        Layer::KernelInternal => "function inside the kernel",
        Layer::Rpc => "Windows API, carried out by another process",
        Layer::Com => "COM method",
        Layer::Protocol => "protocol operation",
        Layer::NotAnApi => "no API, but a name on the published map",
    }
}
