//! A predicate as SQL text, for engines that Scotoma does not own: Spark's dialect, which `scotoma sql`
//! reads too, and DataFusion's own. The text is true on exactly the rows on which the predicate holds,
//! and false or null on the others. What a dialect cannot say exactly is an error, not a near miss. It
//! refuses to know which tables there are.

use std::fmt::Write as _;

use crate::{
    Atom, Case, Cidr, FieldPair, Glob, GlobPart, Literal, Predicate, Relation, Test, Text,
};

/// Whose SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Spark 3.3 and later with its default settings, and `scotoma sql`.
    Spark,
    /// DataFusion's own, which is close to PostgreSQL's.
    DataFusion,
}

/// What cannot be said exactly.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {test}: {why}")]
pub struct NotExpressible {
    /// The field tested.
    pub field: String,
    /// The test, in words.
    pub test: String,
    /// Why it has no exact form.
    pub why: &'static str,
}

/// The condition as SQL, to stand behind `WHERE`. Columns are the predicate's fields and hold text.
///
/// # Errors
/// Where a test has no exact form in the dialect.
pub fn condition(predicate: &Predicate, dialect: Dialect) -> Result<String, NotExpressible> {
    write(predicate, dialect, false)
}

fn write(p: &Predicate, dialect: Dialect, inner: bool) -> Result<String, NotExpressible> {
    let join = |parts: &[Predicate], word: &str, empty: &str| {
        if parts.is_empty() {
            return Ok(empty.to_owned());
        }
        let parts: Vec<String> = parts
            .iter()
            .map(|p| write(p, dialect, true))
            .collect::<Result<_, _>>()?;
        let text = parts.join(word);
        Ok(if inner { format!("({text})") } else { text })
    };
    match p {
        Predicate::True => Ok("TRUE".to_owned()),
        Predicate::False => Ok("FALSE".to_owned()),
        Predicate::Atom(atom) => test(atom, dialect),
        Predicate::Fields(pair) => Ok(fields(pair, dialect)),
        Predicate::Keyword(test) => Err(NotExpressible {
            field: "any field".to_owned(),
            test: test.to_string(),
            why: "the columns of the table are not known here",
        }),
        Predicate::And(parts) => join(parts, " AND ", "TRUE"),
        Predicate::Or(parts) => join(parts, " OR ", "FALSE"),
        // A test of an absent value is null, and its opposite would be null too.
        Predicate::Not(p) => Ok(format!(
            "NOT coalesce({}, FALSE)",
            write(p, dialect, false)?
        )),
    }
}

fn test(atom: &Atom, dialect: Dialect) -> Result<String, NotExpressible> {
    let column = identifier(&atom.field, dialect);
    let fail = |why| NotExpressible {
        field: atom.field.to_string(),
        test: atom.test.to_string(),
        why,
    };
    let call = |name: [&str; 2], t: &Text| {
        if t.text.is_empty() {
            return format!("{column} IS NOT NULL");
        }
        let name = name[usize::from(dialect == Dialect::DataFusion)];
        format!(
            "{name}({}, {})",
            folded(&column, t),
            literal(&t.folded(), dialect)
        )
    };
    let equals = |t: &Text| format!("{} = {}", folded(&column, t), literal(&t.folded(), dialect));
    let ends = |t: &Text| call(["endswith", "ends_with"], t);
    Ok(match &atom.test {
        Test::Equals(t) => equals(t),
        Test::Contains(t) => call(["contains", "contains"], t),
        Test::StartsWith(t) => call(["startswith", "starts_with"], t),
        Test::EndsWith(t) => ends(t),
        Test::ImageIs(t) if t.text.contains('\\') => equals(t),
        Test::ImageIs(t) => {
            let behind = Text {
                text: format!("\\{}", t.text),
                case: t.case,
            };
            format!("({} OR {})", equals(t), ends(&behind))
        }
        Test::Present => format!("{column} IS NOT NULL"),
        Test::NotEmpty => format!("{column} <> ''"),
        Test::Glob(glob) => like(&column, glob, dialect),
        Test::Compare(comparison, Literal::Text(t)) => {
            if t.text.chars().any(|c| u32::from(c) >= 0xD800) {
                return Err(fail(
                    "SQL orders these characters otherwise than UTF-16 units",
                ));
            }
            // Letters of the value count even where the text has none: `A` and `a` lie on different sides of `\`.
            let value = match t.case {
                Case::Ascii => ascii_folded(&column),
                _ => folded(&column, t),
            };
            format!(
                "{value} {} {}",
                comparison.symbol(),
                literal(&t.folded(), dialect)
            )
        }
        Test::BitsSet(mask) => match dialect {
            Dialect::Spark => bits(&column, *mask),
            Dialect::DataFusion => {
                return Err(fail(
                    "DataFusion cannot read a number of either base from text",
                ));
            }
        },
        Test::Cidr(block) => {
            let pattern = addresses(*block)
                .ok_or_else(|| fail("an IPv6 address has too many spellings for a pattern"))?;
            matches(&column, &pattern, dialect)
        }
        Test::Regex(p) if dialect == Dialect::DataFusion => {
            let flag = if p.case() == Case::Exact { "" } else { ", 'i'" };
            format!(
                "regexp_like({column}, {}{flag})",
                literal(p.as_str(), dialect)
            )
        }
        Test::Regex(_) => return Err(fail("Java reads expressions otherwise")),
        Test::Compare(_, Literal::Number(_)) => {
            return Err(fail("text is not compared as a number of either base"));
        }
    })
}

