//! From text to one read-only statement: Spark's tokens and grammar, on top of the SQL parser that DataFusion uses.
//! It refuses to know tables and columns; and it lets nothing pass that could write, fetch, or change the session.

use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, Query, Statement};
use datafusion::sql::sqlparser::dialect::{Dialect, Precedence};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

use super::doubts;
use super::error::{Position, SqlError, SqlErrorKind};
use super::tokens::spark_tokens;

/// The longest query text that is read, in bytes.
const MAX_QUERY: usize = 4 << 20;
/// How deep parentheses and subqueries may nest.
const MAX_DEPTH: usize = 200;

/// Spark's grammar where it differs from the parser's own idea of it.
#[derive(Debug, Default)]
struct Spark;

impl Dialect for Spark {
    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        ch == '`'
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        ch.is_alphabetic() || ch == '_'
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        ch.is_alphanumeric() || ch == '_'
    }

    fn supports_string_literal_backslash_escape(&self) -> bool {
        true
    }

    fn supports_string_literal_concatenation(&self) -> bool {
        true
    }

    fn supports_filter_during_aggregation(&self) -> bool {
        true
    }

    fn supports_group_by_expr(&self) -> bool {
        true
    }

    fn supports_group_by_with_modifier(&self) -> bool {
        true
    }

    fn supports_order_by_all(&self) -> bool {
        true
    }

    fn supports_window_clause_named_window_reference(&self) -> bool {
        true
    }

    fn supports_window_function_null_treatment_arg(&self) -> bool {
        true
    }

    fn supports_select_wildcard_except(&self) -> bool {
        true
    }

    fn supports_comma_separated_trim(&self) -> bool {
        true
    }

    fn supports_nested_comments(&self) -> bool {
        true
    }

    fn supports_values_as_table_factor(&self) -> bool {
        true
    }

    fn supports_parens_around_table_factor(&self) -> bool {
        true
    }

    fn supports_bang_not_operator(&self) -> bool {
        true
    }

    fn supports_select_item_multi_column_alias(&self) -> bool {
        true
    }

    fn supports_cte_without_as(&self) -> bool {
        true
    }

    fn supports_long_type_as_bigint(&self) -> bool {
        true
    }

    fn supports_lambda_functions(&self) -> bool {
        true
    }

    fn parse_infix(
        &self,
        parser: &mut Parser,
        expr: &Expr,
        precedence: u8,
    ) -> Option<Result<Expr, ParserError>> {
        let op = if parser.parse_keyword(Keyword::DIV) {
            BinaryOperator::MyIntegerDivide
        } else if parser.consume_token(&Token::ShiftLeft) {
            BinaryOperator::PGBitwiseShiftLeft
        } else if parser.consume_token(&Token::ShiftRight) {
            BinaryOperator::PGBitwiseShiftRight
        } else {
            return None;
        };
        let right = parser.parse_subexpr(precedence);
        Some(right.map(|right| Expr::BinaryOp {
            left: Box::new(expr.clone()),
            op,
            right: Box::new(right),
        }))
    }

    fn get_next_precedence(&self, parser: &Parser) -> Option<Result<u8, ParserError>> {
        match &parser.peek_token_ref().token {
            Token::Word(word) if word.keyword == Keyword::DIV => {
                Some(Ok(self.prec_value(Precedence::MulDivModOp)))
            }
            _ => None,
        }
    }
}

/// What kind of answer a statement asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ask {
    Rows,
    Explain { verbose: bool, analyze: bool },
}

/// Reads exactly one query, with doubts about its literals.
pub(crate) fn parse(sql: &str) -> Result<(Ask, Box<Query>, Vec<String>), SqlError> {
    if sql.len() > MAX_QUERY {
        return Err(
            SqlErrorKind::Syntax(format!("the text is longer than {MAX_QUERY} bytes")).at(None),
        );
    }
    // Literals stay as written, because Spark's escapes are not those of the tokenizer.
    let tokens = Tokenizer::new(&Spark, sql)
        .with_unescape(false)
        .tokenize_with_location()
        .map_err(|e| {
            SqlErrorKind::Syntax(e.message.trim_end().trim_end_matches(" at").to_owned())
                .at(Position::at(e.location))
        })?;
    let tokens = spark_tokens(tokens);
    let doubts = doubts::of_literals(&tokens);
    let statements = Parser::new(&Spark)
        .with_recursion_limit(MAX_DEPTH)
        .with_tokens_with_locations(tokens)
        .parse_statements()
        .map_err(syntax_error)?;
    let mut statements = statements.into_iter();
    let Some(statement) = statements.next() else {
        return Err(SqlErrorKind::Empty.at(None));
    };
    let more = statements.len();
    if more > 0 {
        return Err(SqlErrorKind::Several(more + 1).at(None));
    }
    one_query(statement).map(|(ask, query)| (ask, query, doubts))
}

