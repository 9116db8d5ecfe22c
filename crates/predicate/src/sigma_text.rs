//! A predicate as the detection part of a Sigma rule: searches by field with modifiers, and a
//! condition over them. It refuses to know of log sources, and what Sigma cannot say exactly is an
//! error.

use std::fmt::Write as _;

use crate::sql::NotExpressible;
use crate::{Atom, Case, Comparison, FieldPair, Literal, Predicate, Relation, Test, Text};

/// The named searches of a detection and the condition that joins them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detection {
    /// Name and lines (`Field|modifier: value`) of each search; all lines of one must match.
    pub searches: Vec<(String, Vec<String>)>,
    /// The expression over the names.
    pub condition: String,
}

impl Detection {
    /// The searches as YAML, each line indented by so many blanks.
    pub fn yaml(&self, indent: usize) -> String {
        let mut out = String::new();
        for (name, lines) in &self.searches {
            let _ = writeln!(out, "{:indent$}{name}:", "");
            for line in lines {
                let _ = writeln!(out, "{:indent$}    {line}", "");
            }
        }
        out
    }
}

/// Writes a predicate; the searches are named `name`, or `name_1`, `name_2`, ... where there are more.
///
/// # Errors
/// Where a test has no exact form in Sigma.
pub fn detection(predicate: &Predicate, name: &str) -> Result<Detection, NotExpressible> {
    let mut out = Detection {
        searches: Vec::new(),
        condition: String::new(),
    };
    out.condition = write(predicate, name, &mut out.searches, false)?;
    if let [(only, _)] = out.searches.as_mut_slice() {
        *only = name.to_owned();
        out.condition = out.condition.replace(&format!("{name}_1"), name);
    }
    Ok(out)
}

type Searches = Vec<(String, Vec<String>)>;

fn write(
    p: &Predicate,
    name: &str,
    searches: &mut Searches,
    inner: bool,
) -> Result<String, NotExpressible> {
    if let Some(lines) = one_search(p)? {
        let name = format!("{name}_{}", searches.len() + 1);
        searches.push((name.clone(), lines));
        return Ok(name);
    }
    let mut join = |parts: &[Predicate], word: &str| {
        let parts: Vec<String> = parts
            .iter()
            .map(|p| write(p, name, searches, true))
            .collect::<Result<_, _>>()?;
        let text = parts.join(word);
        Ok(if inner { format!("({text})") } else { text })
    };
    match p {
        Predicate::And(parts) => join(parts, " and "),
        Predicate::Or(parts) => join(parts, " or "),
        Predicate::Not(p) => Ok(format!("not {}", write(p, name, searches, true)?)),
        Predicate::Atom(Atom {
            field,
            test: Test::ImageIs(t),
        }) => {
            let behind = Text {
                text: format!("\\{}", t.text),
                case: t.case,
            };
            join(
                &[
                    Predicate::atom(field.clone(), Test::Equals(t.clone())),
                    Predicate::atom(field.clone(), Test::EndsWith(behind)),
                ],
                " or ",
            )
        }
        Predicate::Keyword(test) => Err(NotExpressible {
            field: "any field".to_owned(),
            test: test.to_string(),
            why: "keywords are not written yet",
        }),
        Predicate::True | Predicate::False | Predicate::Atom(_) | Predicate::Fields(_) => {
            Err(NotExpressible {
                field: String::new(),
                test: p.to_string(),
                why: "Sigma has no constants",
            })
        }
    }
}

/// The lines of a conjunction that fits into one search.
fn one_search(p: &Predicate) -> Result<Option<Vec<String>>, NotExpressible> {
    let parts: &[Predicate] = match p {
        Predicate::Atom(_) | Predicate::Fields(_) => std::slice::from_ref(p),
        Predicate::And(parts) if !parts.is_empty() => parts,
        _ => return Ok(None),
    };
    let mut lines: Vec<(String, String)> = Vec::new();
    for part in parts {
        let line = match part {
            Predicate::Atom(atom) => line(atom)?,
            Predicate::Fields(pair) => Some(reference(pair)),
            _ => None,
        };
        let Some((key, value)) = line else {
            return Ok(None);
        };
        // A key stands once in a map.
        if lines.iter().any(|(k, _)| *k == key) {
            return Ok(None);
        }
        lines.push((key, value));
    }
    Ok(Some(
        lines
            .into_iter()
            .map(|(k, v)| format!("{k}: {v}"))
            .collect(),
    ))
}

/// Key and value of a comparison of fields.
fn reference(pair: &FieldPair) -> (String, String) {
    let relation = match pair.relation {
        Relation::Equals => "",
        Relation::Contains => "|contains",
        Relation::StartsWith => "|startswith",
        Relation::EndsWith => "|endswith",
    };
    let cased = if pair.case == Case::Exact {
        "|cased"
    } else {
        ""
    };
    let key = format!("{}|fieldref{relation}{cased}", pair.field);
    (key, quote(&pair.other))
}

