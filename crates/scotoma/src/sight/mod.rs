//! `scotoma sight`: the line of sight of techniques through a configuration and analytics, and where it breaks.

mod story;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ::sight::chain::{DetectionStack, TechniqueSight, kinds, walk};
use ::sight::{compare, render};
use analytics::pack::{self, Hunt};
use anyhow::{Context, bail};
use catalog::TamperingId;
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
    #[arg(value_name = "ID|NAME")]
    names: Vec<String>,
    /// The Sysmon configuration: XML, a rule blob, a .reg export or a hive. Without it, what Sysmon could see at best.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Sigma rules: files, or folders with all that lies below.
    #[arg(long, value_name = "PATH")]
    rules: Vec<PathBuf>,
    /// A folder of SQL hunts, or `built-in` for those of the program.
    #[arg(long, value_name = "DIR")]
    pack: Option<PathBuf>,
    /// Of the hunts, only these.
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    only: Vec<String>,
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

pub(crate) fn run(args: &SightArgs) -> anyhow::Result<ExitCode> {
    let techniques = techniques(&args.names)?;
    let variant = args.choice.variant()?;
    let inputs: Vec<PathBuf> = inputs(args).cloned().collect();
    if let Some(path) = &args.to.output {
        must_end_in(path, args.format.endings())?;
    }
    let destination = args.to.destination(&inputs)?;
    let config = args
        .config
        .as_ref()
        .map(|file| load::accepted(file, args.how.engine.into()))
        .transpose()?;
    let rules = sigma_rules(&args.rules)?;
    let hunts = hunts(args)?;
    let stack = DetectionStack {
        config: config.as_ref(),
        environment: load::environment(&args.env.env)?,
        rules: &rules,
        hunts: &hunts,
        tampering: args.tampered.as_deref().map(tampering).transpose()?,
    };
    let lines = walk(&techniques, variant, &stack, &args.choice.options())?;
    if lines.is_empty() {
        bail!("none of these techniques has that variant");
    }
    let old = args.against.as_deref().map(earlier).transpose()?;
    let changes = old.as_ref().map(|old| compare::compare(old, &lines));
    let about = render::About {
        configuration: config.as_ref().map(|c| clean(&c.source.name)),
        rules: rules.len(),
        hunts: hunts.len(),
        kinds: kinds(&stack),
    };
    let mut sink = Sink::new(destination.map(|d| d.create()).transpose()?);
    match args.format {
        SightFormat::Json => {
            write_json(&mut sink, &lines, true)?;
            writeln!(sink)?;
        }
        SightFormat::Html => sink.write_all(render::html(&lines, &about).as_bytes())?,
        SightFormat::Navigator => {
            write_json(&mut sink, &render::navigator(&lines, &about), true)?;
            writeln!(sink)?;
        }
        SightFormat::Sarif => {
            let root = config.as_ref().map(|c: &Config| c.source.name.as_str());
            write_json(&mut sink, &render::sarif(&lines, root), true)?;
            writeln!(sink)?;
        }
        SightFormat::Table => {
            let text = match (&changes, techniques.len() > STORIES) {
                (Some(changes), _) => story::changes(changes),
                (None, true) => story::matrix(&lines, &about),
                (None, false) => story::stories(&lines, &about, args.full),
            };
            sink.write_all(text.as_bytes())?;
        }
    }
    sink.keep()?;
    args.to.say_written(false);
    let lost = changes.is_some_and(|c| c.iter().any(|c| c.is_loss()));
    let failed = args.fail_on.iter().any(|f| match f {
        SightFailure::Loss => lost,
        SightFailure::Break => lines.iter().any(|l| !l.holds()),
    });
    Ok(match failed {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    })
}

fn inputs(args: &SightArgs) -> impl Iterator<Item = &PathBuf> {
    let some = args.config.iter().chain(&args.pack).chain(&args.against);
    some.chain(&args.rules)
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
