//! Java's date patterns (`yyyy-MM-dd HH:mm:ss`), for printing and for reading times, in UTC and in English.
//! A letter that Spark does not have, or that is not known here, is an error that names it; nothing prints as itself by accident.

use chrono::{Datelike, NaiveDate, NaiveDateTime, Timelike};
use datafusion::common::{Result, exec_err};

use super::convert::{MICROS, moment, offset};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];

#[derive(Debug, Clone, PartialEq, Eq)]
enum Item {
    Text(String),
    Field(char, usize),
    Optional(Vec<Item>),
}

/// A pattern that has been read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern {
    items: Vec<Item>,
}

impl Pattern {
    /// Reads a pattern; an error names the letter that is not supported.
    pub fn new(text: &str) -> Result<Self> {
        let mut chars = text.chars().peekable();
        let mut open: Vec<Vec<Item>> = vec![Vec::new()];
        while let Some(c) = chars.next() {
            let item = match c {
                '\'' => {
                    let mut quoted = String::new();
                    if chars.next_if_eq(&'\'').is_some() {
                        quoted.push('\'');
                    } else {
                        loop {
                            match chars.next() {
                                Some('\'') if chars.next_if_eq(&'\'').is_some() => {
                                    quoted.push('\'')
                                }
                                Some('\'') => break,
                                Some(c) => quoted.push(c),
                                None => {
                                    return exec_err!(
                                        "the date pattern {text:?} has a quote without its pair"
                                    );
                                }
                            }
                        }
                    }
                    Item::Text(quoted)
                }
                '[' => {
                    open.push(Vec::new());
                    continue;
                }
                ']' => match (open.pop(), open.last_mut()) {
                    (Some(inner), Some(outer)) => {
                        outer.push(Item::Optional(inner));
                        continue;
                    }
                    _ => {
                        return exec_err!(
                            "the date pattern {text:?} closes a bracket it did not open"
                        );
                    }
                },
                '{' | '}' | '#' => {
                    return exec_err!("the date pattern {text:?} has the reserved character {c:?}");
                }
                c if c.is_ascii_alphabetic() => {
                    let mut count = 1;
                    while chars.next_if_eq(&c).is_some() {
                        count += 1;
                    }
                    let most = match c {
                        'y' => 6,
                        'M' | 'L' | 'E' | 'Q' | 'q' => 4,
                        'd' | 'H' | 'h' | 'K' | 'k' | 'm' | 's' => 2,
                        'D' | 'X' | 'x' | 'Z' => {
                            if c == 'D' {
                                3
                            } else {
                                5
                            }
                        }
                        'S' => 9,
                        'a' => 1,
                        'G' | 'O' | 'z' => 4,
                        'V' => 2,
                        _ => 0,
                    };
                    if most == 0 {
                        return exec_err!(
                            "the letter {c:?} of the date pattern {text:?} is not supported"
                        );
                    }
                    if count > most || c == 'V' && count != 2 || c == 'O' && !matches!(count, 1 | 4)
                    {
                        return exec_err!(
                            "the date pattern {text:?} has {count} times {c:?}, which Spark does not allow"
                        );
                    }
                    Item::Field(c, count)
                }
                c => Item::Text(c.to_string()),
            };
            if let Some(items) = open.last_mut() {
                items.push(item);
            }
        }
        if open.len() > 1 {
            // Java closes what is left open at the end.
            while let (Some(inner), true) = (open.pop(), !open.is_empty()) {
                if let Some(outer) = open.last_mut() {
                    outer.push(Item::Optional(inner));
                }
            }
            return exec_err!("the date pattern {text:?} opens a bracket it does not close");
        }
        Ok(Self {
            items: open.pop().unwrap_or_default(),
        })
    }

    /// Prints a moment given in microseconds UTC.
    pub fn print(&self, micros: i64) -> Option<String> {
        let time = moment(micros)?;
        let mut out = String::new();
        print_items(&self.items, &time, &mut out);
        Some(out)
    }

    /// Reads a moment in microseconds UTC; `None` where the text does not follow the pattern to its end.
    pub fn parse(&self, text: &str) -> Option<i64> {
        let mut fields = Fields::default();
        let rest = parse_items(&self.items, text, &mut fields)?;
        rest.is_empty().then(|| fields.micros()).flatten()
    }
}