/// Key and value of an atom; none where it needs two searches.
fn line(atom: &Atom) -> Result<Option<(String, String)>, NotExpressible> {
    let fail = |why| NotExpressible {
        field: atom.field.to_string(),
        test: atom.test.to_string(),
        why,
    };
    let text = |modifier: &str, t: &Text| {
        // Sigma compares without regard to case, and says so only of letters that all back ends fold.
        let cased = match t.case {
            Case::Exact => "|cased",
            Case::Ascii if !t.text.is_ascii() => {
                return Err(fail("Sigma folds letters beyond A-Z"));
            }
            Case::Ascii | Case::Unicode => "",
        };
        let value = if t.text.is_empty() && !modifier.is_empty() {
            "*".to_owned()
        } else {
            escape(&t.text)
        };
        let modifier = if t.text.is_empty() { "" } else { modifier };
        Ok(Some((
            format!("{}{modifier}{cased}", atom.field),
            quote(&value),
        )))
    };
    let plain =
        |modifier: &str, value: String| Ok(Some((format!("{}{modifier}", atom.field), value)));
    match &atom.test {
        Test::Equals(t) => text("", t),
        Test::Contains(t) => text("|contains", t),
        Test::StartsWith(t) => text("|startswith", t),
        Test::EndsWith(t) => text("|endswith", t),
        Test::ImageIs(t) if t.text.contains('\\') => text("", t),
        Test::ImageIs(_) => Ok(None),
        Test::Present => plain("|exists", "true".to_owned()),
        Test::NotEmpty => plain("", "'?*'".to_owned()),
        Test::Glob(glob) => match glob.case() {
            Case::Exact => plain("|cased", quote(&glob.to_string())),
            Case::Ascii if !glob.to_string().is_ascii() => {
                Err(fail("Sigma folds letters beyond A-Z"))
            }
            Case::Ascii | Case::Unicode => plain("", quote(&glob.to_string())),
        },
        Test::Regex(p) => {
            let flag = if p.case() == Case::Exact { "" } else { "|i" };
            plain(&format!("|re{flag}"), quote(p.as_str()))
        }
        Test::Cidr(block) => plain("|cidr", quote(&block.to_string())),
        Test::Compare(c, Literal::Number(n)) => plain(
            match c {
                Comparison::Less => "|lt",
                Comparison::LessOrEqual => "|lte",
                Comparison::Greater => "|gt",
                Comparison::GreaterOrEqual => "|gte",
                Comparison::Equal => return Err(fail("Sigma compares equal numbers as text")),
            },
            n.to_string(),
        ),
        Test::Compare(_, Literal::Text(_)) => Err(fail("Sigma has no order of texts")),
        Test::BitsSet(_) => Err(fail("Sigma has no test of bits")),
    }
}

/// Wildcards and the backslashes before them, escaped.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let letters: Vec<char> = text.chars().collect();
    for (i, c) in letters.iter().enumerate() {
        let doubled = match c {
            '*' | '?' => true,
            '\\' => matches!(letters.get(i + 1), Some('*' | '?' | '\\')),
            _ => false,
        };
        if doubled {
            out.push('\\');
        }
        out.push(*c);
    }
    out
}

/// A YAML scalar.
fn quote(text: &str) -> String {
    if !text.chars().any(char::is_control) {
        return format!("'{}'", text.replace('\'', "''"));
    }
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_exclusion_is_one_filter() {
        let t = |f: &str, v: &str| Predicate::atom(f, Test::Equals(Text::ascii(v)));
        let p = Predicate::all([
            t("SourceImage", "C:\\Windows\\System32\\csrss.exe"),
            t("TargetImage", "C:\\a*b\\\\c'd.exe"),
        ]);
        let d = detection(&p, "filter").unwrap();
        assert_eq!(d.condition, "filter");
        assert_eq!(
            d.yaml(4),
            "    filter:\n        SourceImage: 'C:\\Windows\\System32\\csrss.exe'\n        \
             TargetImage: 'C:\\a\\*b\\\\\\c''d.exe'\n"
        );
    }

    #[test]
    fn more_than_a_search_becomes_a_condition() {
        let p = Predicate::all([
            Predicate::atom("Image", Test::ImageIs(Text::ascii("cmd.exe"))),
            Predicate::atom("User", Test::Contains(Text::ascii("admin"))).negate(),
        ]);
        let d = detection(&p, "f").unwrap();
        assert_eq!(d.condition, "(f_1 or f_2) and not f_3");
        assert_eq!(d.searches[1].1, ["Image|endswith: '\\cmd.exe'"]);
        let p = Predicate::atom("Access", Test::BitsSet(1));
        assert!(detection(&p, "f").is_err());
    }
}
