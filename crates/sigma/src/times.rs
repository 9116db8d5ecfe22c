//! Parts of a time as regular expressions over its text: `2026-03-01 22:15:00.123`, `2026-03-01T22:15:00Z`.

use predicate::{Case, Pattern, Test};

/// A part of a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Minute,
    Hour,
    Day,
    /// Of the ISO year, which begins with the Monday nearest to the first of January.
    Week,
    Month,
    Year,
}

/// The years whose weeks are known.
const YEARS: std::ops::Range<i32> = 1970..2100;

/// A test for times whose part is one of the numbers wanted.
pub(crate) fn part(part: Part, wanted: &dyn Fn(u32) -> bool) -> Result<Test, String> {
    let two = |range: std::ops::RangeInclusive<u32>| numbers(range.filter(|n| wanted(*n)), 2);
    let expression = match part {
        Part::Minute => format!(
            r"\A[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[T ][0-9]{{2}}:(?:{})",
            two(0..=59)
        ),
        Part::Hour => format!(
            r"\A[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[T ](?:{}):[0-9]{{2}}",
            two(0..=23)
        ),
        Part::Day => format!(r"\A[0-9]{{4}}-[0-9]{{2}}-(?:{})(?:[T ]|\z)", two(1..=31)),
        Part::Month => format!(r"\A[0-9]{{4}}-(?:{})-[0-9]{{2}}", two(1..=12)),
        Part::Year => format!(
            r"\A(?:{})-[0-9]{{2}}-[0-9]{{2}}",
            years(String::new(), wanted)
        ),
        Part::Week => format!(r"\A(?:{})(?:[T ]|\z)", weeks(wanted)),
    };
    let pattern = Pattern::new(&expression, Case::Exact).map_err(|e| e.to_string())?;
    Ok(Test::Regex(pattern))
}

/// Numbers as alternatives; where there are none, an expression that nothing matches.
fn numbers(numbers: impl Iterator<Item = u32>, width: usize) -> String {
    let all: Vec<String> = numbers.map(|n| format!("{n:0width$}")).collect();
    match all.is_empty() {
        true => r"[^\s\S]".to_owned(),
        false => all.join("|"),
    }
}

/// The wanted years that begin with some digits, whole decades and centuries as such.
fn years(prefix: String, wanted: &dyn Fn(u32) -> bool) -> String {
    let open = 4 - prefix.len();
    let first = prefix.parse::<u32>().unwrap_or(0) * 10u32.pow(u32::try_from(open).unwrap_or(0));
    let last = first + 10u32.pow(u32::try_from(open).unwrap_or(0)) - 1;
    if (first..=last).all(wanted) {
        return format!("{prefix}[0-9]{{{open}}}");
    }
    if !(first..=last).any(wanted) {
        return r"[^\s\S]".to_owned();
    }
    let each = (0..10).map(|d| format!("{prefix}{d}"));
    let each = each
        .map(|p| years(p, wanted))
        .filter(|e| !e.starts_with("[^"));
    each.collect::<Vec<_>>().join("|")
}

/// The days of the wanted weeks.
fn weeks(wanted: &dyn Fn(u32) -> bool) -> String {
    let leap = |y: i32| y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
    let mut days = Vec::new();
    // The first of January 1970 was a Thursday; days of the week count from Monday.
    let mut weekday = 3;
    for year in YEARS {
        let length = if leap(year) { 366 } else { 365 };
        let first = weekday;
        let long = |first: i32, leap: bool| first == 3 || (leap && first == 2);
        for day in 0..length {
            let week = (day - weekday + 10) / 7;
            let last_year = (first + 7 - (if leap(year - 1) { 366 } else { 365 }) % 7) % 7;
            let week = match week {
                0 => 52 + i32::from(long(last_year, leap(year - 1))),
                53 if !long(first, leap(year)) => 1,
                week => week,
            };
            if u32::try_from(week).is_ok_and(wanted) {
                days.push(date(year, day, leap(year)));
            }
            weekday = (weekday + 1) % 7;
        }
    }
    match days.is_empty() {
        true => r"[^\s\S]".to_owned(),
        false => days.join("|"),
    }
}

/// A day of a year as a date.
fn date(year: i32, mut day: i32, leap: bool) -> String {
    let february = if leap { 29 } else { 28 };
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if day < length {
            break;
        }
        day -= length;
        month += 1;
    }
    format!("{year}-{month:02}-{:02}", day + 1)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn weeks_are_those_of_iso_8601() {
        for (date, week) in [
            ("2026-01-01", 1),
            ("2025-12-29", 1),
            ("2025-12-28", 52),
            ("2021-01-03", 53),
            ("2020-12-31", 53),
            ("2016-01-01", 53),
            ("2012-01-01", 52),
            ("2026-03-01T10:00:00Z", 9),
        ] {
            assert!(
                part(Part::Week, &|w| w == week).unwrap().matches(date),
                "{date}"
            );
            assert!(
                !part(Part::Week, &|w| w == week % 52 + 2)
                    .unwrap()
                    .matches(date),
                "{date}"
            );
        }
    }

    #[test]
    fn parts_are_told_by_place() {
        let hour = part(Part::Hour, &|h| h >= 22).unwrap();
        assert!(hour.matches("2026-03-01 22:15:00.123") && !hour.matches("2026-03-01T10:23:00Z"));
        let year = part(Part::Year, &|y| y >= 2025).unwrap();
        assert!(year.matches("2026-03-01 22:15:00") && !year.matches("2024-12-31T00:00:00Z"));
        assert!(!year.matches("x"));
    }
}
