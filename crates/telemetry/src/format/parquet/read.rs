//! Reading back, row group by row group: the filter's columns first, then, for the rows that pass, the columns asked
//! for. Of a file that another program wrote, everything asked for is read and then filtered.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowPredicateFn, ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
    RowFilter as PageFilter,
};
use parquet::errors::ParquetError;
use parquet::file::statistics::Statistics;

use super::columns::{ColumnMapping, with_dictionaries};
use super::file::SharedFile;
use super::seal::{self, Seal};
use super::{MARK, UNSEALED};
use crate::diagnostics::Problem;
use crate::filter::{Atom, RowFilter, Test};
use crate::select;
use crate::table::header::{self, Kind};
use crate::table::plan::Plan;

const BATCH_ROWS: usize = 32 << 10;

/// One row group of one file.
pub(crate) struct RowGroup {
    table: Arc<OpenFile>,
    index: usize,
}

/// A file.
struct OpenFile {
    file: SharedFile,
    meta: ArrowReaderMetadata,
    /// Whether Scotoma wrote it.
    own: bool,
    seal: Option<Seal>,
    layout: ColumnMapping,
    source: Arc<str>,
}

impl RowGroup {
    /// The row groups of a file, and what of it is not in the table although it is read.
    pub(crate) fn all(name: &str, file: File) -> Result<(Vec<Self>, Option<Problem>), Problem> {
        let file = SharedFile::new(file).map_err(|e| Problem::Io(e.to_string()))?;
        let seal = seal::read(&file).map_err(|e| Problem::Io(e.to_string()))?;
        let meta = guarded(|| {
            // The Arrow schema that others store says how they had it in memory, not what it is.
            let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
            let meta = ArrowReaderMetadata::load(&file, options)?;
            let options = ArrowReaderOptions::new().with_schema(with_dictionaries(meta.schema()));
            ArrowReaderMetadata::try_new(Arc::clone(meta.metadata()), options)
        })?;
        let pairs = meta.metadata().file_metadata().key_value_metadata();
        let mark = pairs.and_then(|m| m.iter().find(|kv| kv.key == MARK));
        let unsealed = mark.is_some_and(|m| m.value.as_deref() != Some(UNSEALED)) && seal.is_none();
        if unsealed {
            let what = "damaged Parquet: its checksums are missing";
            return Err(Problem::Io(what.to_owned()));
        }
        let layout = ColumnMapping::new(meta.schema(), name, mark.is_some());
        let lacking = lacking(&layout, mark.is_some())?;
        let table = Arc::new(OpenFile {
            file,
            own: mark.is_some(),
            seal,
            layout,
            source: name.into(),
            meta,
        });
        let groups = 0..table.meta.metadata().num_row_groups();
        let group = |index| Self {
            table: Arc::clone(&table),
            index,
        };
        Ok((groups.map(group).collect(), lacking))
    }

    pub(crate) fn source(&self) -> &str {
        &self.table.source
    }

    /// Names of the columns that the table has from the file.
    pub(crate) fn columns(&self) -> impl Iterator<Item = &str> {
        self.table.layout.shown()
    }

    /// The rows that pass the plan's filter, and how many there were before it.
    pub(crate) fn read(&self, plan: &Plan) -> Result<(Vec<RecordBatch>, u64), Problem> {
        let group = self.table.meta.metadata().row_group(self.index);
        let records = u64::try_from(group.num_rows()).unwrap_or(0);
        let Some(filter) = self.table.layout.left_of(&plan.filter) else {
            return Ok((Vec::new(), records));
        };
        if self.table.own && self.excluded(&filter) {
            return Ok((Vec::new(), records));
        }
        let batches = guarded(|| {
            self.check(plan, &filter)?;
            match self.table.own {
                true => self.read_own(plan, filter),
                false => self.read_foreign(plan, &filter),
            }
        })?;
        Ok((batches, records))
    }

    /// Compares the checksums of what will be read.
    fn check(&self, plan: &Plan, filter: &RowFilter) -> Result<(), ParquetError> {
        let Some(seal) = &self.table.seal else {
            return Ok(());
        };
        let wanted = plan.columns.iter().map(String::as_str);
        let mask = self.mask(wanted.chain(filter.columns()));
        let metadata = self.table.meta.metadata();
        for column in 0..metadata.row_group(self.index).num_columns() {
            if mask.leaf_included(column) {
                seal.check(&self.table.file, metadata, self.index, column)
                    .map_err(|e| ParquetError::General(e.to_string()))?;
            }
        }
        Ok(())
    }

