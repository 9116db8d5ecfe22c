//! Spark's tokens where the tokenizer cuts differently: the type suffix of a number (`1.5D`, `10S`) and raw text
//! (`r'a\b'`). It refuses to know grammar.

use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

/// Puts together what belongs together.
pub(crate) fn spark_tokens(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut out: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    for token in tokens {
        // White space is a token of its own, so neighbours touch.
        match out
            .last_mut()
            .and_then(|last| joined(&last.token, &token.token).map(|j| (last, j)))
        {
            Some((last, joined)) => last.token = joined,
            None => out.push(token),
        }
    }
    out
}

fn joined(left: &Token, right: &Token) -> Option<Token> {
    match (left, right) {
        (Token::Number(digits, false), Token::Word(word)) if word.quote_style.is_none() => {
            let whole = !digits.contains(['.', 'e', 'E']);
            let number = match word.value.to_ascii_uppercase().as_str() {
                "D" | "F" | "BD" if whole => format!("{digits}.0"),
                "D" | "F" | "BD" => digits.clone(),
                "S" | "Y" if whole => digits.clone(),
                _ => return None,
            };
            Some(Token::Number(number, false))
        }
        (Token::Word(word), Token::SingleQuotedString(text)) if is_raw(word) => {
            Some(Token::SingleQuotedRawStringLiteral(text.clone()))
        }
        (Token::Word(word), Token::DoubleQuotedString(text)) if is_raw(word) => {
            Some(Token::DoubleQuotedRawStringLiteral(text.clone()))
        }
        _ => None,
    }
}

fn is_raw(word: &datafusion::sql::sqlparser::tokenizer::Word) -> bool {
    word.quote_style.is_none() && word.value.eq_ignore_ascii_case("r")
}
