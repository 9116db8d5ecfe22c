//! One reading for many scans. A query that joins the table with itself, or a pack of hunts, names the table often;
//! the files are read once for all of them, and each scan keeps what its own plan lets through. It refuses to guess: a
//! scan whose rows are more than may be kept reads for itself.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use datafusion::arrow::array::RecordBatch;
use datafusion::error::DataFusionError;
use telemetry::{Atom, Options, Origin, Plan, Report, RowFilter, Scan, Test};

use super::keeper::{Keeper, PlacedScan};
use crate::census::{BatchSources, COLUMNS, Census};
use crate::sweep::SweepColumns;

/// Bytes of columns that may be kept for scans to share.
const BUDGET: usize = 256 << 20;

/// How long a reading that nobody wants more of is waited for.
const PATIENCE: Duration = Duration::from_millis(500);

/// The files behind the event table.
pub(crate) struct Source {
    origins: Vec<Origin>,
    options: Options,
    /// The events that count; what else the files hold is as if it were not there.
    only: RowFilter,
}

/// What belongs to one query and to no other: what its readings found.
#[derive(Default)]
pub(crate) struct QueryState {
    found: Mutex<Found>,
    /// Readings for the query that have not said yet what they found.
    under_way: Mutex<usize>,
    ended: Condvar,
}

/// What readings found: the report of the one that saw most, and the columns asked for that some record had.
#[derive(Clone, Debug, Default)]
pub(crate) struct Found {
    pub(crate) report: Option<Report>,
    pub(crate) fields: BTreeSet<String>,
}

/// A reading begun before it is known whether it is what the scans need; taken by whoever shares it.
pub(crate) type Early = Arc<Mutex<Option<(Plan, Scan)>>>;

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
    /// A reading of its own begins.
    pub(crate) fn begin(&self) {
        *lock(&self.under_way) += 1;
    }

    /// It is at its end, or nobody wants more of it.
    pub(crate) fn end(&self, found: Found) {
        self.add(found);
        *lock(&self.under_way) -= 1;
        self.ended.notify_all();
    }

    /// Waits for readings that were told to end, but not for long: one may be far from noticing.
    pub(crate) fn wait(&self) {
        let running = lock(&self.under_way);
        let until = |running: &mut usize| *running > 0;
        drop(self.ended.wait_timeout_while(running, PATIENCE, until));
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
    pub(crate) fn new(origins: Vec<Origin>, only: RowFilter, options: Options) -> Self {
        Self {
            origins,
            options,
            only,
        }
    }

    /// Begins to read by a plan with half of the machine, in the hope that it is all that will be needed.
    pub(crate) fn begin(&self, plan: Plan) -> (Plan, Scan) {
        let (origins, options) = (self.origins.clone(), self.options.clone());
        let scan = Scan::unhurried(origins, plan.clone(), options);
        (plan, scan)
    }

    pub(crate) fn scan(&self, plan: Plan) -> Scan {
        Scan::new(self.origins.clone(), plan, self.options.clone())
    }

    /// The files, in the order they are read.
    pub(crate) fn origins(&self) -> &[Origin] {
        &self.origins
    }

    /// The events that count.
    pub(crate) fn only(&self) -> &RowFilter {
        &self.only
    }

    /// A plan that reads with what all of these need and some columns besides: every event that counts where columns are
    /// asked for besides, else those alone whose source the plans look at.
    pub(crate) fn whole(&self, plans: &[Plan], further: &SweepColumns) -> Plan {
        let of_plans = plans.iter().flat_map(|p| {
            p.columns
                .iter()
                .map(String::as_str)
                .chain(p.filter.columns())
        });
        let only = self.only.columns();
        let named = of_plans.chain(only).chain(COLUMNS);
        let mut columns: Vec<String> = named.map(str::to_owned).collect();
        columns.extend(further.names.iter().cloned());
        columns.sort_unstable();
        columns.dedup();
        let mut filter = match further.names.is_empty() && !further.learn {
            true => of_sources(plans),
            false => RowFilter::default(),
        };
        filter.clauses.extend(self.only.clauses.iter().cloned());
        Plan {
            columns,
            filter,
            discover: further.learn,
        }
    }
}

/// The events whose source, by its names and ids, one of the plans may look at. What a plan rules out is kept: whoever
/// counts the events wants to know of those that bear a sensor's name and are not its.
fn of_sources(plans: &[Plan]) -> RowFilter {
    let told = |clause: &&Vec<Atom>| {
        clause.iter().all(|atom| {
            COLUMNS.contains(&atom.column.as_str()) && !matches!(atom.test, Test::LowerNotIn(_))
        })
    };
    let of_plan = |plan: &Plan| {
        let clauses = plan.filter.clauses.iter().filter(told).cloned();
        RowFilter {
            clauses: clauses.collect(),
        }
    };
    let filters = plans.iter().map(of_plan);
    filters
        .reduce(|all, filter| all.union(&filter))
        .unwrap_or_default()
}

/// A reading by this plan, or the one begun early where that has all that is `needed`.
pub(crate) fn begin_with(
    source: &Source,
    plan: Plan,
    needed: &[Plan],
    early: Option<(Plan, Scan)>,
) -> (Plan, Scan) {
    match early.filter(|(begun, _)| needed.iter().all(|n| serves(begun, n))) {
        Some((begun, mut scan)) => {
            scan.hurry();
            (begun, scan)
        }
        None => {
            let scan = source.scan(plan.clone());
            (plan, scan)
        }
    }
}

/// Reads to the end: every scan keeps its rows, and `each` sees every batch of the events that count. Gives the keepers,
/// in the order of the scans, and how many events of which source there were.
pub(crate) fn gather<E: From<DataFusionError>>(
    only: &RowFilter,
    (plan, scan): (&Plan, &mut Scan),
    placed: &[PlacedScan],
    mut each: impl FnMut(&RecordBatch, &BatchSources) -> Result<(), E>,
) -> Result<(Vec<Keeper>, Census), E> {
    let mut keepers: Vec<Keeper> = placed.iter().map(|p| Keeper::new(p, plan)).collect();
    let mut census = Census::default();
    for batch in scan {
        let Some(batch) = telemetry::filter_batch(only, &batch) else {
            continue;
        };
        let sources = BatchSources::of(&batch);
        census.add(&sources);
        for keeper in &mut keepers {
            keeper.add(&batch, &sources)?;
        }
        while keepers.iter().map(Keeper::bytes).sum::<usize>() > BUDGET {
            match keepers.iter_mut().max_by_key(|k| k.bytes()) {
                Some(largest) if largest.bytes() > 0 => largest.give_up(),
                _ => break,
            }
        }
        each(&batch, &sources)?;
    }
    Ok((keepers, census))
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
pub(crate) fn union(plans: &[Plan]) -> Option<Plan> {
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
