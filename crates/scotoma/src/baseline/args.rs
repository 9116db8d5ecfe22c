//! The arguments of `baseline`. Their doc comments are the help.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::cli::Reading;
use crate::output::OutputArgs;

#[derive(Args, Debug)]
#[command(after_help = "\
  scotoma baseline logs/ --event CreateRemoteThread
  scotoma baseline logs/ --event 10 --by SourceImage,TargetImage --where 'lower(TargetImage) LIKE \"%lsass.exe\"'
  scotoma baseline logs/ --hunt lsass_access_by_rights
  scotoma baseline march/ --save march.parquet; scotoma baseline april/ --against march.parquet
  scotoma baseline logs/ --propose --attacks recordings/ -o exclusions.xml")]
pub(crate) struct BaselineArgs {
    #[command(flatten)]
    pub(crate) reading: Reading,
    /// Count only these: an id, a configuration tag, a title, `Security 4688`, or CHANNEL/ID with --by. Without it, every
    /// Sysmon event type there is.
    #[arg(long, value_name = "EVENT", value_delimiter = ',')]
    pub(crate) event: Vec<String>,
    /// Group by these fields instead of those that make sense for the event (docs/baseline-keys.md).
    #[arg(long, value_name = "FIELD", value_delimiter = ',')]
    pub(crate) by: Vec<String>,
    /// Count only events for which this Spark SQL condition holds.
    #[arg(long = "where", value_name = "SQL", conflicts_with = "hunt")]
    pub(crate) condition: Option<String>,
    /// Count what this hunt finds: how noisy would the alert be?
    #[arg(long, value_name = "ID", conflicts_with = "event")]
    pub(crate) hunt: Option<String>,
    /// A folder of hunts instead of the built-in pack.
    #[arg(long, value_name = "DIR")]
    pub(crate) pack: Option<PathBuf>,
    /// Keep what was counted in this file, for --against.
    #[arg(long, value_name = "FILE.parquet")]
    pub(crate) save: Option<PathBuf>,
    /// Show what is new, gone or changed since this saved baseline.
    #[arg(long, value_name = "FILE.parquet")]
    pub(crate) against: Option<PathBuf>,
    /// Minutes after a boot that count as start-up.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=60))]
    pub(crate) startup_minutes: u32,
    /// Groups of an event type that are counted exactly, and about 200,000 of all types together; with more, counts carry
    /// an error, which is told.
    #[arg(long, value_name = "N", default_value_t = 50_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) max_groups: u32,
    /// Groups of an event type to show; JSON has all of them.
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(crate) top: usize,
    /// Propose exclusions for what is common, with what each saves and costs; -o writes the chosen ones as a Sysmon
    /// configuration that logs everything else of the event types there are.
    #[arg(long, conflicts_with_all = ["by", "condition", "hunt", "save", "against"])]
    pub(crate) propose: bool,
    /// Recordings of attacks: what a proposal hides of the findings in them is its cost.
    #[arg(long, value_name = "PATH", num_args = 1.., requires = "propose")]
    pub(crate) attacks: Vec<PathBuf>,
    /// Offer this proposal although there is a reason against it.
    #[arg(long, value_name = "NAME", value_delimiter = ',', requires = "propose")]
    pub(crate) offer: Vec<String>,
    /// Show each proposal as a filter for SQL and Sigma, too.
    #[arg(long, requires = "propose")]
    pub(crate) filters: bool,
    /// Fewest events of what is proposed.
    #[arg(long, value_name = "N", default_value_t = 20, requires = "propose")]
    pub(crate) min_count: u64,
    /// Fewest hosts; where there are fewer, all of them.
    #[arg(long, value_name = "N", default_value_t = 2, requires = "propose")]
    pub(crate) min_hosts: usize,
    /// Fewest days.
    #[arg(long, value_name = "N", default_value_t = 2, requires = "propose")]
    pub(crate) min_days: usize,
    /// How to show it.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) to: OutputArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For reading.
    Table,
    /// One JSON object with everything.
    Json,
    /// One page with pictures and a table to sort, which needs nothing beside itself.
    Html,
}
