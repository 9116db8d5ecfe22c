//! The part of a query's condition that readers can decide before a row is built. It is a promise in one direction
//! only: a row it drops could not have matched; a row it keeps is looked at again by the engine. It refuses to know SQL.

/// A test of one column's value. A missing value passes none but [`Test::Null`] and [`Test::LowerNotIn`].
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// The text is one of these.
    TextIn(Vec<String>),
    /// The text in lower case is one of these.
    LowerIn(Vec<String>),
    /// The text in lower case is none of these, or there is no value.
    LowerNotIn(Vec<String>),
    /// The integer is one of these.
    IntIn(Vec<i64>),
    /// The integer (or the instant's microseconds) lies between these, ends included.
    IntBetween(i64, i64),
    /// The text starts with this; in lower case where `lower`.
    StartsWith {
        /// What it starts with.
        text: String,
        /// Whether the value is put into lower case first.
        lower: bool,
    },
    /// The text ends with this; in lower case where `lower`.
    EndsWith {
        /// What it ends with.
        text: String,
        /// Whether the value is put into lower case first.
        lower: bool,
    },
    /// The text contains this; in lower case where `lower`.
    Contains {
        /// What it contains.
        text: String,
        /// Whether the value is put into lower case first.
        lower: bool,
    },
    /// There is a value.
    NotNull,
    /// There is no value.
    Null,
}

/// One test of one column.
#[derive(Clone, Debug, PartialEq)]
pub struct Atom {
    /// Canonical (lower-case) column name.
    pub column: String,
    /// What is asked of it.
    pub test: Test,
}

/// Clauses that must all hold; a clause holds when any of its atoms does.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RowFilter {
    /// The clauses; none means every row passes.
    pub clauses: Vec<Vec<Atom>>,
}

impl RowFilter {
    /// A filter that passes every row that `self` or `other` passes, for scans that share one reading.
    ///
    /// The common clauses stay; the rest is combined clause by clause, which keeps it no stricter than the union.
    pub fn union(&self, other: &Self) -> Self {
        let mut clauses: Vec<Vec<Atom>> = self
            .clauses
            .iter()
            .filter(|c| other.clauses.contains(c))
            .cloned()
            .collect();
        let left: Vec<_> = self
            .clauses
            .iter()
            .filter(|c| !other.clauses.contains(c))
            .collect();
        let right: Vec<_> = other
            .clauses
            .iter()
            .filter(|c| !self.clauses.contains(c))
            .collect();
        // (a ∧ b) ∨ (c ∧ d) = (a ∨ c) ∧ (a ∨ d) ∧ (b ∨ c) ∧ (b ∨ d); long ones keep a part, which is only weaker.
        for l in left.iter().take(MAX_UNION) {
            for r in right.iter().take(MAX_UNION) {
                let mut clause = (*l).clone();
                for atom in r.iter() {
                    if !clause.contains(atom) {
                        clause.push(atom.clone());
                    }
                }
                let clause = merge(clause);
                if clause.len() <= MAX_ATOMS && !clauses.contains(&clause) {
                    clauses.push(clause);
                }
            }
        }
        Self { clauses }
    }

    /// The columns it looks at, each once.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        let mut seen = std::collections::BTreeSet::new();
        self.clauses
            .iter()
            .flatten()
            .map(|a| a.column.as_str())
            .filter(move |c| seen.insert(*c))
    }
}

const MAX_UNION: usize = 4;
const MAX_ATOMS: usize = 64;

/// Joins value lists of the same column into one atom.
fn merge(clause: Vec<Atom>) -> Vec<Atom> {
    let mut out: Vec<Atom> = Vec::with_capacity(clause.len());
    for atom in clause {
        let same = out.iter_mut().find(|o| o.column == atom.column);
        match (same.map(|o| &mut o.test), &atom.test) {
            (Some(Test::IntIn(a)), Test::IntIn(b)) => extend(a, b),
            (Some(Test::TextIn(a)), Test::TextIn(b)) => extend(a, b),
            (Some(Test::LowerIn(a)), Test::LowerIn(b)) => extend(a, b),
            _ => out.push(atom),
        }
    }
    out
}

fn extend<T: Clone + PartialEq>(into: &mut Vec<T>, from: &[T]) {
    for x in from {
        if !into.contains(x) {
            into.push(x.clone());
        }
    }
}

