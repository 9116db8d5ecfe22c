//! A cell as a person or a program reads it: text as Spark prints it, instants as ISO 8601 in UTC, JSON with numbers as
//! numbers. It refuses to lay out tables.

use std::fmt::Write;

use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::datatypes::{
    DataType, Float64Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType,
};
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use serde_json::Value;

use spark::functions::double_text;

/// The cell as text; `None` where there is no value.
pub fn text(array: &dyn Array, row: usize) -> Option<String> {
    let mut out = String::new();
    write_text(array, row, &mut out).then_some(out)
}

/// Appends the cell as text; `false` where there is no value.
pub fn write_text(array: &dyn Array, row: usize, out: &mut String) -> bool {
    if array.is_null(row) {
        return false;
    }
    match array.data_type() {
        DataType::Utf8 => out.push_str(array.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => out.push_str(array.as_string::<i64>().value(row)),
        DataType::Utf8View => out.push_str(array.as_string_view().value(row)),
        DataType::Dictionary(key, _) if **key == DataType::Int32 => {
            let dictionary = array.as_dictionary::<Int32Type>();
            return match dictionary.key(row) {
                Some(key) => write_text(dictionary.values(), key, out),
                None => false,
            };
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            out.push_str(&telemetry::time::format(
                array.as_primitive::<TimestampMicrosecondType>().value(row),
            ));
        }
        DataType::Float64 => {
            out.push_str(&double_text(array.as_primitive::<Float64Type>().value(row)))
        }
        DataType::List(_) => write_list(&array.as_list::<i32>().value(row), out),
        _ => match ArrayFormatter::try_new(array, &FormatOptions::default()) {
            // Writing to a string fails only where the value cannot be shown; then there is nothing to show.
            Ok(format) => return write!(out, "{}", format.value(row)).is_ok(),
            Err(_) => return false,
        },
    }
    true
}

fn write_list(items: &ArrayRef, out: &mut String) {
    out.push('[');
    for i in 0..items.len() {
        if i > 0 {
            out.push_str(", ");
        }
        if !write_text(items, i, out) {
            out.push_str("null");
        }
    }
    out.push(']');
}

/// The cell as JSON.
pub fn json(array: &dyn Array, row: usize) -> Value {
    if array.is_null(row) {
        return Value::Null;
    }
    match array.data_type() {
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).into(),
        DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32
        | DataType::UInt64 => {
            let digits = text(array, row).unwrap_or_default();
            serde_json::from_str(&digits).unwrap_or(Value::String(digits))
        }
        DataType::Float64 => {
            let value = array.as_primitive::<Float64Type>().value(row);
            serde_json::Number::from_f64(value)
                .map_or_else(|| Value::String(double_text(value)), Value::Number)
        }
        DataType::Boolean => array.as_boolean().value(row).into(),
        DataType::List(_) => {
            let items = array.as_list::<i32>().value(row);
            (0..items.len()).map(|i| json(&items, i)).collect()
        }
        _ => text(array, row).map_or(Value::Null, Value::String),
    }
}

/// Names for formats that cannot repeat one: a repetition gets its number.
pub fn distinct_names(names: &[String]) -> Vec<String> {
    let mut out: Vec<String> = Vec::with_capacity(names.len());
    for name in names {
        let mut unique = name.clone();
        let mut n = 1;
        while out.contains(&unique) {
            n += 1;
            unique = format!("{name}_{n}");
        }
        out.push(unique);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_names_are_numbered() {
        let names = ["a", "b", "a", "a_2", "a"].map(str::to_owned);
        assert_eq!(distinct_names(&names), ["a", "b", "a_2", "a_2_2", "a_3"]);
    }
}
