//! One field: the shortest value that passes some tests and fails others. Texts are decided by a walk
//! over automata, numbers by arithmetic; what stands across both is tried, and left open where trying
//! finds nothing. It refuses to know of other fields.

use std::sync::Arc;

use super::Limit;
use super::clash::clash;
use super::joined::joined;
use super::number;
use super::pattern::Expressions;
use super::walk::{Walk, Walked};
use crate::{Case, Literal, Test, Text};

/// What is left to spend.
pub(super) struct Budget {
    /// States of one walk.
    pub states: usize,
    /// Steps of all walks.
    pub steps: u64,
    /// Expressions as automata, made once for all walks of a question.
    pub expressions: Expressions,
    /// Whether any value will do, so that trying comes before walking.
    pub any: bool,
}

/// The answer for one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A value; `None` is an absent one.
    Value {
        text: Option<Arc<str>>,
        cost: usize,
        /// True where no other value is shorter.
        exact: bool,
    },
    /// There is none.
    None,
    /// Not decided.
    Unknown(Limit),
}

impl Found {
    pub fn absent() -> Self {
        Self::Value {
            text: None,
            cost: 0,
            exact: true,
        }
    }

    fn value(text: String, exact: bool) -> Self {
        Self::Value {
            cost: text.chars().count() + 1,
            text: Some(text.into()),
            exact,
        }
    }

    /// Characters, and one for being there.
    pub fn cost(&self) -> usize {
        match self {
            Self::Value { cost, .. } => *cost,
            _ => 0,
        }
    }

    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Value { text, .. } => text.as_deref(),
            _ => None,
        }
    }

    pub fn shared(&self) -> Option<Arc<str>> {
        match self {
            Self::Value { text, .. } => text.clone(),
            _ => None,
        }
    }
}

/// How often a walk is repeated with the value just refused forbidden.
const RETRIES: usize = 16;

/// The shortest value on which each test has the outcome given with it.
pub(super) fn shortest(name: &Arc<str>, tests: &[(&Test, bool)], budget: &mut Budget) -> Found {
    if tests.iter().all(|(_, holds)| !holds) {
        return Found::absent();
    }
    // A present value passes these whatever it is.
    let constant = |t: &Test| match t {
        Test::Contains(t) | Test::StartsWith(t) | Test::EndsWith(t) => t.text.is_empty(),
        Test::Present => true,
        _ => false,
    };
    if tests.iter().any(|(t, holds)| !holds && constant(t)) {
        return Found::None;
    }
    let tests: Vec<(&Test, bool)> = tests
        .iter()
        .copied()
        .filter(|(t, _)| !constant(t))
        .collect();
    let passes = |value: &str| tests.iter().all(|(t, holds)| t.matches(value) == *holds);

    for (test, holds) in &tests {
        let Some(text) = pinned(test).filter(|_| *holds) else {
            continue;
        };
        if text.case != Case::Unicode && passes(&text.text) {
            return Found::value(text.text.clone(), true);
        }
        // Every value that passes differs from the text in the case of A-Z at most.
        if text.case == Case::Exact
            || (text.case == Case::Ascii && tests.iter().all(|(t, _)| folds_ascii(t)))
        {
            return Found::None;
        }
    }

    if clash(&tests) {
        return Found::None;
    }
    match number::candidates(&tests) {
        number::Candidates::NoNumbers => {}
        number::Candidates::None => return Found::None,
        number::Candidates::Some { texts, exact } => {
            let alone = tests.iter().all(|(t, _)| number::is_numeric(t));
            if let Some(text) = texts.into_iter().find(|t| passes(t)) {
                return Found::value(text, exact && alone);
            }
        }
    }

    if budget.any
        && let Some(text) = joined(&tests).into_iter().find(|t| passes(t))
    {
        return Found::value(text, false);
    }
    walked(name, &tests, budget)
}

/// What a walk finds. Where it would have to look at too many combinations, putting the texts together may do.
fn walked(name: &Arc<str>, tests: &[(&Test, bool)], budget: &mut Budget) -> Found {
    let passes = |value: &str| tests.iter().all(|(t, holds)| t.matches(value) == *holds);
    let joined = || joined(tests).into_iter().find(|t| passes(t));
    if tests
        .iter()
        .filter(|(t, holds)| *holds && has_text(t))
        .count()
        > JOINED
        && let Some(text) = joined()
    {
        return Found::value(text, false);
    }
    let given_up = |limit: Limit| match joined() {
        Some(text) => Found::value(text, false),
        None => Found::Unknown(limit),
    };
    let mut refused: Vec<Test> = Vec::new();
    loop {
        let mut all = tests.to_vec();
        all.extend(refused.iter().map(|t| (t, false)));
        let mut walk = match Walk::new(name, &all, &mut budget.expressions) {
            Ok(walk) => walk,
            Err(limit) => return Found::Unknown(limit),
        };
        match walk.run(budget, &passes) {
            Walked::Found(text) => {
                let exact = refused.is_empty() && walk.is_exact();
                return Found::value(as_written(text, tests, &passes), exact);
            }
            Walked::None => return Found::None,
            Walked::Refused(value) if refused.len() < RETRIES => {
                refused.push(Test::Equals(Text::exact(value)));
            }
            Walked::Refused(_) => return given_up(Limit::Mixed(name.clone())),
            Walked::States => return given_up(Limit::States(name.clone())),
            Walked::Steps => return given_up(Limit::Steps),
        }
    }
}

/// How many texts that a value must have a walk keeps track of before putting them together is tried first.
const JOINED: usize = 8;

fn has_text(test: &Test) -> bool {
    matches!(
        test,
        Test::Contains(_) | Test::StartsWith(_) | Test::EndsWith(_)
    )
}

/// The text that a value must equal, if the test says so.
fn pinned(test: &Test) -> Option<&Text> {
    match test {
        Test::Equals(t) => Some(t),
        Test::ImageIs(t) if t.text.contains('\\') => Some(t),
        _ => None,
    }
}

/// True where the case of A-Z never changes a test's outcome.
fn folds_ascii(test: &Test) -> bool {
    match test {
        Test::Equals(t)
        | Test::Contains(t)
        | Test::StartsWith(t)
        | Test::EndsWith(t)
        | Test::ImageIs(t)
        | Test::Compare(_, Literal::Text(t)) => t.case != Case::Exact,
        // An expression may switch its case rule anywhere.
        Test::Regex(_) => false,
        Test::Glob(g) => g.case() != Case::Exact,
        Test::Cidr(_)
        | Test::Compare(_, Literal::Number(_))
        | Test::BitsSet(_)
        | Test::Present
        | Test::NotEmpty => true,
    }
}

/// Puts the letters of the tests' texts back as they were written, where the value allows it.
fn as_written(mut value: String, tests: &[(&Test, bool)], passes: &dyn Fn(&str) -> bool) -> String {
    for (test, _) in tests.iter().filter(|(_, holds)| *holds) {
        let (Test::Equals(t)
        | Test::Contains(t)
        | Test::StartsWith(t)
        | Test::EndsWith(t)
        | Test::ImageIs(t)) = test
        else {
            continue;
        };
        let folded = value.to_ascii_lowercase();
        let Some(at) = folded.rfind(&t.text.to_ascii_lowercase()) else {
            continue;
        };
        let mut written = value.clone();
        written.replace_range(at..at + t.text.len(), &t.text);
        if passes(&written) {
            value = written;
        }
    }
    value
}
