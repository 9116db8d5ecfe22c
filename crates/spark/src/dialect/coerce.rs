//! Spark's rules for mixed types where a plan is needed to know them: IN lists, IN subqueries, LIKE on what is not text,
//! and CASE. It runs before the engine's own type coercion and refuses to touch what already agrees.

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRewriter};
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::expr::{Case, InList, InSubquery, Like};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, Subquery};
use datafusion::optimizer::AnalyzerRule;

use super::operators::{Class, call, class, comparable, text_as, type_of};
use crate::functions::convert;

/// The analyzer rule for Spark's implicit casts.
#[derive(Debug, Default)]
pub(crate) struct SparkCoercion;

impl AnalyzerRule for SparkCoercion {
    fn name(&self) -> &str {
        "spark_coercion"
    }

    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(|plan| {
            let mut schema = merge_schema(&plan.inputs());
            if let LogicalPlan::TableScan(scan) = &plan {
                schema.merge(&DFSchema::try_from_qualified_schema(
                    scan.table_name.clone(),
                    &scan.source.schema(),
                )?);
            }
            let names = NamePreserver::new(&plan);
            let mut changed = false;
            let plan = plan.map_expressions(|expr| {
                let name = names.save(&expr);
                let result = expr.rewrite(&mut Rewriter { schema: &schema })?;
                changed |= result.transformed;
                Ok(result.update_data(|e| name.restore(e)))
            })?;
            if changed {
                plan.map_data(LogicalPlan::recompute_schema)
            } else {
                Ok(plan)
            }
        })
        .map(|t| t.data)
    }
}

struct Rewriter<'s> {
    schema: &'s DFSchema,
}

impl TreeNodeRewriter for Rewriter<'_> {
    type Node = Expr;

    fn f_up(&mut self, expr: Expr) -> Result<Transformed<Expr>> {
        let schema = self.schema;
        Ok(match expr {
            Expr::InList(list) => in_list(list, schema),
            Expr::InSubquery(sub) => in_subquery(sub, schema)?,
            Expr::Like(like) => match type_of(&like.expr, schema).map(|t| class(&t)) {
                Some(Class::Text | Class::Null) | None => Transformed::no(Expr::Like(like)),
                Some(_) => {
                    let text = call("cast_string", *like.expr);
                    Transformed::yes(Expr::Like(Like {
                        expr: Box::new(text),
                        ..like
                    }))
                }
            },
            Expr::Case(case) => results(case, schema),
            other => Transformed::no(other),
        })
    }
}

/// `x IN (...)` is `x = a OR x = b ...`: each item is compared as `=` would compare it.
fn in_list(list: InList, schema: &DFSchema) -> Transformed<Expr> {
    let Some(own) = type_of(&list.expr, schema) else {
        return Transformed::no(Expr::InList(list));
    };
    let types: Vec<Option<_>> = list.list.iter().map(|e| type_of(e, schema)).collect();
    let text = |t: &Option<_>| t.as_ref().is_some_and(|t| matches!(class(t), Class::Text));
    let neutral = |t: &Option<_>| {
        t.as_ref()
            .is_none_or(|t| matches!(class(t), Class::Null | Class::Other))
    };
    if class(&own) != Class::Text {
        if !types.iter().any(text) {
            return Transformed::no(Expr::InList(list));
        }
        let items = list
            .list
            .into_iter()
            .zip(&types)
            .map(|(e, t)| if text(t) { text_as(e, &own) } else { e })
            .collect();
        return Transformed::yes(Expr::InList(InList {
            list: items,
            ..list
        }));
    }
    if types.iter().all(|t| text(t) || neutral(t)) {
        return Transformed::no(Expr::InList(list));
    }
    // Text among numbers: the items of each type form a list of their own.
    let mut groups: Vec<(Expr, Vec<Expr>)> = Vec::new();
    for (item, t) in list.list.into_iter().zip(&types) {
        let (value, item) = match t {
            Some(t) if !text(&Some(t.clone())) => comparable((*list.expr).clone(), &own, item, t),
            _ => ((*list.expr).clone(), item),
        };
        match groups.iter_mut().find(|(v, _)| *v == value) {
            Some((_, items)) => items.push(item),
            None => groups.push((value, vec![item])),
        }
    }
    let any = groups
        .into_iter()
        .map(|(value, items)| {
            Expr::InList(InList {
                expr: Box::new(value),
                list: items,
                negated: false,
            })
        })
        .reduce(Expr::or);
    match any {
        Some(any) if list.negated => Transformed::yes(Expr::Not(Box::new(any))),
        Some(any) => Transformed::yes(any),
        None => Transformed::no(Expr::InList(InList {
            list: Vec::new(),
            ..list
        })),
    }
}

fn in_subquery(sub: InSubquery, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let plan = sub.subquery.subquery.as_ref();
    let [field] = plan.schema().fields().as_ref() else {
        return Ok(Transformed::no(Expr::InSubquery(sub)));
    };
    let Some(own) = type_of(&sub.expr, schema) else {
        return Ok(Transformed::no(Expr::InSubquery(sub)));
    };
    let theirs = field.data_type().clone();
    let column = Expr::Column(plan.schema().columns().swap_remove(0));
    let (left, right) = comparable((*sub.expr).clone(), &own, column.clone(), &theirs);
    if left == *sub.expr && right == column {
        return Ok(Transformed::no(Expr::InSubquery(sub)));
    }
    let subquery = if right == column {
        sub.subquery
    } else {
        let name = field.name().clone();
        let plan = LogicalPlanBuilder::from(plan.clone())
            .project(vec![right.alias(name)])?
            .build()?;
        Subquery {
            subquery: Arc::new(plan),
            ..sub.subquery
        }
    };
    Ok(Transformed::yes(Expr::InSubquery(InSubquery {
        expr: Box::new(left),
        subquery,
        negated: sub.negated,
    })))
}

/// The results of a CASE become one type; where one is text, all are.
fn results(mut case: Case, schema: &DFSchema) -> Transformed<Expr> {
    let types: Vec<_> = case
        .when_then_expr
        .iter()
        .map(|(_, then)| then)
        .chain(case.else_expr.as_ref())
        .filter_map(|e| type_of(e, schema))
        .collect();
    let texts = types.iter().filter(|t| class(t) == Class::Text).count();
    let nulls = types.iter().filter(|t| class(t) == Class::Null).count();
    if texts == 0 || texts + nulls == types.len() || convert::common_type(&types).is_none() {
        return Transformed::no(Expr::Case(case));
    }
    let as_text = |e: &mut Box<Expr>| {
        if type_of(e, schema).is_some_and(|t| !matches!(class(&t), Class::Text | Class::Null)) {
            **e = call("cast_string", (**e).clone());
        }
    };
    case.when_then_expr
        .iter_mut()
        .for_each(|(_, then)| as_text(then));
    case.else_expr.iter_mut().for_each(as_text);
    Transformed::yes(Expr::Case(case))
}
