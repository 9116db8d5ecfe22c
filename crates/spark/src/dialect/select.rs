//! One SELECT block: its clauses see names in Spark's order, and its output columns get names no two of which are alike.
//! It refuses to evaluate; an alias is replaced by the expression it stands for wherever the engine could read it otherwise.

use std::collections::HashSet;

use datafusion::sql::sqlparser::ast::{
    Distinct, Expr, GroupByExpr, GroupByWithModifier, Ident, NamedWindowDefinition,
    NamedWindowExpr, OrderBy, OrderByKind, Select, SelectItem, SelectItemQualifiedWildcardKind,
    Spanned, WildcardAdditionalOptions,
};

use super::call::{self, Generator};
use super::display::display;
use super::error::{Position, SqlError, SqlErrorKind};
use super::ids::Ids;
use super::query::ordinal;
use super::resolve::Resolver;
use super::scope::{Alias, AliasUse, Column, Relation, Scope, quoted};
use super::tables::Tables;

/// The select list while it is being resolved.
#[derive(Default)]
struct List {
    items: Vec<SelectItem>,
    outputs: Vec<Column>,
    taken: HashSet<String>,
}

impl List {
    fn unique(&mut self, name: &str) -> String {
        let wanted = name.to_lowercase();
        let mut internal = wanted.clone();
        let mut n = 1;
        while !self.taken.insert(internal.clone()) {
            n += 1;
            internal = format!("{wanted}#{n}");
        }
        internal
    }

    fn push(&mut self, expr: Expr, name: String, scope: &mut Scope<'_>) {
        let internal = self.unique(&name);
        scope.aliases.push(Alias {
            name: name.clone(),
            expr: expr.clone(),
            internal: internal.clone(),
        });
        self.items.push(SelectItem::ExprWithAlias {
            expr,
            alias: quoted(&internal),
        });
        self.outputs.push(Column {
            name,
            internal,
            carrier: None,
        });
    }
}

