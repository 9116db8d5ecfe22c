#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod eval;
mod fields;
mod glob;
pub mod prove;
mod reasons;
pub mod sigma_text;
pub mod sql;
mod test;
mod values;

use std::fmt;
use std::sync::Arc;

pub use fields::{FieldPair, Relation};
pub use glob::{Glob, GlobPart};
pub use test::{Case, Cidr, Comparison, InvalidLiteral, Literal, Pattern, Test, Text};
pub use values::Values;

/// A condition on one event. Values are text or absent; an atom on an absent value is false, so a
/// negated one is true: there is no third truth value.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Predicate {
    /// Always holds.
    True,
    /// Never holds.
    False,
    /// One field against one literal.
    Atom(Atom),
    /// One field against another.
    Fields(FieldPair),
    /// One value of any field passes.
    Keyword(Test),
    /// All hold.
    And(Vec<Predicate>),
    /// At least one holds.
    Or(Vec<Predicate>),
    /// Does not hold.
    Not(Box<Predicate>),
}

/// A test of one field.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Atom {
    /// The field's name; compared without regard to ASCII letter case.
    pub field: Arc<str>,
    /// What its value must pass.
    pub test: Test,
}

impl Predicate {
    /// A test of a field.
    pub fn atom(field: impl Into<Arc<str>>, test: Test) -> Self {
        Self::Atom(Atom {
            field: field.into(),
            test,
        })
    }

    /// True where the field has a value, even an empty one.
    pub fn present(field: impl Into<Arc<str>>) -> Self {
        Self::atom(field, Test::Present)
    }

    /// True where the field has a value that is not empty.
    pub fn not_empty(field: impl Into<Arc<str>>) -> Self {
        Self::atom(field, Test::NotEmpty)
    }

    /// All of them, with constants folded and nested conjunctions flattened.
    pub fn all(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut out = Vec::new();
        for part in parts {
            match part {
                Self::True => {}
                Self::False => return Self::False,
                Self::And(inner) => out.extend(inner),
                part => out.push(part),
            }
        }
        match out.len() {
            0 => Self::True,
            1 => out.swap_remove(0),
            _ => Self::And(out),
        }
    }

    /// Any of them, with constants folded and nested disjunctions flattened.
    pub fn any(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut out = Vec::new();
        for part in parts {
            match part {
                Self::False => {}
                Self::True => return Self::True,
                Self::Or(inner) => out.extend(inner),
                part => out.push(part),
            }
        }
        match out.len() {
            0 => Self::False,
            1 => out.swap_remove(0),
            _ => Self::Or(out),
        }
    }

    /// The opposite.
    #[must_use]
    pub fn negate(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::False => Self::True,
            Self::Not(inner) => *inner,
            other => Self::Not(Box::new(other)),
        }
    }

    /// Evaluates it on one event: the plain meaning, which the columnar evaluation equals.
    pub fn holds(&self, event: &(impl Values + ?Sized)) -> bool {
        match self {
            Self::True => true,
            Self::False => false,
            Self::Atom(atom) => event.any(&atom.field, &mut |v| atom.test.matches(v)),
            Self::Fields(pair) => event.any(&pair.field, &mut |v| {
                event.any(&pair.other, &mut |other| pair.matches(v, other))
            }),
            Self::Keyword(test) => event.any_field(&mut |v| test.matches(v)),
            Self::And(parts) => parts.iter().all(|p| p.holds(event)),
            Self::Or(parts) => parts.iter().any(|p| p.holds(event)),
            Self::Not(inner) => !inner.holds(event),
        }
    }

    /// Calls `f` on every part that has no parts itself, constants left out.
    pub fn leaves<'a>(&'a self, f: &mut impl FnMut(&'a Predicate)) {
        match self {
            Self::True | Self::False => {}
            Self::Atom(_) | Self::Fields(_) | Self::Keyword(_) => f(self),
            Self::And(parts) | Self::Or(parts) => parts.iter().for_each(|p| p.leaves(f)),
            Self::Not(inner) => inner.leaves(f),
        }
    }

    /// Calls `f` on every atom.
    pub fn atoms<'a>(&'a self, f: &mut impl FnMut(&'a Atom)) {
        self.leaves(&mut |leaf| {
            if let Self::Atom(atom) = leaf {
                f(atom);
            }
        });
    }
}

impl fmt::Display for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let join = |f: &mut fmt::Formatter<'_>, parts: &[Self], word: &str| {
            f.write_str("(")?;
            for (i, part) in parts.iter().enumerate() {
                if i > 0 {
                    write!(f, " {word} ")?;
                }
                write!(f, "{part}")?;
            }
            f.write_str(")")
        };
        match self {
            Self::True => f.write_str("true"),
            Self::False => f.write_str("false"),
            Self::Atom(atom) => write!(f, "{} {}", atom.field, atom.test),
            Self::Fields(pair) => write!(f, "{pair}"),
            Self::Keyword(test) => write!(f, "any field {test}"),
            Self::And(parts) => join(f, parts, "and"),
            Self::Or(parts) => join(f, parts, "or"),
            Self::Not(inner) => write!(f, "not {inner}"),
        }
    }
}
