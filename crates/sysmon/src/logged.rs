//! The events that a configuration keeps, as Sysmon would have written them: with the rule names of this
//! configuration in the place of those that the recording sensor gave.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::{cast, filter_record_batch};
use arrow::error::ArrowError;
use predicate::eval::EvalError;

use crate::replay::Replay;

/// The column of rule names.
pub const RULE_NAME: &str = "RuleName";

impl Replay<'_> {
    /// Replays a batch and gives the kept rows with this configuration's rule names, in the column
    /// `RuleName` where the batch has one.
    ///
    /// # Errors
    /// Where a column that is needed cannot be read or written.
    pub fn logged(&mut self, batch: &RecordBatch) -> Result<RecordBatch, EvalError> {
        let (kept, names) = self.named(batch)?;
        let failed = |source: ArrowError| EvalError::Column {
            column: RULE_NAME.to_owned(),
            source,
        };
        let schema = batch.schema();
        let place = schema
            .fields()
            .iter()
            .position(|f| f.name().eq_ignore_ascii_case(RULE_NAME));
        let Some(place) = place else {
            return filter_record_batch(batch, &kept).map_err(failed);
        };
        let names: ArrayRef = Arc::new(names);
        let mut columns = batch.columns().to_vec();
        columns[place] = cast(&names, schema.field(place).data_type()).map_err(failed)?;
        let named = RecordBatch::try_new(schema, columns).map_err(failed)?;
        filter_record_batch(&named, &kept).map_err(failed)
    }
}