impl Resolver<'_> {
    pub fn select(
        &mut self,
        select: Select,
        order_by: Option<OrderBy>,
        parent: Option<&Scope<'_>>,
    ) -> Result<(Select, Option<OrderBy>, Vec<Column>), SqlError> {
        refuse_clauses(&select)?;
        let mut scope = Scope {
            parent,
            ids: Ids::of(&select),
            ..Scope::default()
        };
        let mut from = self.from(select.from, &mut scope)?;
        for view in select.lateral_views {
            self.lateral_view(view, &mut from, &mut scope)?;
        }

        scope.alias_use = AliasUse::AfterColumns;
        let mut list = List::default();
        for item in select.projection {
            self.select_item(item, &mut list, &mut scope)?;
        }

        scope.alias_use = AliasUse::Forbidden;
        let selection = select
            .selection
            .map(|expr| self.expr(expr, &scope))
            .transpose()?;

        scope.alias_use = AliasUse::AfterColumns;
        let group_by = self.group_by(select.group_by, &scope)?;
        let named_window = select
            .named_window
            .into_iter()
            .map(|NamedWindowDefinition(name, window)| {
                let window = match window {
                    NamedWindowExpr::WindowSpec(spec) => {
                        NamedWindowExpr::WindowSpec(self.window_spec(spec, &scope)?)
                    }
                    NamedWindowExpr::NamedWindow(other) => {
                        NamedWindowExpr::NamedWindow(quoted(&other.value.to_lowercase()))
                    }
                };
                Ok(NamedWindowDefinition(
                    quoted(&name.value.to_lowercase()),
                    window,
                ))
            })
            .collect::<Result<_, SqlError>>()?;

        scope.alias_use = AliasUse::FirstAsExpr;
        let having = select
            .having
            .map(|expr| self.expr(expr, &scope))
            .transpose()?;

        // SORT BY orders within partitions; a total order does so too.
        let order_by = order_by.or((!select.sort_by.is_empty()).then_some(OrderBy {
            kind: OrderByKind::Expressions(select.sort_by),
            interpolate: None,
        }));
        scope.alias_use = AliasUse::FirstAsOutput;
        let order_by = order_by
            .map(|order_by| self.order_by(order_by, &scope))
            .transpose()?;

        let select = Select {
            projection: list.items,
            from,
            lateral_views: Vec::new(),
            selection,
            group_by,
            named_window,
            having,
            cluster_by: Vec::new(),
            distribute_by: Vec::new(),
            sort_by: Vec::new(),
            optimizer_hints: Vec::new(),
            ..select
        };
        Ok((select, order_by, list.outputs))
    }

    fn select_item(
        &mut self,
        item: SelectItem,
        list: &mut List,
        scope: &mut Scope<'_>,
    ) -> Result<(), SqlError> {
        let at = Position::of(item.span());
        match item {
            SelectItem::UnnamedExpr(expr) => match Generator::of(&expr) {
                Some(generator) => self.generate(generator?, &[], list, scope, at),
                None => {
                    let name = display(&expr);
                    let expr = self.expr(expr, scope)?;
                    list.push(expr, name, scope);
                    Ok(())
                }
            },
            SelectItem::ExprWithAlias { expr, alias } => match Generator::of(&expr) {
                Some(generator) => self.generate(generator?, &[alias], list, scope, at),
                None => {
                    let expr = self.expr(expr, scope)?;
                    list.push(expr, alias.value, scope);
                    Ok(())
                }
            },
            SelectItem::ExprWithAliases { expr, aliases } => match Generator::of(&expr) {
                Some(generator) => self.generate(generator?, &aliases, list, scope, at),
                None => Err(SqlErrorKind::Misuse(
                    "only a generator such as posexplode takes several aliases".to_owned(),
                )
                .at(at)),
            },
            SelectItem::Wildcard(options) => {
                let except = except_of(&options)?;
                let relations: Vec<Relation> = scope
                    .relations
                    .iter()
                    .filter(|r| r.starred)
                    .cloned()
                    .collect();
                if relations.is_empty() {
                    return Err(SqlErrorKind::Misuse("SELECT * needs a FROM".to_owned()).at(at));
                }
                if scope.merged.is_empty() {
                    for relation in &relations {
                        self.wildcard(relation, &except, list, scope);
                    }
                } else {
                    self.merged_wildcard(&relations, &except, list, scope);
                }
                Ok(())
            }
            SelectItem::QualifiedWildcard(
                SelectItemQualifiedWildcardKind::ObjectName(name),
                options,
            ) => {
                let except = except_of(&options)?;
                let mut block = Some(&*scope);
                let mut found = None;
                while let (Some(current), None) = (block, &found) {
                    found = current
                        .relation(&name.to_string().replace('`', ""))
                        .cloned();
                    block = current.parent;
                }
                let Some(relation) = found else {
                    return Err(SqlErrorKind::UnknownTable {
                        name: name.to_string(),
                        nearest: Vec::new(),
                    }
                    .at(at));
                };
                self.wildcard(&relation, &except, list, scope);
                Ok(())
            }
            SelectItem::QualifiedWildcard(..) => {
                Err(SqlErrorKind::unsupported("* over an expression").at(at))
            }
        }
    }

    /// All columns of one relation, each under its name.
    fn wildcard(
        &mut self,
        relation: &Relation,
        except: &[Ident],
        list: &mut List,
        scope: &mut Scope<'_>,
    ) {
        for (name, expr) in self.columns_of(relation, except) {
            list.push(expr, name, scope);
        }
    }

    fn columns_of(&mut self, relation: &Relation, except: &[Ident]) -> Vec<(String, Expr)> {
        let left_out = |name: &str| except.iter().any(|e| e.value.eq_ignore_ascii_case(name));
        let mut columns: Vec<(String, Expr)> = relation
            .columns
            .iter()
            .filter(|c| !left_out(&c.name))
            .map(|c| (c.name.clone(), relation.column_expr(c)))
            .collect();
        let Some(table) = &relation.open else {
            return columns;
        };
        let canonical = |tables: &dyn Tables, name: &str| {
            let known = tables.canonical(table, name);
            known.unwrap_or_else(|| name.to_lowercase())
        };
        let excluded: Vec<String> = except
            .iter()
            .map(|e| canonical(self.tables, &e.value))
            .collect();
        for name in self.tables.columns(table) {
            let column = canonical(self.tables, &name);
            if !excluded.contains(&column) {
                self.mention(table, &column, &name, true);
                let expr = super::scope::column(&relation.internal, &column);
                columns.push((name, expr));
            }
        }
        columns
    }

    /// `*` after USING: the merged columns come first, once.
    fn merged_wildcard(
        &mut self,
        relations: &[Relation],
        except: &[Ident],
        list: &mut List,
        scope: &mut Scope<'_>,
    ) {
        let left_out = |name: &str| except.iter().any(|e| e.value.eq_ignore_ascii_case(name));
        let columns: Vec<(String, Expr)> = relations
            .iter()
            .flat_map(|r| self.columns_of(r, &[]))
            .collect();
        let merged = scope.merged.clone();
        for m in &merged {
            let named = |(n, _): &&(String, Expr)| n.to_lowercase() == m.name;
            let shown = columns.iter().find(named).map_or(&m.name, |(n, _)| n);
            if !left_out(shown) {
                list.push(m.expr.clone(), shown.clone(), scope);
            }
        }
        for (name, expr) in columns {
            let lower = name.to_lowercase();
            if !left_out(&name) && !merged.iter().any(|m| m.name == lower) {
                list.push(expr, name, scope);
            }
        }
    }

    fn generate(
        &mut self,
        generator: Generator,
        aliases: &[Ident],
        list: &mut List,
        scope: &mut Scope<'_>,
        at: Option<Position>,
    ) -> Result<(), SqlError> {
        let array = self.expr(generator.array.clone(), scope)?;
        let items = generator.items(array);
        let names: Vec<String> = match aliases {
            [] => generator
                .default_names()
                .iter()
                .map(|n| (*n).to_owned())
                .collect(),
            given => given.iter().map(|i| i.value.clone()).collect(),
        };
        if names.len() != items.len() {
            let message = format!(
                "{} makes {} columns, not {}",
                generator.name,
                items.len(),
                names.len()
            );
            return Err(SqlErrorKind::Misuse(message).at(at));
        }
        for (item, name) in items.into_iter().zip(names) {
            list.push(item, name, scope);
        }
        Ok(())
    }

    fn group_by(
        &mut self,
        group_by: GroupByExpr,
        scope: &Scope<'_>,
    ) -> Result<GroupByExpr, SqlError> {
        let (exprs, modifiers) = match group_by {
            GroupByExpr::Expressions(exprs, modifiers) => (exprs, modifiers),
            GroupByExpr::All(modifiers) => {
                if !modifiers.is_empty() {
                    return Err(SqlErrorKind::unsupported("GROUP BY ALL with a modifier").at(None));
                }
                let keys = scope
                    .aliases
                    .iter()
                    .map(|a| a.expr.clone())
                    .filter(|e| !call::has_aggregate(e))
                    .collect();
                return Ok(GroupByExpr::Expressions(keys, Vec::new()));
            }
        };
        let mut keys = Vec::with_capacity(exprs.len());
        for expr in exprs {
            keys.push(match ordinal(&expr) {
                Some(n) => match scope.aliases.get(n.wrapping_sub(1)) {
                    Some(alias) => alias.expr.clone(),
                    None => {
                        let message = format!(
                            "GROUP BY {n}: the select list has {} columns",
                            scope.aliases.len()
                        );
                        return Err(SqlErrorKind::Misuse(message).at(Position::of(expr.span())));
                    }
                },
                None => unnest_parens(self.expr(expr, scope)?),
            });
        }
        match modifiers.as_slice() {
            [] => Ok(GroupByExpr::Expressions(keys, Vec::new())),
            [GroupByWithModifier::Rollup] => Ok(one(Expr::Rollup(
                keys.into_iter().map(|k| vec![k]).collect(),
            ))),
            [GroupByWithModifier::Cube] => {
                Ok(one(Expr::Cube(keys.into_iter().map(|k| vec![k]).collect())))
            }
            _ => Err(SqlErrorKind::unsupported("this GROUP BY modifier").at(None)),
        }
    }
}

