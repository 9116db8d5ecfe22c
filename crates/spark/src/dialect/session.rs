//! The engine set up to answer Spark SQL: our functions, operators and coercions, and nothing that reaches outside.
//! It registers no tables; it knows no files.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::execution::{SessionState, SessionStateBuilder};
use datafusion::optimizer::{Analyzer, Optimizer, OptimizerRule};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};
use datafusion::prelude::{SessionConfig, SessionContext};

use super::coerce::SparkCoercion;
use super::operators::SparkOperators;
use crate::functions;
use crate::functions::udf::Scalar;

/// How the engine is to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionOptions {
    /// How many partitions a query is spread over. One keeps the order of the input.
    pub target_partitions: usize,
    /// Rows per batch.
    pub batch_size: usize,
}

impl Default for SessionOptions {
    fn default() -> Self {
        Self {
            target_partitions: 1,
            batch_size: 8192,
        }
    }
}

/// A session for queries that [`super::prepare`] has prepared: Spark's functions and coercions, no tables, no object stores,
/// no file formats, no information schema, no table functions. `further` are functions beside Spark's, the same that
/// [`super::Tables::functions`] gives.
pub fn session_state(options: &SessionOptions, further: &[Scalar]) -> SessionState {
    let mut config = SessionConfig::new()
        .with_target_partitions(options.target_partitions.max(1))
        .with_batch_size(options.batch_size.max(1))
        .with_information_schema(false)
        .with_create_default_catalog_and_schema(true);
    config.options_mut().sql_parser.enable_ident_normalization = true;
    // One pass settles queries of the kind people write; a second mostly finds that there is nothing left to do, and
    // planning costs more than reading a small recording.
    config.options_mut().optimizer.max_passes = 1;
    let mut analyzer = Analyzer::new();
    // Spark's coercions first: the engine's own then find types that agree.
    analyzer.rules.insert(0, Arc::new(SparkCoercion));
    SessionStateBuilder::new()
        .with_config(config)
        .with_analyzer_rules(analyzer.rules)
        .with_optimizer_rules(optimizer_rules())
        .with_physical_optimizer_rules(physical_rules())
        .with_expr_planners(vec![Arc::new(SparkOperators)])
        .with_scalar_functions(functions::scalars(further))
        .with_aggregate_functions(functions::aggregates())
        .with_window_functions(functions::windows())
        .with_table_functions(Default::default())
        .with_file_formats(Vec::new())
        .build()
}

/// The engine's rules, without the one for comparisons with ANY and ALL, which no query can hold.
fn optimizer_rules() -> Vec<Arc<dyn OptimizerRule + Send + Sync>> {
    let mut rules = Optimizer::new().rules;
    rules.retain(|r| r.name() != "rewrite_set_comparison");
    rules
}

/// The engine's rules, without those that cost planning more than they can give: what makes an operator give way to other
/// tasks (there are none), and a pushing down of projections that is done again later.
fn physical_rules() -> Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>> {
    let mut rules = PhysicalOptimizer::new().rules;
    let is = |r: &Arc<dyn PhysicalOptimizerRule + Send + Sync>, name| r.name() == name;
    rules.retain(|r| !is(r, "EnsureCooperative"));
    let twice: Vec<usize> = (0..rules.len())
        .filter(|i| is(&rules[*i], "ProjectionPushdown"))
        .collect();
    if let [first, _, ..] = twice[..] {
        rules.remove(first);
    }
    for rule in &mut rules {
        if is(rule, "EnsureRequirements") {
            *rule = Arc::new(WhereRequired(Arc::clone(rule)));
        }
    }
    rules
}

/// The rule that sorts and redistributes what operators require sorted and distributed, where any of them does.
#[derive(Debug)]
struct WhereRequired(Arc<dyn PhysicalOptimizerRule + Send + Sync>);

impl PhysicalOptimizerRule for WhereRequired {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match requires(&plan) {
            true => self.0.optimize(plan, config),
            false => Ok(plan),
        }
    }

    fn name(&self) -> &str {
        self.0.name()
    }

    fn schema_check(&self) -> bool {
        self.0.schema_check()
    }
}

/// Whether an operator requires an order of its input or gives one, or rows come in more than one partition: one alone is
/// distributed in every way.
fn requires(plan: &Arc<dyn ExecutionPlan>) -> bool {
    plan.output_partitioning().partition_count() != 1
        || plan.output_ordering().is_some()
        || plan.required_input_ordering().iter().any(Option::is_some)
        || plan.children().into_iter().any(requires)
}

/// [`session_state`] wrapped up as a context.
pub fn session_context(options: &SessionOptions, further: &[Scalar]) -> SessionContext {
    SessionContext::new_with_state(session_state(options, further))
}
