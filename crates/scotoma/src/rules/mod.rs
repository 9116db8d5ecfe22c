//! `scotoma rules`: Sigma rules, over logs and by themselves.

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
}

pub(crate) fn run(args: &RulesArgs) -> anyhow::Result<ExitCode> {
    match &args.verb {
        RulesVerb::Match(args) => matching::run(args),
    }
}
