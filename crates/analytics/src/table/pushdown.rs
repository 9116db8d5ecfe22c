//! From the engine's filter expressions to what readers can decide. Only forms whose meaning is beyond doubt are
//! taken; everything else stays with the engine, which looks at every kept row again anyway.

use datafusion::common::ScalarValue;
use datafusion::logical_expr::{BinaryExpr, Expr, Like, Operator};
use telemetry::header::{self, Kind};
use telemetry::{Atom, Test};

use spark::dialect::EVENT_ID;

/// The raw column that a table's column is, where it is nothing more than that.
type Names<'n> = &'n dyn Fn(&str) -> Option<String>;

/// The clauses of a condition; none where nothing can be decided.
pub(crate) fn clauses(filter: &Expr, names: Names<'_>) -> Vec<Vec<Atom>> {
    match filter {
        Expr::BinaryExpr(BinaryExpr {
            left,
            op: Operator::And,
            right,
        }) => {
            let mut all = clauses(left, names);
            all.extend(clauses(right, names));
            all
        }
        other => clause(other, names).map_or_else(Vec::new, |c| vec![c]),
    }
}

/// That the event id is one of these.
pub(crate) fn has_id(ids: Vec<i64>) -> Atom {
    Atom {
        column: EVENT_ID.to_owned(),
        test: Test::IntIn(ids),
    }
}

/// A disjunction of atoms, if the condition is one.
fn clause(filter: &Expr, names: Names<'_>) -> Option<Vec<Atom>> {
    match filter {
        Expr::BinaryExpr(BinaryExpr {
            left,
            op: Operator::Or,
            right,
        }) => {
            let mut any = clause(left, names)?;
            any.extend(clause(right, names)?);
            Some(any)
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            comparison(left, *op, right, names).map(|a| vec![a])
        }
        Expr::InList(list) if !list.negated => {
            let (column, lower) = operand(&list.expr, names)?;
            let values = list.list.iter().map(literal).collect::<Option<Vec<_>>>()?;
            equal_to(column, lower, &values).map(|a| vec![a])
        }
        Expr::Like(like) => self::like(like, names).map(|a| vec![a]),
        Expr::IsNotNull(e) => plain(e, names).map(|column| {
            vec![Atom {
                column,
                test: Test::NotNull,
            }]
        }),
        Expr::IsNull(e) => plain(e, names).map(|column| {
            vec![Atom {
                column,
                test: Test::Null,
            }]
        }),
        Expr::Between(b) if !b.negated => {
            let column = plain(&b.expr, names)?;
            let (low, high) = (
                integer(&column, literal(&b.low)?)?,
                integer(&column, literal(&b.high)?)?,
            );
            Some(vec![Atom {
                column,
                test: Test::IntBetween(low, high),
            }])
        }
        _ => None,
    }
}

fn comparison(left: &Expr, op: Operator, right: &Expr, names: Names<'_>) -> Option<Atom> {
    let (expr, op, value) = match (literal(left), literal(right)) {
        (None, Some(v)) => (left, op, v),
        (Some(v), None) => (right, op.swap()?, v),
        _ => return None,
    };
    if op == Operator::Eq {
        let (column, lower) = operand(expr, names)?;
        return equal_to(column, lower, &[value]);
    }
    let column = plain(expr, names)?;
    let bound = integer(&column, value)?;
    let test = match op {
        Operator::Lt => Test::IntBetween(i64::MIN, bound.checked_sub(1)?),
        Operator::LtEq => Test::IntBetween(i64::MIN, bound),
        Operator::Gt => Test::IntBetween(bound.checked_add(1)?, i64::MAX),
        Operator::GtEq => Test::IntBetween(bound, i64::MAX),
        _ => return None,
    };
    Some(Atom { column, test })
}

fn equal_to(column: String, lower: bool, values: &[&ScalarValue]) -> Option<Atom> {
    let test = if lower || header::kind(&column) == Kind::Text {
        let texts = values
            .iter()
            .map(|v| v.try_as_str().flatten().map(str::to_owned))
            .collect::<Option<Vec<_>>>()?;
        if lower {
            Test::LowerIn(texts)
        } else {
            Test::TextIn(texts)
        }
    } else {
        Test::IntIn(
            values
                .iter()
                .map(|v| integer(&column, v))
                .collect::<Option<Vec<_>>>()?,
        )
    };
    Some(Atom { column, test })
}

/// `LIKE` with at most a `%` at either end, and nothing special between.
fn like(like: &Like, names: Names<'_>) -> Option<Atom> {
    if like.negated || like.case_insensitive || like.escape_char.is_some_and(|c| c != '\\') {
        return None;
    }
    let (column, lower) = operand(&like.expr, names)?;
    if !lower && header::kind(&column) != Kind::Text {
        return None;
    }
    let pattern = literal(&like.pattern)?.try_as_str().flatten()?;
    let (front, rest) = pattern
        .strip_prefix('%')
        .map_or((false, pattern), |r| (true, r));
    let (back, text) = match rest.strip_suffix('%') {
        Some(t) if !t.ends_with('\\') => (true, t),
        _ => (false, rest),
    };
    // A pattern with inner wildcards is decided by the longest piece that must be there.
    let pieces = literal_pieces(text)?;
    let test = match (pieces.as_slice(), front, back) {
        ([only], false, false) if lower => Test::LowerIn(vec![only.clone()]),
        ([only], false, false) => Test::TextIn(vec![only.clone()]),
        ([only], true, false) => Test::EndsWith {
            text: only.clone(),
            lower,
        },
        ([only], false, true) => Test::StartsWith {
            text: only.clone(),
            lower,
        },
        (many, ..) => Test::Contains {
            text: many.iter().max_by_key(|p| p.len())?.clone(),
            lower,
        },
    };
    Some(Atom { column, test })
}

