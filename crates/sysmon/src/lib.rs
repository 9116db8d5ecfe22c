#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod apart;
pub mod blob;
pub mod columnar;
pub mod compare;
pub mod config;
pub mod console;
pub mod decompile;
pub mod deployed;
pub mod diagnostic;
pub mod diff;
mod dtd;
pub mod event;
pub mod explain;
pub mod fix;
mod ignored;
pub mod keeps;
pub mod lint;
pub mod logged;
mod lower;
pub mod options;
pub mod predicates;
pub mod reference;
pub mod render;
pub mod replay;
pub mod rules;
pub mod show;
pub mod source;
pub mod text;
mod xml;

pub use ::schema::sysmon as schema;
pub use config::Config;

/// Which of Sysmon's two XML front ends reads a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Engine {
    /// The one that validates against a document type: installed Windows agents.
    #[default]
    Strict,
    /// The forgiving one, in published source since April 2026 and in Sysmon for Linux.
    Lenient,
}
