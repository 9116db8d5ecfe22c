//! Arrays made of nothing but numbers or of one value again and again. They are bounded: a query over hostile records must
//! not fill the memory with one row.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Int64Builder, ListBuilder, UInt32Array};
use datafusion::arrow::compute::take;
use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::common::{Result, exec_err};

use super::array::{array_type, build, columns_of, item_of};
use super::convert;
use super::udf::{Args, Scalar};

/// The most items of one array.
const MOST: i64 = 1 << 20;

pub(crate) const FUNCTIONS: &[Scalar] = &[
    // sequence(first, last, step): whole numbers from the first to the last, both included.
    Scalar::new(
        &["sequence"],
        2,
        3,
        |_| Ok(convert::list_of(DataType::Int64)),
        sequence,
    ),
    // array_repeat(value, count): the value so many times.
    Scalar::new(
        &["array_repeat"],
        2,
        2,
        |types| array_type(&types[..types.len().min(1)]),
        repeat,
    )
    .sees_nulls(),
];

fn sequence(args: &Args<'_>) -> Result<ArrayRef> {
    let whole = |n: usize| match args.data_type(n) {
        DataType::Dictionary(_, value) => **value == DataType::Utf8,
        other => other.is_integer() || matches!(other, DataType::Utf8 | DataType::Null),
    };
    if !(0..args.len()).all(whole) {
        return exec_err!("sequence: only whole numbers are counted here, no dates and times");
    }
    let (first, last) = (args.whole(0)?, args.whole(1)?);
    let step = match args.len() {
        3 => Some(args.whole(2)?),
        _ => None,
    };
    let field = Field::new_list_field(DataType::Int64, true);
    let mut out = ListBuilder::new(Int64Builder::new()).with_field(field);
    for row in 0..args.rows {
        let (Some(first), Some(last)) = (first.get(row), last.get(row)) else {
            out.append(false);
            continue;
        };
        let step = match &step {
            Some(step) => step.get(row),
            None => Some(if first <= last { 1 } else { -1 }),
        };
        let Some(step) = step else {
            out.append(false);
            continue;
        };
        let span = i128::from(last) - i128::from(first);
        if (span > 0 && step <= 0) || (span < 0 && step >= 0) {
            return exec_err!("sequence: {step} does not lead from {first} to {last}");
        }
        let count = if span == 0 {
            0
        } else {
            span / i128::from(step)
        };
        if count >= i128::from(MOST) {
            return exec_err!("sequence: an array has {MOST} items at most");
        }
        // Each lies between the first and the last, though the way there may be longer than 64 bits can say.
        for n in 0..=count {
            let item = i128::from(first) + n * i128::from(step);
            out.values().append_option(i64::try_from(item).ok());
        }
        out.append(true);
    }
    Ok(Arc::new(out.finish()))
}

fn repeat(args: &Args<'_>) -> Result<ArrayRef> {
    let item = item_of(args);
    let count = args.whole(1)?;
    let columns = columns_of(args, &item)?;
    let (values, scalar) = &columns[0];
    let mut rows = Vec::with_capacity(args.rows);
    for row in 0..args.rows {
        let Some(count) = count.get(row) else {
            rows.push(None);
            continue;
        };
        if count > MOST {
            return exec_err!("array_repeat: an array has {MOST} items at most");
        }
        let at = u32::try_from(if *scalar { 0 } else { row }).unwrap_or(u32::MAX);
        let places = UInt32Array::from(vec![at; usize::try_from(count).unwrap_or(0)]);
        rows.push(Some(take(values, &places, None)?));
    }
    build(&item, rows)
}