/// The runs of plain text of a pattern, escapes undone.
fn literal_pieces(pattern: &str) -> Option<Vec<String>> {
    let mut pieces = vec![String::new()];
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            '%' | '_' => pieces.push(String::new()),
            '\\' => pieces.last_mut()?.push(chars.next()?),
            c => pieces.last_mut()?.push(c),
        }
    }
    Some(pieces)
}

/// A column, bare or inside `lower`.
fn operand(expr: &Expr, names: Names<'_>) -> Option<(String, bool)> {
    match expr {
        Expr::ScalarFunction(f) if f.func.name() == "lower" => match f.args.as_slice() {
            [inner] => plain(inner, names)
                .filter(|c| header::kind(c) == Kind::Text)
                .map(|c| (c, true)),
            _ => None,
        },
        other => plain(other, names).map(|c| (c, false)),
    }
}

fn plain(expr: &Expr, names: Names<'_>) -> Option<String> {
    match expr {
        Expr::Column(c) => names(&c.name),
        // Casts between text's encodings change nothing.
        Expr::Cast(c) if is_text(c.field.data_type()) => {
            plain(&c.expr, names).filter(|c| header::kind(c) == Kind::Text)
        }
        _ => None,
    }
}

fn is_text(data_type: &datafusion::arrow::datatypes::DataType) -> bool {
    use datafusion::arrow::datatypes::DataType::{Dictionary, LargeUtf8, Utf8, Utf8View};
    match data_type {
        Utf8 | LargeUtf8 | Utf8View => true,
        Dictionary(_, value) => is_text(value),
        _ => false,
    }
}

fn literal(expr: &Expr) -> Option<&ScalarValue> {
    match expr {
        Expr::Literal(value, _) => Some(value),
        _ => None,
    }
}

/// The literal as the column's integer: a number, or an instant in microseconds.
fn integer(column: &str, value: &ScalarValue) -> Option<i64> {
    match (header::kind(column), value) {
        (Kind::Int, ScalarValue::Int64(v)) => *v,
        (Kind::Int, ScalarValue::Int32(v)) => v.map(i64::from),
        (Kind::Time, ScalarValue::TimestampMicrosecond(v, _)) => *v,
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::prelude::{col, lit};

    /// Columns that are raw ones, but for one.
    fn raw(name: &str) -> Option<String> {
        match name {
            "event_id" => Some("eventid".to_owned()),
            "made" => None,
            name => Some(name.to_owned()),
        }
    }

    fn test_of(filter: Expr) -> Option<Test> {
        clauses(&filter, &raw)
            .pop()
            .and_then(|mut c| c.pop())
            .map(|a| a.test)
    }

    #[test]
    fn plain_forms_are_taken() {
        assert_eq!(
            test_of(col("eventid").eq(lit(8i64))),
            Some(Test::IntIn(vec![8]))
        );
        assert_eq!(
            clauses(&col("event_id").eq(lit(8i64)), &raw),
            clauses(&col("eventid").eq(lit(8i64)), &raw)
        );
        assert_eq!(
            test_of(col("channel").eq(lit("Security"))),
            Some(Test::TextIn(vec!["Security".into()]))
        );
        assert_eq!(
            test_of(col("image").like(lit("%\\\\cmd.exe"))),
            Some(Test::EndsWith {
                text: "\\cmd.exe".into(),
                lower: false
            })
        );
        assert_eq!(
            test_of(col("image").like(lit("a%b_cde"))),
            Some(Test::Contains {
                text: "cde".into(),
                lower: false
            })
        );
        assert_eq!(
            test_of(lit(5i64).lt(col("eventid"))),
            Some(Test::IntBetween(6, i64::MAX))
        );
    }

    #[test]
    fn doubtful_forms_are_left_to_the_engine() {
        for filter in [
            col("eventid").not_eq(lit(8i64)),
            col("image").not_like(lit("%x")),
            col("image").eq(lit(8i64)),
            col("eventid").eq(col("x")),
            col("made").eq(lit("x")),
            col("eventid").eq(lit(8i64)).or(col("a").not_eq(lit("x"))),
        ] {
            assert_eq!(clauses(&filter, &raw), Vec::<Vec<Atom>>::new(), "{filter}");
        }
    }

    #[test]
    fn both_sides_of_an_or_become_one_clause() {
        let filter = col("eventid")
            .eq(lit(8i64))
            .or(col("eventid").eq(lit(10i64)))
            .and(col("channel").eq(lit("x")));
        let clauses = clauses(&filter, &raw);
        assert_eq!(clauses.len(), 2);
        assert_eq!(clauses[0].len(), 2);
    }
}
