//! Functions over times and dates, in UTC. Patterns are `java_time`'s business, the reading of plain text `convert`'s.

use std::sync::Arc;

use chrono::{Datelike, Days, Months, NaiveDate, NaiveDateTime, Timelike, Weekday};
use datafusion::arrow::array::{
    Array, ArrayRef, Date32Array, Float64Array, Int32Array, Int64Array, TimestampMicrosecondArray,
};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, exec_err};

use super::convert::{self, MICROS, moment};
use super::java_time::Pattern;
use super::udf::{Args, Column, Scalar, build_text, double, int, whole};

const DEFAULT: &str = "yyyy-MM-dd HH:mm:ss";

pub(crate) const FUNCTIONS: &[Scalar] = &[
    // to_timestamp(x, pattern): text as a moment; null where it is none.
    Scalar::new(
        &["to_timestamp", "try_to_timestamp"],
        1,
        2,
        timestamp,
        to_timestamp,
    ),
    // to_date(x, pattern): text as a day.
    Scalar::new(&["to_date"], 1, 2, date, to_date),
    // unix_timestamp(x, pattern): seconds since 1970.
    Scalar::new(
        &["unix_timestamp", "to_unix_timestamp"],
        1,
        2,
        whole,
        unix_timestamp,
    ),
    // from_unixtime(seconds, pattern): as text.
    Scalar::new(
        &["from_unixtime"],
        1,
        2,
        |_| Ok(DataType::Utf8),
        from_unixtime,
    ),
    // date_format(time, pattern): as text, by a Java pattern.
    Scalar::new(&["date_format"], 2, 2, |_| Ok(DataType::Utf8), date_format),
    // date_trunc(unit, time): the beginning of the unit it falls into.
    Scalar::new(&["date_trunc"], 2, 2, timestamp, |a| truncate(a, 0, 1)),
    // trunc(date, unit): the first day of the year, quarter, month or week.
    Scalar::new(&["trunc"], 2, 2, date, trunc),
    // date_part(field, time) and EXTRACT(field FROM time).
    Scalar::new(&["date_part", "datepart"], 2, 2, part_type, date_part),
    // year(time).
    Scalar::new(&["year"], 1, 1, int, |a| field(a, |t| t.year())),
    // quarter(time).
    Scalar::new(&["quarter"], 1, 1, int, |a| {
        field(a, |t| (t.month0() / 3 + 1).cast_signed())
    }),
    // month(time).
    Scalar::new(&["month"], 1, 1, int, |a| {
        field(a, |t| t.month().cast_signed())
    }),
    // day(time), dayofmonth(time).
    Scalar::new(&["day", "dayofmonth"], 1, 1, int, |a| {
        field(a, |t| t.day().cast_signed())
    }),
    // dayofyear(time).
    Scalar::new(&["dayofyear"], 1, 1, int, |a| {
        field(a, |t| t.ordinal().cast_signed())
    }),
    // dayofweek(time): 1 is Sunday.
    Scalar::new(&["dayofweek"], 1, 1, int, |a| {
        field(a, |t| t.weekday().number_from_sunday().cast_signed())
    }),
    // weekday(time): 0 is Monday.
    Scalar::new(&["weekday"], 1, 1, int, |a| {
        field(a, |t| t.weekday().num_days_from_monday().cast_signed())
    }),
    // weekofyear(time): the ISO week.
    Scalar::new(&["weekofyear"], 1, 1, int, |a| {
        field(a, |t| t.iso_week().week().cast_signed())
    }),
    // hour(time).
    Scalar::new(&["hour"], 1, 1, int, |a| {
        field(a, |t| t.hour().cast_signed())
    }),
    // minute(time).
    Scalar::new(&["minute"], 1, 1, int, |a| {
        field(a, |t| t.minute().cast_signed())
    }),
    // second(time).
    Scalar::new(&["second"], 1, 1, int, |a| {
        field(a, |t| t.second().cast_signed())
    }),
    // dayname(time): Mon, Tue, ...
    Scalar::new(
        &["dayname"],
        1,
        1,
        |_| Ok(DataType::Utf8),
        |a| printed(a, "E"),
    ),
    // monthname(time): Jan, Feb, ...
    Scalar::new(
        &["monthname"],
        1,
        1,
        |_| Ok(DataType::Utf8),
        |a| printed(a, "MMM"),
    ),
    // datediff(end, start): days between.
    Scalar::new(&["datediff", "date_diff"], 2, 2, int, datediff),
    // date_add(date, days).
    Scalar::new(&["date_add", "dateadd"], 2, 2, date, |a| shift_days(a, 1)),
    // date_sub(date, days).
    Scalar::new(&["date_sub"], 2, 2, date, |a| shift_days(a, -1)),
    // add_months(date, months): the same day, or the last of the month.
    Scalar::new(&["add_months"], 2, 2, date, add_months),
    // last_day(date): the last day of its month.
    Scalar::new(&["last_day"], 1, 1, date, |a| {
        dates(a, |d| {
            d.with_day(1)?
                .checked_add_months(Months::new(1))?
                .pred_opt()
        })
    }),
    // next_day(date, weekday): the first such day after it.
    Scalar::new(&["next_day"], 2, 2, date, next_day),
    // make_date(year, month, day).
    Scalar::new(&["make_date"], 3, 3, date, make_date),
    // months_between(end, start): with a fraction on the basis of 31 days.
    Scalar::new(&["months_between"], 2, 3, double, months_between),
    // timestamp_seconds(n): n seconds since 1970 as a moment.
    Scalar::new(&["timestamp_seconds"], 1, 1, timestamp, |a| {
        let value = a.double(0)?;
        Ok(times(
            (0..a.rows)
                .map(|row| value.get(row).map(|v| (v * MICROS as f64) as i64))
                .collect(),
        ))
    }),
    // timestamp_millis(n).
    Scalar::new(&["timestamp_millis"], 1, 1, timestamp, |a| {
        from_units(a, 1000)
    }),
    // timestamp_micros(n).
    Scalar::new(&["timestamp_micros"], 1, 1, timestamp, |a| from_units(a, 1)),
    // unix_seconds(time): seconds since 1970.
    Scalar::new(&["unix_seconds"], 1, 1, whole, |a| to_units(a, MICROS)),
    // unix_millis(time).
    Scalar::new(&["unix_millis"], 1, 1, whole, |a| to_units(a, 1000)),
    // unix_micros(time).
    Scalar::new(&["unix_micros"], 1, 1, whole, |a| to_units(a, 1)),
    // unix_date(date): days since 1970.
    Scalar::new(&["unix_date"], 1, 1, int, |a| {
        let dates = days_of(a, 0)?;
        Ok(Arc::new(
            (0..a.rows)
                .map(|row| dates.day(row))
                .collect::<Int32Array>(),
        ))
    }),
    // from_utc_timestamp(time, zone): the wall clock of an offset such as +02:00.
    Scalar::new(&["from_utc_timestamp"], 2, 2, timestamp, |a| zoned(a, 1)),
    // to_utc_timestamp(time, zone): back from the wall clock of an offset.
    Scalar::new(&["to_utc_timestamp"], 2, 2, timestamp, |a| zoned(a, -1)),
];

