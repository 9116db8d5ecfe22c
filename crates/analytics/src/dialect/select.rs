//! One SELECT block: its clauses see names in Spark's order, and its output columns get names no two of which are alike.
//! It refuses to evaluate; an alias is replaced by the expression it stands for wherever the engine could read it otherwise.

use std::collections::HashSet;

use datafusion::sql::sqlparser::ast::{
    Distinct, ExceptSelectItem, Expr, GroupByExpr, GroupByWithModifier, Ident,
    NamedWindowDefinition, NamedWindowExpr, ObjectName, ObjectNamePart, OrderBy, OrderByKind,
    Select, SelectItem, SelectItemQualifiedWildcardKind, Spanned, WildcardAdditionalOptions,
};

use super::call::{self, Generator};
use super::display::display;
use super::error::{Position, SqlError, SqlErrorKind};
use super::query::ordinal;
use super::resolve::{Output, Resolver};
use super::scope::{Alias, AliasUse, Column, Open, Relation, Scope, quoted};

/// The select list while it is being resolved.
#[derive(Default)]
struct List {
    items: Vec<SelectItem>,
    outputs: Vec<Output>,
    taken: HashSet<String>,
    /// A wildcard over a table whose columns are not known: then explicit names must not meet them.
    open: bool,
}

impl List {
    fn unique(&mut self, name: &str) -> String {
        let wanted = name.to_lowercase();
        let mut internal = if self.open {
            format!("{wanted}#1")
        } else {
            wanted.clone()
        };
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
        self.outputs.push(Output::Column(Column {
            name,
            internal,
            carrier: None,
        }));
    }
}

impl Resolver<'_> {
    pub fn select(
        &mut self,
        select: Select,
        order_by: Option<OrderBy>,
        parent: Option<&Scope<'_>>,
    ) -> Result<(Select, Option<OrderBy>, Vec<Output>), SqlError> {
        refuse_clauses(&select)?;
        let mut scope = Scope {
            parent,
            ..Scope::default()
        };
        let mut from = self.from(select.from, &mut scope)?;
        for view in select.lateral_views {
            self.lateral_view(view, &mut from, &mut scope)?;
        }

        scope.alias_use = AliasUse::AfterColumns;
        let mut list = List {
            open: select
                .projection
                .iter()
                .any(|item| open_wildcard(item, &scope, self)),
            ..List::default()
        };
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
                if !scope.merged.is_empty() {
                    return self.merged_wildcard(&relations, &except, list, scope, at);
                }
                relations
                    .iter()
                    .try_for_each(|r| self.wildcard(r, &except, list, scope))
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
                self.wildcard(&relation, &except, list, scope)
            }
            SelectItem::QualifiedWildcard(..) => {
                Err(SqlErrorKind::unsupported("* over an expression").at(at))
            }
        }
    }

    /// All columns of one relation, spelled out where they are known.
    fn wildcard(
        &mut self,
        relation: &Relation,
        except: &[Ident],
        list: &mut List,
        scope: &mut Scope<'_>,
    ) -> Result<(), SqlError> {
        let left_out = |name: &str| except.iter().any(|e| e.value.eq_ignore_ascii_case(name));
        let Some(open) = &relation.open else {
            for c in relation.columns.iter().filter(|c| !left_out(&c.name)) {
                list.push(relation.column_expr(c), c.name.clone(), scope);
            }
            return Ok(());
        };
        let mut excluded = open.except.clone();
        for ident in except {
            let lower = ident.value.to_lowercase();
            if relation
                .columns
                .iter()
                .any(|c| c.name.eq_ignore_ascii_case(&lower))
            {
                continue;
            }
            let canonical = self.tables.canonical(&open.table, &ident.value);
            let known = canonical.is_some();
            let column = canonical.unwrap_or(lower);
            self.mention(&open.table, &column, &ident.value, known);
            excluded.push(column);
        }
        if let Some(names) = self.tables.columns(&open.table) {
            for c in relation.columns.iter().filter(|c| !left_out(&c.name)) {
                list.push(relation.column_expr(c), c.name.clone(), scope);
            }
            for name in names {
                let canonical = self
                    .tables
                    .canonical(&open.table, &name)
                    .unwrap_or_else(|| name.to_lowercase());
                if !excluded.contains(&canonical) {
                    self.mention(&open.table, &canonical, &name, true);
                    list.push(
                        super::scope::column(&relation.internal, &canonical),
                        name,
                        scope,
                    );
                }
            }
            return Ok(());
        }
        // The engine's own wildcard would carry a subquery's explicit columns too: they follow under their own names.
        let mut hidden: Vec<String> = relation
            .columns
            .iter()
            .map(|c| c.internal.clone())
            .collect();
        hidden.extend(
            excluded
                .iter()
                .filter(|e| !open.except.contains(e))
                .cloned(),
        );
        list.items.push(star(relation, &hidden));
        let open = Open {
            table: open.table.clone(),
            except: excluded,
        };
        list.outputs.push(Output::Open {
            open,
            relation: relation.internal.clone(),
        });
        for c in relation.columns.iter().filter(|c| !left_out(&c.name)) {
            list.push(relation.column_expr(c), c.name.clone(), scope);
        }
        Ok(())
    }

    /// `*` after USING: the merged columns come first, once.
    fn merged_wildcard(
        &mut self,
        relations: &[Relation],
        except: &[Ident],
        list: &mut List,
        scope: &mut Scope<'_>,
        at: Option<Position>,
    ) -> Result<(), SqlError> {
        if relations.iter().any(|r| r.open.is_some()) {
            return Err(SqlErrorKind::unsupported_but(
                "* after USING over a table whose fields are discovered while reading",
                "name the columns",
            )
            .at(at));
        }
        let left_out = |name: &str| except.iter().any(|e| e.value.eq_ignore_ascii_case(name));
        for merged in scope.merged.clone() {
            let shown = relations
                .iter()
                .flat_map(|r| r.closed_names())
                .find(|n| n.to_lowercase() == merged.name)
                .unwrap_or(&merged.name)
                .to_owned();
            if !left_out(&shown) {
                list.push(merged.expr, shown, scope);
            }
        }
        for relation in relations {
            for c in &relation.columns {
                let lower = c.name.to_lowercase();
                if !left_out(&c.name) && !scope.merged.iter().any(|m| m.name == lower) {
                    list.push(relation.column_expr(c), c.name.clone(), scope);
                }
            }
        }
        Ok(())
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

fn star(relation: &Relation, hidden: &[String]) -> SelectItem {
    let mut options = WildcardAdditionalOptions::default();
    if let [first, more @ ..] = hidden {
        options.opt_except = Some(ExceptSelectItem {
            first_element: quoted(first),
            additional_elements: more.iter().map(|c| quoted(c)).collect(),
        });
    }
    let name = ObjectName(vec![ObjectNamePart::Identifier(quoted(&relation.internal))]);
    SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), options)
}

fn open_wildcard(item: &SelectItem, scope: &Scope<'_>, resolver: &Resolver<'_>) -> bool {
    let open = |r: &Relation| {
        r.open
            .as_ref()
            .is_some_and(|o| resolver.tables.columns(&o.table).is_none())
    };
    match item {
        SelectItem::Wildcard(_) => scope.relations.iter().any(open),
        SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) => {
            scope
                .relation(&name.to_string().replace('`', ""))
                .is_some_and(open)
        }
        _ => false,
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
