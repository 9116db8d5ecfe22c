//! Spans of time counted in a unit: how many lie between two moments, and the moment so many later. What a unit is called
//! is fixed by Spark's grammar; a name it does not have is an error.

use std::sync::Arc;

use chrono::{Datelike, Months, NaiveDateTime};
use datafusion::arrow::array::{ArrayRef, Int64Array, TimestampMicrosecondArray};
use datafusion::common::{Result, exec_err};

use super::convert::{self, MICROS, moment};
use super::udf::{Args, Scalar, whole};

pub(crate) const FUNCTIONS: &[Scalar] = &[
    // timestampdiff(unit, start, end): whole units between, towards zero.
    Scalar::new(&["units_between"], 3, 3, whole, between).internal(),
    // timestampadd(unit, n, time): n units later.
    Scalar::new(
        &["units_later"],
        3,
        3,
        |_| Ok(convert::timestamp_type()),
        later,
    )
    .internal(),
];

#[derive(Clone, Copy)]
enum Unit {
    Micros(i64),
    Months(i64),
}

fn unit(args: &Args<'_>) -> Result<Option<Unit>> {
    let Some(name) = args.constant(0, "unit")? else {
        return Ok(None);
    };
    Ok(Some(match name.to_uppercase().as_str() {
        "MICROSECOND" => Unit::Micros(1),
        "MILLISECOND" => Unit::Micros(1000),
        "SECOND" => Unit::Micros(MICROS),
        "MINUTE" => Unit::Micros(60 * MICROS),
        "HOUR" => Unit::Micros(3600 * MICROS),
        "DAY" | "DAYOFYEAR" => Unit::Micros(86_400 * MICROS),
        "WEEK" => Unit::Micros(7 * 86_400 * MICROS),
        "MONTH" => Unit::Months(1),
        "QUARTER" => Unit::Months(3),
        "YEAR" => Unit::Months(12),
        _ => {
            return exec_err!(
                "there is no unit of time {name:?}: MICROSECOND, MILLISECOND, SECOND, MINUTE, HOUR, DAY, WEEK, MONTH, QUARTER, YEAR"
            );
        }
    }))
}

fn between(args: &Args<'_>) -> Result<ArrayRef> {
    let (unit, start, end) = (unit(args)?, args.time(1)?, args.time(2)?);
    let out: Int64Array = (0..args.rows)
        .map(|row| {
            let (a, b) = (start.get(row)?, end.get(row)?);
            match unit? {
                Unit::Micros(size) => Some(b.checked_sub(a)? / size),
                Unit::Months(size) => Some(months(moment(a)?, moment(b)?) / size),
            }
        })
        .collect();
    Ok(Arc::new(out))
}

/// Whole months from `a` to `b`.
fn months(a: NaiveDateTime, b: NaiveDateTime) -> i64 {
    let count = |t: NaiveDateTime| i64::from(t.year()) * 12 + i64::from(t.month0());
    let rest = |t: NaiveDateTime| (t.day(), t.time());
    let difference = count(b) - count(a);
    if difference > 0 && rest(b) < rest(a) {
        difference - 1
    } else if difference < 0 && rest(b) > rest(a) {
        difference + 1
    } else {
        difference
    }
}

fn later(args: &Args<'_>) -> Result<ArrayRef> {
    let (unit, count, time) = (unit(args)?, args.whole(1)?, args.time(2)?);
    let out: TimestampMicrosecondArray = (0..args.rows)
        .map(|row| {
            let (n, t) = (count.get(row)?, time.get(row)?);
            match unit? {
                Unit::Micros(size) => t.checked_add(n.checked_mul(size)?),
                Unit::Months(size) => {
                    let n = n.checked_mul(size)?;
                    let by = Months::new(u32::try_from(n.unsigned_abs()).ok()?);
                    let t = moment(t)?;
                    let moved = if n < 0 {
                        t.checked_sub_months(by)
                    } else {
                        t.checked_add_months(by)
                    };
                    Some(moved?.and_utc().timestamp_micros())
                }
            }
        })
        .collect();
    Ok(Arc::new(out.with_timezone("UTC")))
}
