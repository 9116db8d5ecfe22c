//! What tests share: where recordings lie, and what a batch holds, row by row.

use std::collections::BTreeMap;
use std::path::PathBuf;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Int32Type, Int64Type, TimestampMicrosecondType};

/// A path in the folder of recordings beside the workspace, or `None` after saying that the test is skipped.
pub(crate) fn shared(path: &str) -> Option<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let path = root.join("../shared").join(path);
    if !path.exists() {
        println!("skipped: no {}", path.display());
        return None;
    }
    Some(path)
}

/// Every row's values that are not null, as text, by column.
pub(crate) fn rows(batch: &RecordBatch) -> Vec<BTreeMap<String, String>> {
    let mut out = vec![BTreeMap::new(); batch.num_rows()];
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        for (i, row) in out.iter_mut().enumerate() {
            if column.is_null(i) {
                continue;
            }
            let text = match column.data_type() {
                DataType::Int64 => column.as_primitive::<Int64Type>().value(i).to_string(),
                DataType::Timestamp(..) => {
                    let v = column.as_primitive::<TimestampMicrosecondType>().value(i);
                    crate::value::time::format(v)
                }
                _ => {
                    let column = column.as_dictionary::<Int32Type>();
                    let values = column.values().as_string::<i32>();
                    column
                        .key(i)
                        .map(|k| values.value(k))
                        .unwrap_or_default()
                        .to_owned()
                }
            };
            row.insert(field.name().clone(), text);
        }
    }
    out
}
