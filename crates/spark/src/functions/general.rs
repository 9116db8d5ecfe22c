//! Functions that take values of any type: coalesce, greatest, least, and the row keys of count(DISTINCT a, b).
//! They bring mixed arguments to Spark's common type and know nothing of what the values mean.

use std::cmp::Ordering;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, BooleanArray, Int64Array, make_comparator};
use datafusion::arrow::compute::{SortOptions, cast, interleave};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, exec_err, plan_err};

use super::convert;
use super::udf::{Args, Scalar, boolean, build_text};

pub(crate) const FUNCTIONS: &[Scalar] = &[
    // coalesce(a, b, ...), nvl(a, b), ifnull(a, b): the first that is not null.
    Scalar::new(
        &["coalesce", "nvl", "ifnull"],
        1,
        usize::MAX,
        common,
        coalesce,
    )
    .sees_nulls(),
    // greatest(a, b, ...): the largest, nulls passed over.
    Scalar::new(&["greatest"], 2, usize::MAX, common, |a| {
        extreme(a, Ordering::Greater)
    })
    .sees_nulls(),
    // least(a, b, ...): the smallest, nulls passed over.
    Scalar::new(&["least"], 2, usize::MAX, common, |a| {
        extreme(a, Ordering::Less)
    })
    .sees_nulls(),
    // The first argument in the common type of all.
    Scalar::new(&["unify"], 1, usize::MAX, common, |a| {
        Ok(Arc::clone(&unified(a)?[0]))
    })
    .sees_nulls()
    .internal(),
    // One text per distinct row of values; null where one of them is.
    Scalar::new(&["row_key"], 1, usize::MAX, |_| Ok(DataType::Utf8), row_key).internal(),
    // isnan(x): whether it is not a number.
    Scalar::new(&["isnan"], 1, 1, boolean, isnan).sees_nulls(),
    // nanvl(a, b): a, or b where a is not a number.
    Scalar::new(&["nanvl"], 2, 2, |_| Ok(DataType::Float64), nanvl),
];

fn common(types: &[DataType]) -> Result<DataType> {
    match convert::common_type(types) {
        Some(t) => Ok(t),
        None => {
            let list: Vec<String> = types.iter().map(ToString::to_string).collect();
            plan_err!("these types do not mix: {}", list.join(", "))
        }
    }
}

/// The arguments as columns of one type, all of full length.
fn unified(args: &Args<'_>) -> Result<Vec<ArrayRef>> {
    let is_text = args.returns == DataType::Utf8;
    args.values
        .iter()
        .map(|arg| {
            let flat = convert::flatten(&arg.array)?;
            let array: ArrayRef = match (&args.returns, is_text) {
                (_, true) => Arc::new(convert::to_text(&flat)?),
                (DataType::Timestamp(..), _) => Arc::new(convert::to_timestamp(&flat)?),
                (to, _) => cast(&flat, to)?,
            };
            if arg.scalar && args.rows != array.len() {
                let first = Int64Array::from(vec![0; args.rows]);
                return Ok(datafusion::arrow::compute::take(&array, &first, None)?);
            }
            Ok(array)
        })
        .collect()
}

fn coalesce(args: &Args<'_>) -> Result<ArrayRef> {
    let columns = unified(args)?;
    pick(args, &columns, |row| {
        columns.iter().position(|c| c.is_valid(row)).unwrap_or(0)
    })
}

fn pick(args: &Args<'_>, columns: &[ArrayRef], which: impl Fn(usize) -> usize) -> Result<ArrayRef> {
    let indices: Vec<(usize, usize)> = (0..args.rows).map(|row| (which(row), row)).collect();
    let refs: Vec<&dyn Array> = columns.iter().map(AsRef::as_ref).collect();
    Ok(interleave(&refs, &indices)?)
}

fn extreme(args: &Args<'_>, wanted: Ordering) -> Result<ArrayRef> {
    let columns = unified(args)?;
    if columns[0].data_type().is_nested() {
        return exec_err!("{} does not compare arrays", args.name);
    }
    let mut comparators = Vec::new();
    for a in &columns {
        let mut row = Vec::new();
        for b in &columns {
            row.push(make_comparator(a, b, SortOptions::default())?);
        }
        comparators.push(row);
    }
    pick(args, &columns, |row| {
        let mut best: Option<usize> = None;
        for (n, column) in columns.iter().enumerate() {
            if column.is_valid(row) && best.is_none_or(|b| comparators[n][b](row, row) == wanted) {
                best = Some(n);
            }
        }
        best.unwrap_or(0)
    })
}

fn row_key(args: &Args<'_>) -> Result<ArrayRef> {
    let parts = (0..args.len())
        .map(|n| args.text(n))
        .collect::<Result<Vec<_>>>()?;
    Ok(build_text(args.rows, |row| {
        let mut key = String::new();
        for part in &parts {
            let value = part.get(row)?;
            key.push_str(&format!("{}:{value}", value.len()));
        }
        Some(key)
    }))
}

fn isnan(args: &Args<'_>) -> Result<ArrayRef> {
    let value = args.double(0)?;
    let out: BooleanArray = (0..args.rows)
        .map(|row| Some(value.get(row).is_some_and(f64::is_nan)))
        .collect();
    Ok(Arc::new(out))
}

fn nanvl(args: &Args<'_>) -> Result<ArrayRef> {
    let (value, other) = (args.double(0)?, args.double(1)?);
    let out: datafusion::arrow::array::Float64Array = (0..args.rows)
        .map(|row| {
            value
                .get(row)
                .and_then(|v| if v.is_nan() { other.get(row) } else { Some(v) })
        })
        .collect();
    Ok(Arc::new(out))
}