    fn builder(&self) -> ParquetRecordBatchReaderBuilder<SharedFile> {
        let (file, meta) = (self.table.file.clone(), self.table.meta.clone());
        ParquetRecordBatchReaderBuilder::new_with_metadata(file, meta)
            .with_row_groups(vec![self.index])
            .with_batch_size(BATCH_ROWS)
    }

    fn read_own(&self, plan: &Plan, filter: RowFilter) -> Result<Vec<RecordBatch>, ParquetError> {
        let mask = self.mask(plan.columns.iter().map(String::as_str));
        let mut builder = self.builder().with_projection(mask);
        if !filter.clauses.is_empty() {
            let mask = self.mask(filter.columns());
            let predicate =
                ArrowPredicateFn::new(mask, move |batch| Ok(select::rows(&filter, &batch)));
            builder = builder.with_row_filter(PageFilter::new(vec![Box::new(predicate)]));
        }
        let schema = plan.schema();
        builder
            .build()?
            .map(|batch| self.fit(&batch?, &plan.columns, &schema))
            .collect()
    }

    /// Columns of the filter may be made of several, or of another type, and so are made before it is asked.
    fn read_foreign(
        &self,
        plan: &Plan,
        filter: &RowFilter,
    ) -> Result<Vec<RecordBatch>, ParquetError> {
        let mut names = plan.columns.clone();
        for name in filter.columns() {
            if !names.iter().any(|n| n == name) {
                names.push(name.to_owned());
            }
        }
        let schema = Plan::of(names.clone()).schema();
        let wanted: Vec<usize> = (0..plan.columns.len()).collect();
        let mask = self.mask(names.iter().map(String::as_str));
        let mut batches = Vec::new();
        for batch in self.builder().with_projection(mask).build()? {
            let batch = self.fit(&batch?, &names, &schema)?;
            batches.extend(select::filter_columns(filter, &batch, Some(&wanted)));
        }
        Ok(batches)
    }

    fn fit(
        &self,
        batch: &RecordBatch,
        names: &[String],
        schema: &SchemaRef,
    ) -> Result<RecordBatch, ParquetError> {
        let file: &Schema = self.table.meta.schema();
        Ok(self.table.layout.fit(batch, file, names, schema)?)
    }

    fn mask<'c>(&self, wanted: impl Iterator<Item = &'c str>) -> ProjectionMask {
        let roots = wanted.flat_map(|name| self.table.layout.roots(name));
        let roots: Vec<usize> = roots.collect();
        ProjectionMask::roots(self.table.meta.parquet_schema(), roots)
    }

    /// Whether the row group's statistics already say that no row passes.
    fn excluded(&self, filter: &RowFilter) -> bool {
        let group = self.table.meta.metadata().row_group(self.index);
        let range = |column: &str| {
            let root = self.table.layout.roots(column).next()?;
            match group.columns().get(root)?.statistics()? {
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
        let mut clauses = filter.clauses.iter();
        clauses.any(|clause| clause.iter().all(outside))
    }
}

/// What a foreign file lacks.
///
/// # Errors
/// Where it has no events at all.
fn lacking(layout: &ColumnMapping, own: bool) -> Result<Option<Problem>, Problem> {
    if own {
        return Ok(None);
    }
    if !layout.has("eventid") {
        let what = "a Parquet file without a column for the event id (EventID, event_id, EventCode ...): not events";
        return Err(Problem::Foreign(what.to_owned()));
    }
    let mut missing = Vec::new();
    for column in header::columns().iter().take(4) {
        if !layout.has(&column.name.to_lowercase()) {
            missing.push(column.name.as_str());
        }
    }
    let mut what = Vec::new();
    if !missing.is_empty() {
        what.push(format!("it has no column for {}", missing.join(", ")));
    }
    if !layout.nested.is_empty() {
        what.push(format!(
            "values inside values are left out: {}",
            layout.nested.join(", ")
        ));
    }
    Ok((!what.is_empty())
        .then(|| Problem::Lacking(format!("Parquet of another program: {}", what.join("; ")))))
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
