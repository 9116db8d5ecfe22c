//! Functions over regular expressions: rlike, split, regexp_extract, regexp_replace and their kin, with Java's patterns.
//! How a pattern is read is `java_regex`'s business.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, BooleanArray, Int32Array, ListBuilder, StringArray, StringBuilder,
};
use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::common::{Result, exec_err};

use super::java_regex::{Groups, JavaRegex};
use super::udf::{Args, Column, Scalar, boolean, build_text, int, text, texts};

pub(crate) const FUNCTIONS: &[Scalar] = &[
    // rlike(text, pattern): whether the Java pattern is found anywhere in the text.
    Scalar::new(&["rlike", "regexp", "regexp_like"], 2, 2, boolean, rlike),
    // like(text, pattern, escape): LIKE with a pattern that is computed.
    Scalar::new(&["like"], 2, 3, boolean, like).internal(),
    // split(text, pattern, limit): the parts between the matches of a Java pattern.
    Scalar::new(&["split"], 2, 3, texts, split),
    // regexp_extract(text, pattern, group): the group of the first match, empty where there is none.
    Scalar::new(&["regexp_extract"], 2, 3, text, extract),
    // regexp_extract_all(text, pattern, group): the group of every match.
    Scalar::new(&["regexp_extract_all"], 2, 3, texts, extract_all),
    // regexp_replace(text, pattern, replacement, from): all matches replaced; $1 names a group.
    Scalar::new(&["regexp_replace"], 3, 4, text, replace),
    // regexp_count(text, pattern): how many matches there are.
    Scalar::new(&["regexp_count"], 2, 2, int, count),
    // regexp_substr(text, pattern): the first match, null where there is none.
    Scalar::new(&["regexp_substr"], 2, 2, text, substr),
    // regexp_instr(text, pattern): where the first match begins (from 1), 0 where there is none.
    Scalar::new(&["regexp_instr"], 2, 2, int, instr),
];

/// The patterns of one call, each compiled once.
struct Patterns {
    test_only: bool,
    known: HashMap<String, Arc<JavaRegex>>,
}

impl Patterns {
    fn new(test_only: bool) -> Self {
        Self {
            test_only,
            known: HashMap::new(),
        }
    }

    fn get(&mut self, pattern: &str) -> Result<Arc<JavaRegex>> {
        if let Some(found) = self.known.get(pattern) {
            return Ok(Arc::clone(found));
        }
        let compiled = JavaRegex::new(pattern, self.test_only)?;
        self.known.insert(pattern.to_owned(), Arc::clone(&compiled));
        Ok(compiled)
    }
}

fn texts_builder() -> ListBuilder<StringBuilder> {
    ListBuilder::new(StringBuilder::new()).with_field(Field::new_list_field(DataType::Utf8, true))
}

fn rlike(args: &Args<'_>) -> Result<ArrayRef> {
    let (value, pattern) = (args.text(0)?, args.text(1)?);
    let mut patterns = Patterns::new(true);
    let mut out = Vec::with_capacity(args.rows);
    for row in 0..args.rows {
        out.push(match (value.get(row), pattern.get(row)) {
            (Some(v), Some(p)) => Some(patterns.get(p)?.is_match(v)?),
            _ => None,
        });
    }
    Ok(Arc::new(BooleanArray::from(out)))
}

fn like(args: &Args<'_>) -> Result<ArrayRef> {
    let (value, pattern) = (args.text(0)?, args.text(1)?);
    let escape = if args.len() > 2 {
        args.constant(2, "escape character")?
            .and_then(|e| e.chars().next())
    } else {
        None
    };
    let out: BooleanArray = (0..args.rows)
        .map(|row| {
            let pattern = crate::dialect::like_pattern(pattern.get(row)?, escape.unwrap_or('\\'));
            Some(like_matches(value.get(row)?, &pattern))
        })
        .collect();
    Ok(Arc::new(out))
}

