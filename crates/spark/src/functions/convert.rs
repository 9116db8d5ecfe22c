//! Spark's conversions between text, numbers, times and truth values, for single values and for whole columns.
//! It never fails on bad text: what does not convert is null, as in Spark without ANSI mode.

use std::sync::Arc;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Timelike};
use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, Float64Array, Int64Array, ListArray, ListBuilder, StringArray,
    StringBuilder, TimestampMicrosecondArray,
};
use datafusion::arrow::compute::{CastOptions, cast, cast_with_options};
use datafusion::arrow::datatypes::{
    DataType, Field, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType,
};
use datafusion::common::{Result, exec_err};

/// Microseconds in a second.
pub(crate) const MICROS: i64 = 1_000_000;

pub(crate) fn list_of(item: DataType) -> DataType {
    DataType::List(Arc::new(Field::new_list_field(item, true)))
}

pub(crate) fn timestamp_type() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some(Arc::from("UTC")))
}

/// What Spark strips before it reads a value: white space and control characters at both ends.
fn stripped(text: &str) -> &str {
    text.trim_matches(|c: char| c <= ' ' || c == '\u{7f}')
}

/// Text as a whole number: a sign, digits, and a fraction that is cut off. `None` for anything else, or beyond 64 bits.
pub(crate) fn whole(text: &str) -> Option<i64> {
    let text = stripped(text);
    let (digits, fraction) = text.split_once('.').unwrap_or((text, ""));
    if !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let unsigned = digits.strip_prefix(['-', '+']).unwrap_or(digits);
    if unsigned.is_empty() {
        return (digits.is_empty() && !fraction.is_empty()).then_some(0);
    }
    if !unsigned.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

/// Text as a number with a fraction, as Java reads it.
pub(crate) fn fractional(text: &str) -> Option<f64> {
    let text = stripped(text);
    let bare = text
        .strip_suffix(['d', 'D', 'f', 'F'])
        .filter(|t| t.ends_with(|c: char| c.is_ascii_digit() || c == '.'));
    bare.unwrap_or(text).parse().ok()
}

/// Text as a truth value.
pub(crate) fn boolean(text: &str) -> Option<bool> {
    match stripped(text).to_ascii_lowercase().as_str() {
        "t" | "true" | "y" | "yes" | "1" => Some(true),
        "f" | "false" | "n" | "no" | "0" => Some(false),
        _ => None,
    }
}

/// Text as the bits it spells: hexadecimal with `0x`, or a whole number.
pub fn bits(text: &str) -> Option<i64> {
    let bare = stripped(text);
    match bare.strip_prefix("0x").or_else(|| bare.strip_prefix("0X")) {
        Some(hex) if !hex.is_empty() && hex.bytes().all(|b| b.is_ascii_hexdigit()) => {
            u64::from_str_radix(hex, 16).ok().map(u64::cast_signed)
        }
        Some(_) => None,
        None => whole(bare),
    }
}

fn digits(text: &str, min: usize, max: usize) -> Option<(u32, &str)> {
    let len = text.bytes().take_while(u8::is_ascii_digit).count();
    if len < min || len > max {
        return None;
    }
    Some((text[..len].parse().ok()?, &text[len..]))
}

fn date_part(text: &str) -> Option<(NaiveDate, &str)> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (year, rest) = digits(text, 4, 6)?;
    let year = i32::try_from(year).ok()? * if negative { -1 } else { 1 };
    let Some(rest) = rest.strip_prefix('-') else {
        return Some((NaiveDate::from_ymd_opt(year, 1, 1)?, rest));
    };
    let (month, rest) = digits(rest, 1, 2)?;
    let Some(rest) = rest.strip_prefix('-') else {
        return Some((NaiveDate::from_ymd_opt(year, month, 1)?, rest));
    };
    let (day, rest) = digits(rest, 1, 2)?;
    Some((NaiveDate::from_ymd_opt(year, month, day)?, rest))
}

/// Text as days since 1970-01-01: `yyyy`, `yyyy-MM` or `yyyy-MM-dd`, with anything after a blank or a `T`.
pub(crate) fn date(text: &str) -> Option<i32> {
    let (date, rest) = date_part(stripped(text))?;
    (rest.is_empty() || rest.starts_with([' ', 'T'])).then_some(())?;
    i32::try_from(date.signed_duration_since(NaiveDate::default()).num_days()).ok()
}

