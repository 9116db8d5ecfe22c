//! The table provider and its scan. The schema is what the query needs; rows come from the readers with projection and
//! filters pushed down, or from what an earlier reading of the same query kept.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Result;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchReceiverStreamBuilder;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties,
};
use telemetry::Plan;

use super::pushdown;
use super::shared::Source;

/// All events, under their raw names.
#[derive(Debug)]
pub(crate) struct EventTable {
    schema: SchemaRef,
    source: Arc<Source>,
}

impl EventTable {
    /// A table with these columns (canonical names).
    pub(crate) fn new(columns: Vec<String>, source: Arc<Source>) -> Self {
        let plan = Plan::of(columns);
        Self {
            schema: plan.schema(),
            source,
        }
    }
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
        let fields = self.schema.fields();
        let columns = match projection {
            Some(indices) => indices.iter().map(|i| fields[*i].name().clone()).collect(),
            None => fields.iter().map(|f| f.name().clone()).collect(),
        };
        let plan = Plan {
            columns,
            filter: pushdown::row_filter(filters),
            discover: false,
        };
        Ok(Arc::new(EventScan::new(plan, Arc::clone(&self.source))))
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(filters
            .iter()
            .map(|f| match pushdown::clauses(f).is_empty() {
                true => TableProviderFilterPushDown::Unsupported,
                false => TableProviderFilterPushDown::Inexact,
            })
            .collect())
    }
}

/// A reading of the event table as part of a query.
#[derive(Debug)]
pub(crate) struct EventScan {
    plan: Plan,
    source: Arc<Source>,
    properties: Arc<PlanProperties>,
}

impl EventScan {
    fn new(plan: Plan, source: Arc<Source>) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(plan.schema()),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self {
            plan,
            source,
            properties: Arc::new(properties),
        }
    }

    /// What it reads.
    pub(crate) fn plan(&self) -> &Plan {
        &self.plan
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
        let mut builder = RecordBatchReceiverStreamBuilder::new(self.plan.schema(), 2);
        let (tx, plan, source) = (builder.tx(), self.plan.clone(), Arc::clone(&self.source));
        builder.spawn_blocking(move || {
            // A closed channel is a consumer that has enough.
            if let Some(kept) = source.kept(&plan) {
                for batch in kept.batches(&plan) {
                    if tx.blocking_send(Ok(batch)).is_err() {
                        return Ok(());
                    }
                }
                return Ok(());
            }
            let mut scan = source.scan(plan.clone());
            for batch in &mut scan {
                if tx.blocking_send(Ok(batch)).is_err() {
                    break;
                }
            }
            source.finished(&scan, &plan);
            Ok(())
        });
        Ok(builder.build())
    }
}
