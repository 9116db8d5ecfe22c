//! LATERAL VIEW: rows made out of an array, as a relation of their own.
//! It refuses an array that is computed from several relations, because no single one of them could carry it.

use datafusion::sql::sqlparser::ast::{
    Expr, Ident, JoinOperator, LateralView, ObjectName, SelectItem, SetExpr, Spanned, TableFactor,
    TableWithJoins, WildcardAdditionalOptions,
};

use super::build::{plain_query, plain_select, table_alias};
use super::call;
use super::error::{Position, SqlError, SqlErrorKind};
use super::resolve::Resolver;
use super::scope::{Column, Relation, Scope, quoted};

impl Resolver<'_> {
    /// LATERAL VIEW: the array is unnested inside the one relation it is computed from, and shown as a relation of its own.
    pub fn lateral_view(
        &mut self,
        view: LateralView,
        from: &mut [TableWithJoins],
        scope: &mut Scope<'_>,
    ) -> Result<(), SqlError> {
        let at = Position::of(view.lateral_view.span());
        let generator = call::Generator::of(&view.lateral_view).ok_or_else(|| {
            SqlErrorKind::unsupported_but(
                "this LATERAL VIEW",
                "use explode, explode_outer, posexplode or posexplode_outer",
            )
            .at(at)
        })?;
        let mut generator = generator?;
        generator.outer |= view.outer;
        let array = self.expr(generator.array.clone(), scope)?;
        let internal = carrier_of(&array, scope).ok_or_else(|| {
            SqlErrorKind::unsupported_but(
                "a LATERAL VIEW over columns of several relations",
                "compute the array in a subquery first",
            )
            .at(at)
        })?;
        let Some(factor) = from.iter_mut().find_map(|f| factor_named(f, &internal)) else {
            return Err(SqlErrorKind::unsupported_but(
                "a LATERAL VIEW over the optional side of an outer join",
                "unnest in a subquery first",
            )
            .at(at));
        };
        let shown: Vec<Ident> = if view.lateral_col_alias.is_empty() {
            generator
                .default_names()
                .iter()
                .map(|n| Ident::new(*n))
                .collect()
        } else {
            view.lateral_col_alias
        };
        let items = generator.items(array);
        if items.len() != shown.len() {
            let message = format!(
                "{} makes {} columns, not {}",
                generator.name,
                items.len(),
                shown.len()
            );
            return Err(SqlErrorKind::Misuse(message).at(at));
        }
        let view_name = ident_of(&view.lateral_view_name);
        // A view without a name is legal: then the parser has read the column's AS as nothing at all.
        let view_internal = self.unique_relation(&view_name);
        let mut projection = vec![SelectItem::Wildcard(WildcardAdditionalOptions::default())];
        let mut columns = Vec::new();
        for (n, (item, name)) in items.into_iter().zip(&shown).enumerate() {
            let column_name = format!("{}#{view_internal}#{n}", name.value.to_lowercase());
            projection.push(SelectItem::ExprWithAlias {
                expr: item,
                alias: quoted(&column_name),
            });
            columns.push(Column {
                name: name.value.clone(),
                internal: column_name,
                carrier: Some(internal.clone()),
            });
        }
        let inner = factor.clone();
        *factor = TableFactor::Derived {
            lateral: false,
            subquery: Box::new(plain_query(SetExpr::Select(Box::new(plain_select(
                projection, inner,
            ))))),
            alias: Some(table_alias(&internal, &[])),
            sample: None,
        };
        scope.relations.push(Relation {
            name: Some(view_name.to_lowercase()),
            internal: view_internal,
            columns,
            open: None,
            starred: true,
        });
        Ok(())
    }
}

fn ident_of(name: &ObjectName) -> String {
    name.0
        .iter()
        .filter_map(|p| p.as_ident())
        .map(|i| i.value.as_str())
        .collect::<Vec<_>>()
        .join(".")
}

/// The only relation an expression reads, if there is just one.
fn carrier_of(expr: &Expr, scope: &Scope<'_>) -> Option<String> {
    let mut carriers = Vec::new();
    call::each_column(expr, &mut |relation| {
        if !carriers.contains(&relation.to_owned()) {
            carriers.push(relation.to_owned());
        }
    });
    match carriers.as_slice() {
        [] => scope.relations.first().map(|r| r.internal.clone()),
        [one] => Some(one.clone()),
        _ => None,
    }
}

/// The factor with this internal alias, if unnesting inside it means the same as unnesting the join's result.
fn factor_named<'f>(from: &'f mut TableWithJoins, internal: &str) -> Option<&'f mut TableFactor> {
    let alias_is = |factor: &TableFactor| match factor {
        TableFactor::Table { alias: Some(a), .. } | TableFactor::Derived { alias: Some(a), .. } => {
            a.name.value == internal
        }
        _ => false,
    };
    let kept_left = from.joins.iter().all(|j| {
        !matches!(
            j.join_operator,
            JoinOperator::RightOuter(_) | JoinOperator::FullOuter(_)
        )
    });
    if alias_is(&from.relation) {
        return kept_left.then_some(&mut from.relation);
    }
    let inner_only = from.joins.iter().all(|j| {
        matches!(
            j.join_operator,
            JoinOperator::Inner(_) | JoinOperator::CrossJoin(_)
        )
    });
    from.joins
        .iter_mut()
        .map(|j| &mut j.relation)
        .find(|f| alias_is(f))
        .filter(|_| inner_only)
}
