//! Instants as logs spell them, to microseconds UTC and back. Times without a zone are taken as UTC, which is what
//! Sysmon and Windows write, unless another zone was said. A spelling that can mean two instants is none, unless it was
//! said which: `07/10/2026` is July or October.

use chrono::{DateTime, NaiveDate, SecondsFormat};

use super::time_rules::{self, DayOrder};

/// Seconds between 1601, where FILETIME begins, and 1970.
const FILETIME_EPOCH: i64 = 11_644_473_600;

/// Microseconds since 1970 UTC of a date and time: ISO 8601, also with blanks or slashes; month names in any place
/// (RFC 2822, `ctime`, Kibana); day and month as numbers where one of them can only be the day, or dots between them;
/// seconds, milliseconds, microseconds or nanoseconds since 1970 and FILETIME, told apart by their size; .NET's
/// `/Date(milliseconds)/`. `None` for anything else.
pub fn parse(text: &str) -> Option<i64> {
    // .NET puts a narrow blank before `AM`.
    let plain = (!text.is_ascii()).then(|| text.replace(['\u{202f}', '\u{a0}'], " "));
    let text = plain.as_deref().unwrap_or(text).trim();
    if !text.is_ascii() {
        return None;
    }
    let b = text.as_bytes();
    match b {
        [_, _, _, _, b'-', _, _, b'-', _, _, b'T' | b't' | b' ', ..] => iso(text),
        [b'/', ..] => dotnet(text),
        _ => number(text).or_else(|| words(text)),
    }
}

/// `2026-07-10T08:15:30.1234567+02:00`, the spelling of nearly all logs.
fn iso(text: &str) -> Option<i64> {
    let b = text.as_bytes();
    let date = date(digits(&b[..4])?, digits(&b[5..7])?, digits(&b[8..10])?)?;
    clock(date, &text[11..])
}

fn date(year: u32, month: u32, day: u32) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)
}

/// A time of day with what may follow it: a fraction, `AM` or `PM`, a zone.
fn clock(date: NaiveDate, text: &str) -> Option<i64> {
    let (hour, rest) = text.split_once(':')?;
    let (minute, rest) = (rest.get(..2)?, rest.get(2..)?);
    let (second, rest) = (rest.strip_prefix(':')?.get(..2)?, rest.get(3..)?);
    if !(1..=2).contains(&hour.len()) {
        return None;
    }
    let mut hour = digits(hour.as_bytes())?;
    let (micros, rest) = fraction(rest)?;
    let mut rest = rest.trim_start();
    let half = rest.get(..2).map(str::to_ascii_uppercase);
    if let Some(half @ ("AM" | "PM")) = half.as_deref() {
        if !(1..=12).contains(&hour) {
            return None;
        }
        hour = hour % 12 + if half == "PM" { 12 } else { 0 };
        rest = rest[2..].trim_start();
    }
    let time = date.and_hms_opt(hour, digits(minute.as_bytes())?, digits(second.as_bytes())?)?;
    let shown = time.and_utc().timestamp();
    let seconds = match rest {
        "" => time_rules::local(shown)?,
        zone => shown - offset(zone.as_bytes())?,
    };
    seconds.checked_mul(1_000_000)?.checked_add(micros)
}

/// The microseconds of a fraction at the beginning of a text, if there is one, and what follows.
fn fraction(text: &str) -> Option<(i64, &str)> {
    let Some(tail) = text.strip_prefix(['.', ',']) else {
        return Some((0, text));
    };
    let len = tail.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = tail.split_at(len);
    if digits.is_empty() {
        return None;
    }
    let mut unit = 100_000;
    let mut micros = 0;
    for d in digits.bytes() {
        micros += i64::from(d - b'0') * unit;
        unit /= 10;
    }
    Some((micros, rest))
}

