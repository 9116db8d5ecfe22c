#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod chain;
pub mod compare;
pub mod recorded;
pub mod render;
pub mod simulate;
mod time;

/// Why a line of sight could not be walked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SightError {
    /// There is no room for the simulated events.
    #[error("the simulated events cannot be written: {0}")]
    Scratch(#[source] std::io::Error),
    /// A hunt is wrong.
    #[error("hunt {id}: {source}")]
    Hunt {
        /// Its id.
        id: String,
        /// What is wrong.
        source: analytics::Error,
    },
    /// A hunt could not be run.
    #[error(transparent)]
    Run(#[from] analytics::Error),
    /// A pack cannot be used.
    #[error(transparent)]
    Pack(#[from] analytics::pack::PackError),
}
