//! CAST, one function per target type, and the conversions the rewriter puts in. Text that does not convert is null.
//! What converts to what is `convert`'s business.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Date32Array, Int64Array,
};
use datafusion::arrow::compute::{CastOptions, cast, cast_with_options};
use datafusion::arrow::datatypes::{DataType, Date32Type, TimeUnit};
use datafusion::common::{Result, exec_err};

use super::convert;
use super::udf::{Args, Scalar, boolean, double, text, whole};

pub(crate) const FUNCTIONS: &[Scalar] = &[
    // CAST(x AS TINYINT) and tinyint(x): a number of 8 bits.
    Scalar::new(
        &["cast_tinyint", "tinyint"],
        1,
        1,
        |_| Ok(DataType::Int8),
        |a| narrow(a, i64::from(i8::MIN), i64::from(i8::MAX)),
    ),
    // CAST(x AS SMALLINT) and smallint(x): a number of 16 bits.
    Scalar::new(
        &["cast_smallint", "smallint"],
        1,
        1,
        |_| Ok(DataType::Int16),
        |a| narrow(a, i64::from(i16::MIN), i64::from(i16::MAX)),
    ),
    // CAST(x AS INT) and int(x): a number of 32 bits; text beyond them is null.
    Scalar::new(
        &["cast_int", "int"],
        1,
        1,
        |_| Ok(DataType::Int32),
        |a| narrow(a, i64::from(i32::MIN), i64::from(i32::MAX)),
    ),
    // CAST(x AS BIGINT) and bigint(x): a number of 64 bits.
    Scalar::new(&["cast_bigint", "bigint"], 1, 1, whole, |a| {
        Ok(Arc::new(convert::to_whole(&a.values[0].array)?))
    })
    .identity_for(|t| t == [DataType::Int64]),
    // CAST(x AS FLOAT) and float(x).
    Scalar::new(
        &["cast_float", "float"],
        1,
        1,
        |_| Ok(DataType::Float32),
        |a| {
            let wide: ArrayRef = Arc::new(convert::to_fractional(&a.values[0].array)?);
            Ok(cast(&wide, &DataType::Float32)?)
        },
    ),
    // CAST(x AS DOUBLE) and double(x).
    Scalar::new(&["cast_double", "double"], 1, 1, double, |a| {
        Ok(Arc::new(convert::to_fractional(&a.values[0].array)?))
    })
    .identity_for(|t| t == [DataType::Float64]),
    // CAST(x AS BOOLEAN) and boolean(x): t, true, y, yes, 1 and their opposites, or a number other than 0.
    Scalar::new(&["cast_boolean", "boolean"], 1, 1, boolean, to_boolean)
        .identity_for(|t| t == [DataType::Boolean]),
    // CAST(x AS STRING) and string(x): a time as ISO 8601 with T and Z.
    Scalar::new(&["cast_string", "string"], 1, 1, text, |a| {
        Ok(Arc::new(convert::to_text(&a.values[0].array)?))
    })
    .identity_for(|t| matches!(t, [DataType::Utf8 | DataType::Dictionary(..)])),
    // CAST(x AS BINARY) and binary(x): the bytes of the text.
    Scalar::new(
        &["cast_binary", "binary"],
        1,
        1,
        |_| Ok(DataType::Binary),
        to_binary,
    ),
    // CAST(x AS DATE) and date(x): the day.
    Scalar::new(
        &["cast_date", "date", "to_date_of"],
        1,
        1,
        |_| Ok(DataType::Date32),
        |a| Ok(Arc::new(to_date(&a.values[0].array)?)),
    )
    .identity_for(|t| t == [DataType::Date32]),
    // CAST(x AS TIMESTAMP) and timestamp(x): the moment, in UTC; a number is seconds since 1970.
    Scalar::new(
        &["cast_timestamp", "timestamp"],
        1,
        1,
        |_| Ok(convert::timestamp_type()),
        |a| Ok(Arc::new(convert::to_timestamp(&a.values[0].array)?)),
    )
    .identity_for(|t| *t == [convert::timestamp_type()]),
    // The bits a number or its text (decimal, or hexadecimal with 0x) stands for.
    Scalar::new(&["bits"], 1, 1, whole, |a| {
        Ok(Arc::new(bits(&a.values[0].array)?))
    })
    .internal()
    .identity_for(|t| t == [DataType::Int64]),
    // Text as a number with a fraction, numbers as they are: what sum and avg take.
    Scalar::new(&["numeric"], 1, 1, numeric_type, numeric)
        .internal()
        .identity_for(|t| t.first().is_some_and(DataType::is_numeric)),
    // Text without its dictionary: what aggregates that compare or keep values take.
    Scalar::new(&["plain"], 1, 1, plain_type, |a| {
        convert::flatten(&a.values[0].array)
    })
    .internal()
    .identity_for(|t| !matches!(t.first(), Some(DataType::Dictionary(..)))),
];