fn one_query(statement: Statement) -> Result<(Ask, Box<Query>), SqlError> {
    match statement {
        Statement::Query(query) => Ok((Ask::Rows, query)),
        Statement::Explain {
            analyze,
            verbose,
            statement,
            ..
        } => match *statement {
            Statement::Query(query) => Ok((Ask::Explain { verbose, analyze }, query)),
            other => Err(refused(&other)),
        },
        other => Err(refused(&other)),
    }
}

fn refused(statement: &Statement) -> SqlError {
    let text = statement.to_string();
    let words: Vec<&str> = text
        .split_whitespace()
        .take(2)
        .take_while(|word| word.chars().all(|c| c.is_ascii_uppercase()))
        .collect();
    let what = if words.is_empty() {
        "this statement".to_owned()
    } else {
        words.join(" ")
    };
    SqlErrorKind::NotReadOnly { what }.at(None)
}

fn syntax_error(error: ParserError) -> SqlError {
    let message = match error {
        ParserError::ParserError(message) | ParserError::TokenizerError(message) => message,
        ParserError::RecursionLimitExceeded => {
            return SqlErrorKind::Syntax(format!("it nests deeper than {MAX_DEPTH} levels"))
                .at(None);
        }
    };
    // The parser puts the place into its text.
    let (message, at) = match message.rsplit_once(" at Line: ") {
        Some((head, place)) => {
            let mut numbers = place.split(", Column: ").map(|n| n.trim().parse::<u64>());
            match (numbers.next(), numbers.next()) {
                (Some(Ok(line)), Some(Ok(column))) => {
                    (head.to_owned(), Some(Position { line, column }))
                }
                _ => (message, None),
            }
        }
        None => (message, None),
    };
    SqlErrorKind::Syntax(message).at(at)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn kind(sql: &str) -> SqlErrorKind {
        parse(sql).unwrap_err().kind
    }

    #[test]
    fn one_query_with_comments_and_semicolons() {
        for sql in [
            "SELECT 1",
            " -- c\nSELECT /* x */ 1 ; ",
            "SELECT 1;;",
            "WITH a AS (SELECT 1) SELECT * FROM a",
            "VALUES (1)",
            "(SELECT 1) UNION SELECT 2",
        ] {
            assert!(parse(sql).is_ok(), "{sql}");
        }
        assert!(matches!(
            parse("EXPLAIN SELECT 1"),
            Ok((Ask::Explain { .. }, ..))
        ));
    }

    #[test]
    fn only_reading_passes() {
        for sql in [
            "CREATE TABLE a (x INT)",
            "INSERT INTO a VALUES (1)",
            "COPY a TO 'x.csv'",
            "SET x = 1",
            "DROP TABLE a",
            "EXPLAIN INSERT INTO a VALUES (1)",
            "DELETE FROM a",
            "CREATE EXTERNAL TABLE a STORED AS CSV LOCATION 'x'",
        ] {
            assert!(
                matches!(
                    kind(sql),
                    SqlErrorKind::NotReadOnly { .. } | SqlErrorKind::Syntax(_)
                ),
                "{sql}: {:?}",
                kind(sql)
            );
        }
        assert_eq!(kind(""), SqlErrorKind::Empty);
        assert_eq!(kind("SELECT 1; SELECT 2"), SqlErrorKind::Several(2));
    }

    #[test]
    fn syntax_errors_have_a_place() {
        let error = parse("SELECT a\nFROM t\nWHERE )").unwrap_err();
        assert_eq!(error.at, Some(Position { line: 3, column: 7 }));
    }

    #[test]
    fn deep_nesting_is_an_error_not_a_crash() {
        let sql = format!("SELECT {}1{}", "(".repeat(5000), ")".repeat(5000));
        assert!(matches!(kind(&sql), SqlErrorKind::Syntax(_)));
    }

    proptest! {
        #[test]
        fn any_text_is_answered(sql in "(?s).{0,200}") {
            let _ = parse(&sql);
        }
    }
}
