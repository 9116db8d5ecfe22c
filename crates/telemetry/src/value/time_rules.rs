//! What is taken for granted of times that do not say it themselves: the zone they were written in, and whether the day
//! or the month stands first. The user says it, or the file does: one date that can be read in one way only speaks for
//! the others. It holds for the thread that reads; this module refuses to read times.

use std::cell::RefCell;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A zone of the time zone database, or a fixed distance from UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalZone {
    name: String,
    zone: TimeZone,
}

impl fmt::Display for LocalZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// What is no zone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no time zone: a name such as Europe/Berlin or a distance such as +02:00 is one")]
pub struct NoZone;

impl FromStr for LocalZone {
    type Err = NoZone;

    fn from_str(text: &str) -> Result<Self, NoZone> {
        let zone = match super::time::offset(text.as_bytes()) {
            Some(seconds) if !text.is_empty() => {
                let seconds = i32::try_from(seconds).map_err(|_| NoZone)?;
                jiff::tz::Offset::from_seconds(seconds)
                    .map_err(|_| NoZone)?
                    .to_time_zone()
            }
            _ => TimeZone::get(text).map_err(|_| NoZone)?,
        };
        Ok(Self {
            name: text.to_owned(),
            zone,
        })
    }
}

/// Which number of `07/10/2026` is the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DayOrder {
    /// It is the 7th of October.
    DayFirst,
    /// It is the 10th of July.
    MonthFirst,
}

/// What is taken for granted.
#[derive(Clone, Debug, Default)]
pub(crate) struct TimeRules {
    pub(crate) zone: Option<LocalZone>,
    pub(crate) order: Option<DayOrder>,
}

thread_local! {
    static RULES: RefCell<TimeRules> = const { RefCell::new(TimeRules { zone: None, order: None }) };
}

impl TimeRules {
    /// Holds from now on for what this thread reads.
    pub(crate) fn apply(self) {
        RULES.with(|rules| *rules.borrow_mut() = self);
    }
}

/// The seconds since 1970 UTC of a clock that shows so many. Of an hour that the clock shows twice it is the first, and
/// one that it leaves out is that much later.
pub(super) fn local(shown: i64) -> Option<i64> {
    RULES.with(|rules| match &rules.borrow().zone {
        None => Some(shown),
        Some(local) => {
            let clock = Timestamp::from_second(shown).ok()?;
            let clock = TimeZone::UTC.to_datetime(clock);
            Some(local.zone.to_timestamp(clock).ok()?.as_second())
        }
    })
}

/// Which number is the day, where only that is in doubt.
pub(super) fn day_order() -> Option<DayOrder> {
    RULES.with(|rules| rules.borrow().order)
}

/// What the dates of a text say of all of them: `None` where none can be read in one way only, or they differ.
pub(crate) fn told(text: &[u8]) -> Option<DayOrder> {
    let mut found = None;
    for at in memchr::memchr2_iter(b'/', b'-', text) {
        let Some((first, second)) = date_around(text, at) else {
            continue;
        };
        let order = match (first, second) {
            (13..=31, 1..=12) => DayOrder::DayFirst,
            (1..=12, 13..=31) => DayOrder::MonthFirst,
            _ => continue,
        };
        if found.is_some_and(|f| f != order) {
            return None;
        }
        found = Some(order);
    }
    found
}

/// The two numbers before the year of a date whose first separator stands here.
fn date_around(text: &[u8], at: usize) -> Option<(u8, u8)> {
    let separator = text[at];
    let before = text[..at].iter().rev().take(3);
    let len = before.take_while(|b| b.is_ascii_digit()).count();
    let first = number(&text[at - len..at])?;
    let rest = &text[at + 1..];
    let len = rest
        .iter()
        .take(3)
        .take_while(|b| b.is_ascii_digit())
        .count();
    let second = number(&rest[..len])?;
    let year = rest.get(len..len + 6)?;
    let whole = year[0] == separator
        && year[1..5].iter().all(u8::is_ascii_digit)
        && !year[5].is_ascii_digit();
    whole.then_some((first, second))
}

