//! The SQL engine over recorded telemetry.
