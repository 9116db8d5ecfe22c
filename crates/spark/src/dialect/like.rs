//! LIKE and ILIKE, also of several patterns at once (ANY, SOME, ALL). What a pattern means is `literal`'s business.

use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, Value, ValueWithSpan};

use super::call;
use super::error::{Position, SqlError, SqlErrorKind};
use super::expr::text_of;
use super::literal::{like_pattern, unescape};
use super::resolve::Resolver;
use super::scope::Scope;

/// How a LIKE matches.
#[derive(Clone, Copy)]
pub(crate) struct Manner {
    /// Whether one of several patterns is enough.
    pub any: bool,
    pub negated: bool,
    pub escape: char,
    /// Whether case does not count.
    pub fold: bool,
}

impl Resolver<'_> {
    pub fn like(
        &mut self,
        value: Expr,
        pattern: Expr,
        manner: Manner,
        scope: &Scope<'_>,
    ) -> Result<Expr, SqlError> {
        let mut value = self.expr(value, scope)?;
        if manner.fold {
            value = call::function("lower", vec![value]);
        }
        let (patterns, all) = several(pattern, manner.any);
        let op = if all {
            BinaryOperator::And
        } else {
            BinaryOperator::Or
        };
        let mut whole: Option<Expr> = None;
        for pattern in patterns {
            let one = self.one_pattern(value.clone(), pattern, manner, scope)?;
            whole = Some(match whole {
                None => one,
                Some(so_far) => call::binary(so_far, op.clone(), one),
            });
        }
        let whole = whole.ok_or_else(|| {
            SqlErrorKind::Misuse("LIKE ANY and LIKE ALL need a pattern".to_owned()).at(None)
        })?;
        Ok(Expr::Nested(Box::new(whole)))
    }

    /// A pattern written as text becomes the engine's LIKE, which filters can be pushed with; a computed one a function.
    fn one_pattern(
        &mut self,
        value: Expr,
        pattern: Expr,
        manner: Manner,
        scope: &Scope<'_>,
    ) -> Result<Expr, SqlError> {
        if let Some(mut text) = text_of(&pattern) {
            if manner.fold {
                text = text.to_lowercase();
            }
            return Ok(Expr::Like {
                negated: manner.negated,
                any: false,
                expr: Box::new(value),
                pattern: Box::new(call::text(&like_pattern(&text, manner.escape))),
                escape_char: None,
            });
        }
        let mut pattern = self.expr(pattern, scope)?;
        if manner.fold {
            pattern = call::function("lower", vec![pattern]);
        }
        let escape = call::text(&manner.escape.to_string());
        let found = call::function("like", vec![value, pattern, escape]);
        Ok(if manner.negated {
            call::not(found)
        } else {
            found
        })
    }
}

/// The patterns, and whether all of them must match. The grammar knows ANY; ALL and SOME it takes for functions.
fn several(pattern: Expr, any: bool) -> (Vec<Expr>, bool) {
    match pattern {
        Expr::Tuple(patterns) if any => (patterns, false),
        Expr::Nested(pattern) if any => (vec![*pattern], false),
        Expr::Function(call) => {
            let name = call.name.to_string().to_lowercase();
            match call::plain_args(&call.args) {
                Some(patterns) if matches!(name.as_str(), "all" | "some") => {
                    (patterns, name == "all")
                }
                _ => (vec![Expr::Function(call)], false),
            }
        }
        one => (vec![one], false),
    }
}

/// The character an ESCAPE clause names.
pub(crate) fn escape(value: Option<ValueWithSpan>, at: Option<Position>) -> Result<char, SqlError> {
    let Some(value) = value else {
        return Ok('\\');
    };
    let text = match &value.value {
        Value::SingleQuotedString(s) => unescape(s, '\''),
        Value::DoubleQuotedString(s) => unescape(s, '"'),
        other => other.to_string(),
    };
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) => Ok(c),
        _ => Err(SqlErrorKind::Misuse("ESCAPE takes one character".to_owned()).at(at)),
    }
}
