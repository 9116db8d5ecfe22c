//! A batch's column as distinct text values and a key per row, whatever its Arrow type.

use std::borrow::Cow;
use std::collections::HashMap;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, downcast_dictionary_array};
use arrow::compute::cast;
use arrow::datatypes::{ArrowNativeType, DataType};

use super::EvalError;

/// Distinct values and keys.
#[derive(Debug)]
pub struct Distinct<'a> {
    /// The values; `None` for an absent one.
    pub values: Vec<Option<Cow<'a, str>>>,
    /// Per row an index into `values`; an index beyond them is an absent value.
    pub keys: Vec<u32>,
}

/// The column with a name (exact, else without regard to ASCII letter case); `None` where there is none.
///
/// # Errors
/// Where its type cannot be read as text.
pub fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<Option<Distinct<'a>>, EvalError> {
    let schema = batch.schema_ref();
    let fields = schema.fields();
    let at = fields.iter().position(|f| f.name() == name).or_else(|| {
        fields
            .iter()
            .position(|f| f.name().eq_ignore_ascii_case(name))
    });
    let Some(at) = at else {
        return Ok(None);
    };
    distinct(batch.column(at))
        .map(Some)
        .map_err(|source| EvalError::Column {
            column: name.to_owned(),
            source,
        })
}

fn distinct(array: &ArrayRef) -> Result<Distinct<'_>, arrow::error::ArrowError> {
    let array: &dyn Array = array.as_ref();
    downcast_dictionary_array! {
        array => {
            let keys = array.keys();
            let narrow = |row: usize| {
                if keys.is_null(row) {
                    return u32::MAX;
                }
                u32::try_from(keys.value(row).as_usize()).unwrap_or(u32::MAX)
            };
            let keys = (0..keys.len()).map(narrow).collect();
            return Ok(Distinct { values: texts(array.values())?, keys });
        },
        _ => {}
    }
    // Not a dictionary: make one, so that the work is per distinct value all the same.
    let all = texts_of(array)?;
    let mut index: HashMap<Cow<'_, str>, u32> = HashMap::new();
    let mut values = Vec::new();
    let mut keys = Vec::with_capacity(all.len());
    for value in all {
        keys.push(match value {
            None => u32::MAX,
            Some(text) => *index.entry(text).or_insert_with_key(|text| {
                values.push(Some(text.clone()));
                u32::try_from(values.len() - 1).unwrap_or(u32::MAX)
            }),
        });
    }
    Ok(Distinct { values, keys })
}

fn texts(array: &ArrayRef) -> Result<Vec<Option<Cow<'_, str>>>, arrow::error::ArrowError> {
    texts_of(array.as_ref())
}

fn texts_of(array: &dyn Array) -> Result<Vec<Option<Cow<'_, str>>>, arrow::error::ArrowError> {
    Ok(match array.data_type() {
        DataType::Utf8 => array
            .as_string::<i32>()
            .iter()
            .map(|v| v.map(Cow::Borrowed))
            .collect(),
        DataType::LargeUtf8 => array
            .as_string::<i64>()
            .iter()
            .map(|v| v.map(Cow::Borrowed))
            .collect(),
        DataType::Utf8View => array
            .as_string_view()
            .iter()
            .map(|v| v.map(Cow::Borrowed))
            .collect(),
        _ => {
            let text = cast(array, &DataType::Utf8)?;
            let text = text.as_string::<i32>();
            text.iter()
                .map(|v| v.map(|v| Cow::Owned(v.to_owned())))
                .collect()
        }
    })
}