/// A normal LIKE pattern: `\` escapes whatever follows it.
fn like_matches(value: &str, pattern: &str) -> bool {
    #[derive(PartialEq)]
    enum Token {
        Any,
        One,
        Char(char),
    }
    let mut tokens = Vec::new();
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        tokens.push(match c {
            '%' => Token::Any,
            '_' => Token::One,
            '\\' => Token::Char(chars.next().unwrap_or('\\')),
            c => Token::Char(c),
        });
    }
    let value: Vec<char> = value.chars().collect();
    let (mut v, mut t) = (0, 0);
    // Where to go back to: the last `%`, and how much of the value it has taken.
    let mut retry: Option<(usize, usize)> = None;
    loop {
        match tokens.get(t) {
            Some(Token::Any) => {
                retry = Some((t, v));
                t += 1;
                continue;
            }
            Some(Token::One) if v < value.len() => {
                (v, t) = (v + 1, t + 1);
                continue;
            }
            Some(Token::Char(c)) if value.get(v) == Some(c) => {
                (v, t) = (v + 1, t + 1);
                continue;
            }
            None if v == value.len() => return true,
            _ => {}
        }
        match &mut retry {
            Some((any, taken)) if *taken < value.len() => {
                *taken += 1;
                (v, t) = (*taken, *any + 1);
            }
            _ => return false,
        }
    }
}

fn split(args: &Args<'_>) -> Result<ArrayRef> {
    let (value, pattern) = (args.text(0)?, args.text(1)?);
    let limit = if args.len() > 2 {
        Some(args.whole(2)?)
    } else {
        None
    };
    let mut patterns = Patterns::new(false);
    let mut out = texts_builder();
    for row in 0..args.rows {
        let limit = limit.as_ref().map_or(Some(-1), |l| l.get(row));
        let (Some(v), Some(p), Some(limit)) = (value.get(row), pattern.get(row), limit) else {
            out.append(false);
            continue;
        };
        let limit = usize::try_from(limit).unwrap_or(0);
        if p.is_empty() && !v.is_empty() {
            // Character by character, without an empty end.
            let count = v.chars().count();
            let wanted = if limit == 0 { count } else { limit.min(count) };
            v.chars()
                .take(wanted)
                .for_each(|c| out.values().append_value(c.encode_utf8(&mut [0; 4])));
        } else {
            split_value(&*patterns.get(p)?, v, limit, |part| {
                out.values().append_value(part)
            })?;
        }
        out.append(true);
    }
    Ok(Arc::new(out.finish()))
}

/// Java's `String.split`: an empty match at the beginning makes no part; a limit of 0 is none.
fn split_value<'v>(
    regex: &JavaRegex,
    value: &'v str,
    limit: usize,
    mut part: impl FnMut(&'v str),
) -> Result<()> {
    let mut from = 0;
    let mut parts = 0;
    regex.matches(value, |groups| {
        let Some((start, end)) = groups[0] else {
            return false;
        };
        if limit > 0 && parts + 1 >= limit {
            return false;
        }
        if end == 0 {
            return true;
        }
        part(&value[from..start]);
        parts += 1;
        from = end;
        true
    })?;
    part(&value[from..]);
    Ok(())
}

fn group_text<'v>(value: &'v str, groups: &Groups, group: usize) -> &'v str {
    groups
        .get(group)
        .copied()
        .flatten()
        .map_or("", |(start, end)| &value[start..end])
}

fn group_index(args: &Args<'_>, regex: &JavaRegex, group: i64) -> Result<usize> {
    match usize::try_from(group) {
        Ok(g) if g <= regex.group_count() => Ok(g),
        _ => exec_err!(
            "{}: there is no group {group}, the pattern has {}",
            args.name,
            regex.group_count()
        ),
    }
}

