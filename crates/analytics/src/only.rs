//! Some of the events alone: by time, machine, channel and id, as a filter that readers decide before a row is built.

use schema::Sensor;
use telemetry::{Atom, RowFilter, Test};

/// The events that count. What is empty or absent asks for nothing.
#[derive(Clone, Debug, Default)]
pub struct Only {
    /// From this instant on, in microseconds since 1970 UTC.
    pub since: Option<i64>,
    /// Up to this instant.
    pub until: Option<i64>,
    /// Of these machines, by full name or by what stands before its first dot.
    pub hosts: Vec<String>,
    /// Of these channels, by name or by sensor.
    pub channels: Vec<String>,
    /// With these ids.
    pub ids: Vec<i64>,
}

/// The filter that lets these events pass and no others.
pub fn filter(only: &Only) -> RowFilter {
    let atom = |column: &str, test| Atom {
        column: column.to_owned(),
        test,
    };
    let mut clauses = Vec::new();
    if only.since.is_some() || only.until.is_some() {
        let (since, until) = (
            only.since.unwrap_or(i64::MIN),
            only.until.unwrap_or(i64::MAX),
        );
        clauses.push(vec![atom("timecreated", Test::IntBetween(since, until))]);
    }
    if !only.hosts.is_empty() {
        let names: Vec<String> = only.hosts.iter().map(|h| h.to_lowercase()).collect();
        let short = names.iter().map(|name| Test::StartsWith {
            text: format!("{name}."),
            lower: true,
        });
        let any = short.chain([Test::LowerIn(names.clone())]);
        clauses.push(any.map(|test| atom("computer", test)).collect());
    }
    if !only.channels.is_empty() {
        let mut names: Vec<String> = only.channels.iter().map(|c| c.to_lowercase()).collect();
        let sensors = only.channels.iter().filter_map(|c| Sensor::named(c));
        names.extend(sensors.flat_map(Sensor::channel_spellings));
        clauses.push(vec![atom("channel", Test::LowerIn(names))]);
    }
    if !only.ids.is_empty() {
        clauses.push(vec![atom("eventid", Test::IntIn(only.ids.clone()))]);
    }
    RowFilter { clauses }
}
