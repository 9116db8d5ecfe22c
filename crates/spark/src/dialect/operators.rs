//! What Spark's operators mean for operands of different types: text meets numbers as a number, times as a time.
//! It decides while the query is planned, so that what reaches the table is a plain comparison of a column with a literal.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, Operator};
use datafusion::sql::sqlparser::ast::BinaryOperator;

use crate::functions::{self, convert};

/// The column of a record's time.
const TIME: &str = "timecreated";

/// The types an operator tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Text,
    Whole,
    Fractional,
    Boolean,
    Timestamp,
    Date,
    Interval,
    Null,
    Other,
}

pub(crate) fn class(data_type: &DataType) -> Class {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Class::Text,
        DataType::Dictionary(_, value) => class(value),
        t if t.is_integer() => Class::Whole,
        t if t.is_numeric() => Class::Fractional,
        DataType::Boolean => Class::Boolean,
        DataType::Timestamp(..) => Class::Timestamp,
        DataType::Date32 | DataType::Date64 => Class::Date,
        DataType::Interval(_) | DataType::Duration(_) => Class::Interval,
        DataType::Null => Class::Null,
        _ => Class::Other,
    }
}

/// The type Spark gives an expression; differs from the engine's for a CASE of mixed results.
pub(crate) fn type_of(expr: &Expr, schema: &DFSchema) -> Option<DataType> {
    if let Expr::Case(case) = expr {
        let results = case
            .when_then_expr
            .iter()
            .map(|(_, then)| then)
            .chain(case.else_expr.as_ref());
        let types: Option<Vec<DataType>> = results.map(|e| type_of(e, schema)).collect();
        return convert::common_type(&types?);
    }
    expr.get_type(schema).ok()
}

#[derive(Debug)]
pub(crate) struct SparkOperators;