/// Calls `of` with the value, the pattern and the group of every row, or with nothing where one of them is null.
fn each_group<'a>(
    args: &Args<'_>,
    value: &'a Column<StringArray>,
    mut of: impl FnMut(Option<(&'a str, &JavaRegex, usize)>) -> Result<()>,
) -> Result<()> {
    let pattern = args.text(1)?;
    let group = if args.len() > 2 {
        Some(args.whole(2)?)
    } else {
        None
    };
    let mut patterns = Patterns::new(false);
    for row in 0..args.rows {
        let group = group.as_ref().map_or(Some(1), |g| g.get(row));
        match (value.get(row), pattern.get(row), group) {
            (Some(v), Some(p), Some(g)) => {
                let regex = patterns.get(p)?;
                let g = group_index(args, &regex, g)?;
                of(Some((v, &regex, g)))?;
            }
            _ => of(None)?,
        }
    }
    Ok(())
}

fn extract(args: &Args<'_>) -> Result<ArrayRef> {
    let value = args.text(0)?;
    let mut out = StringBuilder::new();
    each_group(args, &value, |row| {
        let found = match row {
            Some((v, regex, g)) => {
                let groups = regex.groups_at(v, 0)?;
                Some(groups.map_or("", |groups| group_text(v, &groups, g)))
            }
            None => None,
        };
        out.append_option(found);
        Ok(())
    })?;
    Ok(Arc::new(out.finish()))
}

fn extract_all(args: &Args<'_>) -> Result<ArrayRef> {
    let value = args.text(0)?;
    let mut out = texts_builder();
    each_group(args, &value, |row| {
        if let Some((v, regex, g)) = row {
            regex.matches(v, |groups| {
                out.values().append_value(group_text(v, groups, g));
                true
            })?;
        }
        out.append(row.is_some());
        Ok(())
    })?;
    Ok(Arc::new(out.finish()))
}

fn replace(args: &Args<'_>) -> Result<ArrayRef> {
    let (value, pattern, with) = (args.text(0)?, args.text(1)?, args.text(2)?);
    let from = if args.len() > 3 {
        Some(args.whole(3)?)
    } else {
        None
    };
    let mut patterns = Patterns::new(false);
    let mut out = StringBuilder::new();
    for row in 0..args.rows {
        let from = from.as_ref().map_or(Some(1), |f| f.get(row));
        let (Some(v), Some(p), Some(w), Some(from)) =
            (value.get(row), pattern.get(row), with.get(row), from)
        else {
            out.append_null();
            continue;
        };
        let Some(skip) = usize::try_from(from).ok().and_then(|f| f.checked_sub(1)) else {
            return exec_err!("regexp_replace: the position must be 1 or more, not {from}");
        };
        let start = v.char_indices().nth(skip).map_or(v.len(), |(i, _)| i);
        out.append_value(replace_value(&*patterns.get(p)?, v, start, w)?);
    }
    Ok(Arc::new(out.finish()))
}

fn replace_value(regex: &JavaRegex, value: &str, start: usize, with: &str) -> Result<String> {
    let (head, tail) = value.split_at(start);
    let mut out = head.to_owned();
    let mut from = 0;
    let mut failed = Ok(());
    regex.matches(tail, |groups| {
        let Some((start, end)) = groups[0] else {
            return false;
        };
        out.push_str(&tail[from..start]);
        failed = replacement(regex, tail, groups, with, &mut out);
        from = end;
        failed.is_ok()
    })?;
    failed?;
    out.push_str(&tail[from..]);
    Ok(out)
}

/// Java's replacement text: `$1` and `${name}` are groups, `\` makes the next character plain.
fn replacement(
    regex: &JavaRegex,
    value: &str,
    groups: &Groups,
    with: &str,
    out: &mut String,
) -> Result<()> {
    let mut chars = with.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some(c) => out.push(c),
                None => return exec_err!("regexp_replace: the replacement ends in a backslash"),
            },
            '$' if chars.next_if_eq(&'{').is_some() => {
                let mut name = String::new();
                while let Some(c) = chars.next_if(|c| *c != '}') {
                    name.push(c);
                }
                chars.next();
                match regex.group_named(&name) {
                    Some(g) => out.push_str(group_text(value, groups, g)),
                    None => {
                        return exec_err!(
                            "regexp_replace: the pattern has no group named {name:?}"
                        );
                    }
                }
            }
            '$' => {
                let Some(mut group) = chars
                    .next_if(char::is_ascii_digit)
                    .and_then(|d| d.to_digit(10))
                else {
                    return exec_err!(
                        "regexp_replace: a $ in the replacement must name a group; write \\$ for the character"
                    );
                };
                let count = u32::try_from(regex.group_count()).unwrap_or(u32::MAX);
                if group > count {
                    return exec_err!(
                        "regexp_replace: there is no group {group}, the pattern has {count}"
                    );
                }
                // More digits belong to the number as long as such a group exists.
                while let Some(d) = chars.peek().and_then(|d| d.to_digit(10)) {
                    if group * 10 + d > count {
                        break;
                    }
                    group = group * 10 + d;
                    chars.next();
                }
                out.push_str(group_text(value, groups, group as usize));
            }
            c => out.push(c),
        }
    }
    Ok(())
}