fn narrow(args: &Args<'_>, min: i64, max: i64) -> Result<ArrayRef> {
    let array = convert::flatten(&args.values[0].array)?;
    let wide = convert::to_whole(&array)?;
    let fitted: Int64Array = match array.data_type() {
        DataType::Utf8 => wide
            .iter()
            .map(|v| v.filter(|v| (min..=max).contains(v)))
            .collect(),
        // Java's narrowing: a fraction stops at the ends of an int, a whole number loses its high bits.
        t if t.is_floating() => wide.iter().map(|v| v.map(|v| v.clamp(min, max))).collect(),
        _ => {
            let span = i128::from(max) - i128::from(min) + 1;
            let wrap = |v: i64| {
                i64::try_from((i128::from(v) - i128::from(min)).rem_euclid(span) + i128::from(min))
                    .unwrap_or(v)
            };
            wide.iter().map(|v| v.map(wrap)).collect()
        }
    };
    let fitted: ArrayRef = Arc::new(fitted);
    Ok(cast(&fitted, &args.returns)?)
}

fn to_boolean(args: &Args<'_>) -> Result<ArrayRef> {
    let array = convert::flatten(&args.values[0].array)?;
    let out: BooleanArray = match array.data_type() {
        DataType::Boolean => return Ok(array),
        DataType::Utf8 => array
            .as_string::<i32>()
            .iter()
            .map(|v| v.and_then(convert::boolean))
            .collect(),
        t if t.is_numeric() => convert::to_fractional(&array)?
            .iter()
            .map(|v| v.map(|v| v != 0.0))
            .collect(),
        DataType::Null => BooleanArray::new_null(array.len()),
        other => return exec_err!("{other} has no truth value"),
    };
    Ok(Arc::new(out))
}

fn to_binary(args: &Args<'_>) -> Result<ArrayRef> {
    let array = &args.values[0].array;
    if matches!(array.data_type(), DataType::Binary) {
        return Ok(Arc::clone(array));
    }
    let text = convert::to_text(array)?;
    Ok(Arc::new(
        text.iter()
            .map(|v| v.map(str::as_bytes))
            .collect::<BinaryArray>(),
    ))
}

pub(crate) fn to_date(array: &ArrayRef) -> Result<Date32Array> {
    let array = convert::flatten(array)?;
    Ok(match array.data_type() {
        DataType::Utf8 => array
            .as_string::<i32>()
            .iter()
            .map(|v| v.and_then(convert::date))
            .collect(),
        DataType::Date32 => array.as_primitive::<Date32Type>().clone(),
        DataType::Timestamp(..) => {
            let plain = cast(&array, &DataType::Timestamp(TimeUnit::Microsecond, None))?;
            cast_with_options(
                &plain,
                &DataType::Date32,
                &CastOptions {
                    safe: true,
                    ..CastOptions::default()
                },
            )?
            .as_primitive::<Date32Type>()
            .clone()
        }
        DataType::Null => Date32Array::new_null(array.len()),
        other => return exec_err!("{other} is not a date"),
    })
}

pub(crate) fn bits(array: &ArrayRef) -> Result<Int64Array> {
    let array = convert::flatten(array)?;
    match array.data_type() {
        DataType::Utf8 => Ok(array
            .as_string::<i32>()
            .iter()
            .map(|v| v.and_then(convert::bits))
            .collect()),
        _ => convert::to_whole(&array),
    }
}

fn numeric_type(types: &[DataType]) -> Result<DataType> {
    Ok(match types.first() {
        Some(t) if t.is_numeric() => t.clone(),
        _ => DataType::Float64,
    })
}

fn numeric(args: &Args<'_>) -> Result<ArrayRef> {
    let array = &args.values[0].array;
    if array.data_type().is_numeric() {
        return Ok(Arc::clone(array));
    }
    Ok(Arc::new(convert::to_fractional(array)?))
}

fn plain_type(types: &[DataType]) -> Result<DataType> {
    Ok(match types.first() {
        Some(DataType::Dictionary(_, value)) => value.as_ref().clone(),
        Some(other) => other.clone(),
        None => DataType::Null,
    })
}
