//! The text of JSON strings: where they end, and what their escapes stand for.

mod escapes;
mod marks;
mod places;
mod text;
mod vector;

pub(crate) use marks::Marks;
pub(crate) use places::WORD;
pub(crate) use text::{unescape, unescaped};
pub(crate) use vector::Level;
