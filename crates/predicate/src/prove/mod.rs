//! Decides predicates: is there an event on which one holds, and which is the shortest? Fields are
//! texts (or absent), so the answer is exact: a best-first search over the atoms, and one walk over automata per
//! field; fields that are compared with each other are brought to agree one step after the other. Where a stated limit ends the search the answer says so. It knows
//! nothing of events that were recorded; a caller may hand it some to stay clear of.

mod alphabet;
mod clash;
mod field;
mod formula;
mod joined;
mod number;
mod order;
mod pattern;
mod search;
mod walk;

use std::fmt;
use std::sync::Arc;

use crate::{Predicate, Test, Text, Values};

/// How much work a proof may take; the units are counted, not timed, so answers are reproducible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Combinations of atoms looked at.
    pub nodes: usize,
    /// States of one field's walk.
    pub states: usize,
    /// Steps of all walks together: a state times a letter.
    pub steps: u64,
}

impl Default for Limits {
    /// About a second and a few dozen megabytes at the very most.
    fn default() -> Self {
        Self {
            nodes: 20_000,
            states: 100_000,
            steps: 20_000_000,
        }
    }
}

/// What ended a search without an answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Limit {
    /// More combinations of atoms than [`Limits::nodes`].
    #[error("more combinations of conditions than the limit")]
    Nodes,
    /// More states than [`Limits::states`] in the walk of a field.
    #[error("the tests of field {0} need more states than the limit")]
    States(Arc<str>),
    /// More steps than [`Limits::steps`].
    #[error("more steps than the limit")]
    Steps,
    /// Numbers, addresses or expressions of a field stand beside text tests that they cannot be
    /// decided together with.
    #[error("the tests of field {0} mix text with numbers, addresses or expressions")]
    Mixed(Arc<str>),
    /// The answer depends on a keyword in any field.
    #[error("it depends on a word in any field")]
    ManyFields,
}

/// An event on which a predicate holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// The fields that the predicate names, in the order in which it first names them, with their
    /// values; `None` is an absent value, and so is every other field.
    pub fields: Vec<(Arc<str>, Option<String>)>,
    /// True where no other event has fewer characters and present fields together.
    pub shortest: bool,
}

impl Values for Witness {
    fn any(&self, field: &str, passes: &mut dyn FnMut(&str) -> bool) -> bool {
        self.fields.any(field, passes)
    }

    fn any_field(&self, passes: &mut dyn FnMut(&str) -> bool) -> bool {
        self.fields.any_field(passes)
    }
}

impl Witness {
    /// The value of a field, by name without regard to ASCII letter case.
    pub fn get(&self, field: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(field))
            .and_then(|(_, value)| value.as_deref())
    }
}

impl fmt::Display for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut first = true;
        for (name, value) in &self.fields {
            if let Some(value) = value {
                write!(f, "{}{name}={value:?}", if first { "" } else { ", " })?;
                first = false;
            }
        }
        if first {
            f.write_str("an event without these fields")?;
        }
        Ok(())
    }
}

/// The outcome of a proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The predicate holds on this event.
    Holds(Witness),
    /// It holds on no event at all.
    Never,
    /// Not decided.
    Unknown(Limit),
}

/// Looks for the shortest event on which a predicate holds.
pub fn solve(predicate: &Predicate, limits: &Limits) -> Answer {
    solve_unless(predicate, limits, &[], &|_| false)
}

/// Looks for any event on which a predicate holds: much less work than [`solve`] where there are many choices, and what it
/// finds need not be the shortest.
pub fn find(predicate: &Predicate, limits: &Limits) -> Answer {
    let search = search::Search::new(predicate, limits, &[]).for_any();
    checked(predicate, search, &|_| false)
}

/// Looks for the shortest event on which a predicate holds and whose values of `fields`, in their
/// order, are not among those that `seen` knows. Values that differ in the case of A-Z alone are one
/// value here, so `seen` must not tell them apart. With no fields, it is not asked.
pub fn solve_unless(
    predicate: &Predicate,
    limits: &Limits,
    fields: &[&str],
    seen: &dyn Fn(&[Option<&str>]) -> bool,
) -> Answer {
    checked(
        predicate,
        search::Search::new(predicate, limits, fields),
        seen,
    )
}

fn checked(
    predicate: &Predicate,
    search: search::Search<'_>,
    seen: &dyn Fn(&[Option<&str>]) -> bool,
) -> Answer {
    let weaker = search.is_weaker();
    match search.run(seen) {
        // A wrong witness would be worse than none.
        Answer::Holds(witness) if !predicate.holds(&witness) => Answer::Unknown(if weaker {
            Limit::ManyFields
        } else {
            Limit::Nodes
        }),
        Answer::Holds(witness) => Answer::Holds(Witness {
            shortest: witness.shortest && !weaker,
            ..witness
        }),
        other => other,
    }
}

/// Whether the second predicate holds wherever the first does; otherwise an event on which it does not.
pub fn implies(a: &Predicate, b: &Predicate, limits: &Limits) -> Answer {
    solve(&Predicate::all([a.clone(), b.clone().negate()]), limits)
}

/// The values of a field that are none of these, whatever the case of A-Z; an absent value is none of
/// them.
pub fn not_among<'a>(field: &str, values: impl IntoIterator<Item = &'a str>) -> Predicate {
    Predicate::all(
        values
            .into_iter()
            .map(|v| Predicate::atom(field, Test::Equals(Text::ascii(v))).negate()),
    )
}
