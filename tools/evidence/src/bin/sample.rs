//! `sample SEED [COUNT]`: facts of the catalog to check against public sources, one a line, on standard output.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<Option<u64>> = std::env::args().skip(1).map(|a| a.parse().ok()).collect();
    let (seed, count) = match arguments.as_slice() {
        [Some(seed)] => (*seed, 120),
        [Some(seed), Some(count)] => (*seed, *count),
        _ => {
            eprintln!("usage: sample SEED [COUNT]");
            return ExitCode::from(2);
        }
    };
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    for fact in evidence::sample::draw(seed, count) {
        println!(
            "{}\t{}\t{}\t{}\t{}",
            fact.table, fact.row, fact.field, fact.value, fact.source
        );
    }
    ExitCode::SUCCESS
}
