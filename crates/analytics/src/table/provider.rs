//! The table provider and its scan. The schema is what the query needs; rows come from the readers with projection and
//! filters pushed down, or from what an earlier reading of the same query kept, and their columns are made here.

use std::fmt;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use datafusion::arrow::array::{RecordBatch, RecordBatchOptions};
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Result;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::{
    RecordBatchReceiverStreamBuilder, RecordBatchStreamAdapter,
};
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties,
};
use futures::stream;
use telemetry::{Atom, Plan, RowFilter, Test};

use super::pushdown;
use super::recipe::Recipe;
use super::shared::{Found, QueryState, Source, lock};
use crate::visibility::{EventNeed, short_name};
use schema::Sensor;
use spark::dialect::EVENT_ID;

/// Canonical name of the column that holds the channel.
const CHANNEL: &str = "channel";

/// Events of some kind, under the names of some naming.
#[derive(Debug)]
pub(crate) struct EventTable {
    recipes: Vec<Recipe>,
    /// Whose events it holds, if one sensor's.
    sensor: Option<Sensor>,
    /// What makes an event one of the table's.
    rows: RowFilter,
    schema: SchemaRef,
    source: Arc<Source>,
    query: Arc<QueryState>,
}

impl EventTable {
    /// A table with these columns, of the events that pass `rows`, as `query` reads it.
    pub(crate) fn new(
        recipes: Vec<Recipe>,
        sensor: Option<Sensor>,
        rows: RowFilter,
        source: Arc<Source>,
        query: Arc<QueryState>,
    ) -> Self {
        Self {
            schema: schema(&recipes),
            recipes,
            sensor,
            rows,
            source,
            query,
        }
    }

    /// What readers can decide of a condition, if they can decide any of it.
    fn clauses(&self, filter: &Expr) -> Vec<Vec<Atom>> {
        let raw = |name: &str| {
            let named = self.recipes.iter().find(|r| r.name() == name);
            named.and_then(Recipe::plain).map(str::to_owned)
        };
        pushdown::clauses(filter, &raw)
    }
}

impl EventTable {
    /// What reading all of it takes, where the event id is among these, if there are any.
    pub(crate) fn plan(&self, ids: &[i64]) -> Plan {
        let among = (!ids.is_empty()).then(|| vec![pushdown::has_id(ids.to_vec())]);
        let all: Vec<&Recipe> = self.recipes.iter().collect();
        self.scan_of(&all, among.into_iter()).plan
    }

    fn scan_of(&self, wanted: &[&Recipe], clauses: impl Iterator<Item = Vec<Atom>>) -> EventScan {
        let mut filter = self.rows.clone();
        filter.clauses.extend(clauses);
        let recipes = match event_ids(&filter) {
            Some(ids) => wanted.iter().map(|r| r.among(&ids)).collect(),
            None => wanted.iter().map(|r| (*r).clone()).collect(),
        };
        EventScan::new(self, recipes, filter)
    }
}

fn schema(recipes: &[Recipe]) -> SchemaRef {
    Arc::new(Schema::new(
        recipes.iter().map(Recipe::field).collect::<Vec<_>>(),
    ))
}

#[async_trait]
impl TableProvider for EventTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let wanted: Vec<&Recipe> = match projection {
            Some(indices) => indices.iter().map(|i| &self.recipes[*i]).collect(),
            None => self.recipes.iter().collect(),
        };
        let clauses = filters.iter().flat_map(|f| self.clauses(f));
        Ok(Arc::new(self.scan_of(&wanted, clauses)))
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(filters
            .iter()
            .map(|f| match self.clauses(f).is_empty() {
                true => TableProviderFilterPushDown::Unsupported,
                false => TableProviderFilterPushDown::Inexact,
            })
            .collect())
    }
}

/// The event ids of the rows that pass, where the filter says so.
fn event_ids(filter: &RowFilter) -> Option<Vec<i64>> {
    filter.clauses.iter().find_map(|clause| {
        let mut ids = Vec::new();
        for atom in clause {
            match &atom.test {
                Test::IntIn(more) if atom.column == EVENT_ID => ids.extend(more),
                _ => return None,
            }
        }
        Some(ids)
    })
}

/// A reading of the event table as part of a query.
#[derive(Clone, Debug)]
pub(crate) struct EventScan {
    recipes: Vec<Recipe>,
    sensor: Option<Sensor>,
    /// What makes an event one of the table's; nobody above looks at it again.
    rows: RowFilter,
    /// What is read for that.
    plan: Plan,
    source: Arc<Source>,
    query: Arc<QueryState>,
    properties: Arc<PlanProperties>,
    /// Its rows, where a reading for many has kept them.
    kept: Arc<Mutex<Option<Arc<[RecordBatch]>>>>,
}

