//! `scotoma rules`: Sigma rules, over logs and by themselves.

mod check;
mod matching;

use std::process::ExitCode;

use clap::{Args, Subcommand};

#[derive(Args, Debug)]
pub(crate) struct RulesArgs {
    #[command(subcommand)]
    verb: RulesVerb,
}

#[derive(Debug, Subcommand)]
enum RulesVerb {
    /// Name the records that Sigma rules match: one JSON object a line.
    Match(matching::MatchArgs),
    /// Find rules that cannot load, match nothing or everything, repeat another, or ask for what Sysmon does not write.
    Check(check::RuleCheckArgs),
}

pub(crate) fn run(args: &RulesArgs) -> anyhow::Result<ExitCode> {
    match &args.verb {
        RulesVerb::Match(args) => matching::run(args),
        RulesVerb::Check(args) => check::run(args),
    }
}
