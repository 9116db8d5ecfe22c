//! Recorded Windows telemetry, read into Arrow batches.
