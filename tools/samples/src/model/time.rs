//! Instants and the ways Windows and shippers write them. An instant is microseconds since 1970, UTC.

use chrono::DateTime;

/// One second.
pub(crate) const SECOND: i64 = 1_000_000;
/// One minute.
pub(crate) const MINUTE: i64 = 60 * SECOND;
/// One hour.
pub(crate) const HOUR: i64 = 60 * MINUTE;
/// One day.
pub(crate) const DAY: i64 = 24 * HOUR;

fn show(instant: i64, format: &str) -> String {
    DateTime::from_timestamp_micros(instant)
        .unwrap_or_default()
        .format(format)
        .to_string()
}

/// As Sysmon writes `UtcTime`: `2026-03-10 13:05:07.123`.
pub(crate) fn sysmon(instant: i64) -> String {
    show(instant, "%Y-%m-%d %H:%M:%S%.3f")
}

/// As an event's `SystemTime` is rendered: seven digits, for the 100 ns an event log keeps.
pub(crate) fn system(instant: i64) -> String {
    format!("{}0Z", show(instant, "%Y-%m-%dT%H:%M:%S%.6f"))
}

/// As Logstash writes `@timestamp`.
pub(crate) fn logstash(instant: i64) -> String {
    show(instant, "%Y-%m-%dT%H:%M:%S%.3fZ")
}

/// As NXLog writes `EventTime`: local time without its zone, whole seconds.
pub(crate) fn local(instant: i64, offset_minutes: i64) -> String {
    show(instant + offset_minutes * MINUTE, "%Y-%m-%d %H:%M:%S")
}
