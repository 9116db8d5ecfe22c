//! `scotoma simulate`: the events a technique would leave, for trying rules and configurations on them.

use std::process::ExitCode;

use ::sight::simulate::{
    SimulatedEvent, SimulationOptions, Variant, simulate, variants, write_ndjson, write_xml,
};
use anyhow::bail;
use catalog::{BehaviourId, Subject, find};
use clap::{Args, ValueEnum};

use crate::output::{OutputArgs, Sink, ending, must_end_in, plural};
use crate::technique::unmapped_technique;

#[derive(Args, Debug)]
pub(crate) struct SimulateArgs {
    /// ATT&CK technique (T1055.001; T1055 with its sub-techniques), or a behaviour's name.
    #[arg(required = true, value_name = "ID|NAME")]
    names: Vec<String>,
    #[command(flatten)]
    pub(crate) choice: SimulationArgs,
    /// How to write the events. Without it, the ending of the output file decides.
    #[arg(long, value_enum)]
    format: Option<SimulationFormat>,
    #[command(flatten)]
    to: OutputArgs,
}

/// What may be chosen of a simulation.
#[derive(Args, Clone, Debug)]
pub(crate) struct SimulationArgs {
    /// Only this way of doing it: api, all-access, native or direct-syscall. Without it, each that the technique has.
    #[arg(long, value_name = "ID")]
    variant: Option<String>,
    /// The program that acts.
    #[arg(long, value_name = "PATH")]
    actor: Option<String>,
    /// The program that is acted on.
    #[arg(long, value_name = "PATH")]
    target: Option<String>,
    /// The user.
    #[arg(long, value_name = "DOMAIN\\NAME")]
    user: Option<String>,
    /// Another number gives other ids, addresses and times.
    #[arg(long, default_value_t = 0, value_name = "N")]
    seed: u64,
}

impl SimulationArgs {
    pub(crate) fn variant(&self) -> anyhow::Result<Option<Variant>> {
        let Some(name) = &self.variant else {
            return Ok(None);
        };
        match Variant::named(name) {
            Some(variant) => Ok(Some(variant)),
            None => {
                let known: Vec<&str> = Variant::ALL.iter().map(|v| v.name()).collect();
                bail!(
                    "no variant is called {name:?}; there are {}",
                    known.join(", ")
                )
            }
        }
    }

    pub(crate) fn options(&self) -> SimulationOptions {
        SimulationOptions {
            actor: self.actor.clone(),
            target: self.target.clone(),
            user: self.user.clone(),
            seed: self.seed,
            computer: 0,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SimulationFormat {
    /// JSON shaped as the event log's XML, one event a line.
    Ndjson,
    /// The event log's XML.
    Xml,
}

/// The techniques that names mean, each once; all of the catalog without names.
pub(crate) fn techniques(names: &[String]) -> anyhow::Result<Vec<BehaviourId>> {
    if names.is_empty() {
        return Ok(BehaviourId::all().collect());
    }
    let mut found: Vec<BehaviourId> = Vec::new();
    for name in names {
        let rows = find::behaviours(name);
        if rows.is_empty() {
            let technique = unmapped_technique(name)?;
            bail!(
                "the catalog knows no calls of {} {}",
                technique.id,
                technique.name
            );
        }
        for row in rows {
            if let Subject::Behaviour(technique) = row.subject
                && !found.contains(&technique)
            {
                found.push(technique);
            }
        }
    }
    Ok(found)
}

pub(crate) fn run(args: &SimulateArgs) -> anyhow::Result<ExitCode> {
    let techniques = techniques(&args.names)?;
    let format = match (args.format, &args.to.output) {
        (Some(format), _) => format,
        (None, Some(path)) if ending(path).as_deref() == Some("xml") => SimulationFormat::Xml,
        _ => SimulationFormat::Ndjson,
    };
    if let Some(path) = &args.to.output {
        match format {
            SimulationFormat::Xml => must_end_in(path, &["xml"])?,
            SimulationFormat::Ndjson => must_end_in(path, &["ndjson", "jsonl", "json"])?,
        }
    }
    let destination = args.to.destination(&[])?;
    let asked = args.choice.variant()?;
    let mut options = args.choice.options();
    let mut events: Vec<SimulatedEvent> = Vec::new();
    let (mut empty, mut ways) = (Vec::new(), 0);
    for technique in techniques {
        for variant in variants(technique) {
            if asked.is_none_or(|asked| asked == variant) {
                let made = simulate(technique, variant, &options).events;
                if made.is_empty() && !empty.contains(&technique) {
                    empty.push(technique);
                }
                ways += 1;
                // Each way has a computer of its own, so that nothing joins across them.
                options.computer += 1;
                events.extend(made);
            }
        }
    }
    if ways == 0 {
        bail!("the technique has no such variant");
    }
    for technique in &empty {
        eprintln!("{technique}: the catalog expects no event of Sysmon");
    }
    let mut sink = Sink::new(destination.map(|d| d.create()).transpose()?);
    match format {
        SimulationFormat::Ndjson => write_ndjson(&mut sink, &events)?,
        SimulationFormat::Xml => write_xml(&mut sink, &events)?,
    }
    sink.keep()?;
    args.to.say_written(false);
    eprintln!(
        "{} simulated, {}",
        plural(events.len() as u64, "event"),
        plural(ways, "way")
    );
    Ok(ExitCode::SUCCESS)
}
