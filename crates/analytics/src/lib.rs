//! The SQL engine over recorded telemetry.

pub mod dialect;
pub mod functions;
