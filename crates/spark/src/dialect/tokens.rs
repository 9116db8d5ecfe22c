//! Spark's tokens where the tokenizer cuts differently: the type suffix of a number (`1.5D`, `10S`) and raw text
//! (`r'a\b'`). Beyond Spark, which knows no such numbers, `0x143A` is one: rights are written so in this field. It refuses
//! to know grammar.

use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

/// Puts together what belongs together.
pub(crate) fn spark_tokens(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut out: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    for mut token in tokens {
        if let Some(number) = hexadecimal(&token) {
            token.token = number;
        }
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

/// The number that stands as `0x143A`. `X'4D'`, which is bytes, is the same token with a longer spelling.
fn hexadecimal(token: &TokenWithSpan) -> Option<Token> {
    let Token::HexStringLiteral(digits) = &token.token else {
        return None;
    };
    let (start, end) = (token.span.start, token.span.end);
    let length = usize::try_from(end.column.checked_sub(start.column)?).ok()?;
    if start.line != end.line || length != digits.len() + 2 {
        return None;
    }
    hexadecimal_number(digits)
}

fn hexadecimal_number(digits: &str) -> Option<Token> {
    let number = i64::from_str_radix(digits, 16).ok()?;
    Some(Token::Number(number.to_string(), false))
}

fn joined(left: &Token, right: &Token) -> Option<Token> {
    match (left, right) {
        (Token::Number(digits, false), Token::Word(word))
            if digits == "0" && word.quote_style.is_none() && word.value.starts_with('X') =>
        {
            hexadecimal_number(&word.value[1..])
        }
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