/// Seconds east of UTC spelled by what follows the time.
pub(super) fn offset(rest: &[u8]) -> Option<i64> {
    match rest {
        [] | [b'Z' | b'z'] | b"UTC" | b"GMT" => Some(0),
        [sign @ (b'+' | b'-'), tail @ ..] => {
            let (h, m) = match tail {
                [h1, h2, b':', m1, m2] | [h1, h2, m1, m2] => {
                    (digits(&[*h1, *h2])?, digits(&[*m1, *m2])?)
                }
                [h1, h2] => (digits(&[*h1, *h2])?, 0),
                _ => return None,
            };
            let seconds = i64::from(h * 3600 + m * 60);
            (h < 24 && m < 60).then_some(if *sign == b'-' { -seconds } else { seconds })
        }
        _ => None,
    }
}

/// `/Date(1596825127555)/`; an offset in it only says where it was written.
fn dotnet(text: &str) -> Option<i64> {
    let inner = text.strip_prefix("/Date(")?.strip_suffix(")/")?;
    let sign = usize::from(inner.starts_with('-'));
    let len = inner[sign..].bytes().take_while(u8::is_ascii_digit).count();
    let (ms, rest) = inner.split_at(sign + len);
    offset(rest.as_bytes())?;
    ms.parse::<i64>().ok()?.checked_mul(1000)
}

/// A count since 1970 or 1601. No two of these units have numbers of the same size for the years 1973 to 2286.
fn number(text: &str) -> Option<i64> {
    let len = text.bytes().take_while(u8::is_ascii_digit).count();
    let (whole, rest) = text.split_at(len);
    let (fraction, rest) = fraction(rest)?;
    let count: i64 = whole.parse().ok()?;
    if !rest.is_empty() || whole.starts_with('0') {
        return None;
    }
    match len {
        9 | 10 => count.checked_mul(1_000_000)?.checked_add(fraction),
        12 | 13 => count.checked_mul(1000)?.checked_add(fraction / 1000),
        15 | 16 => Some(count),
        // 100 nanoseconds since 1601.
        17 | 18 => Some(count / 10 - FILETIME_EPOCH * 1_000_000),
        19 => Some(count / 1000),
        _ => None,
    }
}

/// A date whose parts stand in any order, or with something else than `-` between them.
fn words(text: &str) -> Option<i64> {
    // The time of day is the first part with a colon, and all that follows it but a year.
    let colon = text.find(':')?;
    let start = text[..colon].rfind(|c: char| !c.is_ascii_digit())? + 1;
    let (before, clock_text) = text.split_at(start);
    let separators =
        |c: char| c.is_ascii_whitespace() || matches!(c, ',' | '@' | '/' | '.' | '-' | 'T');
    let mut parts: Vec<&str> = Vec::new();
    for part in before.split(separators).filter(|p| !p.is_empty()) {
        parts.push(part);
    }
    let mut clock_text = clock_text.to_owned();
    // `Fri Jul 10 08:15:30 2026`
    let year_at_end = clock_text
        .rsplit(' ')
        .next()
        .filter(|y| y.len() == 4 && digits(y.as_bytes()).is_some());
    let year_at_end = year_at_end.map(str::to_owned);
    if let Some(year) = &year_at_end {
        let kept = clock_text.len() - year.len();
        clock_text.truncate(kept);
        parts.push(year);
    }
    let date = day_of(&parts, before.contains('.'))?;
    clock(date, clock_text.trim_end())
}

