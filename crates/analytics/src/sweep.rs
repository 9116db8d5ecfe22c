//! One reading for many: the queries of a pack, and whoever else wants to see the events. It tells of each query what it
//! needed and what there was. It refuses to run queries.

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::common::JoinType;
use datafusion::error::DataFusionError;
use datafusion::physical_expr_common::physical_expr::is_volatile;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::joins::{
    CrossJoinExec, HashJoinExec, NestedLoopJoinExec, SortMergeJoinExec,
};
use datafusion::physical_plan::union::{InterleaveExec, UnionExec};
use telemetry::{Plan, Report};

use crate::census::{BatchSources, Census};
use crate::engine::{Engine, Error, Prepared, side_by_side, threads};
use crate::table::{
    Early, EventScan, Found, Keeper, PlacedScan, Reading, begin_with, gather, lock, union,
};
use crate::visibility::{QueryVisibility, Requirement};

/// What a reading for many is to deliver besides what queries need.
#[derive(Clone, Debug, Default)]
pub struct SweepColumns {
    /// Columns of the event table, by their names in lower case.
    pub names: Vec<String>,
    /// Whether the names of all fields are to be learnt.
    pub learn: bool,
}

/// What one reading for many found.
#[derive(Clone, Debug, Default)]
pub struct Sweep {
    /// What was read.
    pub report: Report,
    /// How many events of which source there were.
    pub census: Census,
    /// What each of the queries needed, and whether it was there.
    pub visibility: Vec<QueryVisibility>,
    /// The columns asked for that some event had.
    pub fields: Vec<String>,
}

impl Prepared {
    /// Whether all of its readings have been kept.
    pub(crate) fn is_served(&self) -> bool {
        let (placed, _) = self.scans();
        placed.iter().all(|p| p.scan.is_served())
    }

    /// The columns of its rows, as the query names them.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Its readings, and which of them it cannot do without.
    fn scans(&self) -> (Vec<PlacedScan>, Requirement) {
        let mut placed = Vec::new();
        let requirement = scans(&self.plan, &mut placed);
        (placed, requirement)
    }

    /// What it needs, as far as that is known before anything is read.
    pub fn needs(&self) -> QueryVisibility {
        let (placed, requirement) = self.scans();
        QueryVisibility {
            needs: placed.iter().map(|p| p.scan.need()).collect(),
            requirement,
        }
    }
}