fn print_items(items: &[Item], t: &NaiveDateTime, out: &mut String) {
    for item in items {
        match item {
            Item::Text(text) => out.push_str(text),
            Item::Optional(inner) => print_items(inner, t, out),
            Item::Field(letter, count) => out.push_str(&print_field(*letter, *count, t)),
        }
    }
}

fn print_field(letter: char, count: usize, t: &NaiveDateTime) -> String {
    let number = |n: u32| format!("{n:0count$}");
    let name = |full: &str| {
        if count >= 4 {
            full.to_owned()
        } else {
            full.chars().take(3).collect()
        }
    };
    let quarter = t.month0() / 3 + 1;
    match letter {
        'y' if count == 2 => format!("{:02}", year_of_era(t) % 100),
        'y' => format!("{:0count$}", year_of_era(t)),
        'M' | 'L' if count <= 2 => number(t.month()),
        'M' | 'L' => name(MONTHS[t.month0() as usize]),
        'd' => number(t.day()),
        'D' => number(t.ordinal()),
        'Q' | 'q' => match count {
            1 | 2 => number(quarter),
            3 => format!("Q{quarter}"),
            _ => format!(
                "{} quarter",
                ["1st", "2nd", "3rd", "4th"][(quarter - 1) as usize]
            ),
        },
        'E' => name(DAYS[t.weekday().num_days_from_monday() as usize]),
        'G' => match (t.year() > 0, count >= 4) {
            (true, true) => "Anno Domini".to_owned(),
            (true, false) => "AD".to_owned(),
            (false, true) => "Before Christ".to_owned(),
            (false, false) => "BC".to_owned(),
        },
        'a' => if t.hour() < 12 { "AM" } else { "PM" }.to_owned(),
        'H' => number(t.hour()),
        'k' => number(if t.hour() == 0 { 24 } else { t.hour() }),
        'K' => number(t.hour() % 12),
        'h' => number(t.hour12().1),
        'm' => number(t.minute()),
        's' => number(t.second()),
        'S' => format!("{:09}", t.nanosecond() % 1_000_000_000)
            .chars()
            .take(count)
            .collect(),
        'V' => "UTC".to_owned(),
        'z' if count >= 4 => "Coordinated Universal Time".to_owned(),
        'z' => "UTC".to_owned(),
        'O' => "GMT".to_owned(),
        'X' => "Z".to_owned(),
        'x' => ["+00", "+0000", "+00:00", "+0000", "+00:00"][count - 1].to_owned(),
        'Z' => match count {
            1..=3 => "+0000".to_owned(),
            4 => "GMT".to_owned(),
            _ => "Z".to_owned(),
        },
        _ => String::new(),
    }
}

fn year_of_era(t: &NaiveDateTime) -> i32 {
    if t.year() > 0 { t.year() } else { 1 - t.year() }
}

#[derive(Debug, Clone, Default)]
struct Fields {
    year: Option<i32>,
    month: Option<u32>,
    day: Option<u32>,
    ordinal: Option<u32>,
    hour: Option<u32>,
    hour12: Option<u32>,
    afternoon: Option<bool>,
    minute: u32,
    second: u32,
    micros: i64,
    offset: i64,
}

impl Fields {
    fn micros(&self) -> Option<i64> {
        let year = self.year.unwrap_or(1970);
        let date = match self.ordinal {
            Some(day) => NaiveDate::from_yo_opt(year, day)?,
            None => NaiveDate::from_ymd_opt(year, self.month.unwrap_or(1), self.day.unwrap_or(1))?,
        };
        let hour = match (self.hour, self.hour12) {
            (Some(hour), _) => hour,
            (None, Some(hour)) => {
                hour % 12
                    + if self.afternoon.unwrap_or(false) {
                        12
                    } else {
                        0
                    }
            }
            (None, None) => {
                if self.afternoon.unwrap_or(false) {
                    12
                } else {
                    0
                }
            }
        };
        let time = date.and_hms_opt(hour, self.minute, self.second)?;
        Some((time.and_utc().timestamp() - self.offset) * MICROS + self.micros)
    }
}

