//! What a computer is for: which processes it has, what happens on it, and when.

pub(crate) mod server;
pub(crate) mod workstation;

/// Ten past twelve, UTC, on the day of the recordings (2026-03-10).
const START: i64 = 1_773_144_600_000_000;