/// Text as microseconds since 1970 in UTC: a date, and after a blank or `T` a time with any fraction and zone offset.
pub(crate) fn timestamp(text: &str) -> Option<i64> {
    let (date, rest) = date_part(stripped(text))?;
    let midnight = date.and_hms_opt(0, 0, 0)?;
    if rest.is_empty() {
        return Some(midnight.and_utc().timestamp_micros());
    }
    let rest = rest.strip_prefix([' ', 'T'])?;
    if rest.is_empty() {
        return Some(midnight.and_utc().timestamp_micros());
    }
    let (hour, rest) = digits(rest, 1, 2)?;
    let rest = rest.strip_prefix(':')?;
    let (minute, mut rest) = digits(rest, 1, 2)?;
    let (mut second, mut micros) = (0, 0);
    if let Some(after) = rest.strip_prefix(':') {
        (second, rest) = digits(after, 1, 2)?;
        if let Some(after) = rest.strip_prefix('.') {
            let len = after.bytes().take_while(u8::is_ascii_digit).count();
            let kept = &after[..len.min(6)];
            if !kept.is_empty() {
                micros =
                    kept.parse::<i64>().ok()? * 10_i64.pow(6 - u32::try_from(kept.len()).ok()?);
            }
            rest = &after[len..];
        }
    }
    let time = date.and_hms_opt(hour, minute, second)?;
    Some((time.and_utc().timestamp() - offset(rest.trim_start())?) * MICROS + micros)
}

/// The seconds a zone is ahead of UTC; `None` for a zone that is not an offset.
pub(crate) fn offset(zone: &str) -> Option<i64> {
    let bare = ["UTC", "GMT", "UT"]
        .iter()
        .find_map(|p| zone.strip_prefix(p))
        .unwrap_or(zone);
    if bare.is_empty() || bare == "Z" {
        return Some(0);
    }
    let sign = match bare.as_bytes()[0] {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let bare = &bare[1..];
    let (hours, rest) = match bare.len() {
        4 | 6 if bare.bytes().all(|b| b.is_ascii_digit()) => {
            (bare[..2].parse::<u32>().ok()?, &bare[2..])
        }
        _ => digits(bare, 1, 2)?,
    };
    let (minutes, rest) = match rest.strip_prefix(':').unwrap_or(rest) {
        "" => (0, ""),
        rest => digits(rest.get(..rest.len().min(2))?, 1, 2)
            .map(|(m, _)| (m, &rest[2.min(rest.len())..]))?,
    };
    let seconds = match rest.strip_prefix(':').unwrap_or(rest) {
        "" => 0,
        rest => digits(rest, 1, 2)?.0,
    };
    (hours <= 18 && minutes < 60 && seconds < 60)
        .then_some(sign * i64::from(hours * 3600 + minutes * 60 + seconds))
}

/// The moment as a calendar value, where it has one.
pub(crate) fn moment(micros: i64) -> Option<NaiveDateTime> {
    DateTime::from_timestamp_micros(micros).map(|t| t.naive_utc())
}

/// A moment as recordings spell it: ISO 8601 with `T` and `Z`, milliseconds, or microseconds where there are any.
pub fn timestamp_text(micros: i64) -> String {
    match moment(micros) {
        Some(t) => {
            let sub = t.nanosecond() / 1000;
            let head = format!(
                "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
                t.year(),
                t.month(),
                t.day(),
                t.hour(),
                t.minute(),
                t.second()
            );
            if sub % 1000 == 0 {
                format!("{head}.{:03}Z", sub / 1000)
            } else {
                format!("{head}.{sub:06}Z")
            }
        }
        None => format!("{micros}us"),
    }
}

/// A number with a fraction as Spark (that is, Java) prints it: `1.0`, `1.0E10`, `NaN`.
pub fn double_text(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    let size = value.abs();
    if size == 0.0 || (1e-3..1e7).contains(&size) {
        let text = value.to_string();
        return if text.contains('.') {
            text
        } else {
            text + ".0"
        };
    }
    let text = format!("{value:E}");
    match text.split_once('E') {
        Some((mantissa, exponent)) if !mantissa.contains('.') => format!("{mantissa}.0E{exponent}"),
        _ => text,
    }
}

/// The type Spark makes of several: nulls give way, text wins, a fraction beats a whole number. `None` where they do not mix.
pub(crate) fn common_type(types: &[DataType]) -> Option<DataType> {
    let is_text = |t: &DataType| {
        matches!(t, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View) || is_encoded(t)
    };
    let mut common: Option<DataType> = None;
    for t in types.iter().filter(|t| **t != DataType::Null) {
        common = Some(match common {
            None => t.clone(),
            Some(c) if c == *t => c,
            Some(c) if is_text(&c) && is_text(t) => super::udf::dictionary(),
            Some(c) if is_text(&c) || is_text(t) => {
                if is_nested(&c) || is_nested(t) {
                    return None;
                }
                DataType::Utf8
            }
            Some(c) if c.is_integer() && t.is_integer() => DataType::Int64,
            Some(c) if c.is_numeric() && t.is_numeric() => DataType::Float64,
            Some(DataType::Timestamp(..))
                if matches!(t, DataType::Timestamp(..) | DataType::Date32) =>
            {
                timestamp_type()
            }
            Some(DataType::Date32) if matches!(t, DataType::Timestamp(..)) => timestamp_type(),
            Some(_) => return None,
        });
    }
    Some(common.unwrap_or(DataType::Null))
}

fn is_encoded(t: &DataType) -> bool {
    matches!(t, DataType::Dictionary(_, v) if matches!(**v, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View))
}

fn is_nested(t: &DataType) -> bool {
    t.is_nested()
}

/// A column with its dictionary taken off.
pub(crate) fn flatten(array: &ArrayRef) -> Result<ArrayRef> {
    Ok(match array.data_type() {
        DataType::Dictionary(_, value) => cast(array, value)?,
        _ => Arc::clone(array),
    })
}

/// A column as text, each value as Spark casts it to string.
pub(crate) fn to_text(array: &ArrayRef) -> Result<StringArray> {
    let array = flatten(array)?;
    let rows = array.len();
    Ok(match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().clone(),
        DataType::Timestamp(..) => {
            let times = to_timestamp(&array)?;
            times.iter().map(|t| t.map(timestamp_text)).collect()
        }
        t if t.is_floating() => {
            let numbers = cast(&array, &DataType::Float64)?;
            numbers
                .as_primitive::<Float64Type>()
                .iter()
                .map(|v| v.map(double_text))
                .collect()
        }
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => {
            let bytes = cast(&array, &DataType::Binary)?;
            bytes
                .as_binary::<i32>()
                .iter()
                .map(|v| v.map(|v| String::from_utf8_lossy(v).into_owned()))
                .collect()
        }
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            let mut out = Vec::with_capacity(rows);
            for row in 0..rows {
                out.push(match list.is_null(row) {
                    true => None,
                    false => {
                        let items = to_text(&list.value(row))?;
                        let items: Vec<&str> = items.iter().map(|i| i.unwrap_or("null")).collect();
                        Some(format!("[{}]", items.join(", ")))
                    }
                });
            }
            out.into_iter().collect()
        }
        _ => cast(&array, &DataType::Utf8)?.as_string::<i32>().clone(),
    })
}

