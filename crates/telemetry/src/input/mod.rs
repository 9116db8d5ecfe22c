//! Inputs: which files a user's paths mean, and what lies unpacked inside them. Streams of bytes come out, each with
//! the name a person would find it by. This module refuses to know what the bytes say.

mod discover;
mod limits;
mod open;

pub use discover::{Origin, discover};
pub use limits::Limits;
pub(crate) use open::{Content, Stop, visit};
