//! `scotoma rules check`: what is wrong with Sigma rules themselves.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use coverage::{RuleFinding, RuleSeverity};
use sigma::{Pack, Placeholders};

use crate::output::{OutputArgs, Sink, clean, must_end_in, plural, write_json};

#[derive(Args, Debug)]
pub(super) struct RuleCheckArgs {
    /// Sigma rules, correlations and filters: files, or folders with all that lies below.
    #[arg(required = true, value_name = "PATH")]
    rules: Vec<PathBuf>,
    /// How to show findings.
    #[arg(long, value_enum, default_value_t = RuleCheckFormat::Text)]
    format: RuleCheckFormat,
    #[command(flatten)]
    to: OutputArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum RuleCheckFormat {
    /// One line a finding.
    Text,
    /// One JSON array.
    Json,
}

pub(super) fn run(args: &RuleCheckArgs) -> anyhow::Result<ExitCode> {
    if let Some(path) = args
        .to
        .output
        .as_deref()
        .filter(|_| args.format == RuleCheckFormat::Json)
    {
        must_end_in(path, &["json"])?;
    }
    let destination = args.to.destination(&args.rules)?;
    let pack = Pack::read(&args.rules, &Placeholders::new())?;
    let found = coverage::check_rules(&pack);
    let mut out = Sink::new(
        destination
            .map(app::output::Destination::create)
            .transpose()?,
    );
    match args.format {
        RuleCheckFormat::Json => {
            write_json(&mut out, &found, true)?;
            writeln!(out)?;
        }
        RuleCheckFormat::Text => {
            for finding in &found {
                writeln!(out, "{}", clean(&line(finding)))?;
            }
            let count = |s| found.iter().filter(|f| f.severity == s).count() as u64;
            writeln!(
                out,
                "{}, {}, {} in {}",
                plural(count(RuleSeverity::Error), "error"),
                plural(count(RuleSeverity::Warning), "warning"),
                plural(count(RuleSeverity::Note), "note"),
                plural(pack.rules.len() as u64, "rule")
            )?;
        }
    }
    out.keep()?;
    args.to.say_written(false);
    let fails = found.iter().any(|f| f.severity == RuleSeverity::Error);
    Ok(if fails {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn line(finding: &RuleFinding) -> String {
    let severity = format!("{:?}", finding.severity).to_lowercase();
    let title = match finding.title.as_str() {
        "" => String::new(),
        title => format!("`{title}`: "),
    };
    format!(
        "{}:{}: {severity}: {title}{}",
        finding.file.display(),
        finding.line,
        finding.message
    )
}
