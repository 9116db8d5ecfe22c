//! Reading back, row group by row group: the filter's columns first, then, for the rows that pass, the columns asked
//! for. It refuses files without our mark.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use arrow::compute::cast;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowPredicateFn, ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
    RowFilter,
};
use parquet::errors::ParquetError;
use parquet::file::statistics::Statistics;

use super::MARK;
use super::file::SharedFile;
use crate::diagnostics::Problem;
use crate::filter::{Atom, Test};
use crate::select;
use crate::table::header::{self, Kind};
use crate::table::plan::Plan;

const BATCH_ROWS: usize = 32 << 10;

/// One row group of one file.
pub(crate) struct RowGroup {
    file: SharedFile,
    meta: ArrowReaderMetadata,
    index: usize,
    source: Arc<str>,
}

impl RowGroup {
    /// The row groups of a file.
    pub(crate) fn all(name: &str, file: File) -> Result<Vec<Self>, Problem> {
        let file = SharedFile::new(file).map_err(|e| Problem::Io(e.to_string()))?;
        let meta = guarded(|| ArrowReaderMetadata::load(&file, ArrowReaderOptions::new()))?;
        let marks = meta.metadata().file_metadata().key_value_metadata();
        if !marks.is_some_and(|m| m.iter().any(|kv| kv.key == MARK)) {
            return Err(Problem::Io(
                "a Parquet file that Scotoma did not write; only its own are read".to_owned(),
            ));
        }
        let source: Arc<str> = name.into();
        let groups = 0..meta.metadata().num_row_groups();
        Ok(groups
            .map(|index| Self {
                file: file.clone(),
                meta: meta.clone(),
                index,
                source: Arc::clone(&source),
            })
            .collect())
    }

    pub(crate) fn source(&self) -> &str {
        &self.source
    }

    /// Names of the columns in the file.
    pub(crate) fn columns(&self) -> impl Iterator<Item = &str> {
        self.meta
            .schema()
            .fields()
            .iter()
            .map(|f| f.name().as_str())
    }

    /// The rows that pass the plan's filter, and how many there were before it.
    pub(crate) fn read(&self, plan: &Plan) -> Result<(Vec<RecordBatch>, u64), Problem> {
        let records =
            u64::try_from(self.meta.metadata().row_group(self.index).num_rows()).unwrap_or(0);
        if self.excluded(plan) {
            return Ok((Vec::new(), records));
        }
        let batches = guarded(|| self.read_rows(plan))?;
        Ok((batches, records))
    }

    fn read_rows(&self, plan: &Plan) -> Result<Vec<RecordBatch>, ParquetError> {
        let file = self.file.clone();
        let mut builder =
            ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.meta.clone())
                .with_row_groups(vec![self.index])
                .with_batch_size(BATCH_ROWS)
                .with_projection(self.mask(plan.columns.iter().map(String::as_str)));
        if !plan.filter.clauses.is_empty() {
            let filter = plan.filter.clone();
            let predicate = ArrowPredicateFn::new(self.mask(plan.filter.columns()), move |batch| {
                Ok(select::rows(&filter, &batch))
            });
            builder = builder.with_row_filter(RowFilter::new(vec![Box::new(predicate)]));
        }
        let schema = plan.schema();
        builder
            .build()?
            .map(|batch| Ok(fit(&batch?, plan, &schema)?))
            .collect()
    }

    fn mask<'c>(&self, wanted: impl Iterator<Item = &'c str>) -> ProjectionMask {
        let fields = self.meta.schema().fields();
        let indices: Vec<usize> = wanted
            .filter_map(|w| fields.iter().position(|f| f.name().to_lowercase() == w))
            .collect();
        ProjectionMask::roots(self.meta.parquet_schema(), indices)
    }

    /// Whether the row group's statistics already say that no row passes.
    fn excluded(&self, plan: &Plan) -> bool {
        let group = self.meta.metadata().row_group(self.index);
        let range = |column: &str| {
            let i = self.columns().position(|c| c.to_lowercase() == column)?;
            match group.column(i).statistics()? {
                Statistics::Int64(s) => Some((*s.min_opt()?, *s.max_opt()?)),
                _ => None,
            }
        };
        let outside = |atom: &Atom| match (&atom.test, header::kind(&atom.column)) {
            (Test::IntIn(values), Kind::Int | Kind::Time) => range(&atom.column)
                .is_some_and(|(low, high)| values.iter().all(|v| *v < low || *v > high)),
            (Test::IntBetween(from, to), Kind::Int | Kind::Time) => {
                range(&atom.column).is_some_and(|(low, high)| *to < low || *from > high)
            }
            _ => false,
        };
        plan.filter
            .clauses
            .iter()
            .any(|clause| clause.iter().all(outside))
    }
}

/// A batch under the plan's schema: columns the file lacks are null.
fn fit(batch: &RecordBatch, plan: &Plan, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let held: &Schema = batch.schema_ref();
    let columns = plan
        .columns
        .iter()
        .zip(schema.fields())
        .map(|(name, field)| -> Result<ArrayRef, ArrowError> {
            match held
                .fields()
                .iter()
                .position(|f| f.name().to_lowercase() == *name)
            {
                Some(i) if batch.column(i).data_type() == field.data_type() => {
                    Ok(Arc::clone(batch.column(i)))
                }
                Some(i) => cast(batch.column(i), field.data_type()),
                None => Ok(new_null_array(field.data_type(), batch.num_rows())),
            }
        })
        .collect::<Result<Vec<_>, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)
}

/// Runs the Parquet library over bytes that may lie: an error or a panic of it is a problem of that file.
fn guarded<T>(read: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, Problem> {
    // The library checks most of what it reads, but not all; a worker must survive the rest.
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(Problem::Io(error.to_string())),
        Err(_) => Err(Problem::Io("damaged Parquet".to_owned())),
    }
}
