//! `scotoma sight`: the line of sight of techniques through a configuration and analytics, and where it breaks.

mod story;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ::sight::chain::{DetectionStack, TechniqueSight, kinds, walk};
use ::sight::{compare, recorded, render};
use analytics::pack::{self, Hunt};
use anyhow::{Context, bail};
use app::output::Destination;
use catalog::{BehaviourId, TamperingId};
use clap::{Args, ValueEnum};
use sigma::{Pack, Placeholders};
use sysmon::Config;

use crate::config::args::{Env, How};
use crate::config::load;
use crate::output::{OutputArgs, Sink, clean, must_end_in, plural, write_json};
use crate::simulate::{SimulationArgs, techniques};

#[derive(Args, Debug)]
pub(crate) struct SightArgs {
    /// ATT&CK technique (T1055.001; T1055 with its sub-techniques), or a behaviour's name. Without any, all of the catalog.
    /// After the word `diff`, what a change of the configuration gains and loses.
    #[arg(value_name = "ID|NAME")]
    names: Vec<String>,
    /// The Sysmon configuration: XML, a rule blob, a .reg export or a hive. Without it, what Sysmon could see at best. For
    /// `scotoma sight diff`, the old one and then the new one.
    #[arg(long, value_name = "FILE")]
    config: Vec<PathBuf>,
    /// Sigma rules: files, or folders with all that lies below.
    #[arg(long, value_name = "PATH")]
    rules: Vec<PathBuf>,
    /// A folder of SQL hunts, or `built-in` for those of the program.
    #[arg(long, value_name = "DIR")]
    pack: Option<PathBuf>,
    /// Of the hunts, only these.
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    only: Vec<String>,
    /// Recordings of the attack: which of the expected events are there, and what fires on which records.
    #[arg(long, value_name = "PATH", conflicts_with_all = ["config", "against", "tampered"])]
    logs: Vec<PathBuf>,
    /// Take it that this happened: a way of tampering, as `scotoma map` names it.
    #[arg(long, value_name = "ID")]
    tampered: Option<String>,
    #[command(flatten)]
    choice: SimulationArgs,
    /// How to show it.
    #[arg(long, value_enum, default_value_t = SightFormat::Table)]
    format: SightFormat,
    /// Tell every variant and every analytic in full.
    #[arg(long)]
    full: bool,
    /// Say what was gained and lost since this answer (JSON).
    #[arg(long, value_name = "OLD.json")]
    against: Option<PathBuf>,
    /// Exit with 1 where sight is lost against the old answer, or where a line breaks.
    #[arg(long, value_enum, value_name = "WHAT", value_delimiter = ',')]
    fail_on: Vec<SightFailure>,
    #[command(flatten)]
    to: OutputArgs,
    #[command(flatten)]
    how: How,
    #[command(flatten)]
    env: Env,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SightFormat {
    /// For reading: of few techniques the story, of many a matrix.
    Table,
    /// JSON, as docs/sight.md describes it.
    Json,
    /// A page for a browser.
    Html,
    /// A layer for the ATT&CK Navigator.
    Navigator,
    /// SARIF: a result for each break, at the line of the configuration.
    Sarif,
}

/// What makes the exit status 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SightFailure {
    /// A line that held breaks now, or breaks earlier.
    Loss,
    /// A line breaks.
    Break,
}

/// More techniques than this are shown as a matrix.
const STORIES: usize = 4;

/// The word that asks for what changes between two configurations.
const DIFF: &str = "diff";

