//! One way for all scalar functions to meet columns: a kernel sees plain values and is run once per distinct value where the
//! column is dictionary-encoded. It refuses to know any function; it only brings arguments in and results out.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, DictionaryArray, Float64Array, Int32Array, Int64Array, ListArray,
    StringArray, TimestampMicrosecondArray, new_null_array,
};
use datafusion::arrow::compute::{concat, take};
use datafusion::arrow::datatypes::{DataType, Int32Type};
use datafusion::common::{Result, ScalarValue, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
    simplify::{ExprSimplifyResult, SimplifyContext},
};

use super::convert;

/// The text type of event columns.
pub(crate) fn dictionary() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

/// How a function's result type follows from its arguments'.
pub type Returns = fn(&[DataType]) -> Result<DataType>;
/// What a function computes, over plain values.
pub type Kernel = fn(&Args<'_>) -> Result<ArrayRef>;

/// A scalar function: what a query calls it, how many arguments it takes, what it returns and how.
#[derive(Clone, Copy)]
pub struct Scalar {
    /// The names a query can use; the first is the engine's. Empty means the rewriter alone uses it.
    pub(crate) names: &'static [&'static str],
    pub(crate) min: usize,
    pub(crate) max: usize,
    returns: Returns,
    kernel: Kernel,
    /// Whether a null argument makes the result null.
    strict: bool,
    /// Whether a query may call it.
    pub(crate) public: bool,
    /// The argument itself, where the function has nothing to do for its type.
    identity_for: Option<fn(&[DataType]) -> bool>,
}

impl Scalar {
    /// A function of these names that takes `min` to `max` arguments, and is null where one of them is.
    pub const fn new(
        names: &'static [&'static str],
        min: usize,
        max: usize,
        returns: Returns,
        kernel: Kernel,
    ) -> Self {
        Self {
            names,
            min,
            max,
            returns,
            kernel,
            strict: true,
            public: true,
            identity_for: None,
        }
    }

    /// A function that gives a value where an argument is null.
    pub const fn sees_nulls(mut self) -> Self {
        self.strict = false;
        self
    }

    /// A function that only the rewriter calls.
    pub const fn internal(mut self) -> Self {
        self.public = false;
        self
    }

    /// A function that is its argument, for types that pass the test.
    pub const fn identity_for(mut self, test: fn(&[DataType]) -> bool) -> Self {
        self.identity_for = Some(test);
        self
    }
}

impl fmt::Debug for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.names[0])
    }
}

/// A function that returns text: dictionary-encoded as soon as an argument is.
pub fn text(types: &[DataType]) -> Result<DataType> {
    Ok(
        if types.iter().any(|t| matches!(t, DataType::Dictionary(..))) {
            dictionary()
        } else {
            DataType::Utf8
        },
    )
}

/// A function that returns true or false.
pub fn boolean(_: &[DataType]) -> Result<DataType> {
    Ok(DataType::Boolean)
}

pub(crate) fn whole(_: &[DataType]) -> Result<DataType> {
    Ok(DataType::Int64)
}

/// A function that returns a 32-bit integer.
pub fn int(_: &[DataType]) -> Result<DataType> {
    Ok(DataType::Int32)
}

pub(crate) fn double(_: &[DataType]) -> Result<DataType> {
    Ok(DataType::Float64)
}

/// A function that returns an array of texts.
pub fn texts(_: &[DataType]) -> Result<DataType> {
    Ok(convert::list_of(DataType::Utf8))
}

/// One argument: a column, or one value for all rows.
#[derive(Debug, Clone)]
pub(crate) struct Arg {
    pub array: ArrayRef,
    pub scalar: bool,
}

/// The arguments of one call, over `rows` rows.
pub struct Args<'a> {
    pub(crate) values: Vec<Arg>,
    /// How many rows the result has.
    pub rows: usize,
    pub(crate) name: &'a str,
    /// The type the plan expects, its dictionary taken off.
    pub(crate) returns: DataType,
}

/// A typed view of one argument.
pub struct Column<A> {
    pub(crate) array: A,
    pub(crate) scalar: bool,
}

impl<A: Array> Column<A> {
    fn at(&self, row: usize) -> Option<usize> {
        let index = if self.scalar { 0 } else { row };
        (!self.array.is_null(index)).then_some(index)
    }

    /// Whether there is no value in a row.
    pub fn is_null(&self, row: usize) -> bool {
        self.at(row).is_none()
    }
}

