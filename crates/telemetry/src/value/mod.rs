//! Values as inputs spell them: text, escapes, binary XML, instants. Knows neither formats nor columns.

pub(crate) mod binxml;
pub(crate) mod bytes;
pub(crate) mod json;
mod kind;
mod number;
pub(crate) mod raw;
pub mod time;
pub(crate) mod time_rules;

pub use kind::Kind;
pub(crate) use number::integer;
pub(crate) use raw::RawValue;