pub(crate) fn run(args: &SightArgs) -> anyhow::Result<ExitCode> {
    let (diff, names) = match args.names.split_first() {
        Some((first, rest)) if first == DIFF => (true, rest),
        _ => (false, &args.names[..]),
    };
    let configs = match (diff, args.config.len()) {
        (false, 0 | 1) | (true, 2) => args
            .config
            .iter()
            .map(|file| load::accepted(file, args.how.engine.into()))
            .collect::<anyhow::Result<Vec<Config>>>()?,
        (true, _) => bail!("`sight diff` takes --config twice: the old one, then the new one"),
        (false, _) => bail!("one --config; two are for `sight diff`"),
    };
    let techniques = techniques(names)?;
    if let Some(path) = &args.to.output {
        must_end_in(path, args.format.endings())?;
    }
    let inputs: Vec<PathBuf> = inputs(args).cloned().collect();
    let destination = args.to.destination(&inputs)?;
    let analytics = Analytics {
        rules: sigma_rules(&args.rules)?,
        hunts: hunts(args)?,
    };
    if !args.logs.is_empty() {
        return in_logs(args, &techniques, &analytics, destination);
    }
    let lines = walked(args, &techniques, configs.last(), &analytics)?;
    let old = match (diff, &args.against) {
        (true, _) => Some(walked(args, &techniques, configs.first(), &analytics)?),
        (false, Some(path)) => Some(earlier(path)?),
        (false, None) => None,
    };
    let changes = old.map(|old| compare::compare(&old, &lines));
    let about = render::About {
        configuration: configs.last().map(|c| clean(&c.source.name)),
        rules: analytics.rules.len(),
        hunts: analytics.hunts.len(),
        kinds: kinds(&stack(args, configs.last(), &analytics)?),
    };
    let text = match (args.format, &changes) {
        (SightFormat::Json, Some(changes)) if diff => pretty(changes)?,
        (SightFormat::Json, _) => pretty(&lines)?,
        (SightFormat::Html, _) => render::html(&lines, &about),
        (SightFormat::Navigator, _) => pretty(&render::navigator(&lines, &about))?,
        (SightFormat::Sarif, _) => {
            let file = configs.last().map(|c| c.source.name.as_str());
            pretty(&render::sarif(&lines, file))?
        }
        (SightFormat::Table, Some(changes)) => story::changes(changes),
        (SightFormat::Table, None) if techniques.len() > STORIES => story::matrix(&lines, &about),
        (SightFormat::Table, None) => story::stories(&lines, &about, args.full),
    };
    written(args, destination, &text)?;
    let lost = changes.is_some_and(|c| c.iter().any(compare::SightChange::is_loss));
    let failed = args.fail_on.iter().any(|f| match f {
        SightFailure::Loss => lost,
        SightFailure::Break => lines.iter().any(|l| !l.holds()),
    });
    Ok(match failed {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    })
}

/// The rules and hunts of a run.
struct Analytics {
    rules: Vec<sigma::Rule>,
    hunts: Vec<Hunt>,
}

fn stack<'a>(
    args: &SightArgs,
    config: Option<&'a Config>,
    analytics: &'a Analytics,
) -> anyhow::Result<DetectionStack<'a>> {
    Ok(DetectionStack {
        config,
        environment: load::environment(&args.env.env)?,
        rules: &analytics.rules,
        hunts: &analytics.hunts,
        tampering: args.tampered.as_deref().map(tampering).transpose()?,
    })
}

fn walked(
    args: &SightArgs,
    techniques: &[BehaviourId],
    config: Option<&Config>,
    analytics: &Analytics,
) -> anyhow::Result<Vec<TechniqueSight>> {
    let stack = stack(args, config, analytics)?;
    let options = args.choice.options();
    let lines = walk(techniques, args.choice.variant()?, &stack, &options)?;
    if lines.is_empty() {
        bail!("none of these techniques has that variant");
    }
    Ok(lines)
}

fn in_logs(
    args: &SightArgs,
    techniques: &[BehaviourId],
    analytics: &Analytics,
    destination: Option<Destination>,
) -> anyhow::Result<ExitCode> {
    let (rules, hunts) = (&analytics.rules, &analytics.hunts);
    let options = telemetry::Options::default();
    let (found, report) = recorded::recorded(&args.logs, techniques, rules, hunts, &options)?;
    if report.records == 0 {
        bail!("no events read from {}", plural(report.files, "file"));
    }
    let text = match args.format {
        SightFormat::Json => pretty(&found)?,
        SightFormat::Table => story::in_logs(&found),
        _ => bail!("with --logs the answer is a table or JSON"),
    };
    written(args, destination, &text)?;
    Ok(ExitCode::SUCCESS)
}