impl<A: Array> Column<A> {
    /// The row of the one value that stands for all rows, where there is one and it is a constant of the query.
    pub fn constant(&self) -> Option<usize> {
        self.scalar.then_some(0)
    }
}

impl Column<StringArray> {
    /// The text in a row.
    pub fn get(&self, row: usize) -> Option<&str> {
        self.at(row).map(|i| self.array.value(i))
    }
}

impl Column<Int64Array> {
    /// The number in a row.
    pub fn get(&self, row: usize) -> Option<i64> {
        self.at(row).map(|i| self.array.value(i))
    }
}

impl Column<Float64Array> {
    /// The number in a row.
    pub fn get(&self, row: usize) -> Option<f64> {
        self.at(row).map(|i| self.array.value(i))
    }
}

impl Column<TimestampMicrosecondArray> {
    /// The microseconds since 1970 in a row.
    pub fn get(&self, row: usize) -> Option<i64> {
        self.at(row).map(|i| self.array.value(i))
    }
}

impl Column<ListArray> {
    /// The array in a row.
    pub fn get(&self, row: usize) -> Option<ArrayRef> {
        self.at(row).map(|i| self.array.value(i))
    }
}

impl Args<'_> {
    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    pub(crate) fn data_type(&self, n: usize) -> &DataType {
        self.values[n].array.data_type()
    }

    /// Argument `n` as a mask: a number, or the text of one, decimal or hexadecimal.
    ///
    /// # Errors
    /// Where the engine cannot cast it.
    pub fn mask(&self, n: usize) -> Result<Column<Int64Array>> {
        let arg = &self.values[n];
        Ok(Column {
            array: super::cast::bits(&arg.array)?,
            scalar: arg.scalar,
        })
    }

    /// Argument `n` as text, printed the way Spark casts to string.
    ///
    /// # Errors
    /// Where the engine cannot cast it.
    pub fn text(&self, n: usize) -> Result<Column<StringArray>> {
        let arg = &self.values[n];
        Ok(Column {
            array: convert::to_text(&arg.array)?,
            scalar: arg.scalar,
        })
    }

    ///
    /// # Errors
    /// Where the engine cannot cast it.
    pub fn whole(&self, n: usize) -> Result<Column<Int64Array>> {
        let arg = &self.values[n];
        Ok(Column {
            array: convert::to_whole(&arg.array)?,
            scalar: arg.scalar,
        })
    }

    pub(crate) fn double(&self, n: usize) -> Result<Column<Float64Array>> {
        let arg = &self.values[n];
        Ok(Column {
            array: convert::to_fractional(&arg.array)?,
            scalar: arg.scalar,
        })
    }

    pub(crate) fn time(&self, n: usize) -> Result<Column<TimestampMicrosecondArray>> {
        let arg = &self.values[n];
        Ok(Column {
            array: convert::to_timestamp(&arg.array)?,
            scalar: arg.scalar,
        })
    }

    pub(crate) fn list(&self, n: usize) -> Result<Column<ListArray>> {
        let arg = &self.values[n];
        Ok(Column {
            array: convert::to_list(&arg.array)?,
            scalar: arg.scalar,
        })
    }

    /// The text of a constant argument; an error names the function where it is a column.
    pub(crate) fn constant(&self, n: usize, what: &str) -> Result<Option<String>> {
        let column = self.text(n)?;
        if !column.scalar && self.rows != 1 {
            return exec_err!("{}: the {what} must be a constant", self.name);
        }
        Ok(column.get(0).map(str::to_owned))
    }
}

/// The engine's view of a [`Scalar`].
#[derive(Debug)]
pub(crate) struct SparkFunction {
    spec: Scalar,
    signature: Signature,
}

impl SparkFunction {
    pub fn new(spec: Scalar) -> Self {
        Self {
            spec,
            signature: Signature::user_defined(Volatility::Immutable),
        }
    }
}

impl PartialEq for SparkFunction {
    fn eq(&self, other: &Self) -> bool {
        self.spec.names[0] == other.spec.names[0]
    }
}

impl Eq for SparkFunction {}

impl Hash for SparkFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.spec.names[0].hash(state);
    }
}

impl ScalarUDFImpl for SparkFunction {
    fn name(&self) -> &str {
        self.spec.names[0]
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        Ok(arg_types.to_vec())
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        (self.spec.returns)(arg_types)
    }