fn timestamp(_: &[DataType]) -> Result<DataType> {
    Ok(convert::timestamp_type())
}

fn date(_: &[DataType]) -> Result<DataType> {
    Ok(DataType::Date32)
}

fn part_type(_: &[DataType]) -> Result<DataType> {
    double(&[])
}

fn times(values: Vec<Option<i64>>) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from(values).with_timezone("UTC"))
}

/// Dates as days since 1970, of a column or a constant.
struct Dates(Column<Date32Array>);

impl Dates {
    fn day(&self, row: usize) -> Option<i32> {
        let n = if self.0.scalar { 0 } else { row };
        self.0.array.is_valid(n).then(|| self.0.array.value(n))
    }

    fn get(&self, row: usize) -> Option<NaiveDate> {
        NaiveDate::from_epoch_days(self.day(row)?)
    }
}

fn days_of(args: &Args<'_>, n: usize) -> Result<Dates> {
    let arg = &args.values[n];
    Ok(Dates(Column {
        array: super::cast::to_date(&arg.array)?,
        scalar: arg.scalar,
    }))
}

fn since_epoch(date: NaiveDate) -> i32 {
    date.to_epoch_days()
}

/// The pattern an optional argument gives; patterns are constants, so that a bad one is an error and not a null.
fn pattern(args: &Args<'_>, n: usize) -> Result<Option<Option<Pattern>>> {
    if args.len() <= n {
        return Ok(None);
    }
    Ok(Some(
        args.constant(n, "pattern")?
            .map(|p| Pattern::new(&p))
            .transpose()?,
    ))
}

fn is_text(args: &Args<'_>) -> bool {
    matches!(
        args.data_type(0),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
    )
}

