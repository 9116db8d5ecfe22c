//! The FROM clause: tables, subqueries, joins and LATERAL VIEW.
//! It refuses everything that would read from outside: file paths as tables, table functions, samples of other dialects.

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, Ident, Join, JoinConstraint, JoinOperator, ObjectName, ObjectNamePart,
    Parens, Query, SelectItem, SetExpr, Spanned, TableAlias, TableFactor, TableWithJoins, Values,
};

use super::build::{plain_query, plain_select, table_alias};
use super::call;
use super::error::{Position, SqlError, SqlErrorKind, nearest};
use super::query::rename_outputs;
use super::resolve::{Resolver, join};
use super::scope::{Column, Merged, Relation, Scope, column, quoted};

impl Resolver<'_> {
    /// Resolves FROM and its joins into `scope`.
    pub fn from(
        &mut self,
        from: Vec<TableWithJoins>,
        scope: &mut Scope<'_>,
    ) -> Result<Vec<TableWithJoins>, SqlError> {
        from.into_iter()
            .map(|item| self.table_with_joins(item, scope))
            .collect()
    }

    fn table_with_joins(
        &mut self,
        item: TableWithJoins,
        scope: &mut Scope<'_>,
    ) -> Result<TableWithJoins, SqlError> {
        let first = scope.relations.len();
        let relation = self.factor(item.relation, scope)?;
        let mut joins = Vec::with_capacity(item.joins.len());
        for j in item.joins {
            joins.push(self.join(j, scope, first)?);
        }
        Ok(TableWithJoins { relation, joins })
    }

    fn join(&mut self, j: Join, scope: &mut Scope<'_>, first: usize) -> Result<Join, SqlError> {
        let at = Position::of(j.relation.span());
        let before = scope.relations.len();
        let relation = self.factor(j.relation, scope)?;
        let (wrap, constraint): (fn(JoinConstraint) -> JoinOperator, _) = match j.join_operator {
            JoinOperator::Join(c) | JoinOperator::Inner(c) => (JoinOperator::Inner, c),
            JoinOperator::Left(c) | JoinOperator::LeftOuter(c) => (JoinOperator::LeftOuter, c),
            JoinOperator::Right(c) | JoinOperator::RightOuter(c) => (JoinOperator::RightOuter, c),
            JoinOperator::FullOuter(c) => (JoinOperator::FullOuter, c),
            JoinOperator::CrossJoin(c) => (JoinOperator::CrossJoin, c),
            JoinOperator::Semi(c) | JoinOperator::LeftSemi(c) => (JoinOperator::LeftSemi, c),
            JoinOperator::Anti(c) | JoinOperator::LeftAnti(c) => (JoinOperator::LeftAnti, c),
            other => {
                let text = format!("{other:?}");
                let name = text.split('(').next().unwrap_or_default().to_owned();
                return Err(SqlErrorKind::unsupported(format!("the join {name}")).at(at));
            }
        };
        let outer = wrap(JoinConstraint::None);
        let constraint = match constraint {
            JoinConstraint::On(expr) => JoinConstraint::On(self.expr(expr, scope)?),
            JoinConstraint::Using(names) => self.using(names, &outer, scope, first, before, at)?,
            JoinConstraint::Natural => {
                let names = natural(
                    &scope.relations[first..before],
                    &scope.relations[before..],
                    at,
                )?;
                self.using(names, &outer, scope, first, before, at)?
            }
            JoinConstraint::None => JoinConstraint::None,
        };
        if matches!(outer, JoinOperator::LeftSemi(_) | JoinOperator::LeftAnti(_)) {
            scope.relations.truncate(before);
        }
        let join_operator = match (outer, constraint) {
            (JoinOperator::Inner(_), JoinConstraint::None) => {
                JoinOperator::CrossJoin(JoinConstraint::None)
            }
            (JoinOperator::CrossJoin(_), c @ JoinConstraint::On(_)) => JoinOperator::Inner(c),
            (JoinOperator::CrossJoin(_), _) => JoinOperator::CrossJoin(JoinConstraint::None),
            (_, JoinConstraint::None) => {
                JoinOperator::clone(&wrap(JoinConstraint::On(call::boolean(true))))
            }
            (_, c) => wrap(c),
        };
        Ok(Join {
            relation,
            global: false,
            join_operator,
        })
    }

    /// `USING (a, b)` as an ON condition, with the columns merged for unqualified use.
    fn using(
        &mut self,
        names: Vec<ObjectName>,
        kind: &JoinOperator,
        scope: &mut Scope<'_>,
        first: usize,
        before: usize,
        at: Option<Position>,
    ) -> Result<JoinConstraint, SqlError> {
        let mut condition: Option<Expr> = None;
        for name in names {
            let ident = only_ident(&name)?;
            let side = |relations: &[Relation]| Scope {
                relations: relations.to_vec(),
                merged: scope.merged.clone(),
                ..Scope::default()
            };
            let mut right_side = side(&scope.relations[before..]);
            right_side.merged.clear();
            let left = self.name(
                std::slice::from_ref(&ident),
                &side(&scope.relations[first..before]),
            )?;
            let right = self.name(std::slice::from_ref(&ident), &right_side)?;
            let equal = call::binary(left.clone(), BinaryOperator::Eq, right.clone());
            condition = Some(match condition {
                Some(c) => call::binary(c, BinaryOperator::And, equal),
                None => equal,
            });
            let expr = match kind {
                JoinOperator::RightOuter(_) => right,
                JoinOperator::FullOuter(_) => call::function("coalesce", vec![left, right]),
                _ => left,
            };
            let name = ident.value.to_lowercase();
            scope.merged.retain(|m| m.name != name);
            scope.merged.push(Merged { name, expr });
        }
        match condition {
            Some(c) => Ok(JoinConstraint::On(c)),
            None => Err(
                SqlErrorKind::Misuse("the two sides have no column in common".to_owned()).at(at),
            ),
        }
    }

    fn factor(
        &mut self,
        factor: TableFactor,
        scope: &mut Scope<'_>,
    ) -> Result<TableFactor, SqlError> {
        let at = Position::of(factor.span());
        match factor {
            TableFactor::Table {
                name,
                alias,
                args: None,
                with_hints,
                version: None,
                sample: None,
                json_path: None,
                with_ordinality: false,
                partitions,
                index_hints,
            } if with_hints.is_empty() && partitions.is_empty() && index_hints.is_empty() => {
                self.table(name, alias, scope)
            }
            TableFactor::Table {
                name,
                args: Some(_),
                ..
            }
            | TableFactor::Function { name, .. } => Err(SqlErrorKind::NotReadOnly {
                what: format!("the table function {name}"),
            }
            .at(at)),
            TableFactor::Table {
                sample: Some(_), ..
            }
            | TableFactor::Derived {
                sample: Some(_), ..
            } => Err(SqlErrorKind::unsupported_but(
                "TABLESAMPLE",
                "a sample of the events is not an answer; use LIMIT",
            )
            .at(at)),
            TableFactor::Table { .. } => {
                Err(SqlErrorKind::unsupported("this form of a table").at(at))
            }
            TableFactor::Derived { lateral: true, .. } => Err(SqlErrorKind::unsupported_but(
                "a LATERAL subquery",
                "use LATERAL VIEW or a join",
            )
            .at(at)),
            TableFactor::Derived {
                subquery, alias, ..
            } => {
                let (query, outputs) = match *subquery {
                    Query {
                        body,
                        with: None,
                        order_by: None,
                        limit_clause: None,
                        ..
                    } if matches!(*body, SetExpr::Values(_)) => {
                        let SetExpr::Values(values) = *body else {
                            return Err(SqlErrorKind::unsupported("VALUES").at(at));
                        };
                        self.values(values, None, scope.parent)?
                    }
                    subquery => self.query(subquery, scope.parent)?,
                };
                self.derived(query, outputs, alias, scope)
            }
            TableFactor::NestedJoin {
                table_with_joins,
                alias: None,
            } => {
                let inner = self.table_with_joins(*table_with_joins, scope)?;
                if inner.joins.is_empty() {
                    return Ok(inner.relation);
                }
                Ok(TableFactor::NestedJoin {
                    table_with_joins: Box::new(inner),
                    alias: None,
                })
            }
            other => {
                let text = format!("{other:?}");
                let what = text
                    .split([' ', '{', '('])
                    .next()
                    .unwrap_or_default()
                    .to_uppercase();
                Err(SqlErrorKind::unsupported(what).at(at))
            }
        }
    }

    fn derived(
        &mut self,
        query: Query,
        mut outputs: Vec<Column>,
        alias: Option<TableAlias>,
        scope: &mut Scope<'_>,
    ) -> Result<TableFactor, SqlError> {
        let (name, names) = match alias {
            Some(alias) => (
                Some(alias.name),
                alias.columns.into_iter().map(|c| c.name).collect(),
            ),
            None => (None, Vec::new()),
        };
        if let Some(name) = &name {
            rename_outputs(&mut outputs, &names, name)?;
        }
        let internal = self.unique_relation(name.as_ref().map_or("subquery", |n| &n.value));
        scope.relations.push(Relation {
            name: name.map(|n| n.value.to_lowercase()),
            internal: internal.clone(),
            ..Relation::of(outputs)
        });
        Ok(TableFactor::Derived {
            lateral: false,
            subquery: Box::new(query),
            alias: Some(table_alias(&internal, &[])),
            sample: None,
        })
    }

    fn table(
        &mut self,
        name: ObjectName,
        alias: Option<TableAlias>,
        scope: &mut Scope<'_>,
    ) -> Result<TableFactor, SqlError> {
        let parts: Vec<Ident> = name
            .0
            .iter()
            .filter_map(|p| p.as_ident().cloned())
            .collect();
        let at = parts.first().and_then(|p| Position::of(p.span));
        let written = join(&parts);
        if let Some(part) = parts
            .iter()
            .find(|p| matches!(p.quote_style, Some('\'' | '"')))
        {
            return Err(SqlErrorKind::NotReadOnly {
                what: format!("reading {:?} as a table", part.value),
            }
            .at(at));
        }
        let column_names: Vec<Ident> = alias
            .iter()
            .flat_map(|a| a.columns.iter().map(|c| c.name.clone()))
            .collect();
        let shown = alias
            .as_ref()
            .map(|a| a.name.clone())
            .or_else(|| parts.last().cloned());
        let lower = written.to_lowercase();
        let found = self
            .ctes
            .iter()
            .rev()
            .find(|cte| cte.name == lower)
            .cloned();
        let (table, mut relation) = match found {
            Some(cte) => (cte.internal, Relation::of(cte.outputs)),
            None => {
                let Some(table) = self.tables.table(&written) else {
                    let mut names = self.tables.names();
                    names.extend(self.ctes.iter().map(|c| c.name.clone()));
                    if looks_like_a_file(&written) {
                        return Err(SqlErrorKind::NotReadOnly {
                            what: format!("reading {written:?} as a table"),
                        }
                        .at(at));
                    }
                    return Err(SqlErrorKind::UnknownTable {
                        nearest: nearest(&written, names),
                        name: written,
                    }
                    .at(at));
                };
                let ids = scope.ids.of_relation(shown.as_ref(), &table, self.tables);
                let read = self.read.entry(table.clone());
                read.and_modify(|known| known.add(&ids)).or_insert(ids);
                (table.clone(), Relation::of_table(table))
            }
        };
        let internal = self.unique_relation(shown.as_ref().map_or(&written, |s| &s.value));
        relation.internal = internal.clone();
        if let Some(shown) = &shown {
            if relation.open.is_some() && !column_names.is_empty() {
                return Err(SqlErrorKind::unsupported_but(
                    format!("column names for the table {written}"),
                    "its fields are discovered while reading; name them in a subquery",
                )
                .at(at));
            }
            rename_outputs(&mut relation.columns, &column_names, shown)?;
            relation.name = Some(shown.value.to_lowercase());
        }
        scope.relations.push(relation);
        Ok(TableFactor::Table {
            name: ObjectName(vec![ObjectNamePart::Identifier(quoted(&table))]),
            alias: Some(table_alias(&internal, &[])),
            args: None,
            with_hints: Vec::new(),
            version: None,
            with_ordinality: false,
            partitions: Vec::new(),
            json_path: None,
            sample: None,
            index_hints: Vec::new(),
        })
    }

    /// `VALUES (...), (...)` under Spark's column names.
    pub fn values(
        &mut self,
        values: Values,
        alias: Option<&str>,
        parent: Option<&Scope<'_>>,
    ) -> Result<(Query, Vec<Column>), SqlError> {
        let width = values.rows.first().map_or(0, |row| row.content.len());
        let scope = Scope {
            parent,
            ..Scope::default()
        };
        let mut rows = Vec::with_capacity(values.rows.len());
        for row in values.rows {
            if row.content.len() != width {
                return Err(
                    SqlErrorKind::Misuse("the rows of VALUES differ in length".to_owned()).at(None),
                );
            }
            let cells: Result<Vec<Expr>, SqlError> = row
                .content
                .into_iter()
                .map(|cell| self.expr(cell, &scope))
                .collect();
            rows.push(Parens {
                content: cells?,
                opening_token: row.opening_token,
                closing_token: row.closing_token,
            });
        }
        let internal = self.unique_relation(alias.unwrap_or("values"));
        let names: Vec<String> = (1..=width).map(|n| format!("col{n}")).collect();
        let body = SetExpr::Values(Values {
            explicit_row: false,
            value_keyword: false,
            rows,
        });
        let factor = TableFactor::Derived {
            lateral: false,
            subquery: Box::new(plain_query(body)),
            alias: Some(table_alias(&internal, &names)),
            sample: None,
        };
        let projection = names
            .iter()
            .map(|n| SelectItem::ExprWithAlias {
                expr: column(&internal, n),
                alias: quoted(n),
            })
            .collect();
        let query = plain_query(SetExpr::Select(Box::new(plain_select(projection, factor))));
        let outputs = names
            .into_iter()
            .map(|n| Column {
                name: n.clone(),
                internal: n,
                carrier: None,
            })
            .collect();
        Ok((query, outputs))
    }
}

