//! Spark's text literals: the backslash escapes of string literals, and what a LIKE pattern means.
//! It refuses to know about columns or evaluation: text in, text out.

/// The value of a Spark string literal, given the characters between its quotes.
///
/// `\n`, `\t`, `\r`, `\b`, `\0`, `\Z`, `\uXXXX`, `\UXXXXXXXX` and octal `\ooo` are the usual characters; `\%` and `\_` keep
/// their backslash (they are for LIKE); before anything else the backslash falls away. A doubled quote is one quote.
/// Source: Spark's `SparkParserUtils.unescapeSQLString`.
pub(crate) fn unescape(raw: &str, quote: char) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(ch) = rest.chars().next() {
        rest = &rest[ch.len_utf8()..];
        if ch == quote {
            // The tokenizer ended the literal at a lone quote, so a quote in here is always one of a pair.
            rest = rest.strip_prefix(quote).unwrap_or(rest);
            out.push(quote);
            continue;
        }
        if ch != '\\' {
            out.push(ch);
            continue;
        }
        let Some(next) = rest.chars().next() else {
            out.push('\\');
            break;
        };
        if let Some((value, used)) = numeric_escape(rest) {
            out.push(value);
            rest = &rest[used..];
            continue;
        }
        rest = &rest[next.len_utf8()..];
        match next {
            '0' => out.push('\0'),
            'b' => out.push('\u{8}'),
            'n' => out.push('\n'),
            'r' => out.push('\r'),
            't' => out.push('\t'),
            'Z' => out.push('\u{1a}'),
            '%' => out.push_str("\\%"),
            '_' => out.push_str("\\_"),
            other => out.push(other),
        }
    }
    out
}

fn numeric_escape(rest: &str) -> Option<(char, usize)> {
    let bytes = rest.as_bytes();
    let hex = |from: usize, len: usize| {
        let digits = rest.get(from..from + len)?;
        digits
            .bytes()
            .all(|b| b.is_ascii_hexdigit())
            .then_some(())?;
        Some((
            char::from_u32(u32::from_str_radix(digits, 16).ok()?)?,
            from + len,
        ))
    };
    match bytes.first()? {
        b'u' => hex(1, 4),
        b'U' => hex(1, 8),
        b'0'..=b'1'
            if bytes.len() >= 3 && bytes[1..3].iter().all(|b| (b'0'..=b'7').contains(b)) =>
        {
            let value = u32::from_str_radix(&rest[..3], 8).ok()?;
            Some((char::from_u32(value)?, 3))
        }
        _ => None,
    }
}

/// A LIKE pattern that the engine reads as Spark would, with `\` as the escape character.
///
/// A pattern that Spark 4 refuses (the escape character before anything but `_`, `%` or itself, or at the end) is taken as
/// its author meant it: then every backslash in it is a plain character.
pub(crate) fn like_pattern(pattern: &str, escape: char) -> String {
    let mut out = String::with_capacity(pattern.len() + 4);
    let mut chars = pattern.chars();
    while let Some(ch) = chars.next() {
        if ch == escape {
            match chars.next() {
                Some(next) if next == '%' || next == '_' || next == escape => {
                    if matches!(next, '%' | '_' | '\\') {
                        out.push('\\');
                    }
                    out.push(next);
                }
                _ => return literal_escapes(pattern),
            }
        } else if ch == '\\' {
            out.push_str("\\\\");
        } else {
            out.push(ch);
        }
    }
    out
}

fn literal_escapes(pattern: &str) -> String {
    pattern.replace('\\', "\\\\")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escapes_are_sparks() {
        assert_eq!(unescape(r"c:\\windows", '\''), r"c:\windows");
        assert_eq!(unescape(r"c:\\\windows\\\\v", '\''), r"c:\windows\\v");
        assert_eq!(unescape(r".*\.dmp", '"'), ".*.dmp");
        assert_eq!(unescape(r"a\%b\_c", '\''), r"a\%b\_c");
        assert_eq!(unescape(r"\n\t\r\0", '\''), "\n\t\r\0");
        assert_eq!(unescape(r"A\u0041\101", '\''), "AAA");
        assert_eq!(unescape("it''s", '\''), "it's");
        assert_eq!(unescape(r#"say ""x"""#, '"'), r#"say "x""#);
        assert_eq!(unescape("tail\\", '\''), "tail\\");
    }

    #[test]
    fn patterns_spark_accepts_keep_their_meaning() {
        assert_eq!(like_pattern(r"\\pshost%", '\\'), r"\\pshost%");
        assert_eq!(like_pattern(r"a\_b%", '\\'), r"a\_b%");
        assert_eq!(like_pattern("50/%%", '/'), r"50\%%");
        assert_eq!(like_pattern(r"c:\x//%", '/'), r"c:\\x/%");
    }

    #[test]
    fn patterns_spark_refuses_are_read_literally() {
        assert_eq!(like_pattern(r"%\samr", '\\'), r"%\\samr");
        assert_eq!(like_pattern(r"%\windows\_x%", '\\'), r"%\\windows\\_x%");
        assert_eq!(like_pattern(r"%\", '\\'), r"%\\");
    }

    proptest! {
        #[test]
        fn any_text_unescapes(raw in ".*") {
            let _ = unescape(&raw, '\'');
        }

        #[test]
        fn a_normal_pattern_is_stable(raw in "[a-z\\\\%_]{0,12}") {
            let once = like_pattern(&raw, '\\');
            prop_assert_eq!(like_pattern(&once, '\\'), once);
        }
    }
}
