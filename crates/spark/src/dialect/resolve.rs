//! Name resolution: a parsed query with the user's names in, the same query with the engine's names out.
//! One `Resolver` walks one query; the walk itself is spread over `query`, `select`, `from`, `expr` and `call`.

use std::collections::{BTreeMap, HashSet};

use datafusion::sql::sqlparser::ast::{Expr, Ident};

use super::call;
use super::error::{Position, SqlError, SqlErrorKind, nearest};
use super::ids::LookedAt;
use super::scope::{Alias, AliasUse, Column, Match, Rank, Scope, quoted};
use super::tables::{Mention, Tables};
use crate::functions::udf::Scalar;

/// A WITH query that later parts of the query can name.
#[derive(Debug, Clone)]
pub(crate) struct Cte {
    pub name: String,
    pub internal: String,
    pub outputs: Vec<Column>,
}

pub(crate) struct Resolver<'a> {
    pub tables: &'a dyn Tables,
    pub ctes: Vec<Cte>,
    /// The registered tables the query reads.
    pub read: BTreeMap<String, LookedAt>,
    mentions: Vec<Mention>,
    mentioned: HashSet<(String, String)>,
    relation_names: HashSet<String>,
}

impl<'a> Resolver<'a> {
    /// Functions that the query can call beside Spark's.
    pub fn functions(&self) -> &'static [Scalar] {
        self.tables.functions()
    }

    pub fn new(tables: &'a dyn Tables) -> Self {
        Self {
            tables,
            ctes: Vec::new(),
            read: BTreeMap::new(),
            mentions: Vec::new(),
            mentioned: HashSet::new(),
            relation_names: HashSet::new(),
        }
    }

    /// The tables the query reads, and what it mentions of them.
    pub fn into_parts(self) -> (BTreeMap<String, LookedAt>, Vec<Mention>) {
        (self.read, self.mentions)
    }

    /// A relation alias no other relation of the whole query has, so that inner names never capture outer ones.
    pub fn unique_relation(&mut self, wanted: &str) -> String {
        let wanted = wanted.to_lowercase();
        let mut name = wanted.clone();
        let mut n = 1;
        while !self.relation_names.insert(name.clone()) {
            n += 1;
            name = format!("{wanted}#{n}");
        }
        name
    }

    pub fn mention(&mut self, table: &str, column: &str, written: &str, known: bool) {
        if self.mentioned.insert((table.to_owned(), column.to_owned())) {
            self.mentions.push(Mention {
                table: table.to_owned(),
                column: column.to_owned(),
                written: written.to_owned(),
                known,
            });
        }
    }

    /// Resolves a plain or dotted name: `Image`, `o.Image`, `winlog.event_data.Image`, `o.host.name`.
    pub fn name(&mut self, parts: &[Ident], scope: &Scope<'_>) -> Result<Expr, SqlError> {
        let at = parts.first().and_then(|p| Position::of(p.span));
        let full = join(parts);
        // A qualifier first: the innermost block that has a relation of that name decides.
        if let [qualifier, rest @ ..] = parts
            && !rest.is_empty()
        {
            let mut block = Some(scope);
            while let Some(current) = block {
                if let Some(relation) = current.relation(&qualifier.value) {
                    let column = join(rest);
                    let found = relation.find(&column, self.tables);
                    if found.is_empty() {
                        let names: Vec<&str> = relation.closed_names().collect();
                        return Err(SqlErrorKind::UnknownColumn {
                            nearest: nearest(&column, names),
                            name: full,
                        }
                        .at(at));
                    }
                    return self.pick(found, &full, &column, at);
                }
                block = current.parent;
            }
        }
        self.unqualified(&full, scope, at)
    }

    fn unqualified(
        &mut self,
        name: &str,
        scope: &Scope<'_>,
        at: Option<Position>,
    ) -> Result<Expr, SqlError> {
        let aliases = scope.find_aliases(name);
        if matches!(
            scope.alias_use,
            AliasUse::FirstAsExpr | AliasUse::FirstAsOutput
        ) && let Some(expr) = one_alias(&aliases, scope.alias_use, name, at)?
        {
            return Ok(expr);
        }
        let mut found = scope.find(name, self.tables);
        let best = found.iter().map(|m| m.rank).min();
        // Where the alias is made of the very field, the query says that there is such a field, and Spark prefers it.
        let made_of_it = best == Some(Rank::Possible)
            && found
                .iter()
                .any(|m| aliases.iter().any(|a| call::contains(&a.expr, &m.expr)));
        if best.is_none_or(|rank| rank > Rank::QueryAlias) && !made_of_it && !aliases.is_empty() {
            match scope.alias_use {
                AliasUse::AfterColumns => {
                    if let Some(expr) = one_alias(&aliases, scope.alias_use, name, at)? {
                        return Ok(expr);
                    }
                }
                AliasUse::Forbidden if best.is_none_or(|rank| rank == Rank::Possible) => {
                    return Err(SqlErrorKind::Misuse(format!(
                        "the alias {name:?} is defined by this SELECT and cannot be used in its WHERE: repeat the expression, or filter outside"
                    ))
                    .at(at));
                }
                _ => {}
            }
        }
        if best.is_none_or(|rank| rank > Rank::HeaderAlias) {
            // An outer block that surely has the name beats a table that might have it.
            let mut block = scope.parent;
            while let Some(outer) = block {
                let matches = outer.find(name, self.tables);
                if matches.iter().any(|m| m.rank <= Rank::HeaderAlias)
                    || found.is_empty() && !matches.is_empty()
                {
                    found = matches;
                    break;
                }
                block = outer.parent;
            }
        }
        if found.is_empty() {
            return Err(SqlErrorKind::UnknownColumn {
                nearest: nearest(name, scope.known_names()),
                name: name.to_owned(),
            }
            .at(at));
        }
        self.pick(found, name, name, at)
    }

    fn pick(
        &mut self,
        mut found: Vec<Match>,
        shown: &str,
        written: &str,
        at: Option<Position>,
    ) -> Result<Expr, SqlError> {
        let Some(best) = found.iter().map(|m| m.rank).min() else {
            return Err(SqlErrorKind::UnknownColumn {
                name: shown.to_owned(),
                nearest: Vec::new(),
            }
            .at(at));
        };
        found.retain(|m| m.rank == best);
        if found.len() > 1 && found.iter().any(|m| m.expr != found[0].expr) {
            return Err(SqlErrorKind::Ambiguous {
                name: shown.to_owned(),
                candidates: found.into_iter().map(|m| m.shown).collect(),
            }
            .at(at));
        }
        let one = found.swap_remove(0);
        if let Some((table, column, known)) = &one.base {
            self.mention(table, column, written, *known);
        }
        Ok(one.expr)
    }
}

fn one_alias(
    aliases: &[&Alias],
    alias_use: AliasUse,
    name: &str,
    at: Option<Position>,
) -> Result<Option<Expr>, SqlError> {
    let Some(first) = aliases.first() else {
        return Ok(None);
    };
    if aliases.iter().any(|a| a.expr != first.expr) {
        return Err(SqlErrorKind::Ambiguous {
            name: name.to_owned(),
            candidates: aliases
                .iter()
                .enumerate()
                .map(|(i, a)| format!("{} (select item {})", a.name, i + 1))
                .collect(),
        }
        .at(at));
    }
    Ok(Some(match alias_use {
        AliasUse::FirstAsOutput => Expr::Identifier(quoted(&first.internal)),
        _ => Expr::Nested(Box::new(first.expr.clone())),
    }))
}

pub(crate) fn join(parts: &[Ident]) -> String {
    parts
        .iter()
        .map(|p| p.value.as_str())
        .collect::<Vec<_>>()
        .join(".")
}