/// Argument 0 as moments: text by the pattern, where there is one, other types as they are.
fn parsed(args: &Args<'_>, default: Option<&str>) -> Result<Vec<Option<i64>>> {
    let given = pattern(args, 1)?;
    let given = match (given, default) {
        (None, Some(default)) => Some(Some(Pattern::new(default)?)),
        (given, _) => given,
    };
    match given {
        Some(None) => Ok(vec![None; args.rows]),
        Some(Some(pattern)) if is_text(args) => {
            let value = args.text(0)?;
            Ok((0..args.rows)
                .map(|row| value.get(row).and_then(|v| pattern.parse(v)))
                .collect())
        }
        _ => {
            let value = args.time(0)?;
            Ok((0..args.rows).map(|row| value.get(row)).collect())
        }
    }
}

fn to_timestamp(args: &Args<'_>) -> Result<ArrayRef> {
    Ok(times(parsed(args, None)?))
}

fn to_date(args: &Args<'_>) -> Result<ArrayRef> {
    if args.len() == 1 {
        let dates = days_of(args, 0)?;
        return Ok(Arc::new(
            (0..args.rows)
                .map(|row| dates.day(row))
                .collect::<Date32Array>(),
        ));
    }
    let moments = parsed(args, None)?;
    let out: Date32Array = moments
        .into_iter()
        .map(|m| m.and_then(moment).map(|t| since_epoch(t.date())))
        .collect();
    Ok(Arc::new(out))
}

fn unix_timestamp(args: &Args<'_>) -> Result<ArrayRef> {
    let moments = parsed(args, Some(DEFAULT))?;
    Ok(Arc::new(
        moments
            .into_iter()
            .map(|m| m.map(|m| m.div_euclid(MICROS)))
            .collect::<Int64Array>(),
    ))
}

fn from_unixtime(args: &Args<'_>) -> Result<ArrayRef> {
    let pattern = match pattern(args, 1)? {
        Some(None) => return Ok(build_text(args.rows, |_| None)),
        Some(Some(p)) => p,
        None => Pattern::new(DEFAULT)?,
    };
    let seconds = args.whole(0)?;
    Ok(build_text(args.rows, |row| {
        pattern.print(seconds.get(row)?.checked_mul(MICROS)?)
    }))
}

fn date_format(args: &Args<'_>) -> Result<ArrayRef> {
    let Some(Some(pattern)) = pattern(args, 1)? else {
        return Ok(build_text(args.rows, |_| None));
    };
    let value = args.time(0)?;
    Ok(build_text(args.rows, |row| pattern.print(value.get(row)?)))
}

fn printed(args: &Args<'_>, pattern: &str) -> Result<ArrayRef> {
    let pattern = Pattern::new(pattern)?;
    let value = args.time(0)?;
    Ok(build_text(args.rows, |row| pattern.print(value.get(row)?)))
}

/// The beginning of a unit; `None` for a unit nobody has.
fn beginning(unit: &str, t: NaiveDateTime) -> Option<NaiveDateTime> {
    let date = t.date();
    let midnight = |d: NaiveDate| d.and_hms_opt(0, 0, 0);
    match unit {
        "YEAR" | "YYYY" | "YY" => midnight(date.with_ordinal(1)?),
        "QUARTER" => midnight(NaiveDate::from_ymd_opt(
            t.year(),
            t.month0() / 3 * 3 + 1,
            1,
        )?),
        "MONTH" | "MM" | "MON" => midnight(date.with_day(1)?),
        "WEEK" => midnight(date.week(Weekday::Mon).first_day()),
        "DAY" | "DD" => midnight(date),
        "HOUR" => date.and_hms_opt(t.hour(), 0, 0),
        "MINUTE" => date.and_hms_opt(t.hour(), t.minute(), 0),
        "SECOND" => t.with_nanosecond(0),
        "MILLISECOND" => t.with_nanosecond(t.nanosecond() / 1_000_000 * 1_000_000),
        "MICROSECOND" => Some(t),
        _ => None,
    }
}

fn truncate(args: &Args<'_>, unit: usize, time: usize) -> Result<ArrayRef> {
    let (unit, value) = (args.text(unit)?, args.time(time)?);
    Ok(times(
        (0..args.rows)
            .map(|row| {
                let start = beginning(&unit.get(row)?.to_uppercase(), moment(value.get(row)?)?)?;
                Some(start.and_utc().timestamp_micros())
            })
            .collect(),
    ))
}

fn trunc(args: &Args<'_>) -> Result<ArrayRef> {
    let (value, unit) = (days_of(args, 0)?, args.text(1)?);
    let out: Date32Array = (0..args.rows)
        .map(|row| {
            let unit = unit.get(row)?.to_uppercase();
            // Below a week there is nothing to cut from a date.
            let large = matches!(
                unit.as_str(),
                "YEAR" | "YYYY" | "YY" | "QUARTER" | "MONTH" | "MM" | "MON" | "WEEK"
            );
            let start =
                beginning(&unit, value.get(row)?.and_hms_opt(0, 0, 0)?).filter(|_| large)?;
            Some(since_epoch(start.date()))
        })
        .collect();
    Ok(Arc::new(out))
}

