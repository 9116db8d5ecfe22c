//! Instants as logs spell them, to microseconds UTC and back. Times without a zone are taken as UTC, which is what
//! Sysmon and Windows write. This module refuses to guess at formats: what it does not know is no instant.

use chrono::{DateTime, NaiveDate, SecondsFormat};

/// Microseconds since 1970 UTC of an ISO 8601 date and time (`T` or blank between them, any fraction, `Z`, an offset
/// or nothing at the end), or of .NET's `/Date(milliseconds)/`.
pub fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Some(ms) = text
        .strip_prefix("/Date(")
        .and_then(|t| t.strip_suffix(")/"))
    {
        return ms.parse::<i64>().ok()?.checked_mul(1000);
    }
    let b = text.as_bytes();
    if b.len() < 19
        || b[4] != b'-'
        || b[7] != b'-'
        || !matches!(b[10], b'T' | b't' | b' ')
        || b[13] != b':'
        || b[16] != b':'
    {
        return None;
    }
    let date = NaiveDate::from_ymd_opt(
        i32::try_from(number(&b[..4])?).ok()?,
        number(&b[5..7])?,
        number(&b[8..10])?,
    )?;
    let seconds = date
        .and_hms_opt(
            number(&b[11..13])?,
            number(&b[14..16])?,
            number(&b[17..19])?,
        )?
        .and_utc()
        .timestamp();
    let mut rest = &b[19..];
    let mut micros = 0;
    if let [b'.' | b',', tail @ ..] = rest {
        let digits = tail.iter().take_while(|c| c.is_ascii_digit()).count();
        if digits == 0 {
            return None;
        }
        let mut unit = 100_000;
        for &d in &tail[..digits] {
            micros += i64::from(d - b'0') * unit;
            unit /= 10;
        }
        rest = &tail[digits..];
    }
    let offset = offset(rest)?;
    (seconds - offset)
        .checked_mul(1_000_000)?
        .checked_add(micros)
}

/// Seconds east of UTC spelled by what follows the time.
fn offset(rest: &[u8]) -> Option<i64> {
    match rest {
        [] | [b'Z' | b'z'] | [b' ', b'Z'] | [b' ', b'U', b'T', b'C'] => Some(0),
        [sign @ (b'+' | b'-'), tail @ ..] => {
            let (h, m) = match tail {
                [h1, h2, b':', m1, m2] | [h1, h2, m1, m2] => {
                    (number(&[*h1, *h2])?, number(&[*m1, *m2])?)
                }
                [h1, h2] => (number(&[*h1, *h2])?, 0),
                _ => return None,
            };
            let seconds = i64::from(h * 3600 + m * 60);
            (h < 24 && m < 60).then_some(if *sign == b'-' { -seconds } else { seconds })
        }
        _ => None,
    }
}

fn number(digits: &[u8]) -> Option<u32> {
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
        ] {
            assert_eq!(parse(same), expected, "{same}");
        }
        for bad in [
            "",
            "2020-08-07",
            "2020-13-07 18:32:07",
            "2020-08-07 18:32:07.",
            "08/07/2020 18:32:07",
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
