//! `cargo run -p samples` writes `samples/` and `samples-fleet/` again; `cargo run -p samples -- fleet DIR` writes
//! another fleet. Not here: what is in them.

#![forbid(unsafe_code)]

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use samples::fleet::{self, Settings};

/// Writes recordings whose truth is known.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Subcommand)]
enum What {
    /// The two recordings of `samples/`.
    Recordings {
        /// The folder, which exists.
        folder: PathBuf,
    },
    /// A fleet of computers over some days.
    Fleet {
        /// The folder; it is made where it does not exist.
        folder: PathBuf,
        /// Computers.
        #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        hosts: u32,
        /// Days.
        #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u32).range(1..=366))]
        days: u32,
        /// Another seed, another fleet.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// About how many events there should be; the difference is ordinary work.
        #[arg(long)]
        events: Option<u64>,
    },
}

fn main() -> ExitCode {
    let done = match Arguments::parse().what {
        None => write_recordings(&samples::folder("samples"))
            .and_then(|()| write_fleet(&samples::folder("samples-fleet"), &Settings::default())),
        Some(What::Recordings { folder }) => write_recordings(&folder),
        Some(What::Fleet {
            folder,
            hosts,
            days,
            seed,
            events,
        }) => write_fleet(
            &folder,
            &Settings {
                hosts,
                days,
                seed,
                events,
            },
        ),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::other(format!("{}: {error}", path.display()))
}

fn write_recordings(folder: &Path) -> io::Result<()> {
    for (name, content) in samples::recordings() {
        let path = folder.join(name);
        std::fs::write(&path, content).map_err(|e| named(&path, &e))?;
    }
    Ok(())
}

fn write_fleet(folder: &Path, settings: &Settings) -> io::Result<()> {
    let written = fleet::write(folder, settings).map_err(|e| named(folder, &e))?;
    let truth = fleet::truth(settings);
    println!(
        "{} events in {} files, {} MB before compression; {} boots",
        written.events,
        written.files,
        written.bytes / 1_000_000,
        truth.boots.len()
    );
    if let Some(intrusion) = truth.intrusion {
        println!(
            "the intruder: {} -> {} on {}",
            intrusion.source, intrusion.target, intrusion.host
        );
    }
    Ok(())
}
