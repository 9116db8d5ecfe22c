//! `feeds`: which Sigma rules a configuration can feed.

use std::collections::HashMap;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, ValueEnum};
use coverage::{FeedVerdict, RuleCoverage};
use sigma::{Pack, Placeholders};

use super::args::{Env, How};
use super::load;
use crate::output::{OutputArgs, Sink, clean, must_end_in, plural, say, table, write_json};

#[derive(Args, Debug)]
pub(crate) struct FeedsArgs {
    /// The configuration.
    pub(crate) file: PathBuf,
    /// Sigma rules: files, or folders with all that lies below.
    #[arg(long, required = true, value_name = "PATH", num_args = 1..)]
    pub(crate) rules: Vec<PathBuf>,
    /// How to show the answers.
    #[arg(long, value_enum, default_value_t = FeedsFormat::Table)]
    pub(crate) format: FeedsFormat,
    /// Also name every rule with one of these answers.
    #[arg(long, value_enum, value_name = "ANSWER", value_delimiter = ',')]
    pub(crate) list: Vec<ListedAnswer>,
    #[command(flatten)]
    pub(crate) to: OutputArgs,
    #[command(flatten)]
    pub(crate) how: How,
    #[command(flatten)]
    pub(crate) env: Env,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FeedsFormat {
    /// For reading: how many, why not, and which techniques.
    Table,
    /// One JSON array, an object a rule.
    Json,
    /// A layer for ATT&CK's Navigator.
    Navigator,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ListedAnswer {
    /// An event feeds it.
    Fed,
    /// Some of its alternatives are lost.
    Part,
    /// No event can feed it.
    Never,
    /// Not decided.
    Undecided,
}

impl ListedAnswer {
    fn is(self, verdict: FeedVerdict) -> bool {
        match self {
            Self::Fed => verdict == FeedVerdict::Fed,
            Self::Part => verdict == FeedVerdict::Part,
            Self::Never => verdict == FeedVerdict::Never,
            Self::Undecided => verdict == FeedVerdict::Undecided,
        }
    }
}

/// Loads rules, and says which were refused.
pub(crate) fn rules(paths: &[PathBuf]) -> anyhow::Result<Pack> {
    let pack = Pack::read(paths, &Placeholders::new())?;
    for refusal in &pack.refused {
        eprintln!("refused: {}", clean(&refusal.to_string()));
    }
    if pack.rules.is_empty() {
        bail!("no rule could be loaded");
    }
    Ok(pack)
}

pub(crate) fn run(args: &FeedsArgs) -> anyhow::Result<ExitCode> {
    if let Some(path) = args
        .to
        .output
        .as_deref()
        .filter(|_| args.format != FeedsFormat::Table)
    {
        must_end_in(path, &["json"])?;
    }
    let mut inputs = args.rules.clone();
    inputs.push(args.file.clone());
    let destination = args.to.destination(&inputs)?;
    let config = load::accepted(&args.file, args.how.engine.into())?;
    let environment = load::environment(&args.env.env)?;
    let pack = rules(&args.rules)?;
    let answers = coverage::feeds(&config, &environment, &pack.rules);
    let mut out = Sink::new(
        destination
            .map(app::output::Destination::create)
            .transpose()?,
    );
    match args.format {
        FeedsFormat::Table => show(&mut out, &answers, &args.list)?,
        FeedsFormat::Json => {
            write_json(&mut out, &answers, true)?;
            writeln!(out)?;
        }
        FeedsFormat::Navigator => {
            let name = args.file.file_name().unwrap_or_default().to_string_lossy();
            write_json(&mut out, &coverage::layer(&name, &answers), true)?;
            writeln!(out)?;
        }
    }
    out.keep()?;
    args.to.say_written(false);
    if args.to.output.is_some() && args.format != FeedsFormat::Table {
        say!("{}", counts(&answers))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn counts(answers: &[RuleCoverage]) -> String {
    let count = |v| answers.iter().filter(|a| a.verdict == v).count();
    format!(
        "{}: {} fed, {} in part, {} never, {} undecided",
        plural(answers.len() as u64, "rule"),
        count(FeedVerdict::Fed),
        count(FeedVerdict::Part),
        count(FeedVerdict::Never),
        count(FeedVerdict::Undecided)
    )
}

fn show(out: &mut Sink, answers: &[RuleCoverage], list: &[ListedAnswer]) -> io::Result<()> {
    writeln!(out, "{}", counts(answers))?;
    let mut reasons: Vec<(&str, usize)> = Vec::new();
    let mut place: HashMap<&str, usize> = HashMap::new();
    for answer in answers.iter().filter(|a| a.verdict == FeedVerdict::Never) {
        let at = *place.entry(&answer.why).or_insert(reasons.len());
        match reasons.get_mut(at) {
            Some((_, count)) => *count += 1,
            None => reasons.push((&answer.why, 1)),
        }
    }
    reasons.sort_by_key(|(why, count)| (std::cmp::Reverse(*count), *why));
    if !reasons.is_empty() {
        const MOST: usize = 15;
        writeln!(out, "\nwhy never")?;
        let rows = reasons.iter().take(MOST);
        let rows = rows.map(|(why, count)| vec![count.to_string(), clean(why)]);
        writeln!(out, "{}", table(&["rules", "reason"], rows, &[0]))?;
        if reasons.len() > MOST {
            writeln!(
                out,
                "and {} more reasons (--list never)",
                reasons.len() - MOST
            )?;
        }
    }
    let techniques = coverage::techniques(answers);
    let blind: Vec<_> = techniques.iter().filter(|t| t.fed + t.part == 0).collect();
    writeln!(
        out,
        "\n{} named by the rules; nothing is fed of {}",
        plural(techniques.len() as u64, "technique"),
        blind.len()
    )?;
    if !blind.is_empty() {
        let rows = blind.iter().map(|t| {
            let name = t.name.unwrap_or_default().to_owned();
            vec![
                clean(&t.technique),
                name,
                t.rules().to_string(),
                t.undecided.to_string(),
            ]
        });
        writeln!(
            out,
            "{}",
            table(&["technique", "name", "rules", "undecided"], rows, &[2, 3])
        )?;
    }
    for answer in answers
        .iter()
        .filter(|a| list.iter().any(|l| l.is(a.verdict)))
    {
        let word = format!("{:?}", answer.verdict).to_lowercase();
        writeln!(out, "\n{word}: {}", clean(&answer.title))?;
        writeln!(out, "  {}", clean(&answer.why))?;
        if let Some(example) = &answer.witness {
            write!(out, "  example: ")?;
            write_json(out, example, false)?;
            writeln!(out)?;
        }
    }
    Ok(())
}