fn date_part(args: &Args<'_>) -> Result<ArrayRef> {
    let value = args.time(1)?;
    let Some(name) = args.constant(0, "field")? else {
        return Ok(Arc::new(Float64Array::new_null(args.rows)));
    };
    let of: fn(NaiveDateTime) -> f64 = match name.to_lowercase().as_str() {
        "year" | "y" | "years" | "yr" | "yrs" => |t| f64::from(t.year()),
        "yearofweek" => |t| f64::from(t.iso_week().year()),
        "quarter" | "qtr" => |t| f64::from(t.month0() / 3 + 1),
        "month" | "mon" | "mons" | "months" => |t| f64::from(t.month()),
        "week" | "w" | "weeks" => |t| f64::from(t.iso_week().week()),
        "day" | "d" | "days" => |t| f64::from(t.day()),
        "dayofweek" | "dow" => |t| f64::from(t.weekday().number_from_sunday()),
        "dayofweek_iso" | "dow_iso" => |t| f64::from(t.weekday().number_from_monday()),
        "doy" => |t| f64::from(t.ordinal()),
        "hour" | "h" | "hours" | "hr" | "hrs" => |t| f64::from(t.hour()),
        "minute" | "m" | "min" | "mins" | "minutes" => |t| f64::from(t.minute()),
        "second" | "s" | "sec" | "seconds" | "secs" => {
            |t| f64::from(t.second()) + f64::from(t.nanosecond() / 1000) / 1e6
        }
        other => return exec_err!("date_part: there is no field {other:?}"),
    };
    let out: Float64Array = (0..args.rows)
        .map(|row| Some(of(moment(value.get(row)?)?)))
        .collect();
    Ok(Arc::new(out))
}

fn field(args: &Args<'_>, of: impl Fn(NaiveDateTime) -> i32) -> Result<ArrayRef> {
    let value = args.time(0)?;
    Ok(Arc::new(
        (0..args.rows)
            .map(|row| Some(of(moment(value.get(row)?)?)))
            .collect::<Int32Array>(),
    ))
}

fn datediff(args: &Args<'_>) -> Result<ArrayRef> {
    let (end, start) = (days_of(args, 0)?, days_of(args, 1)?);
    Ok(Arc::new(
        (0..args.rows)
            .map(|row| end.day(row)?.checked_sub(start.day(row)?))
            .collect::<Int32Array>(),
    ))
}

fn shift_days(args: &Args<'_>, sign: i64) -> Result<ArrayRef> {
    let (value, days) = (days_of(args, 0)?, args.whole(1)?);
    let out: Date32Array = (0..args.rows)
        .map(|row| {
            i32::try_from(
                i64::from(value.day(row)?).checked_add(days.get(row)?.checked_mul(sign)?)?,
            )
            .ok()
        })
        .collect();
    Ok(Arc::new(out))
}

fn dates(args: &Args<'_>, of: impl Fn(NaiveDate) -> Option<NaiveDate>) -> Result<ArrayRef> {
    let value = days_of(args, 0)?;
    Ok(Arc::new(
        (0..args.rows)
            .map(|row| of(value.get(row)?).map(since_epoch))
            .collect::<Date32Array>(),
    ))
}

fn next_day(args: &Args<'_>) -> Result<ArrayRef> {
    let (value, name) = (days_of(args, 0)?, args.text(1)?);
    let out: Date32Array = (0..args.rows)
        .map(|row| {
            let (date, wanted) = (value.get(row)?, weekday(name.get(row)?)?);
            let ahead = wanted.days_since(date.weekday());
            let ahead = Days::new(if ahead == 0 { 7 } else { ahead.into() });
            date.checked_add_days(ahead).map(since_epoch)
        })
        .collect();
    Ok(Arc::new(out))
}

/// A weekday by its English name, or the first two or three letters of it.
fn weekday(name: &str) -> Option<Weekday> {
    let name = name.trim().to_uppercase();
    let all = [
        (Weekday::Mon, "MONDAY"),
        (Weekday::Tue, "TUESDAY"),
        (Weekday::Wed, "WEDNESDAY"),
        (Weekday::Thu, "THURSDAY"),
        (Weekday::Fri, "FRIDAY"),
        (Weekday::Sat, "SATURDAY"),
        (Weekday::Sun, "SUNDAY"),
    ];
    let known = |day: &str| name == day || name == day[..3] || name == day[..2];
    all.into_iter().find(|(_, day)| known(day)).map(|d| d.0)
}

