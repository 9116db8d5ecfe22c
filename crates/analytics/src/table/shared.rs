//! One reading for many scans. A query that joins the table with itself, or a pack of hunts, names the table often;
//! the files are read once for all of them, as long as what they need fits a budget. It refuses to guess: where the
//! budget is not enough, every scan reads for itself.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use datafusion::arrow::array::{Array, RecordBatch, RecordBatchOptions, new_null_array};
use datafusion::arrow::compute::concat;
use datafusion::arrow::error::ArrowError;
use telemetry::{Options, Origin, Plan, Report, RowFilter, Scan};

/// Bytes of columns that may be kept for scans to share.
const BUDGET: usize = 256 << 20;

/// Rows of kept batches that are worth a batch of their own.
const ENOUGH: usize = 4096;

/// The files behind the event table.
pub(crate) struct Source {
    origins: Vec<Origin>,
    options: Options,
    /// A reading begun before it is known whether it is what the scans need.
    early: Mutex<Option<(Plan, Scan)>>,
    kept: Mutex<Option<Arc<Kept>>>,
    reports: Mutex<Reports>,
}

#[derive(Debug, Default)]
struct Reports {
    whole: Option<Report>,
    met: std::collections::BTreeSet<String>,
}

/// Rows read for several scans.
#[derive(Debug)]
pub(crate) struct Kept {
    plan: Plan,
    batches: Vec<RecordBatch>,
}

/// Each change is whole when the lock is let go, so a thread that panicked leaves nothing broken.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("origins", &self.origins)
            .finish_non_exhaustive()
    }
}

impl Source {
    pub(crate) fn new(origins: Vec<Origin>, options: Options) -> Self {
        Self {
            origins,
            options,
            early: Mutex::new(None),
            kept: Mutex::new(None),
            reports: Mutex::new(Reports::default()),
        }
    }

    /// Begins to read what these plans need, in the hope that it is all that will be needed.
    pub(crate) fn begin(&self, plans: &[Plan]) {
        let early = union(plans).map(|union| {
            let (origins, options) = (self.origins.clone(), self.options.clone());
            let scan = Scan::unhurried(origins, union.clone(), options);
            (union, scan)
        });
        *lock(&self.early) = early;
    }

    /// Reads once for all these plans, if there are several and what they need fits.
    pub(crate) fn prepare(&self, plans: &[Plan]) {
        let early = lock(&self.early).take();
        let early = early.filter(|(union, _)| plans.iter().all(|p| serves(union, p)));
        let begun = early.or_else(|| {
            let union = union(plans)?;
            let scan = self.scan(union.clone());
            Some((union, scan))
        });
        let Some((union, mut scan)) = begun else {
            return;
        };
        scan.hurry();
        let (mut batches, mut few, mut bytes) = (Vec::new(), Few::default(), 0);
        for batch in &mut scan {
            bytes += batch.get_array_memory_size();
            if bytes > BUDGET {
                return;
            }
            batches.extend(few.add(batch));
        }
        batches.extend(few.take());
        self.finished(&scan, &union);
        *lock(&self.kept) = Some(Arc::new(Kept {
            plan: union,
            batches,
        }));
    }

    /// Whether a reading was kept.
    pub(crate) fn has_kept(&self) -> bool {
        let kept = lock(&self.kept);
        kept.is_some()
    }

    /// What was kept, if it has everything this plan needs.
    pub(crate) fn kept(&self, plan: &Plan) -> Option<Arc<Kept>> {
        let kept = lock(&self.kept).clone()?;
        serves(&kept.plan, plan).then_some(kept)
    }

    pub(crate) fn scan(&self, plan: Plan) -> Scan {
        Scan::new(self.origins.clone(), plan, self.options.clone())
    }

    /// Notes what a reading that came to its end found.
    pub(crate) fn finished(&self, scan: &Scan, plan: &Plan) {
        let report = scan.report();
        let mut reports = lock(&self.reports);
        for column in &plan.columns {
            if scan.met(column) {
                reports.met.insert(column.clone());
            }
        }
        if reports
            .whole
            .as_ref()
            .is_none_or(|r| r.records <= report.records)
        {
            reports.whole = Some(report);
        }
    }