fn parse_items<'t>(items: &[Item], mut text: &'t str, fields: &mut Fields) -> Option<&'t str> {
    for (n, item) in items.iter().enumerate() {
        text = match item {
            Item::Text(expected) => text.strip_prefix(expected.as_str())?,
            Item::Optional(inner) => {
                let mut attempt = fields.clone();
                match parse_items(inner, text, &mut attempt) {
                    Some(rest) => {
                        *fields = attempt;
                        rest
                    }
                    None => text,
                }
            }
            Item::Field(letter, count) => {
                // Numbers that touch take exactly their width.
                let touching = matches!(items.get(n + 1), Some(Item::Field(next, width)) if is_number(*next, *width));
                parse_field(*letter, *count, touching, text, fields)?
            }
        };
    }
    Some(text)
}

fn is_number(letter: char, count: usize) -> bool {
    matches!(
        letter,
        'y' | 'd' | 'D' | 'H' | 'h' | 'K' | 'k' | 'm' | 's' | 'S'
    ) || matches!(letter, 'M' | 'L') && count <= 2
}

fn parse_field<'t>(
    letter: char,
    count: usize,
    touching: bool,
    text: &'t str,
    fields: &mut Fields,
) -> Option<&'t str> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let take = |min: usize, max: usize| -> Option<(u32, &'t str)> {
        let width = digits.min(if touching { count.max(min) } else { max });
        if width < min {
            return None;
        }
        Some((text[..width].parse().ok()?, &text[width..]))
    };
    let number = || take(count, if count == 1 { 2 } else { count });
    Some(match letter {
        'y' if count == 2 => {
            let (year, rest) = take(2, 2)?;
            fields.year = Some(2000 + i32::try_from(year).ok()?);
            rest
        }
        'y' => {
            let (year, rest) = take(count, 9)?;
            fields.year = Some(i32::try_from(year).ok()?);
            rest
        }
        'M' | 'L' if count <= 2 => {
            let (month, rest) = number()?;
            fields.month = Some(month);
            rest
        }
        'M' | 'L' => {
            let (month, rest) = named(&MONTHS, count, text)?;
            fields.month = Some(u32::try_from(month).ok()? + 1);
            rest
        }
        'E' => named(&DAYS, count, text)?.1,
        'd' => {
            let (day, rest) = number()?;
            fields.day = Some(day);
            rest
        }
        'D' => {
            let (day, rest) = take(count, 3)?;
            fields.ordinal = Some(day);
            rest
        }
        'H' | 'k' => {
            let (hour, rest) = number()?;
            fields.hour = Some(if letter == 'k' { hour % 24 } else { hour });
            rest
        }
        'h' | 'K' => {
            let (hour, rest) = number()?;
            let valid = if letter == 'h' {
                (1..=12).contains(&hour)
            } else {
                hour < 12
            };
            fields.hour12 = valid.then_some(hour);
            fields.hour12?;
            rest
        }
        'a' => {
            let head = text.get(..2)?;
            fields.afternoon = Some(head.eq_ignore_ascii_case("pm"));
            (head.eq_ignore_ascii_case("am") || head.eq_ignore_ascii_case("pm"))
                .then(|| &text[2..])?
        }
        'm' => {
            let (minute, rest) = number()?;
            fields.minute = minute;
            rest
        }
        's' => {
            let (second, rest) = number()?;
            fields.second = second;
            rest
        }
        'S' => {
            // A fraction is read up to its width.
            let width = digits.min(count);
            if width == 0 {
                return None;
            }
            let kept = width.min(6);
            fields.micros =
                text[..kept].parse::<i64>().ok()? * 10_i64.pow(u32::try_from(6 - kept).ok()?);
            &text[width..]
        }
        'V' | 'z' | 'O' | 'X' | 'x' | 'Z' => {
            let end = text
                .find(|c: char| {
                    !(c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | ':' | '/' | '_'))
                })
                .unwrap_or(text.len());
            if end == 0 {
                return None;
            }
            fields.offset = offset(&text[..end])?;
            &text[end..]
        }
        'G' => text
            .strip_prefix("AD")
            .or_else(|| text.strip_prefix("Anno Domini"))?,
        // A quarter does not make a date.
        _ => return None,
    })
}

