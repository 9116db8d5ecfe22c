//! Expressions: names resolved, Spark's literals and operators put into the forms the engine plans.
//! It does not know types; what depends on them is left to `operators` and `coerce`, or put into a function that knows.

use datafusion::sql::sqlparser::ast::{
    AccessExpr, BinaryOperator, CastKind, CeilFloorKind, DataType, Expr, Ident, Interval, Query,
    Spanned, Subscript, TrimWhereField, UnaryOperator, Value, ValueWithSpan,
};

use super::call;
use super::error::{Position, SqlError, SqlErrorKind};
use super::like::{Manner, escape};
use super::literal::unescape;
use super::resolve::Resolver;
use super::scope::Scope;

impl Resolver<'_> {
    /// Resolves one expression in a scope.
    #[recursive::recursive]
    pub fn expr(&mut self, expr: Expr, scope: &Scope<'_>) -> Result<Expr, SqlError> {
        let at = Position::of(expr.span());
        Ok(match expr {
            Expr::Identifier(ident) => self.name(&[ident], scope)?,
            Expr::CompoundIdentifier(parts) => self.name(&parts, scope)?,
            Expr::CompoundFieldAccess { root, access_chain } => {
                self.access(*root, access_chain, scope, at)?
            }
            Expr::Nested(inner) => Expr::Nested(self.boxed(inner, scope)?),
            Expr::Value(value) => literal(value)?,
            Expr::TypedString(typed) => {
                let text = literal(typed.value)?;
                self.cast(text, &typed.data_type, at)?
            }
            Expr::Interval(interval) => self.interval(interval, scope, at)?,
            Expr::BinaryOp { left, op, right } => {
                let (left, right) = (self.boxed(left, scope)?, self.boxed(right, scope)?);
                match op {
                    BinaryOperator::StringConcat => call::function("concat", vec![*left, *right]),
                    BinaryOperator::MyIntegerDivide => call::function("div", vec![*left, *right]),
                    BinaryOperator::Divide => call::function("divide", vec![*left, *right]),
                    BinaryOperator::Modulo => call::function("mod", vec![*left, *right]),
                    BinaryOperator::PGBitwiseShiftLeft => {
                        call::function("shiftleft", vec![*left, *right])
                    }
                    BinaryOperator::PGBitwiseShiftRight => {
                        call::function("shiftright", vec![*left, *right])
                    }
                    BinaryOperator::Eq
                    | BinaryOperator::NotEq
                    | BinaryOperator::Lt
                    | BinaryOperator::LtEq
                    | BinaryOperator::Gt
                    | BinaryOperator::GtEq
                    | BinaryOperator::Spaceship
                    | BinaryOperator::And
                    | BinaryOperator::Or
                    | BinaryOperator::Plus
                    | BinaryOperator::Minus
                    | BinaryOperator::Multiply
                    | BinaryOperator::BitwiseAnd
                    | BinaryOperator::BitwiseOr
                    | BinaryOperator::BitwiseXor => Expr::BinaryOp { left, op, right },
                    op => {
                        return Err(SqlErrorKind::unsupported(format!("the operator {op}")).at(at));
                    }
                }
            }
            Expr::UnaryOp { op, expr } => {
                let plain_number =
                    matches!(&*expr, Expr::Value(v) if matches!(v.value, Value::Number(..)));
                let inner = self.boxed(expr, scope)?;
                match op {
                    UnaryOperator::Not | UnaryOperator::BangNot => Expr::UnaryOp {
                        op: UnaryOperator::Not,
                        expr: inner,
                    },
                    UnaryOperator::Minus if plain_number => Expr::UnaryOp { op, expr: inner },
                    UnaryOperator::Minus => call::function("negative", vec![*inner]),
                    UnaryOperator::Plus => *inner,
                    UnaryOperator::BitwiseNot => call::function("bitwise_not", vec![*inner]),
                    op => {
                        return Err(SqlErrorKind::unsupported(format!("the operator {op}")).at(at));
                    }
                }
            }
            Expr::IsNull(e) => Expr::IsNull(self.boxed(e, scope)?),
            Expr::IsNotNull(e) => Expr::IsNotNull(self.boxed(e, scope)?),
            Expr::IsTrue(e) => Expr::IsTrue(self.boxed(e, scope)?),
            Expr::IsNotTrue(e) => Expr::IsNotTrue(self.boxed(e, scope)?),
            Expr::IsFalse(e) => Expr::IsFalse(self.boxed(e, scope)?),
            Expr::IsNotFalse(e) => Expr::IsNotFalse(self.boxed(e, scope)?),
            Expr::IsUnknown(e) => Expr::IsNull(self.boxed(e, scope)?),
            Expr::IsNotUnknown(e) => Expr::IsNotNull(self.boxed(e, scope)?),
            Expr::IsDistinctFrom(a, b) => {
                let same = call::binary(
                    self.expr(*a, scope)?,
                    BinaryOperator::Spaceship,
                    self.expr(*b, scope)?,
                );
                call::not(Expr::Nested(Box::new(same)))
            }
            Expr::IsNotDistinctFrom(a, b) => call::binary(
                self.expr(*a, scope)?,
                BinaryOperator::Spaceship,
                self.expr(*b, scope)?,
            ),
            Expr::InList {
                expr,
                list,
                negated,
            } => Expr::InList {
                expr: self.boxed(expr, scope)?,
                list: list
                    .into_iter()
                    .map(|e| self.expr(e, scope))
                    .collect::<Result<_, _>>()?,
                negated,
            },
            Expr::InSubquery {
                expr,
                subquery,
                negated,
            } => Expr::InSubquery {
                expr: self.boxed(expr, scope)?,
                subquery: self.subquery(subquery, scope)?,
                negated,
            },
            Expr::Exists { subquery, negated } => Expr::Exists {
                subquery: self.subquery(subquery, scope)?,
                negated,
            },
            Expr::Subquery(query) => Expr::Subquery(self.subquery(query, scope)?),
            Expr::Between {
                expr,
                negated,
                low,
                high,
            } => {
                let expr = self.expr(*expr, scope)?;
                let low = call::binary(expr.clone(), BinaryOperator::GtEq, self.expr(*low, scope)?);
                let high = call::binary(expr, BinaryOperator::LtEq, self.expr(*high, scope)?);
                let both = Expr::Nested(Box::new(call::binary(low, BinaryOperator::And, high)));
                if negated { call::not(both) } else { both }
            }
            Expr::Like {
                negated,
                any,
                expr,
                pattern,
                escape_char,
            } => {
                let escape = escape(escape_char, at)?;
                self.like(
                    *expr,
                    *pattern,
                    Manner {
                        any,
                        negated,
                        escape,
                        fold: false,
                    },
                    scope,
                )?
            }
            Expr::ILike {
                negated,
                any,
                expr,
                pattern,
                escape_char,
            } => {
                let escape = escape(escape_char, at)?;
                self.like(
                    *expr,
                    *pattern,
                    Manner {
                        any,
                        negated,
                        escape,
                        fold: true,
                    },
                    scope,
                )?
            }
            Expr::RLike {
                negated,
                expr,
                pattern,
                ..
            } => {
                let found = call::function(
                    "rlike",
                    vec![self.expr(*expr, scope)?, self.expr(*pattern, scope)?],
                );
                if negated { call::not(found) } else { found }
            }
            Expr::Cast {
                kind,
                expr,
                data_type,
                format: None,
                ..
            } => {
                if !matches!(
                    kind,
                    CastKind::Cast | CastKind::TryCast | CastKind::DoubleColon
                ) {
                    return Err(SqlErrorKind::unsupported("SAFE_CAST").at(at));
                }
                let inner = self.expr(*expr, scope)?;
                self.cast(inner, &data_type, at)?
            }
            Expr::Extract { field, expr, .. } => {
                call::date_part(&field.to_string(), self.expr(*expr, scope)?)
            }
            Expr::Ceil { expr, field } => self.round_function("ceil", *expr, field, scope)?,
            Expr::Floor { expr, field } => self.round_function("floor", *expr, field, scope)?,
            Expr::Position { expr, r#in } => call::function(
                "locate",
                vec![self.expr(*expr, scope)?, self.expr(*r#in, scope)?],
            ),
            Expr::Substring {
                expr,
                substring_from,
                substring_for,
                ..
            } => {
                let mut args = vec![self.expr(*expr, scope)?];
                args.push(match substring_from {
                    Some(from) => self.expr(*from, scope)?,
                    None => call::number(1),
                });
                if let Some(length) = substring_for {
                    args.push(self.expr(*length, scope)?);
                }
                call::function("substring", args)
            }
            Expr::Trim {
                trim_where,
                trim_what,
                expr,
                trim_characters: None,
            } => {
                let name = match trim_where {
                    None | Some(TrimWhereField::Both) => "trim",
                    Some(TrimWhereField::Leading) => "ltrim",
                    Some(TrimWhereField::Trailing) => "rtrim",
                };
                let text = self.expr(*expr, scope)?;
                let what = trim_what.map(|w| self.expr(*w, scope)).transpose()?;
                call::function(
                    "trim_chars",
                    vec![
                        call::text(name),
                        text,
                        what.unwrap_or_else(|| call::text(" ")),
                    ],
                )
            }
            // Spark's function form has the characters first: trim(chars, text) reads as TRIM(chars FROM text).
            Expr::Trim {
                trim_where: None,
                trim_what: None,
                expr: chars,
                trim_characters: Some(mut text),
            } if text.len() == 1 => {
                let text = text.swap_remove(0);
                let (chars, text) = (self.expr(*chars, scope)?, self.expr(text, scope)?);
                call::function("trim", vec![chars, text])
            }
            Expr::Overlay {
                expr,
                overlay_what,
                overlay_from,
                overlay_for,
            } => {
                let mut args = vec![
                    self.expr(*expr, scope)?,
                    self.expr(*overlay_what, scope)?,
                    self.expr(*overlay_from, scope)?,
                ];
                if let Some(length) = overlay_for {
                    args.push(self.expr(*length, scope)?);
                }
                call::function("overlay", args)
            }
            Expr::Function(function) => self.call(function, scope, at)?,
            Expr::Case {
                case_token,
                end_token,
                operand,
                mut conditions,
                else_result,
            } => {
                let operand = operand.map(|o| self.expr(*o, scope)).transpose()?;
                for when in &mut conditions {
                    let condition =
                        self.expr(std::mem::replace(&mut when.condition, call::null()), scope)?;
                    // Spelled out, so that text meets number the way it does in a comparison.
                    when.condition = match &operand {
                        Some(operand) => {
                            call::binary(operand.clone(), BinaryOperator::Eq, condition)
                        }
                        None => condition,
                    };
                    when.result =
                        self.expr(std::mem::replace(&mut when.result, call::null()), scope)?;
                }
                let else_result = else_result.map(|e| self.boxed(e, scope)).transpose()?;
                Expr::Case {
                    case_token,
                    end_token,
                    operand: None,
                    conditions,
                    else_result,
                }
            }
            Expr::Cube(sets) => Expr::Cube(self.sets(sets, scope)?),
            Expr::Rollup(sets) => Expr::Rollup(self.sets(sets, scope)?),
            Expr::GroupingSets(sets) => Expr::GroupingSets(self.sets(sets, scope)?),
            Expr::Array(array) => {
                let items = array
                    .elem
                    .into_iter()
                    .map(|e| self.expr(e, scope))
                    .collect::<Result<Vec<_>, _>>()?;
                call::function("array", items)
            }
            other => {
                let text = other.to_string();
                let short: String = text.chars().take(60).collect();
                return Err(SqlErrorKind::unsupported(format!("the expression {short}")).at(at));
            }
        })
    }

    fn boxed(&mut self, expr: Box<Expr>, scope: &Scope<'_>) -> Result<Box<Expr>, SqlError> {
        self.expr(*expr, scope).map(Box::new)
    }

    fn subquery(&mut self, query: Box<Query>, scope: &Scope<'_>) -> Result<Box<Query>, SqlError> {
        let (query, _) = self.query(*query, Some(scope))?;
        Ok(Box::new(query))
    }

    fn sets(
        &mut self,
        sets: Vec<Vec<Expr>>,
        scope: &Scope<'_>,
    ) -> Result<Vec<Vec<Expr>>, SqlError> {
        sets.into_iter()
            .map(|set| set.into_iter().map(|e| self.expr(e, scope)).collect())
            .collect()
    }

    pub fn cast(
        &mut self,
        expr: Expr,
        to: &DataType,
        at: Option<Position>,
    ) -> Result<Expr, SqlError> {
        let name = match to {
            DataType::TinyInt(_) => "tinyint",
            DataType::SmallInt(_) => "smallint",
            DataType::Int(_) | DataType::Integer(_) => "int",
            DataType::BigInt(_) => "bigint",
            DataType::Float(_) | DataType::Real => "float",
            DataType::Double(_) | DataType::DoublePrecision => "double",
            DataType::Boolean | DataType::Bool => "boolean",
            DataType::String(_) | DataType::Text | DataType::Varchar(_) | DataType::Char(_) => {
                "string"
            }
            DataType::Binary(_) => "binary",
            DataType::Date => "date",
            DataType::Timestamp(..) => "timestamp",
            DataType::Decimal(_) | DataType::Numeric(_) | DataType::Dec(_) => {
                return Err(SqlErrorKind::unsupported_but(
                    format!("CAST AS {to}"),
                    "cast to DOUBLE or BIGINT",
                )
                .at(at));
            }
            other => return Err(SqlErrorKind::unsupported(format!("CAST AS {other}")).at(at)),
        };
        if matches!(to, DataType::Varchar(Some(_)) | DataType::Char(Some(_))) {
            return Err(SqlErrorKind::unsupported_but(
                format!("CAST AS {to}"),
                "use STRING and substring",
            )
            .at(at));
        }
        Ok(call::function(&format!("cast_{name}"), vec![expr]))
    }

    fn access(
        &mut self,
        root: Expr,
        chain: Vec<AccessExpr>,
        scope: &Scope<'_>,
        at: Option<Position>,
    ) -> Result<Expr, SqlError> {
        // A dotted path before the first bracket is a column name.
        let mut path: Vec<Ident> = match &root {
            Expr::Identifier(ident) => vec![ident.clone()],
            Expr::CompoundIdentifier(parts) => parts.clone(),
            _ => Vec::new(),
        };
        let mut chain = chain.into_iter().peekable();
        if !path.is_empty() {
            while let Some(AccessExpr::Dot(Expr::Identifier(ident))) = chain.peek() {
                path.push(ident.clone());
                chain.next();
            }
        }
        let mut value = if path.is_empty() {
            self.expr(root, scope)?
        } else {
            self.name(&path, scope)?
        };
        for access in chain {
            value = match access {
                AccessExpr::Subscript(Subscript::Index { index }) => {
                    let index = self.expr(index, scope)?;
                    call::function("get_item", vec![value, index])
                }
                AccessExpr::Dot(Expr::Identifier(field)) => {
                    // A field of a JSON object kept as text.
                    call::function(
                        "get_json_object",
                        vec![value, call::text(&format!("$.{}", field.value))],
                    )
                }
                AccessExpr::Dot(_) | AccessExpr::Subscript(_) => {
                    return Err(SqlErrorKind::unsupported("this field access").at(at));
                }
            };
        }
        Ok(value)
    }

    fn round_function(
        &mut self,
        name: &str,
        expr: Expr,
        field: CeilFloorKind,
        scope: &Scope<'_>,
    ) -> Result<Expr, SqlError> {
        let mut args = vec![self.expr(expr, scope)?];
        if let CeilFloorKind::Scale(scale) = field {
            args.push(Expr::Value(scale));
        }
        Ok(call::function(name, args))
    }

    /// `INTERVAL 5 MINUTES`, `INTERVAL '5' MINUTE`, `INTERVAL '1 day'`: the engine reads them as one text.
    fn interval(
        &mut self,
        interval: Interval,
        scope: &Scope<'_>,
        at: Option<Position>,
    ) -> Result<Expr, SqlError> {
        let refuse = || {
            SqlErrorKind::unsupported_but("this form of INTERVAL", "write INTERVAL 5 MINUTES")
                .at(at)
        };
        if interval.last_field.is_some()
            || interval.leading_precision.is_some()
            || interval.fractional_seconds_precision.is_some()
        {
            return Err(refuse());
        }
        let value = match self.expr(*interval.value, scope)? {
            Expr::Value(ValueWithSpan {
                value: Value::SingleQuotedString(s),
                ..
            }) => s,
            Expr::Value(ValueWithSpan {
                value: Value::Number(n, _),
                ..
            }) => n,
            Expr::UnaryOp {
                op: UnaryOperator::Minus,
                expr,
            } => format!("-{expr}"),
            _ => return Err(refuse()),
        };
        let text = match &interval.leading_field {
            Some(unit) => format!("{value} {}", unit.to_string().to_lowercase()),
            None => value,
        };
        Ok(Expr::Interval(Interval {
            value: Box::new(call::text(&text)),
            leading_field: None,
            leading_precision: None,
            last_field: None,
            fractional_seconds_precision: None,
        }))
    }
}

/// The text of a string literal, Spark's escapes undone.
pub(crate) fn text_of(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Value(v) => match &v.value {
            Value::SingleQuotedString(s) => Some(unescape(s, '\'')),
            Value::DoubleQuotedString(s) => Some(unescape(s, '"')),
            Value::SingleQuotedRawStringLiteral(s) | Value::DoubleQuotedRawStringLiteral(s) => {
                Some(s.clone())
            }
            _ => None,
        },
        Expr::Nested(inner) => text_of(inner),
        _ => None,
    }
}

fn literal(value: ValueWithSpan) -> Result<Expr, SqlError> {
    let at = Position::of(value.span);
    let plain = match value.value {
        Value::SingleQuotedString(s) => Value::SingleQuotedString(unescape(&s, '\'')),
        Value::DoubleQuotedString(s) => Value::SingleQuotedString(unescape(&s, '"')),
        Value::SingleQuotedRawStringLiteral(s) | Value::DoubleQuotedRawStringLiteral(s) => {
            Value::SingleQuotedString(s)
        }
        Value::Number(n, _) => Value::Number(n, false),
        v @ (Value::Boolean(_) | Value::Null | Value::HexStringLiteral(_)) => v,
        other => return Err(SqlErrorKind::unsupported(format!("the literal {other}")).at(at)),
    };
    Ok(Expr::Value(ValueWithSpan {
        value: plain,
        span: value.span,
    }))
}
