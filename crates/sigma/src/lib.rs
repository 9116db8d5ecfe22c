#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod correlation;
mod load;
mod lower;
mod matcher;
mod number;
mod pattern;
mod source;
mod times;

pub use correlation::{Correlation, Fired, Match, correlate};
pub use load::{Feed, Pack, ReadError, Refusal, Rule};
pub use lower::Placeholders;
pub use matcher::{MatchError, Matcher, SourceColumns};
pub use source::{Route, routes};