/// The day that parts of a date name: a weekday is passed over, a month may be a word.
fn day_of(parts: &[&str], dots: bool) -> Option<NaiveDate> {
    const MONTHS: [&str; 12] = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ];
    const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let word = |part: &str, of: &[&str]| {
        let lower = part.to_ascii_lowercase();
        of.iter()
            .position(|w| lower.starts_with(w) && lower.bytes().all(|b| b.is_ascii_alphabetic()))
    };
    let mut parts = parts;
    if let [first, rest @ ..] = parts
        && word(first, &WEEKDAYS).is_some()
    {
        parts = rest;
    }
    let [a, b, c] = parts else {
        return None;
    };
    let n = |part: &str| (part.len() <= 4).then(|| digits(part.as_bytes())).flatten();
    let month = |part: &str| word(part, &MONTHS).and_then(|m| u32::try_from(m + 1).ok());
    if let Some(month) = month(a) {
        return (c.len() == 4).then(|| date(n(c)?, month, n(b)?)).flatten();
    }
    if let Some(month) = month(b) {
        return (c.len() == 4).then(|| date(n(c)?, month, n(a)?)).flatten();
    }
    if a.len() == 4 {
        return date(n(a)?, n(b)?, n(c)?);
    }
    if c.len() != 4 {
        return None;
    }
    let (first, second, year) = (n(a)?, n(b)?, n(c)?);
    match (first, second) {
        _ if dots => date(year, second, first),
        (1..=12, 13..) => date(year, first, second),
        (13.., 1..=12) => date(year, second, first),
        (same, other) if same == other => date(year, same, same),
        _ => match time_rules::day_order()? {
            DayOrder::DayFirst => date(year, second, first),
            DayOrder::MonthFirst => date(year, first, second),
        },
    }
}

fn digits(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() || digits.len() > 9 {
        return None;
    }
    digits.iter().try_fold(0u32, |n, d| {
        d.is_ascii_digit().then(|| n * 10 + u32::from(d - b'0'))
    })
}

/// ISO 8601 in UTC with milliseconds, or microseconds where there are any: how the published recordings spell
/// `@timestamp`.
pub fn format(micros: i64) -> String {
    let Some(time) = DateTime::from_timestamp_micros(micros) else {
        return micros.to_string();
    };
    let precision = if micros % 1000 == 0 {
        SecondsFormat::Millis
    } else {
        SecondsFormat::Micros
    };
    time.to_rfc3339_opts(precision, true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn spellings_found_in_recordings() {
        let expected = parse("2020-08-07T18:32:07.555Z");
        assert_eq!(expected, Some(1_596_825_127_555_000));
        for same in [
            "2020-08-07 18:32:07.555",
            "2020-08-07T18:32:07.5550000Z",
            "2020-08-07T20:32:07.555+02:00",
            "2020-08-07T13:02:07.555-0530",
            "/Date(1596825127555)/",
            "/Date(1596825127555+0200)/",
            "2020-08-07 20:32:07.555 +0200",
            "2020-08-07 06:32:07.555 PM",
            "2020/08/07 18:32:07.555",
            "1596825127.555",
            "1596825127555",
            "1596825127555000",
            "1596825127555000000",
            "132412987275550000",
            "Fri, 07 Aug 2020 18:32:07.555 +0000",
            "Fri Aug  7 18:32:07.555 2020",
            "Aug 7, 2020 @ 18:32:07.555",
            "7 August 2020 18:32:07.555",
            "07.08.2020 18:32:07.555",
        ] {
            assert_eq!(parse(same), expected, "{same}");
        }
        // One of the two can only be the day.
        let day = parse("2020-08-17 18:32:07");
        for same in ["8/17/2020 6:32:07 PM", "17/08/2020 18:32:07"] {
            assert_eq!(parse(same), day, "{same}");
        }
        for bad in [
            "",
            "2020-08-07",
            "2020-13-07 18:32:07",
            "2020-08-07 18:32:07.",
            "08/07/2020 18:32:07",
            "8/7/2020 6:32:07 PM",
            "Aug 7 18:32:07",
            "1",
            "12345",
            "2020-08-07T18:32:07 +25:00",
            "2020-08-07T18:32:07 PM",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(micros in -30_000_000_000_000_000i64..200_000_000_000_000_000) {
            prop_assert_eq!(parse(&format(micros)), Some(micros));
        }

        #[test]
        fn any_text_is_read_without_panic(text in ".{0,40}") {
            let _ = parse(&text);
        }
    }
}
