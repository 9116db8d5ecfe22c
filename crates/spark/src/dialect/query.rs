//! Queries around the SELECT: WITH, set operations, VALUES, ORDER BY and LIMIT.
//! It refuses the clauses of other dialects by name.

use datafusion::sql::sqlparser::ast::{
    Cte as AstCte, Expr, Ident, LimitClause, OrderBy, OrderByExpr, OrderByKind, OrderByOptions,
    Query, SetExpr, SetOperator, TableAlias, Value, ValueWithSpan, With,
};

use super::error::{Position, SqlError, SqlErrorKind};
use super::resolve::{Cte, Resolver};
use super::scope::{Alias, AliasUse, Column, Scope, quoted};

impl Resolver<'_> {
    /// Resolves a query; `parent` is the block around it, for correlated subqueries.
    pub fn query(
        &mut self,
        query: Query,
        parent: Option<&Scope<'_>>,
    ) -> Result<(Query, Vec<Column>), SqlError> {
        refuse_clauses(&query)?;
        let visible = self.ctes.len();
        let result = self.query_with(query, parent);
        self.ctes.truncate(visible);
        result
    }

    fn query_with(
        &mut self,
        query: Query,
        parent: Option<&Scope<'_>>,
    ) -> Result<(Query, Vec<Column>), SqlError> {
        let with = query.with.map(|with| self.with(with, parent)).transpose()?;
        let (body, order_by, outputs) = match *query.body {
            SetExpr::Select(select) => {
                let (select, order_by, outputs) = self.select(*select, query.order_by, parent)?;
                (SetExpr::Select(Box::new(select)), order_by, outputs)
            }
            body => {
                let (body, outputs) = self.set_expr(body, parent)?;
                let order_by = query
                    .order_by
                    .map(|order_by| self.order_outputs(order_by, &outputs))
                    .transpose()?;
                (body, order_by, outputs)
            }
        };
        let limit_clause = query.limit_clause.map(limit).transpose()?.flatten();
        let query = Query {
            with,
            body: Box::new(body),
            order_by,
            limit_clause,
            fetch: None,
            locks: Vec::new(),
            for_clause: None,
            settings: None,
            format_clause: None,
            pipe_operators: Vec::new(),
        };
        Ok((query, outputs))
    }

    fn with(&mut self, with: With, parent: Option<&Scope<'_>>) -> Result<With, SqlError> {
        if with.recursive {
            return Err(SqlErrorKind::unsupported("WITH RECURSIVE")
                .at(Position::of(with.with_token.0.span)));
        }
        let mut cte_tables = Vec::with_capacity(with.cte_tables.len());
        for cte in with.cte_tables {
            let name = cte.alias.name.clone();
            let renamed: Vec<Ident> = cte.alias.columns.into_iter().map(|c| c.name).collect();
            let (query, mut outputs) = self.query(*cte.query, parent)?;
            rename_outputs(&mut outputs, &renamed, &name)?;
            let internal = self.unique_relation(&name.value);
            cte_tables.push(AstCte {
                alias: TableAlias {
                    explicit: true,
                    name: quoted(&internal),
                    columns: Vec::new(),
                    at: None,
                },
                query: Box::new(query),
                from: None,
                materialized: None,
                closing_paren_token: cte.closing_paren_token,
            });
            self.ctes.push(Cte {
                name: name.value.to_lowercase(),
                internal,
                outputs,
            });
        }
        Ok(With { cte_tables, ..with })
    }

    fn set_expr(
        &mut self,
        body: SetExpr,
        parent: Option<&Scope<'_>>,
    ) -> Result<(SetExpr, Vec<Column>), SqlError> {
        match body {
            SetExpr::Select(select) => {
                let (select, _, outputs) = self.select(*select, None, parent)?;
                Ok((SetExpr::Select(Box::new(select)), outputs))
            }
            SetExpr::Query(query) => {
                let (query, outputs) = self.query(*query, parent)?;
                Ok((SetExpr::Query(Box::new(query)), outputs))
            }
            SetExpr::SetOperation {
                left,
                op,
                set_quantifier,
                right,
            } => {
                let op = if op == SetOperator::Minus {
                    SetOperator::Except
                } else {
                    op
                };
                let (left, outputs) = self.set_expr(*left, parent)?;
                let (right, others) = self.set_expr(*right, parent)?;
                if outputs.len() != others.len() {
                    return Err(SqlErrorKind::Misuse(format!(
                        "{op} needs the same number of columns on both sides, not {} and {}",
                        outputs.len(),
                        others.len()
                    ))
                    .at(None));
                }
                let both = SetExpr::SetOperation {
                    left: Box::new(left),
                    op,
                    set_quantifier,
                    right: Box::new(right),
                };
                Ok((both, outputs))
            }
            SetExpr::Values(values) => {
                let (query, outputs) = self.values(values, None, parent)?;
                Ok((SetExpr::Query(Box::new(query)), outputs))
            }
            SetExpr::Table(_) => {
                Err(SqlErrorKind::unsupported_but("TABLE t", "write SELECT * FROM t").at(None))
            }
            SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => {
                Err(SqlErrorKind::NotReadOnly {
                    what: "a data change".to_owned(),
                }
                .at(None))
            }
        }
    }

    /// ORDER BY of a set operation sees the output columns only.
    fn order_outputs(
        &mut self,
        order_by: OrderBy,
        outputs: &[Column],
    ) -> Result<OrderBy, SqlError> {
        let mut scope = Scope {
            alias_use: AliasUse::FirstAsOutput,
            ..Scope::default()
        };
        for column in outputs {
            scope.aliases.push(Alias {
                name: column.name.clone(),
                expr: Expr::Identifier(quoted(&column.internal)),
                internal: column.internal.clone(),
            });
        }
        self.order_by(order_by, &scope)
    }

    /// ORDER BY over a scope whose aliases are the output columns.
    pub fn order_by(&mut self, order_by: OrderBy, scope: &Scope<'_>) -> Result<OrderBy, SqlError> {
        let items = match order_by.kind {
            OrderByKind::Expressions(items) => items,
            OrderByKind::All(options) => scope
                .aliases
                .iter()
                .map(|a| OrderByExpr {
                    expr: Expr::Identifier(quoted(&a.internal)),
                    options,
                    with_fill: None,
                })
                .map(|mut item| {
                    item.options = spark_nulls(item.options);
                    item
                })
                .collect(),
        };
        let mut resolved = Vec::with_capacity(items.len());
        for item in items {
            let expr = match ordinal(&item.expr) {
                Some(n) if !scope.aliases.is_empty() => {
                    match scope.aliases.get(n.wrapping_sub(1)) {
                        Some(alias) => Expr::Identifier(quoted(&alias.internal)),
                        None => {
                            return Err(SqlErrorKind::Misuse(format!(
                                "ORDER BY {n}: the query has {} columns",
                                scope.aliases.len()
                            ))
                            .at(None));
                        }
                    }
                }
                _ if matches!(&item.expr, Expr::Identifier(i) if i.quote_style == Some('"')) => {
                    item.expr
                }
                _ => self.expr(item.expr, scope)?,
            };
            resolved.push(OrderByExpr {
                expr,
                options: spark_nulls(item.options),
                with_fill: None,
            });
        }
        Ok(OrderBy {
            kind: OrderByKind::Expressions(resolved),
            interpolate: None,
        })
    }

    /// The items of an ORDER BY inside a window or an aggregate.
    pub fn order_items(
        &mut self,
        items: Vec<OrderByExpr>,
        scope: &Scope<'_>,
    ) -> Result<Vec<OrderByExpr>, SqlError> {
        items
            .into_iter()
            .map(|item| {
                Ok(OrderByExpr {
                    expr: self.expr(item.expr, scope)?,
                    options: spark_nulls(item.options),
                    with_fill: None,
                })
            })
            .collect()
    }
}