impl EventScan {
    fn new(table: &EventTable, recipes: Vec<Recipe>, filter: RowFilter) -> Self {
        let rows = table.rows.clone();
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema(&recipes)),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        let mut columns: Vec<String> = Vec::new();
        for name in recipes
            .iter()
            .flat_map(Recipe::columns)
            .chain(rows.columns())
        {
            if !columns.iter().any(|c| c == name) {
                columns.push(name.to_owned());
            }
        }
        Self {
            recipes,
            sensor: table.sensor,
            kept: Arc::default(),
            rows,
            plan: Plan {
                columns,
                filter,
                discover: false,
            },
            source: Arc::clone(&table.source),
            query: Arc::clone(&table.query),
            properties: Arc::new(properties),
        }
    }

    /// What it reads.
    pub(crate) fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What it looks at, in the terms of whoever asks why it saw nothing.
    pub(crate) fn need(&self) -> EventNeed {
        let only = &self.source.only().clauses;
        let own = self
            .plan
            .filter
            .clauses
            .iter()
            .filter(|c| !only.contains(c));
        let own = RowFilter {
            clauses: own.cloned().collect(),
        };
        let mut channels = own.clauses.iter().filter_map(|clause| {
            let [Atom { column, test }] = clause.as_slice() else {
                return None;
            };
            match test {
                Test::TextIn(names) | Test::LowerIn(names) if column == CHANNEL => {
                    Some(names.join(" or "))
                }
                _ => None,
            }
        });
        let of = self.sensor.map(|s| short_name(s).to_owned());
        EventNeed {
            of: of.or_else(|| channels.next()),
            event_ids: event_ids(&own).unwrap_or_default(),
            ..EventNeed::default()
        }
    }

    /// The raw columns that one of its columns is made of.
    pub(crate) fn made_of(&self, column: &str) -> Vec<String> {
        let recipe = self.recipes.iter().find(|r| r.name() == column);
        let raw = recipe.into_iter().flat_map(Recipe::columns);
        raw.filter(|c| *c != EVENT_ID).map(str::to_owned).collect()
    }

    /// Takes the rows that were kept for it.
    pub(crate) fn serve(&self, rows: Vec<RecordBatch>) {
        *lock(&self.kept) = Some(rows.into());
    }

    /// Whether its rows were kept.
    pub(crate) fn is_served(&self) -> bool {
        lock(&self.kept).is_some()
    }

    /// The table's columns for these rows of it.
    pub(crate) fn make(&self, read: &RecordBatch) -> Result<RecordBatch> {
        let columns = self.recipes.iter().map(|r| r.make(read));
        let options = RecordBatchOptions::new().with_row_count(Some(read.num_rows()));
        let schema = Arc::clone(self.properties.eq_properties.schema());
        let columns = columns.collect::<Result<_>>()?;
        Ok(RecordBatch::try_new_with_options(
            schema, columns, &options,
        )?)
    }
}

impl DisplayAs for EventScan {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EventScan: columns=[{}]", self.plan.columns.join(", "))?;
        for clause in &self.plan.filter.clauses {
            let atoms: Vec<String> = clause
                .iter()
                .map(|a| format!("{} {:?}", a.column, a.test))
                .collect();
            write!(f, ", {}", atoms.join(" or "))?;
        }
        Ok(())
    }
}

impl ExecutionPlan for EventScan {
    fn name(&self) -> &str {
        "EventScan"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        _: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(
        &self,
        _partition: usize,
        _context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let scan = self.clone();
        if let Some(kept) = lock(&self.kept).clone() {
            let rows = (0..kept.len()).map(move |n| Ok(kept[n].clone()));
            let rows = RecordBatchStreamAdapter::new(self.schema(), stream::iter(rows));
            return Ok(Box::pin(rows));
        }
        self.query.begin();
        let mut builder = RecordBatchReceiverStreamBuilder::new(self.schema(), 2);
        let tx = builder.tx();
        builder.spawn_blocking(move || {
            let mut read = scan.source.scan(scan.plan.clone());
            for batch in &mut read {
                // A closed channel is a consumer that has enough.
                if let Some(rows) = telemetry::filter_batch(&scan.rows, &batch)
                    && tx.blocking_send(scan.make(&rows)).is_err()
                {
                    break;
                }
            }
            scan.query.end(Found::of(&read, &scan.plan));
            Ok(())
        });
        Ok(builder.build())
    }
}