impl Engine {
    /// Prepares several queries, side by side. What they need is being read meanwhile.
    pub fn prepare_all<'q>(
        &self,
        queries: impl Iterator<Item = &'q str>,
    ) -> Vec<Result<Prepared, Error>> {
        self.prepare_reading(queries, union)
    }

    /// Prepares several queries for [`Engine::sweep`] with these columns, which begins meanwhile.
    pub fn prepare_sweep<'q>(
        &self,
        queries: impl Iterator<Item = &'q str>,
        columns: &SweepColumns,
    ) -> Vec<Result<Prepared, Error>> {
        self.prepare_reading(queries, |plans| Some(self.source.whole(plans, columns)))
    }

    fn prepare_reading<'q>(
        &self,
        queries: impl Iterator<Item = &'q str>,
        together: impl Fn(&[Plan]) -> Option<Plan>,
    ) -> Vec<Result<Prepared, Error>> {
        let texts: Vec<&str> = queries.collect();
        if texts.is_empty() {
            return Vec::new();
        }
        let queries = side_by_side(texts.len(), threads(), |n| self.resolve(texts[n]));
        let foreseen: Vec<Plan> = queries
            .iter()
            .flatten()
            .flat_map(|query| query.readings.iter().map(Reading::foreseen))
            .collect();
        let early = Early::default();
        *lock(&early) = together(&foreseen).map(|plan| self.source.begin(plan));
        // Reading takes the other half of the machine, and to plan one query after another is less work than at once.
        let planned = side_by_side(queries.len(), (threads() / 2).max(1), |n| {
            queries[n]
                .as_ref()
                .ok()
                .map(|query| self.plan(query, &early))
        });
        let both = queries.into_iter().zip(planned);
        both.filter_map(|(query, planned)| match query {
            Ok(_) => planned,
            Err(error) => Some(Err(error.into())),
        })
        .collect()
    }

    /// Reads once what these queries need, if that is less work than each reading for itself.
    ///
    /// # Errors
    /// When rows cannot be put together.
    pub fn share(&self, queries: &[&Prepared]) -> Result<(), Error> {
        let placed: Vec<PlacedScan> = queries.iter().flat_map(|q| q.scans().0).collect();
        let plans: Vec<Plan> = placed.iter().map(|p| p.scan.plan().clone()).collect();
        let early = queries.iter().find_map(|q| lock(&q.early).take());
        let Some(plan) = union(&plans) else {
            return Ok(());
        };
        let (plan, mut scan) = begin_with(&self.source, plan, &plans, early);
        let (keepers, _) = gather(self.source.only(), (&plan, &mut scan), &placed, |_, _| {
            Ok::<_, DataFusionError>(())
        })?;
        for keeper in keepers {
            keeper.finish();
        }
        let found = Found::of(&scan, &plan);
        for query in queries {
            query.state.add(found.clone());
        }
        Ok(())
    }

    /// Reads all events once for these queries and for `each`, which sees them with these columns among others, and tells
    /// what was there for each query. Queries whose rows are too many to be kept read for themselves when they run.
    ///
    /// # Errors
    /// When rows cannot be put together, and what `each` fails with.
    pub fn sweep<E: From<Error>>(
        &self,
        queries: &[&Prepared],
        columns: &SweepColumns,
        mut each: impl FnMut(&RecordBatch, &BatchSources) -> Result<(), E>,
    ) -> Result<Sweep, E> {
        let scans: Vec<(Vec<PlacedScan>, Requirement)> =
            queries.iter().map(|q| q.scans()).collect();
        let placed: Vec<PlacedScan> = scans.iter().flat_map(|(p, _)| p.clone()).collect();
        let plans: Vec<Plan> = placed.iter().map(|p| p.scan.plan().clone()).collect();
        let early = queries.iter().find_map(|q| lock(&q.early).take());
        let whole = self.source.whole(&plans, columns);
        let needed = std::slice::from_ref(&whole);
        let (plan, mut scan) = begin_with(&self.source, whole.clone(), needed, early);
        let mut failed = None;
        let gathered = gather(
            self.source.only(),
            (&plan, &mut scan),
            &placed,
            |batch, sources| {
                each(batch, sources).map_err(|error| {
                    failed = Some(error);
                    DataFusionError::Internal("a reader of the events failed".to_owned())
                })
            },
        );
        if let Some(error) = failed {
            return Err(error);
        }
        let (keepers, census) = gathered.map_err(Error::from)?;
        let mut needs = keepers.into_iter().map(Keeper::finish);
        let visibility = scans
            .into_iter()
            .map(|(placed, requirement)| QueryVisibility {
                needs: needs.by_ref().take(placed.len()).collect(),
                requirement,
            })
            .collect();
        let found = Found::of(&scan, &plan);
        for query in queries {
            query.state.add(found.clone());
        }
        Ok(Sweep {
            report: found.report.unwrap_or_default(),
            census,
            visibility,
            fields: found.fields.into_iter().collect(),
        })
    }

    /// Reads columns, and gives the batches of the events that count; then tells what was read.
    ///
    /// # Errors
    /// What `each` fails with.
    pub fn read_each<E>(
        &self,
        mut plan: Plan,
        each: &mut dyn FnMut(&RecordBatch) -> Result<(), E>,
    ) -> Result<Report, E> {
        let only = self.source.only();
        for column in only.columns() {
            if !plan.columns.iter().any(|c| c == column) {
                plan.columns.push(column.to_owned());
            }
        }
        plan.filter.clauses.extend(only.clauses.iter().cloned());
        let mut scan = self.source.scan(plan);
        for batch in &mut scan {
            if let Some(batch) = telemetry::filter_batch(only, &batch) {
                each(&batch)?;
            }
        }
        Ok(scan.report())
    }
}

/// The readings inside a plan, with the condition right above each; which of them it cannot do without.
fn scans(plan: &Arc<dyn ExecutionPlan>, found: &mut Vec<PlacedScan>) -> Requirement {
    let mut place = |scan: &EventScan, condition| {
        found.push(PlacedScan {
            scan: scan.clone(),
            condition,
        });
        Requirement::Events(found.len() - 1)
    };
    if let Some(scan) = is::<EventScan>(plan) {
        return place(scan, None);
    }
    if let Some(filter) = is::<FilterExec>(plan)
        && let Some(scan) = is::<EventScan>(filter.input())
    {
        // One that says something else each time it is asked is asked once.
        let condition = Some(filter.predicate()).filter(|p| !is_volatile(p));
        return place(scan, condition.cloned());
    }
    let children = plan.children();
    let mut parts: Vec<Requirement> = children.into_iter().map(|c| scans(c, found)).collect();
    if is::<UnionExec>(plan).is_some() || is::<InterleaveExec>(plan).is_some() {
        return Requirement::Any(parts);
    }
    match (join_type(plan), parts.as_slice()) {
        (Some(JoinType::Full), _) => Requirement::Any(parts),
        (Some(JoinType::Left | JoinType::LeftAnti | JoinType::LeftMark), [_, _]) => {
            parts.swap_remove(0)
        }
        (Some(JoinType::Right | JoinType::RightAnti | JoinType::RightMark), [_, _]) => {
            parts.swap_remove(1)
        }
        (None, [_]) => parts.swap_remove(0),
        _ => Requirement::All(parts),
    }
}

fn join_type(plan: &Arc<dyn ExecutionPlan>) -> Option<JoinType> {
    let hash = is::<HashJoinExec>(plan).map(|j| *j.join_type());
    let nested = || is::<NestedLoopJoinExec>(plan).map(|j| *j.join_type());
    let merge = || is::<SortMergeJoinExec>(plan).map(|j| j.join_type());
    let cross = || is::<CrossJoinExec>(plan).map(|_| JoinType::Inner);
    hash.or_else(nested).or_else(merge).or_else(cross)
}

fn is<T: 'static>(plan: &Arc<dyn ExecutionPlan>) -> Option<&T> {
    (plan.as_ref() as &dyn std::any::Any).downcast_ref::<T>()
}