/// A comparison of two columns.
fn fields(pair: &FieldPair, dialect: Dialect) -> String {
    let column = |name: &str| {
        let column = identifier(name, dialect);
        match pair.case {
            Case::Exact => column,
            Case::Ascii => ascii_folded(&column),
            Case::Unicode => format!("lower({column})"),
        }
    };
    let (a, b) = (column(&pair.field), column(&pair.other));
    match (pair.relation, dialect) {
        (Relation::Equals, _) => format!("{a} = {b}"),
        (Relation::Contains, _) => format!("contains({a}, {b})"),
        (Relation::StartsWith, Dialect::Spark) => format!("startswith({a}, {b})"),
        (Relation::StartsWith, Dialect::DataFusion) => format!("starts_with({a}, {b})"),
        (Relation::EndsWith, Dialect::Spark) => format!("endswith({a}, {b})"),
        (Relation::EndsWith, Dialect::DataFusion) => format!("ends_with({a}, {b})"),
    }
}

/// Both dialects let `%` and `_` stand for line breaks, too, and take `\` for the escape.
fn like(column: &str, glob: &Glob, dialect: Dialect) -> String {
    let mut pattern = String::new();
    for part in glob.parts() {
        match part {
            GlobPart::Any => pattern.push('%'),
            GlobPart::One => pattern.push('_'),
            GlobPart::Text(text) => {
                for c in glob.case().fold(text).chars() {
                    if matches!(c, '%' | '_' | '\\') {
                        pattern.push('\\');
                    }
                    pattern.push(c);
                }
            }
        }
    }
    let value = match glob.case() {
        Case::Exact => column.to_owned(),
        Case::Ascii => ascii_folded(column),
        Case::Unicode => format!("lower({column})"),
    };
    format!("{value} LIKE {}", literal(&pattern, dialect))
}

fn ascii_folded(column: &str) -> String {
    format!("translate({column}, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz')")
}

/// The column in the form in which it is compared with a text.
fn folded(column: &str, text: &Text) -> String {
    match text.case {
        Case::Ascii if text.text.bytes().any(|b| b.is_ascii_alphabetic()) => ascii_folded(column),
        Case::Exact | Case::Ascii => column.to_owned(),
        Case::Unicode => format!("lower({column})"),
    }
}

fn identifier(name: &str, dialect: Dialect) -> String {
    match dialect {
        Dialect::Spark => format!("`{}`", name.replace('`', "``")),
        Dialect::DataFusion => format!("\"{}\"", name.replace('"', "\"\"")),
    }
}