fn one(expr: Expr) -> GroupByExpr {
    GroupByExpr::Expressions(vec![expr], Vec::new())
}

/// The engine compares grouping keys with the select list as they are written, parentheses included.
fn unnest_parens(expr: Expr) -> Expr {
    match expr {
        Expr::Nested(inner) => unnest_parens(*inner),
        other => other,
    }
}

fn except_of(options: &WildcardAdditionalOptions) -> Result<Vec<Ident>, SqlError> {
    let at = Position::of(options.wildcard_token.0.span);
    if options.opt_ilike.is_some()
        || options.opt_exclude.is_some()
        || options.opt_replace.is_some()
        || options.opt_rename.is_some()
        || options.opt_alias.is_some()
    {
        return Err(
            SqlErrorKind::unsupported_but("this option of *", "Spark has * EXCEPT (a, b)").at(at),
        );
    }
    Ok(options
        .opt_except
        .iter()
        .flat_map(|e| {
            std::iter::once(e.first_element.clone()).chain(e.additional_elements.iter().cloned())
        })
        .collect())
}

fn refuse_clauses(select: &Select) -> Result<(), SqlError> {
    let what = if matches!(select.distinct, Some(Distinct::On(_))) {
        "DISTINCT ON"
    } else if select.top.is_some() {
        "TOP"
    } else if select.into.is_some() {
        return Err(SqlErrorKind::NotReadOnly {
            what: "SELECT INTO".to_owned(),
        }
        .at(None));
    } else if select.prewhere.is_some() {
        "PREWHERE"
    } else if !select.connect_by.is_empty() {
        "CONNECT BY"
    } else if select.qualify.is_some() {
        "QUALIFY"
    } else if select.value_table_mode.is_some() {
        "SELECT AS STRUCT"
    } else if select.exclude.is_some() {
        "EXCLUDE"
    } else if !select.cluster_by.is_empty() {
        "CLUSTER BY"
    } else if select.select_modifiers.is_some() {
        "this SELECT modifier"
    } else {
        return Ok(());
    };
    Err(SqlErrorKind::unsupported(what).at(Position::of(select.select_token.0.span)))
}
