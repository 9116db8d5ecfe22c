//! The arguments. Their doc comments are the help.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::cli::Manner;
use crate::output::OutputArgs;

#[derive(Args, Debug)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    pub(crate) verb: ConfigVerb,
}

/// What to ask.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigVerb {
    /// Find what Sysmon rejects, ignores or takes in another way than it looks.
    Check(CheckArgs),
    /// Explain a code that `check` reports; without one, list them all.
    Rule {
        /// A code or name: SC101, only-excludes.
        code: Option<String>,
    },
    /// Decide events, one JSON object a line in, one a line out.
    Decide(DecideArgs),
    /// Say why an event was, or was not, logged.
    Explain(ExplainArgs),
    /// Say what this configuration would have kept of recorded logs.
    Replay(ReplayArgs),
    /// Say which Sigma rules the configuration can feed, with an event or a proof for each.
    Feeds(super::feeds::FeedsArgs),
    /// Say what each exclusion hides, and whether a user can meet it.
    Hides(super::hides::HidesArgs),
    /// Write a configuration that feeds Sigma rules.
    FromRules(super::from_rules::FromRulesArgs),
    /// Show on one screen what is logged and what is not.
    Show(FileArgs),
    /// Compare two configurations by meaning.
    Diff(DiffArgs),
    /// Write the rule blob that Sysmon stores in its registry value `Rules`.
    Compile(CompileArgs),
    /// Read a rule blob, a .reg export or a registry hive back into a configuration.
    Decompile(DecompileArgs),
}

/// Which of Sysmon's two XML front ends reads the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum EngineName {
    /// The validating one of installed Windows agents.
    Strict,
    /// The forgiving one, of Sysmon for Linux and of source published since April 2026.
    Lenient,
}

impl From<EngineName> for sysmon::Engine {
    fn from(name: EngineName) -> Self {
        match name {
            EngineName::Strict => Self::Strict,
            EngineName::Lenient => Self::Lenient,
        }
    }
}

#[derive(Args, Clone, Debug)]
pub(crate) struct How {
    /// The front end.
    #[arg(long, value_enum, default_value_t = EngineName::Strict)]
    pub(crate) engine: EngineName,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct Env {
    /// An environment variable of the events' session, for %NAME% in values. What Windows sets for
    /// everybody, such as %windir%, is set.
    #[arg(long = "env", value_name = "NAME=VALUE")]
    pub(crate) env: Vec<String>,
}

#[derive(Args, Debug)]
pub(crate) struct FileArgs {
    /// A configuration: XML, a rule blob, a .reg export or a registry hive.
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) how: How,
}

#[derive(Args, Debug)]
pub(crate) struct CheckArgs {
    /// Configurations: XML, rule blobs, .reg exports or registry hives; folders with some; `-` is
    /// standard input.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) how: How,
    /// How to show findings.
    #[arg(long, value_enum, default_value_t = CheckFormat::Text)]
    pub(crate) format: CheckFormat,
    /// Show these alone: codes, names, or beginnings of codes, separated by commas.
    #[arg(long, value_name = "CODES", value_delimiter = ',')]
    pub(crate) select: Vec<String>,
    /// Leave these out.
    #[arg(long, value_name = "CODES", value_delimiter = ',')]
    pub(crate) ignore: Vec<String>,
    /// Apply the safe fixes to the files (UTF-8 XML only): what is logged, and under which name, stays
    /// the same.
    #[arg(long)]
    pub(crate) fix: bool,
    /// Exit with 1 when a finding is at least this bad.
    #[arg(long, value_enum, value_name = "SEVERITY", num_args = 0..=1, require_equals = true, default_value = "error", default_missing_value = "error")]
    pub(crate) fail_on: FailLevel,
    /// Exit with 0 whatever is found.
    #[arg(long)]
    pub(crate) exit_zero: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CheckFormat {
    /// With the source underlined.
    Text,
    /// One JSON array.
    Json,
    /// SARIF 2.1.0, for code review.
    Sarif,
    /// Annotations of GitHub's workflow runs.
    Github,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailLevel {
    /// Anything.
    Note,
    /// Something that does not do what it seems to.
    Warning,
    /// Something that is rejected or lost.
    Error,
}

#[derive(Args, Debug)]
pub(crate) struct DecideArgs {
    /// The configuration.
    pub(crate) file: PathBuf,
    /// Lines of {"id": N, "fields": {...}}, or a log in any format. `-` is standard input.
    pub(crate) events: PathBuf,
    #[command(flatten)]
    pub(crate) how: How,
    #[command(flatten)]
    pub(crate) env: Env,
    #[command(flatten)]
    pub(crate) manner: Manner,
}

#[derive(Args, Debug)]
pub(crate) struct ExplainArgs {
    /// The configuration.
    pub(crate) file: PathBuf,
    /// LOG#RECORD, a log file and the record number of a Sysmon event in it, or its place in a log
    /// without record numbers; without it, one event on standard input, as JSON or as in a log.
    pub(crate) event: Option<String>,
    #[command(flatten)]
    pub(crate) how: How,
    #[command(flatten)]
    pub(crate) env: Env,
    #[command(flatten)]
    pub(crate) manner: Manner,
}

#[derive(Args, Debug)]
pub(crate) struct ReplayArgs {
    /// The configuration.
    pub(crate) file: PathBuf,
    /// Recorded logs: files and folders.
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Where the kept events go, as Parquet.
    #[command(flatten)]
    pub(crate) to: OutputArgs,
    /// How many rules and sources to list.
    #[arg(long, default_value_t = 20, value_name = "N")]
    pub(crate) top: usize,
    #[command(flatten)]
    pub(crate) how: How,
    #[command(flatten)]
    pub(crate) env: Env,
    #[command(flatten)]
    pub(crate) manner: Manner,
}

#[derive(Args, Debug)]
pub(crate) struct DiffArgs {
    /// The old configuration.
    pub(crate) old: PathBuf,
    /// The new one.
    pub(crate) new: PathBuf,
    /// Recorded logs: also show the events that only one of the two keeps.
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// How many kinds of such events to list.
    #[arg(long, default_value_t = 20, value_name = "N")]
    pub(crate) top: usize,
    #[command(flatten)]
    pub(crate) how: How,
    #[command(flatten)]
    pub(crate) env: Env,
    #[command(flatten)]
    pub(crate) manner: Manner,
}

#[derive(Args, Debug)]
pub(crate) struct CompileArgs {
    /// The configuration.
    pub(crate) file: PathBuf,
    /// Where to write the blob.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// Replace the file if it exists. What is read in the same run is never replaced.
    #[arg(long)]
    pub(crate) force: bool,
    /// The version of the binary that is to read it.
    #[arg(long, default_value = "18.0", value_name = "MAJOR.MINOR")]
    pub(crate) binary_version: String,
    #[command(flatten)]
    pub(crate) how: How,
}

#[derive(Args, Debug)]
pub(crate) struct DecompileArgs {
    /// A rule blob, a .reg export or a registry hive.
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) to: OutputArgs,
}
