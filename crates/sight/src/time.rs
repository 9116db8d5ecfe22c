//! Instants as Sysmon and the event log write them. An instant is microseconds since 1970, UTC.

use jiff::Timestamp;

fn shown(instant: i64, format: &str) -> String {
    let timestamp = Timestamp::from_microsecond(instant).unwrap_or(Timestamp::UNIX_EPOCH);
    timestamp.strftime(format).to_string()
}

/// As Sysmon writes `UtcTime`: `2026-03-10 13:05:07.123`.
pub(crate) fn of_sysmon(instant: i64) -> String {
    shown(instant, "%Y-%m-%d %H:%M:%S%.3f")
}

/// As the event log renders `SystemTime`: seven digits.
pub(crate) fn of_system(instant: i64) -> String {
    format!("{}0Z", shown(instant, "%Y-%m-%dT%H:%M:%S%.6f"))
}
