//! Text literals that seldom mean what their author wants: a path with single backslashes, which Spark drops, and one with
//! four in a row, of which two remain. It refuses to change a query.

use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

/// What a person should know of the literals in a query's tokens, in words.
pub(crate) fn of_literals(tokens: &[TokenWithSpan]) -> Vec<String> {
    let mut doubts: Vec<String> = Vec::new();
    let mut pattern = false;
    for token in tokens {
        match &token.token {
            Token::Whitespace(_) | Token::LParen => {}
            Token::Word(word) if word.quote_style.is_none() => {
                let name = word.value.to_ascii_lowercase();
                // The words between LIKE and its pattern keep what was said.
                pattern = match name.as_str() {
                    "any" | "all" | "some" => pattern,
                    name => takes_patterns(name),
                };
            }
            Token::SingleQuotedString(text) => doubts.extend(of_literal(text, '\'', pattern)),
            Token::DoubleQuotedString(text) => doubts.extend(of_literal(text, '"', pattern)),
            Token::Comma => {}
            _ => pattern = false,
        }
    }
    doubts.dedup();
    doubts
}

/// Whether what follows a word is a pattern, in which a backslash may be written four times.
fn takes_patterns(word: &str) -> bool {
    matches!(
        word,
        "like" | "ilike" | "rlike" | "escape" | "split" | "get_json_object"
    ) || word.starts_with("regexp")
}

fn of_literal(raw: &str, quote: char, pattern: bool) -> Option<String> {
    let shown = |text: &str| format!("{quote}{text}{quote}");
    if let Some(dropped) = dropped_escape(raw) {
        return Some(format!(
            "in {} the backslash before {dropped} falls away, as in Spark: write {} for a backslash",
            shown(raw),
            shown(&doubled(raw))
        ));
    }
    let inside = raw
        .char_indices()
        .any(|(at, _)| at > 0 && raw[at..].starts_with("\\\\\\\\"));
    (inside && !pattern).then(|| {
        format!(
            "{} holds two backslashes in a row, as in Spark: write {} for one",
            shown(raw),
            shown(&raw.replace("\\\\\\\\", "\\\\"))
        )
    })
}

/// The character before which a single backslash seems to be meant and is dropped, or is read as another character.
fn dropped_escape(raw: &str) -> Option<char> {
    let bytes = raw.as_bytes();
    // `C:\temp` is a path, though `\t` is a tab.
    let path =
        bytes.len() > 3 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':' && bytes[2] == b'\\';
    let mut chars = raw.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            continue;
        }
        let next = chars.next()?;
        let known = matches!(next, 'n' | 't' | 'r' | 'b' | 'Z' | 'u' | 'U');
        if next.is_alphabetic() && (!known || path) {
            return Some(next);
        }
    }
    None
}

/// The literal with every single backslash written twice.
fn doubled(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len() + 8);
    let mut chars = raw.chars().peekable();
    while let Some(c) = chars.next() {
        out.push(c);
        if c != '\\' {
            continue;
        }
        match chars.peek() {
            Some('\\' | '\'' | '"' | '%' | '_') => out.extend(chars.next()),
            _ => out.push('\\'),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_backslashes_are_doubted() {
        let said = |raw: &str| of_literal(raw, '\'', false).unwrap_or_default();
        assert!(said(r"C:\Windows\System32").contains(r"write 'C:\\Windows\\System32'"));
        assert!(said(r"C:\temp").contains(r"'C:\\temp'"));
        assert!(said(r"\d+").contains(r"'\\d+'"));
        for fine in [
            r"C:\\Windows",
            r"a\nb",
            r"\%a\_b",
            r"it\'s",
            "",
            r"\\\\server\\share",
        ] {
            assert_eq!(said(fine), "", "{fine}");
        }
        assert!(said(r"C:\\\\Windows").contains(r"write 'C:\\Windows' for one"));
        assert_eq!(of_literal(r"%\\\\cmd.exe", '\'', true), None);
    }
}
