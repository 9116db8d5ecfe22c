//! A column in the making: text, whole numbers or instants. A row that has no value does not come here, so that a record
//! costs as much as it has fields, however many columns there are. This module refuses to know what a column means.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, TimestampMicrosecondArray};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, ScalarBuffer};
use bumpalo::Bump;

use crate::table::dictionary::TextColumn;
use crate::table::header::Kind;
use crate::value::RawValue;

pub(crate) enum Column {
    Text(Box<TextColumn>),
    Int(Numbers),
    Time(Numbers),
}

impl Column {
    pub(crate) fn new(kind: Kind) -> Self {
        match kind {
            Kind::Text => Self::Text(Box::new(TextColumn::new())),
            Kind::Int => Self::Int(Numbers::default()),
            Kind::Time => Self::Time(Numbers::default()),
        }
    }

    /// Whether no row has a value.
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Text(c) => c.is_empty(),
            Self::Int(c) | Self::Time(c) => c.values.is_empty(),
        }
    }

    /// Puts a value into a row.
    #[inline]
    pub(crate) fn put<'a>(
        &mut self,
        row: usize,
        value: RawValue<'a>,
        arena: &'a Bump,
        space: &mut Vec<u8>,
    ) {
        match self {
            Self::Text(c) => {
                c.put(row, value, arena, space);
            }
            Self::Int(_) | Self::Time(_) => {
                if let Some(number) = number(value, self.kind(), arena) {
                    self.put_number(row, number);
                }
            }
        }
    }

    /// The same for a number that was read before.
    #[inline]
    pub(crate) fn put_number(&mut self, row: usize, number: i64) {
        match self {
            Self::Text(_) => {}
            Self::Int(c) | Self::Time(c) => c.put(row, number),
        }
    }

    #[inline]
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Text(_) => Kind::Text,
            Self::Int(_) => Kind::Int,
            Self::Time(_) => Kind::Time,
        }
    }

    /// So many rows; the next value begins a new column.
    pub(crate) fn finish(&mut self, rows: usize) -> ArrayRef {
        match self {
            Self::Text(c) => c.finish(rows),
            Self::Int(c) => {
                let (values, present) = c.finish(rows);
                Arc::new(Int64Array::new(values, present))
            }
            Self::Time(c) => {
                let (values, present) = c.finish(rows);
                Arc::new(TimestampMicrosecondArray::new(values, present).with_timezone("UTC"))
            }
        }
    }
}

/// Numbers by row, and a bit for each row that has one.
#[derive(Default)]
pub(crate) struct Numbers {
    values: Vec<i64>,
    present: Vec<u64>,
}

impl Numbers {
    #[inline]
    fn put(&mut self, row: usize, number: i64) {
        if row >= self.values.len() {
            let rows = room(row);
            self.values.resize(rows, 0);
            self.present.resize(rows.div_ceil(64), 0);
        }
        self.values[row] = number;
        self.present[row / 64] |= 1 << (row % 64);
    }

    fn finish(&mut self, rows: usize) -> (ScalarBuffer<i64>, Option<NullBuffer>) {
        let mut values = std::mem::take(&mut self.values);
        let mut present = std::mem::take(&mut self.present);
        values.resize(rows, 0);
        present.resize(rows.div_ceil(64), 0);
        let present = BooleanBuffer::new(Buffer::from_vec(present), 0, rows);
        let present = Some(NullBuffer::new(present)).filter(|p| p.null_count() > 0);
        (values.into(), present)
    }
}

/// How many rows to make room for when there is none for this one.
pub(crate) fn room(row: usize) -> usize {
    (row + 1).next_power_of_two().max(256)
}

/// Whether a header column of this kind can hold the value.
pub(crate) fn readable<'a>(value: RawValue<'a>, kind: Kind, arena: &'a Bump) -> bool {
    kind == Kind::Text || number(value, kind, arena).is_some()
}

/// The number that a header column of this kind holds for the value; text is none.
pub(crate) fn number<'a>(value: RawValue<'a>, kind: Kind, arena: &'a Bump) -> Option<i64> {
    match kind {
        Kind::Text => None,
        Kind::Int => value.int(arena),
        Kind::Time => value.time(arena),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Array, AsArray};
    use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_are_in_the_rows_they_were_put_into(
            rows in proptest::collection::vec(any::<Option<i64>>(), 0..600),
            time in any::<bool>(),
        ) {
            let mut column = Column::new(if time { Kind::Time } else { Kind::Int });
            for again in [false, true] {
                prop_assert!(column.is_empty(), "a finished column starts anew: {}", again);
                for (row, number) in rows.iter().enumerate() {
                    if let Some(number) = number {
                        column.put_number(row, *number);
                    }
                }
                let array = column.finish(rows.len());
                let found: Vec<Option<i64>> = match time {
                    true => array.as_primitive::<TimestampMicrosecondType>().iter().collect(),
                    false => array.as_primitive::<Int64Type>().iter().collect(),
                };
                prop_assert_eq!(&found, &rows);
                prop_assert_eq!(array.null_count(), rows.iter().filter(|n| n.is_none()).count());
            }
        }
    }
}
