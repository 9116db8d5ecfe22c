//! Function calls: which functions a query may use, and the form the engine knows each of them in.
//! It refuses every name the crate does not vouch for; what a function computes is the business of `functions`.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::helpers::attached_token::AttachedToken;
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, CaseWhen, DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArgumentClause, FunctionArgumentList, FunctionArguments, Ident, NullTreatment,
    ObjectName, ObjectNamePart, OrderByExpr, OrderByOptions, UnaryOperator, Value, WindowSpec,
    WindowType, visit_expressions,
};

use super::error::{Position, SqlError, SqlErrorKind, nearest};
use super::missing;
use super::resolve::Resolver;
use super::scope::{Scope, quoted};
use crate::functions::{self, Kind};

/// A call of one of the engine's functions.
pub(crate) fn function(name: &str, args: Vec<Expr>) -> Expr {
    Expr::Function(Function {
        name: ObjectName(vec![ObjectNamePart::Identifier(Ident::new(name))]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: arguments(args, None),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

fn arguments(
    args: Vec<Expr>,
    duplicate_treatment: Option<DuplicateTreatment>,
) -> FunctionArguments {
    FunctionArguments::List(FunctionArgumentList {
        duplicate_treatment,
        args: args
            .into_iter()
            .map(|e| FunctionArg::Unnamed(FunctionArgExpr::Expr(e)))
            .collect(),
        clauses: Vec::new(),
    })
}

pub(crate) fn binary(left: Expr, op: BinaryOperator, right: Expr) -> Expr {
    Expr::BinaryOp {
        left: Box::new(left),
        op,
        right: Box::new(right),
    }
}

pub(crate) fn not(expr: Expr) -> Expr {
    Expr::UnaryOp {
        op: UnaryOperator::Not,
        expr: Box::new(expr),
    }
}

pub(crate) fn text(value: &str) -> Expr {
    Expr::value(Value::SingleQuotedString(value.to_owned()))
}

pub(crate) fn number(value: i64) -> Expr {
    Expr::value(Value::Number(value.to_string(), false))
}

pub(crate) fn boolean(value: bool) -> Expr {
    Expr::value(Value::Boolean(value))
}

pub(crate) fn null() -> Expr {
    Expr::value(Value::Null)
}

fn case(condition: Expr, then: Expr, otherwise: Expr) -> Expr {
    Expr::Case {
        case_token: AttachedToken::empty(),
        end_token: AttachedToken::empty(),
        operand: None,
        conditions: vec![CaseWhen {
            condition,
            result: then,
        }],
        else_result: Some(Box::new(otherwise)),
    }
}

/// A field of a time. All but the seconds, which have a fraction, are whole numbers.
pub(crate) fn date_part(field: &str, time: Expr) -> Expr {
    let field = field.to_lowercase();
    let fraction = matches!(field.as_str(), "second" | "s" | "sec" | "seconds" | "secs");
    let part = function("date_part", vec![text(&field), time]);
    if fraction {
        part
    } else {
        function("cast_int", vec![part])
    }
}

/// Whether an expression holds an aggregate outside a window.
pub(crate) fn has_aggregate(expr: &Expr) -> bool {
    visit_expressions(expr, |e| match e {
        Expr::Function(f)
            if f.over.is_none() && functions::is_engine_aggregate(&f.name.to_string()) =>
        {
            ControlFlow::Break(())
        }
        _ => ControlFlow::Continue(()),
    })
    .is_break()
}

/// Whether an expression has another as a part.
pub(crate) fn contains(expr: &Expr, part: &Expr) -> bool {
    visit_expressions(expr, |e| {
        if e == part {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })
    .is_break()
}

/// Calls `seen` with the relation of every resolved column.
pub(crate) fn each_column(expr: &Expr, seen: &mut dyn FnMut(&str)) {
    let _: ControlFlow<()> = visit_expressions(expr, |e| {
        if let Expr::CompoundIdentifier(parts) = e
            && let [relation, _] = parts.as_slice()
        {
            seen(&relation.value);
        }
        ControlFlow::Continue(())
    });
}

/// A function that makes rows out of an array.
#[derive(Debug, Clone)]
pub(crate) struct Generator {
    pub name: String,
    pub array: Expr,
    pub outer: bool,
    positions: bool,
}

impl Generator {
    /// The generator an expression calls, if it calls one.
    pub fn of(expr: &Expr) -> Option<Result<Self, SqlError>> {
        let Expr::Function(call) = expr else {
            return None;
        };
        let name = call.name.to_string().to_lowercase();
        let (positions, outer) = match name.as_str() {
            "explode" => (false, false),
            "explode_outer" => (false, true),
            "posexplode" => (true, false),
            "posexplode_outer" => (true, true),
            "inline" | "inline_outer" | "stack" | "json_tuple" => {
                return Some(Err(SqlErrorKind::unsupported_but(
                    format!("the generator {name}"),
                    "explode and posexplode are; get_json_object reads one field of a JSON text",
                )
                .at(None)));
            }
            _ => return None,
        };
        let args = plain_args(&call.args).filter(|args| args.len() == 1);
        Some(match args.and_then(|mut args| args.pop()) {
            Some(array) => Ok(Self {
                name,
                array,
                outer,
                positions,
            }),
            None => Err(SqlErrorKind::Misuse(format!("{name} takes one array")).at(None)),
        })
    }

    /// The names of its columns where the query gives none.
    pub fn default_names(&self) -> &'static [&'static str] {
        if self.positions {
            &["pos", "col"]
        } else {
            &["col"]
        }
    }

    /// The select items that make its rows.
    pub fn items(&self, array: Expr) -> Vec<Expr> {
        let array = function("to_array", vec![array]);
        let rows = |e: Expr| {
            let e = if self.outer {
                function("outer_array", vec![e])
            } else {
                e
            };
            function("unnest", vec![e])
        };
        let mut items = Vec::new();
        if self.positions {
            items.push(rows(function("array_positions_of", vec![array.clone()])));
        }
        items.push(rows(array));
        items
    }
}

pub(crate) fn plain_args(args: &FunctionArguments) -> Option<Vec<Expr>> {
    match args {
        FunctionArguments::None => Some(Vec::new()),
        FunctionArguments::Subquery(_) => None,
        FunctionArguments::List(list) => list
            .args
            .iter()
            .map(|arg| match arg {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(e)) => Some(e.clone()),
                FunctionArg::Unnamed(FunctionArgExpr::Wildcard) => Some(number(1)),
                _ => None,
            })
            .collect(),
    }
}

impl Resolver<'_> {
    /// Resolves a call: arguments first, then the function.
    pub fn call(
        &mut self,
        call: Function,
        scope: &Scope<'_>,
        at: Option<Position>,
    ) -> Result<Expr, SqlError> {
        let written = call.name.to_string().replace('`', "");
        let name = written.to_lowercase();
        let misuse = |message: String| SqlErrorKind::Misuse(message).at(at);
        if !call.within_group.is_empty() || !matches!(call.parameters, FunctionArguments::None) {
            return Err(SqlErrorKind::unsupported(format!("this form of {name}")).at(at));
        }
        if let Some(call) = self.unit_call(&name, &call.args, scope)? {
            return Ok(call);
        }
        if !functions::is_known(&name, self.functions())
            && Generator::of(&function(&name, vec![null()])).is_none()
        {
            if let Some(hint) = missing::hint(&name) {
                return Err(
                    SqlErrorKind::unsupported_but(format!("the function {name}"), hint).at(at),
                );
            }
            return Err(SqlErrorKind::UnknownFunction {
                nearest: nearest(&name, functions::names(self.functions())),
                name: written,
            }
            .at(at));
        }
        let Some(args) = plain_args(&call.args) else {
            return Err(misuse(format!("{name} takes plain expressions")));
        };
        let args = args
            .into_iter()
            .map(|e| self.expr(e, scope))
            .collect::<Result<Vec<_>, _>>()?;
        let mut distinct = false;
        let mut null_treatment = call.null_treatment;
        if let FunctionArguments::List(list) = &call.args {
            distinct = list.duplicate_treatment == Some(DuplicateTreatment::Distinct);
            for clause in &list.clauses {
                match clause {
                    FunctionArgumentClause::IgnoreOrRespectNulls(nulls) => {
                        null_treatment = Some(*nulls)
                    }
                    other => {
                        return Err(SqlErrorKind::unsupported(format!("{other} in {name}")).at(at));
                    }
                }
            }
        }
        let over = call.over.map(|over| self.over(over, scope)).transpose()?;
        let filter = call.filter.map(|f| self.expr(*f, scope)).transpose()?;
        match functions::kind(&name, self.functions()) {
            Some(Kind::Aggregate) => {
                let call = Aggregate {
                    name,
                    args,
                    distinct,
                    filter,
                    null_treatment,
                    over,
                };
                return call.build(at);
            }
            Some(Kind::Window) => {
                let Some(over) = over else {
                    return Err(misuse(format!("{name} needs an OVER (...)")));
                };
                let call = engine_call(&name, args, false, filter, null_treatment, Some(over));
                // The engine counts without a sign; Spark's positions are plain integers.
                let counts = matches!(
                    name.as_str(),
                    "row_number" | "rank" | "dense_rank" | "ntile"
                );
                return Ok(if counts {
                    function("cast_int", vec![call])
                } else {
                    call
                });
            }
            _ => {}
        }
        if distinct || filter.is_some() || over.is_some() || null_treatment.is_some() {
            return Err(misuse(format!(
                "{name} is not an aggregate: DISTINCT, FILTER and OVER have no meaning for it"
            )));
        }
        let count = args.len();
        let mut next = args.into_iter();
        let mut take = || next.next().unwrap_or_else(null);
        match (name.as_str(), count) {
            ("if" | "iff", 3) => Ok(case(take(), take(), take())),
            ("nvl2", 3) => {
                let condition = Expr::IsNotNull(Box::new(take()));
                Ok(case(condition, take(), take()))
            }
            ("nullif", 2) => {
                let (a, b) = (take(), take());
                Ok(case(binary(a.clone(), BinaryOperator::Eq, b), null(), a))
            }
            ("isnull", 1) => Ok(Expr::IsNull(Box::new(take()))),
            ("isnotnull", 1) => Ok(Expr::IsNotNull(Box::new(take()))),
            ("not", 1) => Ok(not(take())),
            ("equal_null", 2) => Ok(binary(take(), BinaryOperator::Spaceship, take())),
            ("zeroifnull", 1) => Ok(function("coalesce", vec![take(), number(0)])),
            ("nullifzero", 1) => {
                let value = take();
                let zero = binary(value.clone(), BinaryOperator::Eq, number(0));
                Ok(case(zero, null(), value))
            }
            ("date_part" | "datepart", 2) => {
                let (field, time) = (take(), take());
                Ok(match super::expr::text_of(&field) {
                    Some(field) => date_part(&field, time),
                    None => function("date_part", vec![field, time]),
                })
            }
            ("current_timestamp" | "now", 0) => Ok(function("now", Vec::new())),
            ("current_date" | "curdate", 0) => {
                Ok(function("cast_date", vec![function("now", Vec::new())]))
            }
            ("decode", 3..) => {
                let value = take();
                let rest: Vec<Expr> = next.collect();
                let mut pairs = rest.chunks_exact(2);
                let conditions: Vec<CaseWhen> = pairs
                    .by_ref()
                    .map(|pair| CaseWhen {
                        condition: binary(
                            value.clone(),
                            BinaryOperator::Spaceship,
                            pair[0].clone(),
                        ),
                        result: pair[1].clone(),
                    })
                    .collect();
                let default = pairs.remainder().first().cloned().unwrap_or_else(null);
                Ok(Expr::Case {
                    case_token: AttachedToken::empty(),
                    end_token: AttachedToken::empty(),
                    operand: None,
                    conditions,
                    else_result: Some(Box::new(default)),
                })
            }
            _ => match functions::scalar(&name, self.functions()) {
                Some(spec) => {
                    if !spec.takes(count) {
                        return Err(misuse(format!(
                            "{name} takes {}, not {count}",
                            spec.arity()
                        )));
                    }
                    Ok(function(spec.engine_name(), next.collect()))
                }
                None if Generator::of(&function(&name, vec![null()])).is_some() => {
                    Err(SqlErrorKind::unsupported_but(
                        format!("{name} inside an expression"),
                        "call it alone in the select list or in a LATERAL VIEW",
                    )
                    .at(at))
                }
                None => Err(misuse(format!("{name} does not take {count} arguments"))),
            },
        }
    }

    fn over(&mut self, over: WindowType, scope: &Scope<'_>) -> Result<WindowType, SqlError> {
        Ok(match over {
            WindowType::NamedWindow(name) => {
                WindowType::NamedWindow(quoted(&name.value.to_lowercase()))
            }
            WindowType::WindowSpec(spec) => WindowType::WindowSpec(self.window_spec(spec, scope)?),
        })
    }

    pub fn window_spec(
        &mut self,
        spec: WindowSpec,
        scope: &Scope<'_>,
    ) -> Result<WindowSpec, SqlError> {
        Ok(WindowSpec {
            window_name: spec.window_name.map(|n| quoted(&n.value.to_lowercase())),
            partition_by: spec
                .partition_by
                .into_iter()
                .map(|e| self.expr(e, scope))
                .collect::<Result<_, _>>()?,
            order_by: self.order_items(spec.order_by, scope)?,
            window_frame: spec.window_frame,
        })
    }
}

struct Aggregate {
    name: String,
    args: Vec<Expr>,
    distinct: bool,
    filter: Option<Expr>,
    null_treatment: Option<NullTreatment>,
    over: Option<WindowType>,
}

impl Aggregate {
    fn build(mut self, at: Option<Position>) -> Result<Expr, SqlError> {
        let name = self.name.clone();
        let count = self.args.len();
        let wrap = |e: Expr, with: &str| function(with, vec![e]);
        let spec = functions::aggregate(&name);
        let Some(spec) = spec.filter(|s| s.takes(count)) else {
            let arity = spec.map(|s| s.arity()).unwrap_or_default();
            return Err(SqlErrorKind::Misuse(format!("{name} takes {arity}, not {count}")).at(at));
        };
        let mut engine = spec.engine_name();
        match name.as_str() {
            "count" if count > 1 => {
                self.args = vec![function("row_key", std::mem::take(&mut self.args))]
            }
            "approx_count_distinct" => {
                // The exact count is within any error the caller allows.
                self.args.truncate(1);
                self.distinct = true;
                engine = "count";
            }
            "count_if" => {
                let condition = std::mem::replace(&mut self.args[0], null());
                self.args = vec![case(condition, number(1), null())];
            }
            "sum" | "avg" | "mean" | "stddev" | "stddev_samp" | "std" | "stddev_pop"
            | "variance" | "var_samp" | "var_pop" | "corr" | "covar_pop" | "covar_samp"
            | "median" => {
                self.args = std::mem::take(&mut self.args)
                    .into_iter()
                    .map(|e| wrap(e, "numeric"))
                    .collect();
            }
            "max_by" | "min_by" => {
                let by = self.args.pop().unwrap_or_else(null);
                return Ok(extreme_by(self, by, name == "min_by"));
            }
            "percentile_approx" | "approx_percentile" | "percentile" => {
                let value = std::mem::replace(&mut self.args[0], null());
                self.args[0] = wrap(value, "numeric");
            }
            "min" | "max" | "first" | "first_value" | "last" | "last_value" | "any_value"
            | "collect_list" | "array_agg" | "collect_set" => {
                self.args = std::mem::take(&mut self.args)
                    .into_iter()
                    .map(|e| wrap(e, "plain"))
                    .collect();
                if matches!(
                    name.as_str(),
                    "first" | "first_value" | "last" | "last_value" | "any_value"
                ) && count == 2
                {
                    match self.args.pop() {
                        Some(flag) if flag.to_string().contains("true") => {
                            self.null_treatment = Some(NullTreatment::IgnoreNulls)
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
        if self.distinct
            && !matches!(
                name.as_str(),
                "count"
                    | "approx_count_distinct"
                    | "sum"
                    | "avg"
                    | "mean"
                    | "min"
                    | "max"
                    | "collect_list"
                    | "array_agg"
                    | "collect_set"
            )
        {
            return Err(SqlErrorKind::unsupported(format!("DISTINCT in {name}")).at(at));
        }
        Ok(engine_call(
            engine,
            self.args,
            self.distinct,
            self.filter,
            self.null_treatment,
            self.over,
        ))
    }
}

/// The value where `by` is least or greatest: the first in that order, rows without a `by` left out.
fn extreme_by(call: Aggregate, by: Expr, least: bool) -> Expr {
    let known = Expr::IsNotNull(Box::new(by.clone()));
    let filter = match call.filter {
        Some(filter) => binary(Expr::Nested(Box::new(filter)), BinaryOperator::And, known),
        None => known,
    };
    let mut first = engine_call(
        "first_value",
        call.args,
        false,
        Some(filter),
        None,
        call.over,
    );
    if let Expr::Function(Function {
        args: FunctionArguments::List(list),
        ..
    }) = &mut first
    {
        list.clauses
            .push(FunctionArgumentClause::OrderBy(vec![OrderByExpr {
                expr: by,
                options: OrderByOptions {
                    asc: Some(least),
                    nulls_first: Some(false),
                },
                with_fill: None,
            }]));
    }
    first
}

fn engine_call(
    name: &str,
    args: Vec<Expr>,
    distinct: bool,
    filter: Option<Expr>,
    null_treatment: Option<NullTreatment>,
    over: Option<WindowType>,
) -> Expr {
    Expr::Function(Function {
        name: ObjectName(vec![ObjectNamePart::Identifier(Ident::new(name))]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: arguments(args, distinct.then_some(DuplicateTreatment::Distinct)),
        filter: filter.map(Box::new),
        null_treatment,
        over,
        within_group: Vec::new(),
    })
}