fn add_months(args: &Args<'_>) -> Result<ArrayRef> {
    let (value, months) = (days_of(args, 0)?, args.whole(1)?);
    let out: Date32Array = (0..args.rows)
        .map(|row| {
            let (date, n) = (value.get(row)?, months.get(row)?);
            let by = Months::new(u32::try_from(n.unsigned_abs()).ok()?);
            let moved = if n < 0 {
                date.checked_sub_months(by)
            } else {
                date.checked_add_months(by)
            };
            moved.map(since_epoch)
        })
        .collect();
    Ok(Arc::new(out))
}

fn make_date(args: &Args<'_>) -> Result<ArrayRef> {
    let (year, month, day) = (args.whole(0)?, args.whole(1)?, args.whole(2)?);
    let out: Date32Array = (0..args.rows)
        .map(|row| {
            let (y, m, d) = (year.get(row)?, month.get(row)?, day.get(row)?);
            NaiveDate::from_ymd_opt(
                i32::try_from(y).ok()?,
                u32::try_from(m).ok()?,
                u32::try_from(d).ok()?,
            )
            .map(since_epoch)
        })
        .collect();
    Ok(Arc::new(out))
}

fn months_between(args: &Args<'_>) -> Result<ArrayRef> {
    let (end, start) = (args.time(0)?, args.time(1)?);
    let round_off = if args.len() > 2 {
        args.constant(2, "rounding flag")?.as_deref() != Some("false")
    } else {
        true
    };
    let out: Float64Array = (0..args.rows)
        .map(|row| {
            let (a, b) = (moment(end.get(row)?)?, moment(start.get(row)?)?);
            let months = f64::from(
                (a.year() - b.year()) * 12 + a.month().cast_signed() - b.month().cast_signed(),
            );
            let last = |t: NaiveDateTime| {
                t.date()
                    .checked_add_days(Days::new(1))
                    .is_some_and(|next| next.day() == 1)
            };
            if a.day() == b.day() || last(a) && last(b) {
                return Some(months);
            }
            let seconds = |t: NaiveDateTime| {
                f64::from(t.day()) * 86_400.0 + f64::from(t.num_seconds_from_midnight())
            };
            let difference = months + (seconds(a) - seconds(b)) / (31.0 * 86_400.0);
            Some(if round_off {
                (difference * 1e8).round() / 1e8
            } else {
                difference
            })
        })
        .collect();
    Ok(Arc::new(out))
}

fn from_units(args: &Args<'_>, unit: i64) -> Result<ArrayRef> {
    let value = args.whole(0)?;
    Ok(times(
        (0..args.rows)
            .map(|row| value.get(row)?.checked_mul(unit))
            .collect(),
    ))
}

fn to_units(args: &Args<'_>, unit: i64) -> Result<ArrayRef> {
    let value = args.time(0)?;
    Ok(Arc::new(
        (0..args.rows)
            .map(|row| Some(value.get(row)?.div_euclid(unit)))
            .collect::<Int64Array>(),
    ))
}

fn zoned(args: &Args<'_>, sign: i64) -> Result<ArrayRef> {
    let (value, zone) = (args.time(0)?, args.text(1)?);
    let mut out = Vec::with_capacity(args.rows);
    for row in 0..args.rows {
        out.push(match (value.get(row), zone.get(row)) {
            (Some(v), Some(z)) => match convert::offset(z) {
                Some(seconds) => Some(v + sign * seconds * MICROS),
                None => {
                    return exec_err!(
                        "{}: the zone must be an offset such as +02:00, not {z:?}",
                        args.name
                    );
                }
            },
            _ => None,
        });
    }
    Ok(times(out))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn units_begin_where_spark_says() {
        let t = moment(1_596_825_127_555_000).unwrap();
        for (unit, expected) in [
            ("YEAR", "2020-01-01 00:00:00"),
            ("QUARTER", "2020-07-01 00:00:00"),
            ("MONTH", "2020-08-01 00:00:00"),
            ("WEEK", "2020-08-03 00:00:00"),
            ("DAY", "2020-08-07 00:00:00"),
            ("HOUR", "2020-08-07 18:00:00"),
            ("MINUTE", "2020-08-07 18:32:00"),
            ("SECOND", "2020-08-07 18:32:07"),
        ] {
            assert_eq!(beginning(unit, t).unwrap().to_string(), expected, "{unit}");
        }
        assert_eq!(beginning("EON", t), None);
    }
}
