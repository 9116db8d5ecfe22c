//! `evidence RECORDINGS...`: what recordings say of the catalog's claims, as YAML on standard output.

#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let recordings: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    if recordings.is_empty() {
        eprintln!("usage: evidence RECORDINGS...");
        return ExitCode::from(2);
    }
    match evidence::walk(&recordings) {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::from(2)
        }
    }
}
