//! `scotoma views`: the tables as views for another engine.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use app::output::Destination;
use clap::{Args, ValueEnum};
use connect::spark;

use crate::output::{OutputArgs, Sink};

#[derive(Args, Debug)]
#[command(after_help = "\
  scotoma convert logs/ -o events.parquet
  scotoma views events.parquet -o views.sql
  spark-sql -i views.sql")]
pub(crate) struct ViewsArgs {
    /// A file or folder of Parquet that `convert` wrote, or another one with an event id and the fields as columns.
    #[arg(value_name = "PARQUET")]
    path: PathBuf,
    /// Whose SQL.
    #[arg(long, value_enum, default_value_t = ViewDialect::Spark)]
    dialect: ViewDialect,
    /// Where the engine finds the files, if not under the same path: `s3a://bucket/events`.
    #[arg(long, value_name = "PATH")]
    location: Option<String>,
    /// Leave out the functions of hunts, for engines without SQL functions (Spark 3.5, Sail).
    #[arg(long)]
    without_functions: bool,
    #[command(flatten)]
    to: OutputArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ViewDialect {
    /// Spark 3.5 and later, with and without ANSI mode; functions need Spark 4.
    Spark,
}

pub(crate) fn run(args: &ViewsArgs) -> anyhow::Result<ExitCode> {
    let destination = args.to.destination(std::slice::from_ref(&args.path))?;
    let columns = connect::columns(&args.path)?;
    let location = match &args.location {
        Some(location) => location.clone(),
        None => std::path::absolute(&args.path)?.display().to_string(),
    };
    let ViewDialect::Spark = args.dialect;
    let text = spark::script(&columns, &location, !args.without_functions);
    let mut out = Sink::new(destination.map(Destination::create).transpose()?);
    out.write_all(text.as_bytes())?;
    out.keep()?;
    args.to.say_written(false);
    Ok(ExitCode::SUCCESS)
}
