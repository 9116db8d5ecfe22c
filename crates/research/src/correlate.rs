//! From a break to the event that was recorded for it: the client id, hexadecimal in the debugger, is the process id,
//! decimal in the event; the time narrows the choice. Whoever has the events hands over what is asked for here.

use crate::stack::{Break, StackAnalysis};
use catalog::EventId;
use jiff::civil::Date;
use serde::Serialize;

/// A recorded event as far as it takes to tie it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecordedEvent {
    /// The event.
    pub event: EventId,
    /// When, in microseconds since 1970, UTC.
    pub time: Option<i64>,
    /// The fields that hold process ids, with the ids.
    pub processes: Vec<(String, u64)>,
    /// Where it stands: file and record.
    pub place: String,
}

/// A recorded event that belongs to a break.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Correlation {
    /// The event's place among those handed over.
    pub recorded: usize,
    /// The field whose process id is the client id.
    pub field: String,
    /// How long after the break it was recorded, in microseconds; `None` where either time is missing.
    pub after: Option<i64>,
}

/// How far clocks may differ and how long a person looks at a break, in microseconds: an event is written when the debugger
/// lets go.
pub const WINDOW: (i64, i64) = (-5_000_000, 600_000_000);

/// The field that holds the process a callback runs in, for events that name several. A process is created in the context
/// of its creator, which Sysmon calls the parent.
fn acting_field(event: EventId) -> &'static str {
    match (event.sensor.slug(), event.number) {
        ("sysmon", 1) => "ParentProcessId",
        ("sysmon", 8 | 10) => "SourceProcessId",
        _ => "ProcessId",
    }
}

/// The recorded events of the break's process and of an event the stack can lead to, nearest in time first. Without a time
/// in the log all of them, in their order.
pub fn correlations(
    stop: &Break,
    reading: &StackAnalysis,
    recorded: &[RecordedEvent],
) -> Vec<Correlation> {
    let Some(client) = stop.client else {
        return Vec::new();
    };
    let time = stop.time.as_deref().and_then(micros);
    let tie = |(index, event): (usize, &RecordedEvent)| {
        if !reading.events.contains(&event.event) {
            return None;
        }
        let field = acting_field(event.event);
        let (field, _) = event
            .processes
            .iter()
            .find(|(name, id)| name == field && *id == client.process)?;
        let after = time
            .zip(event.time)
            .map(|(stopped, written)| written.saturating_sub(stopped));
        let near = after.is_none_or(|after| (WINDOW.0..=WINDOW.1).contains(&after));
        near.then(|| Correlation {
            recorded: index,
            field: field.clone(),
            after,
        })
    };
    let mut correlations: Vec<Correlation> = recorded.iter().enumerate().filter_map(tie).collect();
    correlations.sort_by_key(|t| t.after.map_or(i64::MAX, i64::abs));
    correlations
}

/// `Fri Aug  7 18:32:07.555 2020 (UTC + 2:00)` as microseconds since 1970, UTC.
pub fn micros(text: &str) -> Option<i64> {
    let (date, zone) = text.split_once("(UTC").unwrap_or((text, ""));
    let mut words = date.split_whitespace();
    let _weekday = words.next()?;
    let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let month_word = words.next()?;
    let month = months.iter().position(|m| *m == month_word)? as i64 + 1;
    let day: i64 = words.next()?.parse().ok()?;
    let clock = words.next()?;
    let year: i64 = words.next()?.parse().ok()?;
    let clock = clock_micros(clock)?;
    let offset = zone_seconds(zone)?;
    Some((midnight(year, month, day)? - offset) * 1_000_000 + clock)
}

/// `2020-08-07T18:32:07.555Z` (or with a blank for the `T`) as microseconds since 1970, UTC. A time without `Z` is taken as
/// UTC, which is what Sysmon's own fields are in.
pub fn iso_micros(text: &str) -> Option<i64> {
    let text = text.trim().trim_end_matches('Z').trim_end_matches("+00:00");
    let (date, clock) = text.split_once(['T', ' '])?;
    let mut date = date.split('-').map(|p| p.parse::<i64>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    Some(midnight(year, month, day)? * 1_000_000 + clock_micros(clock)?)
}

/// `18:32:07.555` in microseconds.
fn clock_micros(clock: &str) -> Option<i64> {
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let mut parts = clock.split(':').map(|p| p.parse::<i64>().ok());
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    if !(0..24).contains(&hour) || !(0..60).contains(&minute) || !(0..=60).contains(&second) {
        return None;
    }
    let fraction: String = fraction.chars().chain("000000".chars()).take(6).collect();
    let micros: i64 = fraction.parse().ok().filter(|f| *f >= 0)?;
    Some((hour * 3600 + minute * 60 + second) * 1_000_000 + micros)
}

/// ` + 2:00)` in seconds.
fn zone_seconds(text: &str) -> Option<i64> {
    let text: String = text
        .chars()
        .filter(|c| !c.is_whitespace() && *c != ')')
        .collect();
    if text.is_empty() {
        return Some(0);
    }
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let (hours, minutes) = text.trim_start_matches(['+', '-']).split_once(':')?;
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    ((0..=24).contains(&hours) && (0..60).contains(&minutes))
        .then(|| sign * (hours * 3600 + minutes * 60))
}

/// The seconds from 1970 to the beginning of a day.
fn midnight(year: i64, month: i64, day: i64) -> Option<i64> {
    let year = i16::try_from(year)
        .ok()
        .filter(|y| (1601..=9999).contains(y))?;
    let date = Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    Some(date.duration_since(Date::constant(1970, 1, 1)).as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times_as_the_debugger_prints_them() {
        assert_eq!(micros("Thu Jan  1 00:00:00.000 1970 (UTC + 0:00)"), Some(0));
        assert_eq!(
            micros("Fri Aug  7 18:32:07.555 2020 (UTC + 0:00)"),
            Some(1_596_825_127_555_000)
        );
        assert_eq!(
            micros("Fri Aug  7 20:32:07.555 2020 (UTC + 2:00)"),
            Some(1_596_825_127_555_000)
        );
        assert_eq!(
            micros("Fri Aug  7 14:02:07.555 2020 (UTC - 4:30)"),
            Some(1_596_825_127_555_000)
        );
        assert_eq!(
            micros("Sat Feb 29 12:00:00.5 2020 (UTC + 0:00)"),
            Some(1_582_977_600_500_000)
        );
        for bad in [
            "",
            "Fri",
            "Fri Aug 7 25:00:00 2020",
            "Fri Xxx 7 18:32:07 2020",
            "Fri Aug 7 18:32 2020",
            "Sun Feb 29 12:00:00 2021",
            "Fri Aug 7 18:32:07 1600",
        ] {
            assert_eq!(micros(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in "\\PC{0,60}") {
            let _ = (micros(&text), iso_micros(&text));
        }
    }
}
