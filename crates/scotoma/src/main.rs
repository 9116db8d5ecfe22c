//! The command line: it reads arguments, calls a room and shows the answer. It decides nothing else.

#![forbid(unsafe_code)]
// They panic when nobody listens.
#![warn(clippy::print_stdout)]

mod additions;
mod against;
mod baseline;
mod call_trace;
mod cli;
mod config;
mod convert;
mod damage;
mod events;
mod hunt;
mod imports;
mod map;
mod output;
mod reading;
mod rights;
mod rules;
mod sight;
mod simulate;
mod sql;
mod stack;
mod technique;
mod views;
mod wanted;

use std::io;
use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Verb};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The input or the command was wrong.
const WRONG: u8 = 2;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match &cli.verb {
        Verb::Hunt(args) => hunt::run(args),
        Verb::Sql(args) => sql::run(args),
        Verb::Events(args) => events::run(args),
        Verb::Convert(args) => convert::run(args),
        Verb::Views(args) => views::run(args),
        Verb::Baseline(args) => baseline::run(args),
        Verb::Config(args) => config::run(args),
        Verb::Map(args) => map::run(args),
        Verb::Rights(args) => rights::run(args),
        Verb::Rules(args) => rules::run(args),
        Verb::Sight(args) => sight::run(args),
        Verb::Simulate(args) => simulate::run(args),
        Verb::Technique(args) => technique::run(args),
        Verb::Imports(args) => imports::run(args),
        Verb::Stack(args) => stack::run(args),
    };
    match outcome {
        Ok(code) => code,
        // Whoever closed the pipe has seen enough.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", output::clean(&format!("{error:#}")));
            ExitCode::from(WRONG)
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let io = cause.downcast_ref::<io::Error>();
        let csv = cause
            .downcast_ref::<csv::Error>()
            .and_then(|e| match e.kind() {
                csv::ErrorKind::Io(e) => Some(e),
                _ => None,
            });
        let json = cause
            .downcast_ref::<serde_json::Error>()
            .and_then(serde_json::Error::io_error_kind);
        io.or(csv).map(io::Error::kind).or(json) == Some(io::ErrorKind::BrokenPipe)
    })
}
