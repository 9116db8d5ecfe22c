//! The spellings of an event: `sysmon:10`, `EID 10`, `EventID=10`, `TI 14`, `Microsoft-Windows-Sysmon/Operational:10`, its
//! name, its rule tag, its symbol.

use super::{FoundRow, Subject, eq, plain};
use crate::storage::{EventId, SensorId};

/// Words before a number that say no more than that it is an event's.
const EVENT_WORDS: [&str; 6] = [
    "event id",
    "eventid",
    "event code",
    "eventcode",
    "event",
    "eid",
];

/// The events that answer to `name`: by sensor and number, by number alone, by name, rule tag or symbol. A bare number is
/// Sysmon's where Sysmon has it, else everybody's who has it.
pub fn events(name: &str) -> Vec<FoundRow> {
    let name = name.trim();
    if let Some((sensor, number)) = number(name) {
        let mut of_number: Vec<_> = EventId::all()
            .filter(|e| e.number == number && sensor.is_none_or(|s| e.sensor == s))
            .collect();
        if sensor.is_none() && of_number.iter().any(|e| e.sensor.id == "sysmon") {
            of_number.retain(|e| e.sensor.id == "sysmon");
        }
        return of_number
            .into_iter()
            .map(|e| plain(Subject::Event(e)))
            .collect();
    }
    let by = |e: EventId| -> Option<Option<&'static str>> {
        if e.name.is_some_and(|n| eq(n, name)) {
            return Some(None);
        }
        let sysmon = e.sysmon?;
        [sysmon.rule_tag, Some(sysmon.symbol)]
            .into_iter()
            .flatten()
            .find(|n| eq(n, name))
            .map(Some)
    };
    EventId::all()
        .filter_map(|e| {
            by(e).map(|by| FoundRow {
                subject: Subject::Event(e),
                by,
                mentioned: false,
            })
        })
        .collect()
}

/// The sensor, where one is named, and the number at the end of `name`; `None` where `name` is of another form.
pub(super) fn number(name: &str) -> Option<(Option<SensorId>, u32)> {
    let digits = name.len() - name.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let (before, number) = name.split_at(name.len() - digits);
    let number = number.parse().ok()?;
    let before = before.to_ascii_lowercase();
    let before = before.trim_end_matches([' ', '=', ':', '#', '-']).trim();
    let before = EVENT_WORDS
        .iter()
        .find_map(|word| before.strip_suffix(word))
        .unwrap_or(before)
        .trim_end_matches([' ', ':', ',']);
    if before.is_empty() {
        return Some((None, number));
    }
    sensor(before).map(|sensor| (Some(sensor), number))
}

/// The sensor called `name`, by any name that is written before a number.
fn sensor(name: &str) -> Option<SensorId> {
    let id = match name {
        "ti" | "etwti" | "etw ti" | "etw-ti" | "threatint" | "threat intelligence" => {
            "threat-intelligence"
        }
        other => schema::Sensor::named(other).map_or(other, |s| s.id()),
    };
    SensorId::all().find(|s| {
        let names = [Some(s.id), Some(s.name), s.channel, s.provider];
        names.into_iter().flatten().any(|n| eq(n, id))
    })
}
