//! Patterns with wildcards over whole values: `*` is any text, `?` exactly one character, line breaks included. Matching
//! takes the leftmost place for each piece, so that it never goes back over more than one piece.

use std::fmt;

use crate::{Case, Test, Text};

/// A part of a pattern.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum GlobPart {
    /// These characters.
    Text(String),
    /// Exactly one character.
    One,
    /// Any text, also none.
    Any,
}

/// A pattern that the whole of a value must fit. Characters are those of the value after folding.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Glob {
    parts: Vec<GlobPart>,
    case: Case,
}

impl Glob {
    /// A pattern in its shortest form: texts side by side are one, and of `*` and `?` side by side the `?` come first.
    pub fn new(parts: impl IntoIterator<Item = GlobPart>, case: Case) -> Self {
        let mut out: Vec<GlobPart> = Vec::new();
        for part in parts {
            match (out.last_mut(), part) {
                (_, GlobPart::Text(text)) if text.is_empty() => {}
                (Some(GlobPart::Text(last)), GlobPart::Text(text)) => last.push_str(&text),
                (Some(GlobPart::Any), GlobPart::Any) => {}
                (Some(GlobPart::Any), GlobPart::One) => {
                    let at = out.len() - 1;
                    out.insert(at, GlobPart::One);
                }
                (_, part) => out.push(part),
            }
        }
        Self { parts: out, case }
    }

    /// The parts, in order.
    pub fn parts(&self) -> &[GlobPart] {
        &self.parts
    }

    /// How letters are compared.
    pub fn case(&self) -> Case {
        self.case
    }

    /// The cheapest test that means the same: a pattern with `*` at its ends only is a test of the beginning, the end, a
    /// part or the whole.
    pub fn into_test(self) -> Test {
        use GlobPart::{Any, Text as Piece};
        let text = |text: &str| Text {
            text: text.to_owned(),
            case: self.case,
        };
        match self.parts.as_slice() {
            [] => Test::Equals(text("")),
            [Any] => Test::Present,
            [Piece(t)] => Test::Equals(text(t)),
            [Piece(t), Any] => Test::StartsWith(text(t)),
            [Any, Piece(t)] => Test::EndsWith(text(t)),
            [Any, Piece(t), Any] => Test::Contains(text(t)),
            _ => Test::Glob(self),
        }
    }

    /// Whether a value fits.
    pub fn matches(&self, value: &str) -> bool {
        self.matches_folded(&self.case.fold(value))
    }

    /// Whether a value that is already folded fits.
    pub(crate) fn matches_folded(&self, value: &str) -> bool {
        let folded: Vec<GlobPart> = self.folded();
        let mut pieces = folded.split(|part| *part == GlobPart::Any);
        let first = pieces.next().unwrap_or_default();
        let Some(mut rest) = strip(value, first) else {
            return false;
        };
        let mut pieces: Vec<&[GlobPart]> = pieces.collect();
        let Some(last) = pieces.pop() else {
            return rest.is_empty();
        };
        for piece in pieces {
            match find(rest, piece) {
                Some(behind) => rest = behind,
                None => return false,
            }
        }
        ends(rest, last)
    }

    fn folded(&self) -> Vec<GlobPart> {
        let fold = |part: &GlobPart| match part {
            GlobPart::Text(text) => GlobPart::Text(self.case.fold(text)),
            other => other.clone(),
        };
        self.parts.iter().map(fold).collect()
    }
}

/// What is behind a piece at the beginning of a text.
fn strip<'v>(mut text: &'v str, piece: &[GlobPart]) -> Option<&'v str> {
    for part in piece {
        text = match part {
            GlobPart::Text(wanted) => text.strip_prefix(wanted.as_str())?,
            _ => {
                let mut characters = text.chars();
                characters.next()?;
                characters.as_str()
            }
        };
    }
    Some(text)
}

/// What is behind the first place where a piece fits.
fn find<'v>(text: &'v str, piece: &[GlobPart]) -> Option<&'v str> {
    if let [GlobPart::Text(wanted)] = piece {
        return text
            .find(wanted.as_str())
            .map(|at| &text[at + wanted.len()..]);
    }
    text.char_indices()
        .map(|(at, _)| at)
        .chain([text.len()])
        .find_map(|at| strip(&text[at..], piece))
}

/// Whether a text ends in a piece.
fn ends(text: &str, piece: &[GlobPart]) -> bool {
    let mut text = text;
    for part in piece.iter().rev() {
        let shorter = match part {
            GlobPart::Text(wanted) => text.strip_suffix(wanted.as_str()),
            _ => {
                let mut characters = text.chars();
                characters.next_back().map(|_| characters.as_str())
            }
        };
        match shorter {
            Some(shorter) => text = shorter,
            None => return false,
        }
    }
    true
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.parts {
            match part {
                GlobPart::Text(text) => {
                    for c in text.chars() {
                        if matches!(c, '*' | '?' | '\\') {
                            f.write_str("\\")?;
                        }
                        write!(f, "{c}")?;
                    }
                }
                GlobPart::One => f.write_str("?")?,
                GlobPart::Any => f.write_str("*")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn glob(pattern: &str) -> Glob {
        let part = |c| match c {
            '*' => GlobPart::Any,
            '?' => GlobPart::One,
            c => GlobPart::Text(String::from(c)),
        };
        Glob::new(pattern.chars().map(part), Case::Ascii)
    }

    /// By the definition: every way to take a text for `*`.
    fn fits(pattern: &[char], value: &[char]) -> bool {
        match pattern.split_first() {
            None => value.is_empty(),
            Some(('*', rest)) => (0..=value.len()).any(|n| fits(rest, &value[n..])),
            Some(('?', rest)) => !value.is_empty() && fits(rest, &value[1..]),
            Some((c, rest)) => value.first() == Some(c) && fits(rest, &value[1..]),
        }
    }

    proptest! {
        #[test]
        fn matching_is_the_definition(pattern in "[ab*?\n]{0,7}", value in "[abé\n]{0,8}") {
            let plain = fits(
                &pattern.chars().collect::<Vec<_>>(),
                &value.chars().collect::<Vec<_>>(),
            );
            prop_assert_eq!(glob(&pattern).matches(&value), plain);
            prop_assert_eq!(glob(&pattern).into_test().matches(&value), plain);
        }
    }

    #[test]
    fn many_stars_take_no_time() {
        let pattern = "a*".repeat(50) + "b";
        assert!(!glob(&pattern).matches(&"a".repeat(100_000)));
    }

    #[test]
    fn patterns_become_plain_tests() {
        assert_eq!(glob("*").into_test(), Test::Present);
        assert_eq!(glob("a**").into_test(), Test::StartsWith(Text::ascii("a")));
        assert_eq!(glob("*a*").into_test(), Test::Contains(Text::ascii("a")));
        assert_eq!(glob("a*?b").to_string(), "a?*b");
    }
}
