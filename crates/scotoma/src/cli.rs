//! The arguments. Their doc comments are the help.

use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Parser, Subcommand, ValueEnum};
use telemetry::{DayOrder, LocalZone};

use crate::output::OutputArgs;

/// Measure the field of vision of a Windows detection stack.
#[derive(Debug, Parser)]
#[command(
    name = "scotoma",
    version,
    max_term_width = 100,
    after_help = "\
Exit status: 0 done; 1 findings or damage where --fail-on asked for it; 2 wrong input or usage.

  scotoma hunt samples/
  scotoma events C:\\logs\\Security.evtx evidence.zip
  scotoma sql logs/ 'SELECT Image, count(*) FROM sysmon WHERE EventID = 1 GROUP BY Image'
  wevtutil qe Security /f:xml | scotoma events -
  scotoma config check sysmonconfig.xml"
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Run a pack of hunts and show what they found, with the records behind every finding.
    Hunt(HuntArgs),
    /// Ask a question in Spark SQL.
    Sql(SqlArgs),
    /// Show what is in there: machines, times, channels, event ids, damage.
    Events(EventsArgs),
    /// Write everything into Parquet, which is read in a fraction of the time.
    Convert(ConvertArgs),
    /// Print the tables as views for another engine, over the Parquet that `convert` wrote.
    Views(crate::views::ViewsArgs),
    /// Run Sigma rules over logs.
    Rules(crate::rules::RulesArgs),
    /// Count how often what happens in normal use, by whom, where, and how long after a boot.
    Baseline(crate::baseline::BaselineArgs),
    /// Check, explain, replay, compare, compile and decompile Sysmon configurations.
    Config(crate::config::ConfigArgs),
    /// Show the line of sight through a call, a mechanism, an event, a technique or a data component.
    Map(crate::map::MapArgs),
    /// Read access masks, and find the rights that calls need.
    Rights(crate::rights::RightsArgs),
    /// Show a technique as calls in order, with what should show and what stays unseen.
    Technique(crate::technique::TechniqueArgs),
    /// Follow techniques through a configuration and analytics: where does the line of sight break, and what mends it.
    Sight(crate::sight::SightArgs),
    /// Write the events that a technique would leave, to try rules and configurations on.
    Simulate(crate::simulate::SimulateArgs),
    /// Tell from a driver's or service's file what it could see.
    Imports(crate::imports::ImportsArgs),
    /// Read debugger stacks and recorded call traces to what they show.
    Stack(crate::stack::StackArgs),
}

/// What to read, and how loudly.
#[derive(Args, Debug)]
pub(crate) struct Reading {
    /// Files and folders: EVTX, JSON, event XML, syslog, Parquet; also inside zip, 7z, tar, gz, bz2,
    /// xz and zst.
    /// `-` is standard input.
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) manner: Manner,
}

/// How to read.
#[derive(Args, Debug)]
pub(crate) struct Manner {
    /// Threads to read with; 0 takes all cores.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) threads: usize,
    /// The zone of times that name none, such as Europe/Berlin or +02:00; without it they are in UTC.
    #[arg(long, value_name = "ZONE")]
    pub(crate) time_zone: Option<LocalZone>,
    /// What 07/10/2026 is, where the file does not tell.
    #[arg(long, value_enum, value_name = "ORDER")]
    pub(crate) time_format: Option<TimeFormat>,
    /// A file of passwords for encrypted archives, one a line.
    #[arg(long, value_name = "FILE", value_parser = passwords)]
    pub(crate) password_file: Option<Passwords>,
    /// Also read deleted records that are still there in EVTX files; `source_file` marks them `(recovered)`.
    #[arg(long)]
    pub(crate) recover: bool,
    /// Say nothing about what was read; what had to be skipped, and doubts about a query, are still told.
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

/// Which number of a date is the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TimeFormat {
    /// The 7th of October.
    DayFirst,
    /// The 10th of July.
    MonthFirst,
}

impl From<TimeFormat> for DayOrder {
    fn from(format: TimeFormat) -> Self {
        match format {
            TimeFormat::DayFirst => Self::DayFirst,
            TimeFormat::MonthFirst => Self::MonthFirst,
        }
    }
}