fn count(args: &Args<'_>) -> Result<ArrayRef> {
    each_first(args, |regex, v| {
        let mut count = 0;
        regex.matches(v, |_| {
            count += 1;
            true
        })?;
        Ok(count)
    })
}

fn instr(args: &Args<'_>) -> Result<ArrayRef> {
    each_first(args, |regex, v| {
        let start = regex
            .groups_at(v, 0)?
            .and_then(|g| g[0])
            .map(|(start, _)| v[..start].chars().count() + 1);
        Ok(i32::try_from(start.unwrap_or(0)).unwrap_or(i32::MAX))
    })
}

fn each_first(
    args: &Args<'_>,
    mut of: impl FnMut(&JavaRegex, &str) -> Result<i32>,
) -> Result<ArrayRef> {
    let (value, pattern) = (args.text(0)?, args.text(1)?);
    let mut patterns = Patterns::new(false);
    let mut out = Vec::with_capacity(args.rows);
    for row in 0..args.rows {
        out.push(match (value.get(row), pattern.get(row)) {
            (Some(v), Some(p)) => Some(of(&*patterns.get(p)?, v)?),
            _ => None,
        });
    }
    Ok(Arc::new(Int32Array::from(out)))
}

fn substr(args: &Args<'_>) -> Result<ArrayRef> {
    let (value, pattern) = (args.text(0)?, args.text(1)?);
    let mut patterns = Patterns::new(false);
    let mut failed = Ok(());
    let out = build_text(args.rows, |row| {
        let v = value.get(row)?;
        match patterns
            .get(pattern.get(row)?)
            .and_then(|r| r.groups_at(v, 0))
        {
            Ok(groups) => groups
                .and_then(|g| g[0])
                .map(|(start, end)| v[start..end].to_owned()),
            Err(e) => {
                failed = Err(e);
                None
            }
        }
    });
    failed.map(|()| out)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn parts(value: &str, pattern: &str, limit: usize) -> Vec<String> {
        let mut out = Vec::new();
        split_value(
            &JavaRegex::new(pattern, false).unwrap(),
            value,
            limit,
            |p| out.push(p.to_owned()),
        )
        .unwrap();
        out
    }

    #[test]
    fn split_is_javas() {
        assert_eq!(parts("0x3cc", "0x", 0), ["", "3cc"]);
        assert_eq!(parts("a,b,,", ",", 0), ["a", "b", "", ""]);
        assert_eq!(parts("a,b,c", ",", 2), ["a", "b,c"]);
        assert_eq!(
            parts("oneAtwoBthreeC", "[ABC]", 0),
            ["one", "two", "three", ""]
        );
        assert_eq!(parts("abc", "x", 0), ["abc"]);
        assert_eq!(parts("", ",", 0), [""]);
        assert_eq!(parts("ab", "(?=b)", 0), ["a", "b"]);
    }

    #[test]
    fn like_with_a_computed_pattern() {
        for (value, pattern, expected) in [
            ("abc", "a%", true),
            ("abc", "%b%", true),
            ("abc", "a_c", true),
            ("abc", "a_", false),
            ("", "%", true),
            ("a%c", r"a\%c", true),
            ("abc", r"a\%c", false),
            ("aXbXc", "%X%X%", true),
            ("a\nb", "a%b", true),
        ] {
            assert_eq!(like_matches(value, pattern), expected, "{value} {pattern}");
        }
    }

    #[test]
    fn replacements_are_javas() {
        let run =
            |v: &str, p: &str, w: &str| replace_value(&JavaRegex::new(p, false).unwrap(), v, 0, w);
        assert_eq!(run("100-200", r"(\d+)-(\d+)", "$2/$1").unwrap(), "200/100");
        assert_eq!(run("aab", "a*", "X").unwrap(), "XXbX");
        assert_eq!(run("cost", "cost", r"\$5").unwrap(), "$5");
        assert_eq!(run("a", "(?<n>a)", "${n}${n}").unwrap(), "aa");
        assert!(run("a", "a", "$1").is_err());
    }
}