    /// What the readings found, and which of the columns asked for some record had.
    pub(crate) fn report(&self) -> (Option<Report>, std::collections::BTreeSet<String>) {
        let reports = lock(&self.reports);
        (reports.whole.clone(), reports.met.clone())
    }

    /// The files, in the order they are read.
    pub(crate) fn origins(&self) -> &[Origin] {
        &self.origins
    }
}

impl Kept {
    /// The kept rows under this plan's columns, one batch after another.
    pub(crate) fn batches(
        self: Arc<Self>,
        plan: &Plan,
    ) -> impl Iterator<Item = RecordBatch> + Send + use<> {
        let filter = plan.filter.clone();
        let columns: Vec<usize> = plan
            .columns
            .iter()
            .filter_map(|c| self.plan.columns.iter().position(|k| k == c))
            .collect();
        (0..self.batches.len()).filter_map(move |i| {
            telemetry::filter_columns(&filter, &self.batches[i], Some(&columns))
        })
    }
}

/// Small batches on their way to becoming one: every scan of the kept rows pays for each batch, whatever it holds.
#[derive(Default)]
struct Few {
    batches: Vec<RecordBatch>,
    rows: usize,
}

impl Few {
    fn add(&mut self, batch: RecordBatch) -> Vec<RecordBatch> {
        self.rows += batch.num_rows();
        self.batches.push(batch);
        match self.rows < ENOUGH {
            true => Vec::new(),
            false => self.take(),
        }
    }

    fn take(&mut self) -> Vec<RecordBatch> {
        self.rows = 0;
        let batches = std::mem::take(&mut self.batches);
        match batches.as_slice() {
            // Where their texts do not fit into one dictionary they stay as they are.
            [_, _, ..] => match one_of(&batches) {
                Ok(one) => vec![one],
                Err(_) => batches,
            },
            _ => batches,
        }
    }
}

/// One batch of several with the same columns. Most hold nothing: what nobody wrote need not be put together.
fn one_of(batches: &[RecordBatch]) -> Result<RecordBatch, ArrowError> {
    let schema = batches[0].schema();
    let rows = batches.iter().map(RecordBatch::num_rows).sum();
    let column = |i: usize| {
        let parts: Vec<&dyn Array> = batches.iter().map(|b| b.column(i).as_ref()).collect();
        match parts.iter().all(|p| p.null_count() == p.len()) {
            true => Ok(new_null_array(schema.field(i).data_type(), rows)),
            false => concat(&parts),
        }
    };
    let columns = (0..schema.fields().len()).map(column);
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(
        Arc::clone(&schema),
        columns.collect::<Result<_, _>>()?,
        &options,
    )
}

/// Whether what `wide` reads has all that `narrow` would read.
fn serves(wide: &Plan, narrow: &Plan) -> bool {
    let columns = narrow.columns.iter().all(|c| wide.columns.contains(c));
    columns
        && (wide.filter.clauses.is_empty()
            || wide.filter == narrow.filter
            || covered(&wide.filter, &narrow.filter))
}

/// Whether every row that passes `narrow` passes `wide`: each of the wide clauses holds wherever the narrow ones do.
fn covered(wide: &RowFilter, narrow: &RowFilter) -> bool {
    wide.clauses.iter().all(|w| {
        narrow.clauses.iter().any(|n| {
            n.iter().all(|atom| {
                w.iter()
                    .any(|x| x.column == atom.column && x.test.includes(&atom.test))
            })
        })
    })
}

/// One plan that reads what all of these need; `None` where there is nothing to share.
fn union(plans: &[Plan]) -> Option<Plan> {
    let (first, rest) = plans.split_first()?;
    if rest.is_empty() {
        return None;
    }
    let mut filter = first.filter.clone();
    let mut columns: Vec<String> = plans
        .iter()
        .flat_map(|p| p.columns.iter().cloned())
        .collect();
    for plan in rest {
        filter = filter.union(&plan.filter);
    }
    // Scans of the kept rows decide their own filters again, so its columns must be there.
    columns.extend(
        plans
            .iter()
            .flat_map(|p| p.filter.columns().map(str::to_owned).collect::<Vec<_>>()),
    );
    columns.sort_unstable();
    columns.dedup();
    Some(Plan {
        columns,
        filter,
        discover: false,
    })
}