impl Test {
    /// Whether every value that passes `other` passes this, as far as can be told without looking at values.
    pub fn includes(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::IntIn(a), Self::IntIn(b)) => b.iter().all(|v| a.contains(v)),
            (Self::TextIn(a), Self::TextIn(b)) | (Self::LowerIn(a), Self::LowerIn(b)) => {
                b.iter().all(|v| a.contains(v))
            }
            (a, b) => a == b,
        }
    }

    /// Whether a missing value passes.
    pub(crate) fn passes_null(&self) -> bool {
        matches!(self, Self::Null | Self::LowerNotIn(_))
    }

    /// Whether the text in lower case contains one of ASCII letters; without making it.
    fn lower_contains(text: &str, wanted: &str) -> bool {
        if !text.is_ascii() {
            return text.to_lowercase().contains(wanted);
        }
        let same = |w: &[u8]| {
            w.iter()
                .zip(wanted.bytes())
                .all(|(a, b)| a.to_ascii_lowercase() == b)
        };
        wanted.is_empty() || text.as_bytes().windows(wanted.len()).any(same)
    }

    fn lower_in(values: &[String], text: &str) -> bool {
        if text.is_ascii() {
            values
                .iter()
                .any(|v| v.eq_ignore_ascii_case(text) && !v.bytes().any(|b| b.is_ascii_uppercase()))
        } else {
            values.contains(&text.to_lowercase())
        }
    }

    /// Whether the value passes. `text` and `int` read the value at most once each.
    pub(crate) fn passes<'v>(
        &self,
        present: bool,
        text: impl FnOnce() -> &'v str,
        int: impl FnOnce() -> Option<i64>,
    ) -> bool {
        if !present {
            return self.passes_null();
        }
        let cased = |lower: bool, t: &str, f: fn(&str, &str) -> bool, wanted: &str| {
            if lower {
                f(&t.to_lowercase(), wanted)
            } else {
                f(t, wanted)
            }
        };
        match self {
            Self::TextIn(values) => {
                let t = text();
                values.iter().any(|v| v == t)
            }
            Self::LowerIn(values) => Self::lower_in(values, text()),
            Self::LowerNotIn(values) => !Self::lower_in(values, text()),
            Self::IntIn(values) => int().is_some_and(|i| values.contains(&i)),
            Self::IntBetween(low, high) => int().is_some_and(|i| *low <= i && i <= *high),
            Self::StartsWith { text: w, lower } => {
                cased(*lower, text(), |t, w| t.starts_with(w), w)
            }
            Self::EndsWith { text: w, lower } => cased(*lower, text(), |t, w| t.ends_with(w), w),
            Self::Contains {
                text: w,
                lower: true,
            } if w.is_ascii() => Self::lower_contains(text(), w),
            Self::Contains { text: w, lower } => cased(*lower, text(), |t, w| t.contains(w), w),
            Self::NotNull => true,
            Self::Null => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn atom(column: &str, values: &[i64]) -> Vec<Atom> {
        vec![Atom {
            column: column.into(),
            test: Test::IntIn(values.to_vec()),
        }]
    }

    #[test]
    fn a_union_keeps_what_both_ask_and_joins_the_rest() {
        let channel = vec![Atom {
            column: "channel".into(),
            test: Test::TextIn(vec!["Security".into()]),
        }];
        let a = RowFilter {
            clauses: vec![channel.clone(), atom("eventid", &[8])],
        };
        let b = RowFilter {
            clauses: vec![channel.clone(), atom("eventid", &[10])],
        };
        assert_eq!(
            a.union(&b).clauses,
            vec![channel, atom("eventid", &[8, 10])]
        );
        assert_eq!(
            a.union(&RowFilter::default()).clauses,
            Vec::<Vec<Atom>>::new()
        );
    }

    #[test]
    fn lower_case_tests_meet_what_lower_would_give() {
        let test = Test::LowerIn(vec!["security".into(), "CAPITAL".into()]);
        assert!(test.passes(true, || "Security", || None));
        assert!(!test.passes(true, || "capital", || None));
        assert!(!test.passes(false, || "", || None));
        let others = Test::LowerNotIn(vec!["security".into()]);
        assert!(!others.passes(true, || "Security", || None));
        assert!(others.passes(true, || "System", || None));
        assert!(others.passes(false, || "", || None));
        let has = |text: &str, wanted: &str| {
            let test = Test::Contains {
                text: wanted.into(),
                lower: true,
            };
            test.passes(true, || text, || None)
        };
        assert!(has("WEC-SysMon", "sysmon") && has("x", "") && has("\u{130}Sysmon", "sysmon"));
        assert!(!has("Sysmo", "sysmon") && !has("Sysmon", "Sysmon"));
    }
}
