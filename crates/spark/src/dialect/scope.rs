//! What a name in a query can stand for: relations, their columns, and the aliases a select list defines.
//! It knows names only. Whether a table really has a field, it leaves to the catalog; what an expression means, to `expr`.

use datafusion::sql::sqlparser::ast::{Expr, Ident};

use super::ids::Ids;
use super::tables::Tables;

/// A column of a relation: the name users know, and the identifier the engine knows.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub name: String,
    pub internal: String,
    /// The relation that carries it, where that is not the relation that shows it (LATERAL VIEW).
    pub carrier: Option<String>,
}

/// A relation of a FROM clause.
#[derive(Debug, Clone)]
pub(crate) struct Relation {
    /// The name the query can qualify columns with, lower case.
    pub name: Option<String>,
    /// The unique alias it has in the rewritten query.
    pub internal: String,
    pub columns: Vec<Column>,
    /// The table it is, if it is one: its fields are discovered late, so any further name is a column of it.
    pub open: Option<String>,
    /// Shown by `*`: everything but the carriers of LATERAL VIEW columns shows itself.
    pub starred: bool,
}

/// A column that `USING` merged out of two relations.
#[derive(Debug, Clone)]
pub(crate) struct Merged {
    pub name: String,
    pub expr: Expr,
}

/// An alias of the select list, usable later in the same query block.
#[derive(Debug, Clone)]
pub(crate) struct Alias {
    pub name: String,
    pub expr: Expr,
    /// The identifier of the output column.
    pub internal: String,
}

/// The names visible in one query block.
#[derive(Debug, Default)]
pub(crate) struct Scope<'p> {
    pub relations: Vec<Relation>,
    pub merged: Vec<Merged>,
    pub aliases: Vec<Alias>,
    pub alias_use: AliasUse,
    /// The events its WHERE lets pass.
    pub ids: Ids,
    pub parent: Option<&'p Scope<'p>>,
}

/// How the aliases of the select list take part in name lookup, clause by clause.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AliasUse {
    /// They do not (FROM).
    #[default]
    None,
    /// They must not be used (WHERE): a field of that name nobody knows is then a mistake, not a field.
    Forbidden,
    /// They stand in for a name that no relation has (select list, GROUP BY).
    AfterColumns,
    /// They come first, as their expression (HAVING).
    FirstAsExpr,
    /// They come first, as the output column (ORDER BY).
    FirstAsOutput,
}

/// One thing a name can stand for, and how good the match is (lower is better).
#[derive(Debug, Clone)]
pub(crate) struct Match {
    pub rank: Rank,
    pub expr: Expr,
    /// Shown when the name is ambiguous.
    pub shown: String,
    /// The table and column, where it is a column of a table.
    pub base: Option<(String, String, bool)>,
}

/// The order in which candidates win.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    /// The very column.
    Exact,
    /// An alias of the query.
    QueryAlias,
    /// A column under another of its names.
    HeaderAlias,
    /// A name that a table with late fields may turn out to have.
    Possible,
}

/// An identifier the engine takes as it is.
pub(crate) fn quoted(name: &str) -> Ident {
    Ident::with_quote('"', name)
}

pub(crate) fn column(relation: &str, name: &str) -> Expr {
    Expr::CompoundIdentifier(vec![quoted(relation), quoted(name)])
}

impl Relation {
    /// A relation without a name, of these columns.
    pub fn of(columns: Vec<Column>) -> Self {
        Self {
            name: None,
            internal: String::new(),
            columns,
            open: None,
            starred: true,
        }
    }

    /// A relation without a name that is this registered table.
    pub fn of_table(table: String) -> Self {
        Self {
            open: Some(table),
            ..Self::of(Vec::new())
        }
    }

    fn carrier<'a>(&'a self, column: &'a Column) -> &'a str {
        column.carrier.as_deref().unwrap_or(&self.internal)
    }

    /// The explicit columns as expressions, in order.
    pub fn column_expr(&self, col: &Column) -> Expr {
        column(self.carrier(col), &col.internal)
    }

    /// All matches of a (dotted, unqualified) column name.
    pub fn find(&self, name: &str, tables: &dyn Tables) -> Vec<Match> {
        let lower = name.to_lowercase();
        let shown = |n: &str| match &self.name {
            Some(relation) => format!("{relation}.{n}"),
            None => n.to_owned(),
        };
        let mut found: Vec<Match> = self
            .columns
            .iter()
            .filter(|c| c.name.to_lowercase() == lower)
            .map(|c| Match {
                rank: Rank::Exact,
                expr: self.column_expr(c),
                shown: shown(&c.name),
                base: None,
            })
            .collect();
        if let Some(table) = &self.open {
            let canonical = tables.canonical(table, name);
            let known = canonical.is_some();
            let internal = canonical.unwrap_or_else(|| lower.clone());
            let rank = match known {
                true if internal == lower => Rank::Exact,
                true => Rank::HeaderAlias,
                false => Rank::Possible,
            };
            found.push(Match {
                rank,
                expr: column(&self.internal, &internal),
                shown: shown(name),
                base: Some((table.clone(), internal, known)),
            });
        }
        found
    }

    pub fn closed_names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|c| c.name.as_str())
    }
}

impl Scope<'_> {
    pub fn relation(&self, name: &str) -> Option<&Relation> {
        let lower = name.to_lowercase();
        self.relations
            .iter()
            .find(|r| r.name.as_deref() == Some(lower.as_str()))
    }

    /// Everything this block (not its parents) offers for an unqualified name.
    pub fn find(&self, name: &str, tables: &dyn Tables) -> Vec<Match> {
        let lower = name.to_lowercase();
        if let Some(merged) = self.merged.iter().find(|m| m.name == lower) {
            return vec![Match {
                rank: Rank::Exact,
                expr: merged.expr.clone(),
                shown: name.to_owned(),
                base: None,
            }];
        }
        self.relations
            .iter()
            .flat_map(|r| r.find(name, tables))
            .collect()
    }

    pub fn find_aliases(&self, name: &str) -> Vec<&Alias> {
        let lower = name.to_lowercase();
        self.aliases
            .iter()
            .filter(|a| a.name.to_lowercase() == lower)
            .collect()
    }

    pub fn known_names(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .relations
            .iter()
            .flat_map(|r| r.closed_names().map(str::to_owned))
            .chain(self.aliases.iter().map(|a| a.name.clone()))
            .collect();
        names.sort();
        names.dedup();
        names
    }
}
