//! Walks the line of sight: technique, calls, mechanisms, events, configuration, analytics. What is said of each link was
//! found by running it on the simulated events.

mod answer;
mod configuration;
mod hunts;
mod links;
mod remedies;
mod repair;
mod rules;
mod suggest;
mod walk;

pub use answer::{EventExample, Link, LinkKind, LinkState, Remedy, SCHEMA, TechniqueSight};
pub use walk::{DetectionStack, kinds, walk};

pub(crate) use links::{is_about, known_words};
pub(crate) use rules::{RecordView, RuleIndex};