/// A column as whole numbers.
pub(crate) fn to_whole(array: &ArrayRef) -> Result<Int64Array> {
    let array = flatten(array)?;
    Ok(match array.data_type() {
        DataType::Int64 => array.as_primitive::<Int64Type>().clone(),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            to_text(&array)?.iter().map(|v| v.and_then(whole)).collect()
        }
        DataType::Timestamp(..) => to_timestamp(&array)?
            .iter()
            .map(|t| t.map(|t| t.div_euclid(MICROS)))
            .collect(),
        t if t.is_floating() => {
            let numbers = cast(&array, &DataType::Float64)?;
            // Java's narrowing: cut off the fraction, stop at the ends, NaN is zero.
            numbers
                .as_primitive::<Float64Type>()
                .iter()
                .map(|v| v.map(|v| v as i64))
                .collect()
        }
        DataType::List(_) => return exec_err!("an array is not a number"),
        _ => lenient(&array, &DataType::Int64)?
            .as_primitive::<Int64Type>()
            .clone(),
    })
}

/// A column as numbers with a fraction.
pub(crate) fn to_fractional(array: &ArrayRef) -> Result<Float64Array> {
    let array = flatten(array)?;
    Ok(match array.data_type() {
        DataType::Float64 => array.as_primitive::<Float64Type>().clone(),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => to_text(&array)?
            .iter()
            .map(|v| v.and_then(fractional))
            .collect(),
        DataType::Timestamp(..) => to_timestamp(&array)?
            .iter()
            .map(|t| t.map(|t| t as f64 / MICROS as f64))
            .collect(),
        DataType::List(_) => return exec_err!("an array is not a number"),
        _ => lenient(&array, &DataType::Float64)?
            .as_primitive::<Float64Type>()
            .clone(),
    })
}