/// What may open encrypted archives.
#[derive(Clone)]
pub(crate) struct Passwords(pub(crate) Arc<[Vec<u8>]>);

impl std::fmt::Debug for Passwords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} passwords", self.0.len())
    }
}

/// No list of passwords is longer, in bytes.
const MAX_PASSWORDS: u64 = 1 << 20;

/// The passwords of a file, one a line, whatever its line ends.
fn passwords(path: &str) -> Result<Passwords, String> {
    let file = std::fs::File::open(path).map_err(|e| e.to_string())?;
    let mut text = Vec::new();
    let read = file.take(MAX_PASSWORDS).read_to_end(&mut text);
    read.map_err(|e| e.to_string())?;
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text);
    let lines = text.split(|b| *b == b'\n');
    let lines = lines.map(|l| l.strip_suffix(b"\r").unwrap_or(l));
    let all: Vec<Vec<u8>> = lines
        .filter(|l| !l.is_empty())
        .map(<[u8]>::to_vec)
        .collect();
    match all.is_empty() {
        true => Err("no password in it".to_owned()),
        false => Ok(Passwords(all.into())),
    }
}

/// Which events count.
#[derive(Args, Debug, Default)]
pub(crate) struct EventsWanted {
    /// Look at events from this time on, as in `2026-03-10T12:00:00Z`; without a zone it is UTC.
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// Look at events up to this time.
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
    /// Look at events of these machines, by full name or by what stands before its first dot.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) host: Vec<String>,
    /// Look at events of these channels, by name or by sensor (`sysmon`, `security`).
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) channel: Vec<String>,
    /// Look at events with these ids.
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub(crate) id: Vec<i64>,
}

#[derive(Args, Debug)]
pub(crate) struct HuntArgs {
    /// Files and folders: EVTX, JSON, event XML, syslog, Parquet; also inside zip, 7z, tar, gz, bz2,
    /// xz and zst.
    /// `-` is standard input.
    #[arg(required_unless_present = "list", value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Hunts to run instead of the built-in pack: a file, or a folder with all that lies below.
    #[arg(long, value_name = "PATH")]
    pub(crate) pack: Option<PathBuf>,
    /// Run no hunts, only rules.
    #[arg(long, conflicts_with = "pack", requires = "rules")]
    pub(crate) no_pack: bool,
    /// Sigma rules, correlations and filters to run besides: files, or folders with all that lies below.
    #[arg(long, value_name = "PATH", num_args = 1..)]
    pub(crate) rules: Vec<PathBuf>,
    /// Sigma filters: what they say narrows the rules they name.
    #[arg(long, value_name = "FILE", requires = "rules")]
    pub(crate) exclude: Vec<PathBuf>,
    /// Run only these, by id, name or title.
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// Run what has this level or a graver one.
    #[arg(long, value_enum, value_name = "LEVEL")]
    pub(crate) level: Option<LeastLevel>,
    /// Run the rules with this status, such as `stable`.
    #[arg(long, value_name = "STATUS", value_delimiter = ',')]
    pub(crate) status: Vec<String>,
    /// Run what has this tag, or one below it: `attack.t1059` takes `attack.t1059.001`.
    #[arg(long, value_name = "TAG", value_delimiter = ',')]
    pub(crate) tag: Vec<String>,
    /// Name the conditions that the matched records of a rule met.
    #[arg(long)]
    pub(crate) why: bool,
    /// Name every rule, also those that did not match and those that could not see.
    #[arg(long)]
    pub(crate) all: bool,
    /// List what would be run, with what it needs, and read nothing.
    #[arg(long)]
    pub(crate) list: bool,
    #[command(flatten)]
    pub(crate) events: EventsWanted,
    /// How to show findings. Without it, the ending of the output file decides.
    #[arg(long, value_enum)]
    pub(crate) format: Option<FindingFormat>,
    #[command(flatten)]
    pub(crate) to: OutputArgs,
    /// Exit with 1 when there are findings, or when something could not be read.
    #[arg(long, value_enum, value_name = "WHAT", value_delimiter = ',', num_args = 0.., require_equals = true, default_missing_value = "findings")]
    pub(crate) fail_on: Vec<FailOn>,
    #[command(flatten)]
    pub(crate) manner: Manner,
}

