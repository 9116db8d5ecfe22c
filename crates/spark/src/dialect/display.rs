//! The name Spark gives an output column that has no alias: its expression, printed Spark's way.
//! It refuses to resolve anything; it prints what was written, in Spark's normal form.

use datafusion::sql::sqlparser::ast::{
    AccessExpr, BinaryOperator, DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArguments, OrderByExpr, Subscript, UnaryOperator, Value, WindowType,
};

use super::literal::unescape;

/// Prints an expression as Spark names it.
pub(crate) fn display(expr: &Expr) -> String {
    match expr {
        Expr::Identifier(ident) => ident.value.clone(),
        Expr::CompoundIdentifier(parts) => {
            parts.last().map(|p| p.value.clone()).unwrap_or_default()
        }
        Expr::Nested(inner) => display(inner),
        Expr::Value(value) => literal(&value.value),
        Expr::BinaryOp { left, op, right } => match op {
            BinaryOperator::StringConcat => {
                format!("concat({}, {})", display(left), display(right))
            }
            _ => format!("({} {} {})", display(left), operator(op), display(right)),
        },
        Expr::UnaryOp { op, expr } => match op {
            UnaryOperator::Not | UnaryOperator::BangNot => format!("(NOT {})", display(expr)),
            UnaryOperator::Minus if matches!(**expr, Expr::Value(_)) => {
                format!("-{}", display(expr))
            }
            UnaryOperator::Minus => format!("(- {})", display(expr)),
            UnaryOperator::Plus => format!("(+ {})", display(expr)),
            op => format!("{op}{}", display(expr)),
        },
        Expr::IsNull(e) => format!("({} IS NULL)", display(e)),
        Expr::IsNotNull(e) => format!("({} IS NOT NULL)", display(e)),
        Expr::IsTrue(e) => format!("({} IS TRUE)", display(e)),
        Expr::IsFalse(e) => format!("({} IS FALSE)", display(e)),
        Expr::InList {
            expr,
            list,
            negated,
        } => not(
            *negated,
            format!("({} IN ({}))", display(expr), displays(list)),
        ),
        Expr::InSubquery { expr, negated, .. } => {
            not(*negated, format!("({} IN (listquery()))", display(expr)))
        }
        Expr::Between {
            expr,
            negated,
            low,
            high,
        } => not(
            *negated,
            format!(
                "between({}, {}, {})",
                display(expr),
                display(low),
                display(high)
            ),
        ),
        Expr::Like {
            negated,
            expr,
            pattern,
            ..
        } => not(
            *negated,
            format!("{} LIKE {}", display(expr), display(pattern)),
        ),
        Expr::ILike {
            negated,
            expr,
            pattern,
            ..
        } => not(
            *negated,
            format!("ilike({}, {})", display(expr), display(pattern)),
        ),
        Expr::RLike {
            negated,
            expr,
            pattern,
            ..
        } => not(
            *negated,
            format!("RLIKE({}, {})", display(expr), display(pattern)),
        ),
        Expr::Cast {
            expr, data_type, ..
        } => format!(
            "CAST({} AS {})",
            display(expr),
            data_type.to_string().to_uppercase()
        ),
        Expr::Function(function) => call(function),
        Expr::Substring {
            expr,
            substring_from,
            substring_for,
            shorthand,
            ..
        } => {
            let name = if *shorthand { "substr" } else { "substring" };
            let part = |e: &Option<Box<Expr>>, default: &str| {
                e.as_ref()
                    .map_or_else(|| default.to_owned(), |e| display(e))
            };
            format!(
                "{name}({}, {}, {})",
                display(expr),
                part(substring_from, "1"),
                part(substring_for, "2147483647")
            )
        }
        Expr::Trim {
            trim_where: None,
            trim_what: None,
            trim_characters: None,
            expr,
        } => format!("trim({})", display(expr)),
        Expr::Extract { field, expr, .. } => format!("extract({field} FROM {})", display(expr)),
        Expr::Ceil { expr, .. } => format!("CEIL({})", display(expr)),
        Expr::Floor { expr, .. } => format!("FLOOR({})", display(expr)),
        Expr::Position { expr, r#in } => format!("position({}, {})", display(expr), display(r#in)),
        Expr::CompoundFieldAccess { root, access_chain } => {
            let mut text = display(root);
            for access in access_chain {
                match access {
                    AccessExpr::Dot(e) => text = display(e),
                    AccessExpr::Subscript(Subscript::Index { index }) => {
                        text = format!("{text}[{}]", display(index))
                    }
                    AccessExpr::Subscript(other) => text = format!("{text}[{other}]"),
                }
            }
            text
        }
        Expr::Case {
            operand,
            conditions,
            else_result,
            ..
        } => {
            let mut text = "CASE".to_owned();
            for when in conditions {
                let condition = match operand {
                    Some(operand) => {
                        format!("({} = {})", display(operand), display(&when.condition))
                    }
                    None => display(&when.condition),
                };
                text += &format!(" WHEN {condition} THEN {}", display(&when.result));
            }
            if let Some(result) = else_result {
                text += &format!(" ELSE {}", display(result));
            }
            text + " END"
        }
        Expr::Subquery(_) => "scalarsubquery()".to_owned(),
        Expr::Exists { negated, .. } => not(*negated, "exists()".to_owned()),
        other => other.to_string(),
    }
}

fn displays(list: &[Expr]) -> String {
    list.iter().map(display).collect::<Vec<_>>().join(", ")
}

fn not(negated: bool, text: String) -> String {
    if negated {
        format!("(NOT {text})")
    } else {
        text
    }
}

fn operator(op: &BinaryOperator) -> String {
    match op {
        BinaryOperator::NotEq => "!=".to_owned(),
        BinaryOperator::MyIntegerDivide => "div".to_owned(),
        op => op.to_string(),
    }
}

fn literal(value: &Value) -> String {
    match value {
        Value::SingleQuotedString(s) => unescape(s, '\''),
        Value::DoubleQuotedString(s) => unescape(s, '"'),
        Value::Boolean(b) => b.to_string(),
        Value::Null => "NULL".to_owned(),
        Value::Number(n, _) => n.clone(),
        other => other.to_string(),
    }
}

fn call(function: &Function) -> String {
    let name = function.name.to_string().to_lowercase().replace('`', "");
    let mut distinct = false;
    let mut args: Vec<String> = match &function.args {
        FunctionArguments::List(list) => {
            distinct = list.duplicate_treatment == Some(DuplicateTreatment::Distinct);
            list.args.iter().map(|arg| argument(arg, &name)).collect()
        }
        _ => Vec::new(),
    };
    match (name.as_str(), args.len()) {
        ("split", 2) => args.push("-1".to_owned()),
        ("substring" | "substr", 2) => args.push("2147483647".to_owned()),
        ("regexp_extract", 2) => args.push("1".to_owned()),
        ("regexp_replace", 3) => args.push("1".to_owned()),
        _ => {}
    }
    let args = args.join(", ");
    let mut text = match name.as_str() {
        "if" => format!("(IF({args}))"),
        "rlike" | "regexp" | "regexp_like" => format!("{}({args})", name.to_uppercase()),
        _ if distinct => format!("{name}(DISTINCT {args})"),
        _ => format!("{name}({args})"),
    };
    if let Some(filter) = &function.filter {
        text += &format!(" FILTER (WHERE {})", display(filter));
    }
    match &function.over {
        Some(WindowType::NamedWindow(name)) => text += &format!(" OVER {}", name.value),
        Some(WindowType::WindowSpec(spec)) => {
            let mut parts = Vec::new();
            if !spec.partition_by.is_empty() {
                parts.push(format!("PARTITION BY {}", displays(&spec.partition_by)));
            }
            if !spec.order_by.is_empty() {
                let items: Vec<String> = spec.order_by.iter().map(order).collect();
                parts.push(format!("ORDER BY {}", items.join(", ")));
            }
            parts.push(match &spec.window_frame {
                Some(frame) => {
                    let end = frame
                        .end_bound
                        .as_ref()
                        .map_or_else(|| "CURRENT ROW".to_owned(), ToString::to_string);
                    format!("{} BETWEEN {} AND {end}", frame.units, frame.start_bound)
                }
                None if matches!(
                    name.as_str(),
                    "row_number" | "rank" | "dense_rank" | "ntile" | "percent_rank" | "cume_dist"
                ) =>
                {
                    "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW".to_owned()
                }
                None if spec.order_by.is_empty() => {
                    "ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING".to_owned()
                }
                None => "RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW".to_owned(),
            });
            text += &format!(" OVER ({})", parts.join(" "));
        }
        None => {}
    }
    text
}

fn order(item: &OrderByExpr) -> String {
    let ascending = item.options.asc.unwrap_or(true);
    let first = item.options.nulls_first.unwrap_or(ascending);
    let direction = if ascending { "ASC" } else { "DESC" };
    let nulls = if first { "FIRST" } else { "LAST" };
    format!("{} {direction} NULLS {nulls}", display(&item.expr))
}

fn argument(arg: &FunctionArg, function: &str) -> String {
    match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => display(expr),
        FunctionArg::Unnamed(FunctionArgExpr::Wildcard) if function == "count" => "1".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::dialect::parser::parse;
    use datafusion::sql::sqlparser::ast::{SelectItem, SetExpr};

    fn name(expr: &str) -> String {
        let (_, query, _) = parse(&format!("SELECT {expr}")).unwrap();
        let SetExpr::Select(select) = *query.body else {
            panic!()
        };
        let SelectItem::UnnamedExpr(expr) = &select.projection[0] else {
            panic!()
        };
        display(expr)
    }

    #[test]
    fn names_are_sparks() {
        for (sql, spark) in [
            ("count(*)", "count(1)"),
            ("COUNT(DISTINCT Image)", "count(DISTINCT Image)"),
            ("o.`@timestamp`", "@timestamp"),
            ("lower(o.Image)", "lower(Image)"),
            ("a + 1", "(a + 1)"),
            ("a = 'x' AND b <> \"y\"", "((a = x) AND (b != y))"),
            ("split(x, ',')[0]", "split(x, ,, -1)[0]"),
            ("CAST(x AS int)", "CAST(x AS INT)"),
            (
                "CASE WHEN a THEN 1 ELSE 2 END",
                "CASE WHEN a THEN 1 ELSE 2 END",
            ),
            ("x IS NOT NULL", "(x IS NOT NULL)"),
            ("NOT x LIKE 'a%'", "(NOT x LIKE a%)"),
            ("-5", "-5"),
        ] {
            assert_eq!(name(sql), spark, "{sql}");
        }
    }
}
