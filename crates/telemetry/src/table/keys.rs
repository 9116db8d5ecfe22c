//! What a row has of a column of text: the place of its value among the distinct ones. How large these keys are is known
//! from their coming, so that nobody need look at all of them again; the library would. This module refuses to know the
//! values.
#![allow(
    unsafe_code,
    reason = "an array whose keys are not looked at again: 2 to 4 % of the time of reading"
)]

use std::sync::Arc;

use arrow::array::{ArrayRef, DictionaryArray, Int32Array};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, ScalarBuffer};
use arrow::datatypes::Int32Type;

use crate::table::column::room;

/// The key of a missing value.
pub(crate) const NULL: i32 = -1;

/// A key for each row.
#[derive(Debug)]
pub(crate) struct Keys {
    keys: Vec<i32>,
    largest: i32,
}

impl Default for Keys {
    fn default() -> Self {
        Self {
            keys: Vec::new(),
            largest: NULL,
        }
    }
}

impl Keys {
    /// Whether no row has a value.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Says which value a row has; a negative key says that it has none.
    #[inline]
    pub(crate) fn put(&mut self, row: usize, key: i32) {
        if row >= self.keys.len() {
            self.keys.resize(room(row), NULL);
        }
        self.keys[row] = key;
        self.largest = self.largest.max(key);
    }

    /// So many rows of these values; the next key begins a new column.
    ///
    /// # Panics
    /// When a key is past the values.
    pub(crate) fn finish(&mut self, rows: usize, values: ArrayRef) -> ArrayRef {
        let Self { mut keys, largest } = std::mem::take(self);
        keys.resize(rows, NULL);
        let inside = usize::try_from(largest).map_or(true, |largest| largest < values.len());
        assert!(inside, "keys are of these values");
        let present = present(&keys);
        let nulls = (present.count_set_bits() < rows).then(|| {
            for key in &mut keys {
                *key = (*key).max(0);
            }
            NullBuffer::new(present)
        });
        let keys = Int32Array::new(ScalarBuffer::from(keys), nulls);
        // SAFETY: where a row has a value, its key is one that `put` was given, not negative, and no larger than the
        // largest of them, which is less than there are values. The other rows are null.
        Arc::new(unsafe { DictionaryArray::<Int32Type>::new_unchecked(keys, values) })
    }
}

/// A bit for each row that has a value.
fn present(keys: &[i32]) -> BooleanBuffer {
    let word = |keys: &[i32]| {
        let bit = |(i, key): (usize, &i32)| u64::from(*key >= 0) << i;
        keys.iter()
            .enumerate()
            .map(bit)
            .fold(0, |all, bit| all | bit)
    };
    let (words, rest) = keys.as_chunks::<64>();
    let whole = words.iter().map(|w| {
        let (fours, _) = w.as_chunks::<4>();
        let negative = |four: &[i32; 4]| u64::from(wide::i32x4::new(*four).to_bitmask());
        !(0..)
            .zip(fours)
            .fold(0, |all, (i, four)| all | negative(four) << (4 * i))
    });
    let bits: Vec<u64> = whole.chain([word(rest)]).collect();
    BooleanBuffer::new(Buffer::from_vec(bits), 0, keys.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{AsArray, StringArray};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn keys_are_what_the_library_would_take(
            rows in proptest::collection::vec((any::<bool>(), 0i32..4), 0..300),
            more in 0usize..70,
        ) {
            let values: ArrayRef = Arc::new(StringArray::from(vec!["a", "b", "c", "d"]));
            let mut keys = Keys::default();
            for again in [false, true] {
                prop_assert!(keys.is_empty(), "finished keys start anew: {}", again);
                for (row, (there, key)) in rows.iter().enumerate() {
                    if *there {
                        keys.put(row, *key);
                    }
                }
                let array = keys.finish(rows.len() + more, Arc::clone(&values));
                let expected: Vec<Option<i32>> = rows
                    .iter()
                    .map(|(there, key)| there.then_some(*key))
                    .chain(std::iter::repeat_n(None, more))
                    .collect();
                let found = array.as_dictionary::<Int32Type>();
                prop_assert_eq!(&found.keys().iter().collect::<Vec<_>>(), &expected);
                let checked = DictionaryArray::try_new(found.keys().clone(), Arc::clone(&values));
                prop_assert_eq!(&checked.expect("keys of these values"), found);
            }
        }
    }

    #[test]
    #[should_panic(expected = "keys are of these values")]
    fn a_key_past_the_values_is_no_array() {
        let mut keys = Keys::default();
        keys.put(0, 1);
        keys.finish(1, Arc::new(StringArray::from(vec!["a"])));
    }
}