/// The least level of what is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LeastLevel {
    Critical,
    High,
    Medium,
    Low,
    Informational,
}

#[derive(Args, Debug)]
#[command(
    override_usage = "scotoma sql [OPTIONS] <PATH>... <QUERY>\n       scotoma sql [OPTIONS] <PATH>... -f <FILE>"
)]
pub(crate) struct SqlArgs {
    /// Files and folders, then the query. Besides queries there are SHOW TABLES, DESCRIBE table and SHOW FUNCTIONS.
    #[arg(required = true, value_name = "PATH... QUERY")]
    pub(crate) paths_and_query: Vec<String>,
    /// Take the query from this file; `-` is standard input.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// A further name for the table of all events, as a published notebook uses it.
    #[arg(long, value_name = "NAME")]
    pub(crate) view: Vec<String>,
    #[command(flatten)]
    pub(crate) events: EventsWanted,
    /// How to show the rows. Without it, the ending of the output file decides.
    #[arg(long, value_enum)]
    pub(crate) format: Option<RowFormat>,
    #[command(flatten)]
    pub(crate) to: OutputArgs,
    /// Leave control characters in CSV on standard output as they are; in files they always are.
    #[arg(long)]
    pub(crate) raw: bool,
    /// Put an apostrophe before CSV cells that a spreadsheet would take for a formula.
    #[arg(long)]
    pub(crate) csv_safe: bool,
    /// Exit with 1 when there are rows, or when something could not be read.
    #[arg(long, value_enum, value_name = "WHAT", value_delimiter = ',', num_args = 0.., require_equals = true, default_missing_value = "findings")]
    pub(crate) fail_on: Vec<FailOn>,
    #[command(flatten)]
    pub(crate) manner: Manner,
}

#[derive(Args, Debug)]
pub(crate) struct EventsArgs {
    #[command(flatten)]
    pub(crate) reading: Reading,
    #[command(flatten)]
    pub(crate) events: EventsWanted,
    /// List all that was skipped, left out or not understood instead, in the order of the inputs.
    #[arg(long)]
    pub(crate) damage: bool,
    /// How to show it.
    #[arg(long, value_enum, default_value_t = InventoryFormat::Table)]
    pub(crate) format: InventoryFormat,
    /// Exit with 1 when something could not be read.
    #[arg(long, value_enum, value_name = "WHAT", value_delimiter = ',', num_args = 0.., require_equals = true, default_missing_value = "damage")]
    pub(crate) fail_on: Vec<FailOn>,
}

#[derive(Args, Debug)]
pub(crate) struct ConvertArgs {
    #[command(flatten)]
    pub(crate) reading: Reading,
    /// The Parquet file to write, or with --partition the folder.
    #[arg(short, long, value_name = "OUT")]
    pub(crate) output: PathBuf,
    /// Write a folder with one file for each channel and event id.
    #[arg(long)]
    pub(crate) partition: bool,
    /// Replace the file if it exists. What is read in the same run is never replaced.
    #[arg(long, conflicts_with = "partition")]
    pub(crate) force: bool,
}

/// What makes the exit status 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOn {
    /// Findings, or rows of a query.
    Findings,
    /// Records or files that could not be read.
    Damage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FindingFormat {
    /// For reading.
    Table,
    /// One JSON array.
    Json,
    /// One JSON object a line.
    Ndjson,
    /// Comma-separated, records joined by blanks.
    Csv,
    /// One JSON object: findings, every analytic with what became of it, refused rules.
    Report,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// A layer of ATT&CK Navigator: the techniques of what was found.
    Navigator,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum InventoryFormat {
    /// For reading.
    Table,
    /// One JSON object.
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RowFormat {
    /// For reading.
    Table,
    /// One JSON array of objects.
    Json,
    /// One JSON object a line.
    Ndjson,
    /// For reading, one value a line; what has no value is left out.
    Record,
    /// Comma-separated, with the names as the query wrote them.
    Csv,
    /// A Parquet file; needs -o.
    Parquet,
}