fn pretty(value: &impl serde::Serialize) -> anyhow::Result<String> {
    let mut out = Vec::new();
    write_json(&mut out, value, true)?;
    out.push(b'\n');
    Ok(String::from_utf8(out)?)
}

fn written(args: &SightArgs, destination: Option<Destination>, text: &str) -> anyhow::Result<()> {
    let mut sink = Sink::new(destination.map(|d| d.create()).transpose()?);
    sink.write_all(text.as_bytes())?;
    sink.keep()?;
    args.to.say_written(false);
    Ok(())
}

fn inputs(args: &SightArgs) -> impl Iterator<Item = &PathBuf> {
    let some = args.config.iter().chain(&args.pack).chain(&args.against);
    some.chain(&args.rules).chain(&args.logs)
}

impl SightFormat {
    fn endings(self) -> &'static [&'static str] {
        match self {
            Self::Table => &["txt"],
            Self::Json | Self::Navigator => &["json"],
            Self::Html => &["html", "htm"],
            Self::Sarif => &["sarif", "json"],
        }
    }
}

fn sigma_rules(paths: &[PathBuf]) -> anyhow::Result<Vec<sigma::Rule>> {
    if paths.is_empty() {
        return Ok(Vec::new());
    }
    let pack = Pack::read(paths, &Placeholders::new())?;
    for refusal in pack.refused.iter().take(10) {
        eprintln!("refused: {}", clean(&refusal.to_string()));
    }
    if pack.refused.len() > 10 {
        let more = plural((pack.refused.len() - 10) as u64, "document");
        eprintln!("refused: {more} more");
    }
    if !pack.correlations.is_empty() {
        let count = plural(pack.correlations.len() as u64, "correlation");
        eprintln!("left out: {count}; one simulated run says nothing about counts");
    }
    if pack.rules.is_empty() {
        bail!("no rule could be loaded");
    }
    Ok(pack.rules)
}

fn hunts(args: &SightArgs) -> anyhow::Result<Vec<Hunt>> {
    let Some(folder) = &args.pack else {
        if !args.only.is_empty() {
            bail!("--only names hunts of a --pack");
        }
        return Ok(Vec::new());
    };
    let built_in = folder == Path::new("built-in") && !folder.exists();
    let mut hunts = pack::load((!built_in).then_some(folder.as_path()))?;
    if let Some(unknown) = args
        .only
        .iter()
        .find(|id| !hunts.iter().any(|h| h.id == **id))
    {
        let known: Vec<&str> = hunts.iter().map(|h| h.id.as_str()).collect();
        bail!(
            "no hunt {unknown} in this pack; it has {}",
            known.join(", ")
        );
    }
    if !args.only.is_empty() {
        hunts.retain(|h| args.only.contains(&h.id));
    }
    Ok(hunts)
}

fn tampering(name: &str) -> anyhow::Result<TamperingId> {
    let known = || TamperingId::all().map(|t| t.slug());
    TamperingId::named(name).with_context(|| {
        let near = catalog::find::nearest_of(name, 5, known());
        match near.is_empty() {
            true => format!(
                "no way of tampering is called {name:?}: {}",
                known().collect::<Vec<_>>().join(", ")
            ),
            false => format!(
                "no way of tampering is called {name:?}; the nearest: {}",
                near.join(", ")
            ),
        }
    })
}

/// An answer that was saved as JSON.
fn earlier(path: &Path) -> anyhow::Result<Vec<TechniqueSight>> {
    let name = || path.display().to_string();
    let bytes = fs::read(path).with_context(name)?;
    serde_json::from_slice(&bytes)
        .with_context(|| format!("{}: no answer of `scotoma sight --format json`", name()))
}