impl ExprPlanner for SparkOperators {
    fn plan_binary_op(
        &self,
        expr: RawBinaryExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawBinaryExpr>> {
        let RawBinaryExpr { op, left, right } = expr;
        let operator = match op {
            BinaryOperator::Eq => Operator::Eq,
            BinaryOperator::NotEq => Operator::NotEq,
            BinaryOperator::Lt => Operator::Lt,
            BinaryOperator::LtEq => Operator::LtEq,
            BinaryOperator::Gt => Operator::Gt,
            BinaryOperator::GtEq => Operator::GtEq,
            BinaryOperator::Spaceship => Operator::IsNotDistinctFrom,
            BinaryOperator::Plus => Operator::Plus,
            BinaryOperator::Minus => Operator::Minus,
            BinaryOperator::Multiply => Operator::Multiply,
            BinaryOperator::BitwiseAnd => Operator::BitwiseAnd,
            BinaryOperator::BitwiseOr => Operator::BitwiseOr,
            BinaryOperator::BitwiseXor => Operator::BitwiseXor,
            _ => return Ok(PlannerResult::Original(RawBinaryExpr { op, left, right })),
        };
        let (Some(lt), Some(rt)) = (type_of(&left, schema), type_of(&right, schema)) else {
            return Ok(PlannerResult::Original(RawBinaryExpr { op, left, right }));
        };
        let (left, right) = if operator.supports_propagation()
            || operator == Operator::IsNotDistinctFrom
            || operator == Operator::NotEq
        {
            comparable(left, &lt, right, &rt)
        } else if matches!(
            operator,
            Operator::Plus | Operator::Minus | Operator::Multiply
        ) {
            (operand(left, &lt, &rt), operand(right, &rt, &lt))
        } else {
            (bits(left, &lt), bits(right, &rt))
        };
        Ok(PlannerResult::Planned(Expr::BinaryExpr(BinaryExpr::new(
            Box::new(left),
            operator,
            Box::new(right),
        ))))
    }
}

/// Two expressions in a form in which comparing them means what Spark means.
pub(crate) fn comparable(left: Expr, lt: &DataType, right: Expr, rt: &DataType) -> (Expr, Expr) {
    match (class(lt), class(rt)) {
        (Class::Text, Class::Text) => (left, right),
        (Class::Timestamp, Class::Text) if is_recorded(&left) && is_no_date(&right) => {
            (as_recorded(left), right)
        }
        (Class::Text, Class::Timestamp) if is_recorded(&right) && is_no_date(&left) => {
            (left, as_recorded(right))
        }
        (Class::Text, _) => (text_as(left, rt), right),
        (_, Class::Text) => {
            let right = text_as(right, lt);
            (left, right)
        }
        (Class::Boolean, Class::Whole | Class::Fractional) => (call("cast_bigint", left), right),
        (Class::Whole | Class::Fractional, Class::Boolean) => (left, call("cast_bigint", right)),
        (Class::Date, Class::Timestamp) => (call("cast_timestamp", left), right),
        (Class::Timestamp, Class::Date) => (left, call("cast_timestamp", right)),
        _ => (left, right),
    }
}

/// Whether this is the time of a record's header: a text in the files that Spark reads, whatever it is here.
fn is_recorded(expr: &Expr) -> bool {
    matches!(expr, Expr::Column(column) if column.name == TIME)
}

/// Whether this is a text that Spark cannot take for a date, such as `2019-03-00`.
fn is_no_date(expr: &Expr) -> bool {
    literal_text(expr).is_some_and(|text| convert::timestamp(text).is_none())
}

/// The time of a record as the published recordings spell it.
fn as_recorded(time: Expr) -> Expr {
    let form = literal(ScalarValue::from("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'"));
    functions::engine("date_format").call(vec![time, form])
}

/// A text expression as the type it is compared with. A literal is converted here and now.
pub(crate) fn text_as(text: Expr, other: &DataType) -> Expr {
    let name = match class(other) {
        Class::Whole => "cast_bigint",
        Class::Fractional => "cast_double",
        Class::Boolean => "cast_boolean",
        Class::Timestamp => "cast_timestamp",
        Class::Date => "cast_date",
        _ => return text,
    };
    match literal_text(&text) {
        Some(value) => literal(match class(other) {
            Class::Whole => ScalarValue::Int64(convert::whole(value)),
            Class::Fractional => ScalarValue::Float64(convert::fractional(value)),
            Class::Boolean => ScalarValue::Boolean(convert::boolean(value)),
            Class::Date => ScalarValue::Date32(convert::date(value)),
            _ => {
                let zone = match other {
                    DataType::Timestamp(TimeUnit::Microsecond, zone) => zone.clone(),
                    _ => Some(Arc::from("UTC")),
                };
                ScalarValue::TimestampMicrosecond(convert::timestamp(value), zone)
            }
        }),
        None => call(name, text),
    }
}

/// An operand of `+`, `-` or `*`: text is a number with a fraction, or a time next to an interval.
fn operand(expr: Expr, own: &DataType, other: &DataType) -> Expr {
    match (class(own), class(other)) {
        (Class::Text, Class::Interval | Class::Timestamp) => call("cast_timestamp", expr),
        (Class::Text, _) => match literal_text(&expr) {
            Some(value) => literal(ScalarValue::Float64(convert::fractional(value))),
            None => call("cast_double", expr),
        },
        _ => expr,
    }
}

/// An operand of a bitwise operator: text is the number it spells, hexadecimal (`0x1f3fff`) included.
fn bits(expr: Expr, own: &DataType) -> Expr {
    match class(own) {
        Class::Text | Class::Fractional | Class::Boolean => call("bits", expr),
        _ => expr,
    }
}

pub(crate) fn literal_text(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Literal(value, _) => value.try_as_str().flatten(),
        _ => None,
    }
}

pub(crate) fn literal(value: ScalarValue) -> Expr {
    Expr::Literal(value, None)
}

pub(crate) fn call(name: &str, arg: Expr) -> Expr {
    functions::engine(name).call(vec![arg])
}