/// Spark puts nulls first when ascending and last when descending.
fn spark_nulls(options: OrderByOptions) -> OrderByOptions {
    let ascending = options.asc.unwrap_or(true);
    OrderByOptions {
        asc: Some(ascending),
        nulls_first: Some(options.nulls_first.unwrap_or(ascending)),
    }
}

/// The position an ORDER BY or GROUP BY item names, if it is a plain number.
pub(crate) fn ordinal(expr: &Expr) -> Option<usize> {
    match expr {
        Expr::Value(ValueWithSpan {
            value: Value::Number(n, _),
            ..
        }) => n.parse().ok(),
        _ => None,
    }
}

/// Gives a relation's columns the names of `t(a, b)`.
pub(crate) fn rename_outputs(
    outputs: &mut [Column],
    names: &[Ident],
    of: &Ident,
) -> Result<(), SqlError> {
    if names.is_empty() {
        return Ok(());
    }
    let (given, count) = (names.len(), outputs.len());
    if given != count {
        let message = format!(
            "{} lists {given} column names for {count} columns",
            of.value
        );
        return Err(SqlErrorKind::Misuse(message).at(Position::of(of.span)));
    }
    for (output, name) in outputs.iter_mut().zip(names) {
        output.name = name.value.clone();
    }
    Ok(())
}

fn limit(clause: LimitClause) -> Result<Option<LimitClause>, SqlError> {
    match clause {
        LimitClause::LimitOffset {
            limit,
            offset,
            limit_by,
        } if limit_by.is_empty() => {
            let limit = limit.filter(
                |e| !matches!(e, Expr::Identifier(i) if i.value.eq_ignore_ascii_case("all")),
            );
            for expr in limit.iter().chain(offset.iter().map(|o| &o.value)) {
                if ordinal(expr).is_none() {
                    return Err(SqlErrorKind::Misuse(format!(
                        "LIMIT and OFFSET need a whole number, not {expr}"
                    ))
                    .at(None));
                }
            }
            Ok(
                (limit.is_some() || offset.is_some()).then_some(LimitClause::LimitOffset {
                    limit,
                    offset,
                    limit_by,
                }),
            )
        }
        _ => Err(
            SqlErrorKind::unsupported_but("this form of LIMIT", "write LIMIT n OFFSET m").at(None),
        ),
    }
}

fn refuse_clauses(query: &Query) -> Result<(), SqlError> {
    let what = if query.fetch.is_some() {
        "FETCH"
    } else if !query.locks.is_empty() {
        "FOR UPDATE"
    } else if query.for_clause.is_some() {
        "FOR"
    } else if query.settings.is_some() {
        "SETTINGS"
    } else if query.format_clause.is_some() {
        "FORMAT"
    } else if !query.pipe_operators.is_empty() {
        "the pipe syntax |>"
    } else {
        return Ok(());
    };
    Err(SqlErrorKind::unsupported(what).at(None))
}
