//! Which events a query looks at, where a WHERE says so plainly: `event_id = 8`, `b.EventID IN (8, 10)`, alone or joined
//! to the rest by AND. It is known before anything is planned, so that reading can begin; what must be read in the end is
//! for the plan to say, so nothing depends on this being right. It refuses to conclude anything from other forms.

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, Ident, Select, TableFactor, Value, ValueWithSpan,
};

use super::tables::Tables;

/// Canonical name of the column that tells event types apart.
pub const EVENT_ID: &str = "eventid";

/// The events a query looks at in a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LookedAt {
    /// Their event ids; empty for all events.
    ids: Vec<i64>,
}

impl LookedAt {
    /// Their event ids; none where it may be any event.
    pub fn among(&self) -> &[i64] {
        &self.ids
    }

    /// And these besides.
    pub(crate) fn add(&mut self, other: &Self) {
        if self.ids.is_empty() || other.ids.is_empty() {
            self.ids.clear();
        } else {
            self.ids.extend(&other.ids);
            self.ids.sort_unstable();
            self.ids.dedup();
        }
    }
}

/// The columns that must be among some numbers for a row to pass a WHERE.
#[derive(Debug, Default)]
pub(crate) struct Ids(Vec<OnlyIds>);

#[derive(Debug)]
struct OnlyIds {
    /// The relation; `None` for the only one there is.
    relation: Option<String>,
    column: String,
    numbers: Vec<i64>,
}

impl Ids {
    pub(crate) fn of(select: &Select) -> Self {
        let alone = match select.from.as_slice() {
            [one] => one.joins.is_empty() && matches!(one.relation, TableFactor::Table { .. }),
            _ => false,
        };
        let mut found = Vec::new();
        if let Some(condition) = &select.selection {
            gather(condition, alone, &mut found);
        }
        Self(found)
    }

    /// The events looked at in the relation `name`, which is `table`.
    pub(crate) fn of_relation(
        &self,
        name: Option<&Ident>,
        table: &str,
        tables: &dyn Tables,
    ) -> LookedAt {
        let name = name.map(|n| n.value.to_lowercase());
        let ids = self.0.iter().find(|only| {
            (only.relation.is_none() || only.relation == name)
                && tables.canonical(table, &only.column).as_deref() == Some(EVENT_ID)
        });
        LookedAt {
            ids: ids.map_or_else(Vec::new, |only| only.numbers.clone()),
        }
    }
}

fn gather(condition: &Expr, alone: bool, found: &mut Vec<OnlyIds>) {
    let (column, numbers) = match condition {
        Expr::Nested(inner) => return gather(inner, alone, found),
        Expr::BinaryOp {
            left,
            op: BinaryOperator::And,
            right,
        } => {
            gather(left, alone, found);
            return gather(right, alone, found);
        }
        Expr::BinaryOp {
            left,
            op: BinaryOperator::Eq,
            right,
        } => match (number(left), number(right)) {
            (None, Some(n)) => (left, vec![n]),
            (Some(n), None) => (right, vec![n]),
            _ => return,
        },
        Expr::InList {
            expr,
            list,
            negated: false,
        } => match list.iter().map(number).collect() {
            Some(numbers) => (expr, numbers),
            None => return,
        },
        _ => return,
    };
    let (relation, column) = match column.as_ref() {
        Expr::Identifier(column) if alone => (None, column),
        Expr::CompoundIdentifier(parts) => match parts.as_slice() {
            [relation, column] => (Some(relation.value.to_lowercase()), column),
            _ => return,
        },
        _ => return,
    };
    found.push(OnlyIds {
        relation,
        column: column.value.clone(),
        numbers,
    });
}

/// A whole number, bare or as text: columns of numbers compare with both alike.
fn number(expr: &Expr) -> Option<i64> {
    let Expr::Value(ValueWithSpan { value, .. }) = expr else {
        return None;
    };
    match value {
        Value::Number(digits, _)
        | Value::SingleQuotedString(digits)
        | Value::DoubleQuotedString(digits) => digits.parse().ok(),
        _ => None,
    }
}