fn number(digits: &[u8]) -> Option<u8> {
    match digits {
        [a] => Some(a - b'0'),
        [a, b] => Some((a - b'0') * 10 + (b - b'0')),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::time::{format, parse};

    fn with(zone: Option<&str>, order: Option<DayOrder>, text: &str) -> Option<String> {
        let zone = zone.map(|z| z.parse().expect(z));
        TimeRules { zone, order }.apply();
        let read = parse(text).map(format);
        TimeRules::default().apply();
        read
    }

    #[test]
    fn times_without_a_zone_are_in_the_one_that_is_said() {
        for (zone, text, utc) in [
            (
                "Europe/Berlin",
                "2026-07-10 10:15:30",
                "2026-07-10T08:15:30.000Z",
            ),
            (
                "Europe/Berlin",
                "2026-01-10 10:15:30.5",
                "2026-01-10T09:15:30.500Z",
            ),
            (
                "Europe/Berlin",
                "2026-07-10T10:15:30Z",
                "2026-07-10T10:15:30.000Z",
            ),
            ("+05:30", "10.07.2026 10:15:30", "2026-07-10T04:45:30.000Z"),
            (
                "-0800",
                "Jul 10, 2026 @ 10:15:30.000",
                "2026-07-10T18:15:30.000Z",
            ),
            ("UTC", "2026-07-10 10:15:30", "2026-07-10T10:15:30.000Z"),
            // An hour that was shown twice, and one that was not shown.
            (
                "Europe/Berlin",
                "2026-10-25 02:30:00",
                "2026-10-25T00:30:00.000Z",
            ),
            (
                "Europe/Berlin",
                "2026-03-29 02:30:00",
                "2026-03-29T01:30:00.000Z",
            ),
            ("Europe/Berlin", "1783671330", "2026-07-10T08:15:30.000Z"),
        ] {
            assert_eq!(
                with(Some(zone), None, text).as_deref(),
                Some(utc),
                "{zone} {text}"
            );
        }
        for bad in ["", "Berlin", "+25:00", "Europe/Nowhere"] {
            assert_eq!(bad.parse::<LocalZone>(), Err(NoZone), "{bad}");
        }
    }

    #[test]
    fn the_day_stands_where_it_is_said_to_stand() {
        let text = "7/10/2026 8:15:30 AM";
        assert_eq!(with(None, None, text), None);
        let day = with(None, Some(DayOrder::DayFirst), text);
        assert_eq!(day.as_deref(), Some("2026-10-07T08:15:30.000Z"));
        let month = with(None, Some(DayOrder::MonthFirst), text);
        assert_eq!(month.as_deref(), Some("2026-07-10T08:15:30.000Z"));
        // What can be read in one way only is read in that.
        let certain = with(None, Some(DayOrder::DayFirst), "7/20/2026 8:15:30 AM");
        assert_eq!(certain.as_deref(), Some("2026-07-20T08:15:30.000Z"));
    }

    #[test]
    fn a_file_tells_its_order() {
        for (text, order) in [
            ("7/10/2026 8:15,7/20/2026 9:00", Some(DayOrder::MonthFirst)),
            (
                "07/10/2026 8:15\n20/07/2026 9:00\n",
                Some(DayOrder::DayFirst),
            ),
            ("20-07-2026 9:00\n", Some(DayOrder::DayFirst)),
            ("7/10/2026 8:15\n8/9/2026 9:00\n", None),
            ("7/20/2026 8:15\n20/7/2026 9:00\n", None),
            ("2026/07/20 8:15", None),
            ("2026-07-20 8:15", None),
            ("a/13/14/2026/x 99/20/2026 1/20/20261", None),
            ("/", None),
        ] {
            assert_eq!(told(text.as_bytes()), order, "{text}");
        }
    }
}
