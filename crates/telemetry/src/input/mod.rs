//! Inputs: which files a user's paths mean, and what lies unpacked inside them. Streams of bytes come out, each with
//! the name a person would find it by. This module refuses to know what the bytes say.

mod buffer;
mod discover;
mod encoding;
mod limits;
mod open;
mod seek_window;
mod seven_zip;
mod zip_archive;

pub(crate) use buffer::Buffer;
pub use discover::{Origin, discover};
pub(crate) use encoding::utf8;
pub use limits::Limits;
pub(crate) use open::{Content, Stop, visit};