fn named<'t>(names: &[&str], count: usize, text: &'t str) -> Option<(usize, &'t str)> {
    names.iter().enumerate().find_map(|(n, name)| {
        let expected = if count >= 4 { name } else { &name[..3] };
        let rest = text.strip_prefix(expected)?;
        Some((n, rest))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    const MOMENT: i64 = 1_596_825_127_555_000; // 2020-08-07T18:32:07.555Z, a Friday

    #[test]
    fn every_letter_prints_as_in_java() {
        for (pattern, expected) in [
            ("yyyy", "2020"),
            ("yy", "20"),
            ("y", "2020"),
            ("yyyy-MM-dd HH:mm:ss", "2020-08-07 18:32:07"),
            ("d/M/yyyy", "7/8/2020"),
            ("MMM d, yyyy", "Aug 7, 2020"),
            ("MMMM", "August"),
            ("LLL", "Aug"),
            ("E", "Fri"),
            ("EEEE", "Friday"),
            ("D", "220"),
            ("Q", "3"),
            ("QQQ", "Q3"),
            ("qqqq", "3rd quarter"),
            ("h:mm a", "6:32 PM"),
            ("hh", "06"),
            ("K", "6"),
            ("k", "18"),
            ("SSS", "555"),
            ("SSSSSS", "555000"),
            ("S", "5"),
            ("G", "AD"),
            ("VV", "UTC"),
            ("z", "UTC"),
            ("zzzz", "Coordinated Universal Time"),
            ("O", "GMT"),
            ("X", "Z"),
            ("xxx", "+00:00"),
            ("Z", "+0000"),
            ("ZZZZZ", "Z"),
            ("yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "2020-08-07T18:32:07.555Z"),
            ("'at' HH''mm", "at 18'32"),
            ("yyyy[-MM]", "2020-08"),
        ] {
            assert_eq!(
                Pattern::new(pattern).unwrap().print(MOMENT).unwrap(),
                expected,
                "{pattern}"
            );
        }
    }

    #[test]
    fn other_letters_are_errors_that_name_them() {
        for (pattern, letter) in [
            ("YYYY", "'Y'"),
            ("ww", "'w'"),
            ("e", "'e'"),
            ("F", "'F'"),
            ("n", "'n'"),
            ("u", "'u'"),
            ("B", "'B'"),
        ] {
            let error = Pattern::new(pattern).unwrap_err().to_string();
            assert!(error.contains(letter), "{pattern}: {error}");
        }
        for pattern in ["ddd", "yyyyyyy", "'open", "[yyyy", "yyyy]", "{"] {
            assert!(Pattern::new(pattern).is_err(), "{pattern}");
        }
    }

    #[test]
    fn times_are_read_back() {
        for (pattern, text, expected) in [
            (
                "yyyy-MM-dd HH:mm:ss.SSS",
                "2020-08-07 18:32:07.555",
                Some(MOMENT),
            ),
            ("yyyyMMddHHmmss", "20200807183207", Some(MOMENT - 555_000)),
            (
                "MM/dd/yyyy hh:mm:ss a",
                "08/07/2020 06:32:07 PM",
                Some(MOMENT - 555_000),
            ),
            ("MMM d yyyy", "Aug 7 2020", Some(1_596_758_400_000_000)),
            (
                "yyyy-MM-dd'T'HH:mm:ssXXX",
                "2020-08-07T20:32:07+02:00",
                Some(MOMENT - 555_000),
            ),
            (
                "yyyy-MM-dd[ HH:mm]",
                "2020-08-07",
                Some(1_596_758_400_000_000),
            ),
            ("yyyy-MM-dd", "2020-08-07 18", None),
            ("yyyy-MM-dd", "2020-8-7", None),
            ("yyyy-M-d", "2020-8-7", Some(1_596_758_400_000_000)),
            ("yyyy-MM-dd", "2020-13-01", None),
        ] {
            assert_eq!(
                Pattern::new(pattern).unwrap().parse(text),
                expected,
                "{pattern} {text}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_pattern_and_text_are_answered(pattern in ".{0,20}", text in ".{0,20}") {
            if let Ok(p) = Pattern::new(&pattern) {
                let _ = (p.print(MOMENT), p.parse(&text));
            }
        }

        #[test]
        fn a_full_pattern_reads_what_it_prints(micros in 0_i64..253_402_300_799_000_000) {
            let p = Pattern::new("yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX").unwrap();
            prop_assert_eq!(p.parse(&p.print(micros).unwrap()), Some(micros));
        }
    }
}