fn natural(
    left: &[Relation],
    right: &[Relation],
    at: Option<Position>,
) -> Result<Vec<ObjectName>, SqlError> {
    if left.iter().chain(right).any(|r| r.open.is_some()) {
        return Err(SqlErrorKind::unsupported_but(
            "a NATURAL JOIN of tables whose fields are discovered while reading",
            "write USING (...)",
        )
        .at(at));
    }
    let names: Vec<String> = left
        .iter()
        .flat_map(|r| r.closed_names())
        .map(str::to_lowercase)
        .collect();
    Ok(right
        .iter()
        .flat_map(|r| r.closed_names())
        .filter(|n| names.contains(&n.to_lowercase()))
        .map(|n| ObjectName(vec![ObjectNamePart::Identifier(Ident::new(n))]))
        .collect())
}

fn only_ident(name: &ObjectName) -> Result<Ident, SqlError> {
    match name.0.as_slice() {
        [ObjectNamePart::Identifier(ident)] => Ok(ident.clone()),
        _ => Err(
            SqlErrorKind::Misuse(format!("USING takes plain column names, not {name}")).at(None),
        ),
    }
}

fn looks_like_a_file(name: &str) -> bool {
    name.contains(['/', '\\', ':'])
        || ["parquet.", "csv.", "json.", "text.", "orc.", "delta."]
            .iter()
            .any(|p| name.to_lowercase().starts_with(p))
}
