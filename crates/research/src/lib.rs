//! How the map is made, as tools. Published research finds the registration functions in a driver's import table, breaks on
//! the callback in a kernel debugger, reads the stack for API calls and ties the process to the event. Here the first step
//! reads PE files ([`sensor`]), the second and third read debugger text ([`stack`]), the fourth matches process ids
//! ([`correlate`]); a `CallTrace` that Sysmon wrote is a stack too ([`call_trace`]).
//!
//! Everything read here is hostile: files come from compromised machines. The crate knows the catalog and nothing of
//! recorded telemetry; whoever has events hands over what it asks for.

#![forbid(unsafe_code)]

/// The example of the README runs.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ResearchReadme;

pub mod call_trace;
pub mod correlate;
pub mod image;
pub mod inf;
pub mod sensor;
pub mod stack;
