//! What can be wrong with a query, and where in the user's own text it is wrong.
//! It knows nothing of plans or of data: an error here is about the words of the query.

use std::fmt;

use datafusion::sql::sqlparser::tokenizer::{Location, Span};

/// A place in the query as the user wrote it: line and column, both counted from one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line, the first is 1.
    pub line: u64,
    /// Column in characters, the first is 1.
    pub column: u64,
}

impl Position {
    /// The start of a parsed piece of the query; `None` where the parser kept no place.
    pub(crate) fn of(span: Span) -> Option<Self> {
        Self::at(span.start)
    }

    pub(crate) fn at(location: Location) -> Option<Self> {
        (location.line > 0).then_some(Self {
            line: location.line,
            column: location.column,
        })
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// Why a query was not accepted.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{kind}{}", at.map(|p| format!(" ({p})")).unwrap_or_default())]
pub struct SqlError {
    /// What is wrong.
    pub kind: SqlErrorKind,
    /// Where it is wrong in the user's text, where that is known.
    pub at: Option<Position>,
}

/// The kinds of refusal, each with what the user needs to mend the query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SqlErrorKind {
    /// The text is not Spark SQL.
    #[error("cannot read the query: {0}")]
    Syntax(String),
    /// The text holds no query.
    #[error("there is no query: expected one SELECT, WITH, VALUES or EXPLAIN")]
    Empty,
    /// The text holds more than one statement.
    #[error("expected one query, found {0} statements")]
    Several(usize),
    /// The statement would write, change the session, or read something other than the recorded events.
    #[error("{what} is refused: queries only read the recorded events")]
    NotReadOnly {
        /// The construct, as Spark names it.
        what: String,
    },
    /// Legal in Spark, not supported here.
    #[error("{what} is not supported{}", hint.as_ref().map(|h| format!("; {h}")).unwrap_or_default())]
    Unsupported {
        /// The construct.
        what: String,
        /// What to write in its place.
        hint: Option<String>,
    },
    /// No such table or view.
    #[error("there is no table {name:?}{}", did_you_mean(nearest))]
    UnknownTable {
        /// The name as written.
        name: String,
        /// Known names that look alike, best first.
        nearest: Vec<String>,
    },
    /// No relation of the query has such a column.
    #[error("there is no column {name:?}{}", did_you_mean(nearest))]
    UnknownColumn {
        /// The name as written.
        name: String,
        /// Known names that look alike, best first.
        nearest: Vec<String>,
    },
    /// More than one relation has such a column.
    #[error("column {name:?} is ambiguous: it could be {}", candidates.join(" or "))]
    Ambiguous {
        /// The name as written.
        name: String,
        /// The columns it could be.
        candidates: Vec<String>,
    },
    /// No such function.
    #[error("there is no function {name:?} here{}", did_you_mean(nearest))]
    UnknownFunction {
        /// The name as written.
        name: String,
        /// Known names that look alike, best first.
        nearest: Vec<String>,
    },
    /// A function or clause used in a way it does not allow.
    #[error("{0}")]
    Misuse(String),
}

fn did_you_mean(nearest: &[String]) -> String {
    match nearest {
        [] => String::new(),
        names => format!("; nearest: {}", names.join(", ")),
    }
}

impl SqlErrorKind {
    pub(crate) fn at(self, at: Option<Position>) -> SqlError {
        SqlError { kind: self, at }
    }

    pub(crate) fn unsupported(what: impl Into<String>) -> Self {
        Self::Unsupported {
            what: what.into(),
            hint: None,
        }
    }

    pub(crate) fn unsupported_but(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Unsupported {
            what: what.into(),
            hint: Some(hint.into()),
        }
    }
}

/// The names most like `name` (without regard to case), best first, at most three.
pub(crate) fn nearest<I, S>(name: &str, known: I) -> Vec<String>
where
    I: IntoIterator<Item = S>,
    S: AsRef<str>,
{
    let known: Vec<S> = known.into_iter().collect();
    text::nearest(name, known.iter().map(AsRef::as_ref), 3)
        .into_iter()
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_names_come_best_first() {
        let known = [
            "regexp_extract",
            "regexp_replace",
            "split",
            "splitx",
            "concat",
        ];
        assert_eq!(nearest("SPLITT", known), ["split", "splitx"]);
        assert!(nearest("zzzzzz", known).is_empty());
    }

    #[test]
    fn an_error_tells_where_it_is() {
        let error = SqlErrorKind::unsupported("PIVOT").at(Some(Position { line: 2, column: 7 }));
        assert_eq!(
            error.to_string(),
            "PIVOT is not supported (line 2, column 7)"
        );
    }
}