    fn simplify(&self, mut args: Vec<Expr>, info: &SimplifyContext) -> Result<ExprSimplifyResult> {
        if let Some(test) = self.spec.identity_for {
            let types: Result<Vec<DataType>> = args.iter().map(|a| info.get_data_type(a)).collect();
            if test(&types?) {
                return Ok(ExprSimplifyResult::Simplified(args.swap_remove(0)));
            }
        }
        Ok(ExprSimplifyResult::Original(args))
    }

    fn invoke_with_args(&self, call: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let returns = call.return_field.data_type().clone();
        let plain = match &returns {
            DataType::Dictionary(_, value) => value.as_ref().clone(),
            other => other.clone(),
        };
        let run = |values: Vec<Arg>, rows: usize| -> Result<ArrayRef> {
            let result = (self.spec.kernel)(&Args {
                values,
                rows,
                name: self.name(),
                returns: plain.clone(),
            })?;
            if result.len() != rows {
                return exec_err!("{}: {} results for {rows} rows", self.name(), result.len());
            }
            Ok(result)
        };
        let mut values = Vec::with_capacity(call.args.len());
        let mut columns = Vec::new();
        for (n, arg) in call.args.into_iter().enumerate() {
            values.push(match arg {
                ColumnarValue::Array(array) => {
                    columns.push(n);
                    Arg {
                        array,
                        scalar: false,
                    }
                }
                ColumnarValue::Scalar(ScalarValue::Dictionary(_, value)) => Arg {
                    array: value.to_array()?,
                    scalar: true,
                },
                ColumnarValue::Scalar(value) => Arg {
                    array: value.to_array()?,
                    scalar: true,
                },
            });
        }
        if columns.is_empty() {
            let one = run(values, 1)?;
            let value = ScalarValue::try_from_array(&one, 0)?;
            return Ok(ColumnarValue::Scalar(match &returns {
                DataType::Dictionary(key, _) => {
                    ScalarValue::Dictionary(key.clone(), Box::new(value))
                }
                _ => value,
            }));
        }
        let rows = call.number_rows;
        // Work per distinct value, where the one column is encoded and its values are no more than its rows.
        if let [only] = columns.as_slice()
            && let Some(dict) = values[*only]
                .array
                .as_dictionary_opt::<Int32Type>()
                .cloned()
            && dict.values().len() <= rows
        {
            let mut distinct = dict.values().clone();
            let mut keys = dict.keys().clone();
            if !self.spec.strict && keys.null_count() > 0 {
                let null_at = i32::try_from(distinct.len()).unwrap_or(i32::MAX);
                distinct = concat(&[
                    distinct.as_ref(),
                    new_null_array(distinct.data_type(), 1).as_ref(),
                ])?;
                keys = keys
                    .iter()
                    .map(|k| Some(k.unwrap_or(null_at)))
                    .collect::<Int32Array>();
            }
            let count = distinct.len();
            values[*only].array = distinct;
            let result = run(values, count)?;
            return Ok(ColumnarValue::Array(match &returns {
                DataType::Dictionary(..) => encode(keys, result)?,
                _ => take(&result, &keys, None)?,
            }));
        }
        for value in &mut values {
            if matches!(value.array.data_type(), DataType::Dictionary(..)) {
                value.array = convert::flatten(&value.array)?;
            }
        }
        let result = run(values, rows)?;
        Ok(ColumnarValue::Array(match &returns {
            DataType::Dictionary(..) => {
                let keys: Int32Array = (0..i32::try_from(rows).unwrap_or(i32::MAX))
                    .collect::<Vec<_>>()
                    .into();
                encode(keys, result)?
            }
            _ => result,
        }))
    }
}

/// A dictionary array whose nulls are all in the keys, as the engine's kernels expect.
fn encode(keys: Int32Array, values: ArrayRef) -> Result<ArrayRef> {
    let keys = if values.null_count() == 0 {
        keys
    } else {
        keys.iter()
            .map(|k| k.filter(|k| usize::try_from(*k).is_ok_and(|k| values.is_valid(k))))
            .collect()
    };
    Ok(Arc::new(DictionaryArray::<Int32Type>::try_new(
        keys, values,
    )?))
}

/// Builds a text column row by row.
/// A column of texts, made row by row.
pub fn build_text(rows: usize, mut value: impl FnMut(usize) -> Option<String>) -> ArrayRef {
    Arc::new((0..rows).map(&mut value).collect::<StringArray>())
}
