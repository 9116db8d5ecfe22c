//! A batch's column as keys into distinct values, borrowed where the column is a dictionary already.
//! What the values mean is not known here.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _, RecordBatch, StringArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Int32Type};
use predicate::eval::{EvalError, column};

/// Rows as keys.
pub(crate) struct Column<'a> {
    keys: Cow<'a, [u32]>,
    /// Rows that have a key; all of them where there is none.
    present: Option<&'a NullBuffer>,
    /// True where no row has a value.
    pub(crate) empty: bool,
    /// The distinct values.
    pub(crate) values: ArrayRef,
}

impl<'a> Column<'a> {
    /// The column with a name, without regard to letter case.
    pub(crate) fn find(batch: &'a RecordBatch, name: &str) -> Result<Option<Self>, EvalError> {
        let Some(array) = super::find(batch, name) else {
            return Ok(None);
        };
        let of_text = matches!(array.data_type(), DataType::Dictionary(k, v)
            if **k == DataType::Int32 && **v == DataType::Utf8);
        if of_text {
            let array = array.as_dictionary::<Int32Type>();
            let keys = array.keys();
            return Ok(Some(Self {
                // Keys of rows that have one are never negative.
                keys: Cow::Borrowed(&keys.values().inner().typed_data::<u32>()[..keys.len()]),
                present: keys.nulls().filter(|n| n.null_count() > 0),
                empty: keys.null_count() == keys.len(),
                values: Arc::clone(array.values()),
            }));
        }
        Ok(column(batch, name)?.map(|distinct| Self {
            empty: distinct.values.iter().all(Option::is_none),
            keys: Cow::Owned(distinct.keys),
            present: None,
            values: Arc::new(distinct.values.into_iter().collect::<StringArray>()),
        }))
    }

    /// The distinct values as text.
    pub(crate) fn texts(&self) -> &StringArray {
        self.values.as_string::<i32>()
    }

    /// The key of a row; at or beyond the number of values for an absent one.
    #[inline]
    pub(crate) fn key(&self, row: usize) -> usize {
        match self.present {
            Some(present) if present.is_null(row) => usize::MAX,
            _ => self.keys[row] as usize,
        }
    }
}

/// The text of a key; none where it is absent.
#[inline]
pub(crate) fn text(values: &StringArray, key: usize) -> Option<&str> {
    (key < values.len() && values.is_valid(key)).then(|| values.value(key))
}
