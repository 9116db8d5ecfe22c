//! The knowledge Scotoma stands on, as data with its sources: which Windows API calls reach which registration
//! mechanisms, which events those give, what they do not see and how they are silenced; which access rights calls need.
//!
//! The rows live in `data/*.yaml`. The build script checks them and compiles them in as static tables, so that nothing is
//! parsed when a question is asked. Every row keeps its sources and its [`Mark`]. This crate knows nothing of recorded
//! events, of configurations or of rules.

#![forbid(unsafe_code)]

/// The example of the README runs.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct CatalogReadme;

macro_rules! model {
    ($($(#[$meta:meta])* pub $kind:ident $name:ident { $($body:tt)* })*) => {
        $(#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
        #[cfg_attr(test, derive(schemars::JsonSchema))]
        $(#[$meta])*
        pub $kind $name { $($body)* })*
    };
}

pub mod additions;
pub mod attack;
pub mod condition;
mod contents;
pub mod defender;
pub mod derive;
pub mod draw;
pub mod evidence;
pub mod find;
pub mod functions;
pub mod hosts;
pub mod map;
mod model;
pub mod open;
mod owned;
pub mod required_rights;
pub mod rights;
mod storage;
pub mod syscalls;
mod tables;
pub mod writable;

pub use contents::{Contents, SCHEMA, contents};
pub use find::{FoundRow, Rights, Subject, find, nearest};
pub use model::Mark;
pub use model::calls::*;
pub use model::evidence::*;
pub use model::map::*;
pub use model::techniques::*;
pub use model::when::*;
pub use storage::{
    ApiId, BehaviourId, ComponentId, EventId, MechanismId, SensorId, SourceId, TamperingId,
};
