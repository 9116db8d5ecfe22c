//! One reading for many scans. A query that joins the table with itself, or a pack of hunts, names the table often;
//! the files are read once for all of them, as long as what they need fits a budget. It refuses to guess: where the
//! budget is not enough, every scan reads for itself.

use std::collections::BTreeSet;
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
}

/// What belongs to one query and to no other: the rows kept for its scans, and what its readings found.
#[derive(Default)]
pub(crate) struct QueryState {
    kept: Mutex<Option<Arc<Kept>>>,
    found: Mutex<Found>,
}

/// What readings found: the report of the one that saw most, and the columns asked for that some record had.
#[derive(Clone, Debug, Default)]
pub(crate) struct Found {
    pub(crate) report: Option<Report>,
    pub(crate) fields: BTreeSet<String>,
}

/// A reading begun before it is known whether it is what the scans need; taken by whoever shares it.
pub(crate) type Early = Arc<Mutex<Option<(Plan, Scan)>>>;

/// Rows read for several scans.
#[derive(Debug)]
pub(crate) struct Kept {
    plan: Plan,
    batches: Vec<RecordBatch>,
}

/// Each change is whole when the lock is let go, so a thread that panicked leaves nothing broken.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("origins", &self.origins)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for QueryState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueryState").finish_non_exhaustive()
    }
}

impl Found {
    /// What a reading that came to its end found.
    pub(crate) fn of(scan: &Scan, plan: &Plan) -> Self {
        let fields = plan.columns.iter().filter(|c| scan.met(c));
        Self {
            report: Some(scan.report()),
            fields: fields.cloned().collect(),
        }
    }

    /// Takes in what another reading of the same files found.
    pub(crate) fn add(&mut self, other: Self) {
        self.fields.extend(other.fields);
        let records = |report: &Option<Report>| report.as_ref().map(|r| r.records);
        if records(&self.report) <= records(&other.report) {
            self.report = other.report;
        }
    }
}

impl QueryState {
    /// Whether a reading was kept for this query.
    pub(crate) fn has_kept(&self) -> bool {
        lock(&self.kept).is_some()
    }

    /// What was kept, if it has everything this plan needs.
    pub(crate) fn kept(&self, plan: &Plan) -> Option<Arc<Kept>> {
        let kept = lock(&self.kept).clone()?;
        serves(&kept.plan, plan).then_some(kept)
    }

    /// Notes what a reading for this query found.
    pub(crate) fn add(&self, found: Found) {
        lock(&self.found).add(found);
    }

    /// What the readings for this query found.
    pub(crate) fn found(&self) -> Found {
        lock(&self.found).clone()
    }
}

impl Source {
    pub(crate) fn new(origins: Vec<Origin>, options: Options) -> Self {
        Self { origins, options }
    }

    /// Begins to read what these plans need, in the hope that it is all that will be needed.
    pub(crate) fn begin(&self, plans: &[Plan]) -> Option<(Plan, Scan)> {
        union(plans).map(|union| {
            let (origins, options) = (self.origins.clone(), self.options.clone());
            let scan = Scan::unhurried(origins, union.clone(), options);
            (union, scan)
        })
    }

    /// Reads once for all these plans, if there are several and what they need fits, and gives each of the queries what
    /// was kept and found. A reading begun `early` is used where it has what they need.
    pub(crate) fn share(
        &self,
        plans: &[Plan],
        early: Option<(Plan, Scan)>,
        queries: &[&QueryState],
    ) {
        let early = early.filter(|(union, _)| plans.iter().all(|p| serves(union, p)));
        let begun = early.or_else(|| {
            let union = union(plans)?;
            let scan = self.scan(union.clone());
            Some((union, scan))
        });
        let read = begun.and_then(|(union, scan)| keep(union, scan));
        for query in queries {
            let (kept, found) = read.clone().unzip();
            *lock(&query.kept) = kept;
            query.add(found.unwrap_or_default());
        }
    }

    pub(crate) fn scan(&self, plan: Plan) -> Scan {
        Scan::new(self.origins.clone(), plan, self.options.clone())
    }

    /// The files, in the order they are read.
    pub(crate) fn origins(&self) -> &[Origin] {
        &self.origins
    }
}

/// The rows of a reading and what it found; `None` where the rows are more than may be kept.
fn keep(plan: Plan, mut scan: Scan) -> Option<(Arc<Kept>, Found)> {
    scan.hurry();
    let (mut batches, mut few, mut bytes) = (Vec::new(), Few::default(), 0);
    for batch in &mut scan {
        bytes += batch.get_array_memory_size();
        if bytes > BUDGET {
            return None;
        }
        batches.extend(few.add(batch));
    }
    batches.extend(few.take());
    let found = Found::of(&scan, &plan);
    Some((Arc::new(Kept { plan, batches }), found))
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
