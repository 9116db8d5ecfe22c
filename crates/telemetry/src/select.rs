//! A row filter over a finished batch: each atom is decided once per distinct value of its column and gathered by key.

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Int32Type, Int64Type, TimestampMicrosecondType};

use crate::filter::{Atom, RowFilter};

/// The rows of `batch` that the filter lets pass; `None` when there are none.
pub fn filter_batch(filter: &RowFilter, batch: &RecordBatch) -> Option<RecordBatch> {
    filter_columns(filter, batch, None)
}

/// The same of some of its columns only, by their index.
pub fn filter_columns(
    filter: &RowFilter,
    batch: &RecordBatch,
    columns: Option<&[usize]>,
) -> Option<RecordBatch> {
    let wanted = match columns {
        Some(columns) => batch.project(columns).ok()?,
        None => batch.clone(),
    };
    if filter.clauses.is_empty() {
        return Some(wanted);
    }
    let passing = rows(filter, batch);
    match passing.true_count() {
        0 => None,
        n if n == batch.num_rows() => Some(wanted),
        _ => filter_record_batch(&wanted, &passing).ok(),
    }
}

/// Which rows of `batch` the filter lets pass. Column names are matched whatever their case.
pub(crate) fn rows(filter: &RowFilter, batch: &RecordBatch) -> BooleanArray {
    let mut keep = vec![true; batch.num_rows()];
    for clause in &filter.clauses {
        let mut any = vec![false; batch.num_rows()];
        for atom in clause {
            mark(atom, batch, &mut any);
        }
        for (k, a) in keep.iter_mut().zip(any) {
            *k &= a;
        }
    }
    BooleanArray::from(keep)
}

/// Sets `any` where the atom holds.
fn mark(atom: &Atom, batch: &RecordBatch, any: &mut [bool]) {
    let column = batch
        .schema_ref()
        .fields()
        .iter()
        .position(|f| f.name().to_lowercase() == atom.column);
    let Some(column) = column.map(|i| batch.column(i)) else {
        if atom.test.passes_null() {
            any.fill(true);
        }
        return;
    };
    let absent = atom.test.passes_null();
    let number = |i: i64| atom.test.passes(true, || "", || Some(i));
    match column.data_type() {
        DataType::Dictionary(key, value)
            if **key == DataType::Int32 && **value == DataType::Utf8 =>
        {
            let dictionary = column.as_dictionary::<Int32Type>();
            let values = dictionary.values().as_string::<i32>();
            let passing: Vec<bool> = (0..values.len())
                .map(|i| {
                    let text = values.value(i);
                    atom.test
                        .passes(!values.is_null(i), || text, || text.trim().parse().ok())
                })
                .collect();
            for (a, key) in any.iter_mut().zip(dictionary.keys()) {
                *a |= key.map_or(absent, |k| usize::try_from(k).is_ok_and(|k| passing[k]));
            }
        }
        DataType::Int64 => {
            for (a, v) in any.iter_mut().zip(column.as_primitive::<Int64Type>()) {
                *a |= v.map_or(absent, number);
            }
        }
        DataType::Timestamp(..) => {
            for (a, v) in any
                .iter_mut()
                .zip(column.as_primitive::<TimestampMicrosecondType>())
            {
                *a |= v.map_or(absent, number);
            }
        }
        // Of a type we did not write: leave the decision to the engine.
        _ => any.fill(true),
    }
}
