#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod alternatives;
mod blame;
mod event_type;
mod example;
mod feeds;
mod from_rules;
mod ground;
mod hides;
mod rule_check;
mod summary;

pub use example::ProofEvent;
pub use feeds::{FeedVerdict, RuleCoverage, feeds};
pub use from_rules::{KeptHow, WrittenConfig, WrittenElement, from_rules};
pub use hides::{HiddenBehind, Reach, hides};
pub use rule_check::{RuleFinding, RuleProblem, RuleSeverity, check_rules};
pub use summary::{TechniqueCoverage, layer, techniques};
