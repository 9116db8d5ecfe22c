//! The formats recordings come in.

pub(crate) mod nxlog;
pub(crate) mod wevtutil;
pub(crate) mod winlogbeat;