fn literal(text: &str, dialect: Dialect) -> String {
    let mut out = String::from("'");
    for c in text.chars() {
        match (dialect, c) {
            (Dialect::DataFusion, '\'') => out.push_str("''"),
            (Dialect::DataFusion, c) => out.push(c),
            (Dialect::Spark, '\'' | '\\') => {
                out.push('\\');
                out.push(c);
            }
            (Dialect::Spark, c) if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            (Dialect::Spark, c) => out.push(c),
        }
    }
    out.push('\'');
    out
}

fn matches(column: &str, pattern: &str, dialect: Dialect) -> String {
    match dialect {
        Dialect::Spark => format!("{column} RLIKE {}", literal(pattern, dialect)),
        Dialect::DataFusion => format!("regexp_like({column}, {})", literal(pattern, dialect)),
    }
}

/// Numbers with bits set, by the digits of their hexadecimal form; decimal ones are converted first.
fn bits(column: &str, mask: u64) -> String {
    let digits = format!("{mask:x}");
    let mut classes = String::new();
    for wanted in digits.chars().filter_map(|c| c.to_digit(16)) {
        classes.push('[');
        for digit in (0..16u32).filter(|d| d & wanted == wanted) {
            let _ = write!(classes, "{digit:x}");
            if digit > 9 {
                let _ = write!(classes, "{digit:X}");
            }
        }
        classes.push(']');
    }
    let more = 16 - digits.len();
    let number = format!("0*[0-9a-fA-F]{{0,{more}}}{classes}\\z");
    let decimal = format!("regexp_replace({column}, '^[+]', '')");
    let m = |column: &str, pattern: &str| matches(column, pattern, Dialect::Spark);
    format!(
        "CASE WHEN {} THEN TRUE WHEN {} THEN ({} OR {}) AND {} ELSE FALSE END",
        m(column, &format!("^0[xX][+]?{number}")),
        m(column, "^[+]?0*[0-9]{1,20}\\z"),
        // What is too large for 64 bits is converted to the largest number.
        format_args!("conv({decimal}, 10, 16) <> 'FFFFFFFFFFFFFFFF'"),
        m(column, "^[+]?0*18446744073709551615\\z"),
        m(&format!("conv({decimal}, 10, 16)"), &format!("^{number}")),
    )
}

/// The spelled-out IPv4 addresses of a block, as a pattern.
fn addresses(block: Cidr) -> Option<String> {
    let (first, last, v4) = block.range();
    if !v4 {
        return None;
    }
    let octet = |n: u128, place: u32| (n >> (8 * place)) & 0xFF;
    let mut octets = Vec::new();
    for place in (0..4).rev() {
        octets.push(match (octet(first, place), octet(last, place)) {
            (0, 255) => "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])".to_owned(),
            (a, b) if a == b => a.to_string(),
            (a, b) => {
                let all: Vec<String> = (a..=b).map(|n| n.to_string()).collect();
                format!("(?:{})", all.join("|"))
            }
        });
    }
    Some(format!("^{}\\z", octets.join("[.]")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn texts_are_quoted_for_their_dialect() {
        let p = Predicate::all([
            Predicate::atom("Image", Test::Equals(Text::ascii("C:\\O'Neil\\x.exe"))),
            Predicate::atom("Port", Test::Equals(Text::ascii("443"))).negate(),
        ]);
        assert_eq!(
            condition(&p, Dialect::Spark).unwrap(),
            "translate(`Image`, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz') = \
             'c:\\\\o\\'neil\\\\x.exe' AND NOT coalesce(`Port` = '443', FALSE)"
        );
        assert!(
            condition(&p, Dialect::DataFusion)
                .unwrap()
                .ends_with("'c:\\o''neil\\x.exe' AND NOT coalesce(\"Port\" = '443', FALSE)")
        );
    }

    #[test]
    fn what_has_no_exact_form_is_refused() {
        let p = Predicate::atom("Ip", Test::Cidr("fe80::/10".parse().unwrap()));
        let error = condition(&p, Dialect::Spark).unwrap_err().to_string();
        assert_eq!(
            error,
            "Ip in fe80::/10: an IPv6 address has too many spellings for a pattern"
        );
    }
}