/// A column as moments, in microseconds UTC.
pub(crate) fn to_timestamp(array: &ArrayRef) -> Result<TimestampMicrosecondArray> {
    let array = flatten(array)?;
    let times: TimestampMicrosecondArray = match array.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => to_text(&array)?
            .iter()
            .map(|v| v.and_then(timestamp))
            .collect(),
        DataType::Timestamp(..) | DataType::Date32 | DataType::Date64 => {
            let plain = cast(&array, &DataType::Timestamp(TimeUnit::Microsecond, None))?;
            plain.as_primitive::<TimestampMicrosecondType>().clone()
        }
        t if t.is_numeric() || *t == DataType::Null || *t == DataType::Boolean => {
            // A number is seconds since 1970, as in Spark's cast.
            to_fractional(&array)?
                .iter()
                .map(|v| v.map(|v| (v * MICROS as f64) as i64))
                .collect()
        }
        other => return exec_err!("{other} is not a time"),
    };
    Ok(times.with_timezone("UTC"))
}

/// A column as arrays: an array as it is, text as the JSON array it spells (null where it spells none).
pub(crate) fn to_list(array: &ArrayRef) -> Result<ListArray> {
    let array = flatten(array)?;
    match array.data_type() {
        DataType::List(_) => Ok(array.as_list::<i32>().clone()),
        DataType::LargeList(item) => Ok(cast(&array, &list_of(item.data_type().clone()))?
            .as_list::<i32>()
            .clone()),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => {
            let text = to_text(&array)?;
            let mut out = ListBuilder::new(StringBuilder::new())
                .with_field(Field::new_list_field(DataType::Utf8, true));
            for value in &text {
                match value.and_then(super::json::array_items) {
                    Some(items) => {
                        items
                            .iter()
                            .for_each(|item| out.values().append_option(item.as_deref()));
                        out.append(true);
                    }
                    None => out.append(false),
                }
            }
            Ok(out.finish())
        }
        other => exec_err!("{other} is not an array"),
    }
}

fn lenient(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    Ok(cast_with_options(
        array,
        to,
        &CastOptions {
            safe: true,
            ..CastOptions::default()
        },
    )?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_as_a_whole_number() {
        assert_eq!(whole(" 10 "), Some(10));
        assert_eq!(whole("10.0"), Some(10));
        assert_eq!(whole("10.9"), Some(10));
        assert_eq!(whole("-3"), Some(-3));
        assert_eq!(whole("+3"), Some(3));
        for bad in [
            "",
            "-",
            "abc",
            "0x10",
            "1e3",
            "10.x",
            "99999999999999999999",
        ] {
            assert_eq!(whole(bad), None, "{bad}");
        }
    }

    #[test]
    fn text_as_bits() {
        assert_eq!(bits("0x1f3fff"), Some(0x1f_3fff));
        assert_eq!(bits("2047999"), Some(0x1f_3fff));
        assert_eq!(bits("0xFFFFFFFFFFFFFFFF"), Some(-1));
        assert_eq!(bits("0x"), None);
        assert_eq!(bits("0xzz"), None);
    }

    #[test]
    fn text_as_a_moment() {
        let micros = 1_596_825_127_555_000;
        for text in [
            "2020-08-07T18:32:07.555Z",
            "2020-08-07 18:32:07.555",
            "2020-08-07T20:32:07.555+02:00",
            "2020-08-07T20:32:07.555+0200",
        ] {
            assert_eq!(timestamp(text), Some(micros), "{text}");
        }
        assert_eq!(timestamp("2020"), Some(1_577_836_800_000_000));
        assert_eq!(timestamp("2020-08-07"), Some(1_596_758_400_000_000));
        for bad in [
            "",
            "x",
            "2020-13-01",
            "2020-08-07T25:00:00",
            "2020-08-07T18:32:07 nowhere",
        ] {
            assert_eq!(timestamp(bad), None, "{bad}");
        }
        assert_eq!(timestamp_text(micros), "2020-08-07T18:32:07.555Z");
        assert_eq!(timestamp_text(micros + 1), "2020-08-07T18:32:07.555001Z");
        assert_eq!(date("2020-08-07T18:32:07"), Some(18481));
    }

    #[test]
    fn numbers_print_as_in_java() {
        for (value, text) in [
            (1.0, "1.0"),
            (0.1, "0.1"),
            (1e10, "1.0E10"),
            (1.5e-5, "1.5E-5"),
            (-2.5, "-2.5"),
            (0.0, "0.0"),
            (123456.789, "123456.789"),
        ] {
            assert_eq!(double_text(value), text);
        }
    }

    proptest! {
        #[test]
        fn any_text_converts_or_does_not(text in ".{0,40}") {
            let _ = (whole(&text), fractional(&text), boolean(&text), bits(&text), date(&text), timestamp(&text));
        }

        #[test]
        fn a_moment_survives_its_text(micros in -62_135_596_800_000_000_i64..253_402_300_799_000_000) {
            prop_assert_eq!(timestamp(&timestamp_text(micros)), Some(micros));
        }
    }
}
