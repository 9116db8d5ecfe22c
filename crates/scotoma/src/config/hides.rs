//! `hides`: what each exclusion of a configuration hides.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use coverage::{HiddenBehind, Reach};

use super::args::{Env, How};
use super::{feeds, load};
use crate::output::{OutputArgs, Sink, clean, must_end_in, plural, write_json};

#[derive(Args, Debug)]
pub(crate) struct HidesArgs {
    /// The configuration.
    pub(crate) file: PathBuf,
    /// Sigma rules whose events an exclusion may drop: files, or folders with all that lies below.
    #[arg(long, value_name = "PATH", num_args = 1..)]
    pub(crate) rules: Vec<PathBuf>,
    /// How to show the answers.
    #[arg(long, value_enum, default_value_t = HidesFormat::Text)]
    pub(crate) format: HidesFormat,
    /// How many exclusions to show.
    #[arg(long, default_value_t = 20, value_name = "N")]
    pub(crate) top: usize,
    #[command(flatten)]
    pub(crate) to: OutputArgs,
    #[command(flatten)]
    pub(crate) how: How,
    #[command(flatten)]
    pub(crate) env: Env,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum HidesFormat {
    /// For reading.
    Text,
    /// One JSON array with all of them.
    Json,
}

pub(crate) fn run(args: &HidesArgs) -> anyhow::Result<ExitCode> {
    if let Some(path) = args
        .to
        .output
        .as_deref()
        .filter(|_| args.format == HidesFormat::Json)
    {
        must_end_in(path, &["json"])?;
    }
    let mut inputs = args.rules.clone();
    inputs.push(args.file.clone());
    let destination = args.to.destination(&inputs)?;
    let config = load::accepted(&args.file, args.how.engine.into())?;
    let environment = load::environment(&args.env.env)?;
    let rules = match args.rules.is_empty() {
        true => Vec::new(),
        false => feeds::rules(&args.rules)?.rules,
    };
    let found = coverage::hides(&config, &environment, &rules);
    let mut out = Sink::new(
        destination
            .map(app::output::Destination::create)
            .transpose()?,
    );
    match args.format {
        HidesFormat::Json => {
            write_json(&mut out, &found, true)?;
            writeln!(out)?;
        }
        HidesFormat::Text => {
            let name = args.file.display().to_string();
            show(&mut out, &name, &found, args.top)?;
        }
    }
    out.keep()?;
    args.to.say_written(false);
    Ok(ExitCode::SUCCESS)
}

fn show(out: &mut Sink, name: &str, found: &[HiddenBehind], top: usize) -> io::Result<()> {
    let open = found
        .iter()
        .filter(|h| h.reach >= Reach::CommandLine)
        .count();
    writeln!(
        out,
        "{}; an ordinary user can meet {open} of them",
        plural(found.len() as u64, "exclusion")
    )?;
    for hidden in found.iter().take(top) {
        writeln!(
            out,
            "\n{}:{}: event {} ({}): {}",
            clean(name),
            hidden.line,
            hidden.event,
            clean(&hidden.element),
            clean(&hidden.words)
        )?;
        let by = hidden.by.as_deref().unwrap_or_default();
        match hidden.reach {
            Reach::File => writeln!(out, "  a user can put a file there: {}", clean(by))?,
            Reach::CommandLine => {
                writeln!(out, "  a user can type it: only the command line is asked")?
            }
            Reach::Host => writeln!(out, "  attacks run code in {}", clean(by))?,
            Reach::None => {}
        }
        rules(out, "drops all events of", &hidden.rules_lost)?;
        rules(out, "can be used to evade", &hidden.rules_evaded)?;
        if !hidden.techniques.is_empty() {
            writeln!(
                out,
                "  may drop what shows {}",
                hidden.techniques.join(", ")
            )?;
        }
        if let Some(example) = hidden.planted.as_ref().or(hidden.shortest.as_ref()) {
            write!(out, "  such as ")?;
            write_json(out, example, false)?;
            writeln!(out)?;
        }
    }
    if found.len() > top {
        writeln!(out, "\nand {} more (--top)", found.len() - top)?;
    }
    Ok(())
}

fn rules(out: &mut Sink, what: &str, titles: &[String]) -> io::Result<()> {
    if titles.is_empty() {
        return Ok(());
    }
    let first: Vec<String> = titles
        .iter()
        .take(3)
        .map(|t| format!("`{}`", clean(t)))
        .collect();
    let more = titles.len().saturating_sub(3);
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    writeln!(
        out,
        "  {what} {}: {}{more}",
        plural(titles.len() as u64, "rule"),
        first.join(", ")
    )
}
