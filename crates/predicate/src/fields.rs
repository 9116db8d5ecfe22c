//! Comparison of two fields of one event.

use std::fmt;
use std::sync::Arc;

use crate::Case;

/// How the value of one field stands to that of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Relation {
    /// They are the same text.
    Equals,
    /// The second is a part of the first.
    Contains,
    /// The first begins with the second.
    StartsWith,
    /// The first ends with the second.
    EndsWith,
}

/// A test of a field against another field. It fails where one of them is absent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FieldPair {
    /// The field tested.
    pub field: Arc<str>,
    /// How it stands to `other`.
    pub relation: Relation,
    /// The field it is compared with.
    pub other: Arc<str>,
    /// How letters are compared.
    pub case: Case,
}

impl FieldPair {
    /// Whether two values stand so.
    pub fn matches(&self, value: &str, other: &str) -> bool {
        let (value, other) = (self.case.fold(value), self.case.fold(other));
        match self.relation {
            Relation::Equals => value == other,
            Relation::Contains => value.contains(&other),
            Relation::StartsWith => value.starts_with(&other),
            Relation::EndsWith => value.ends_with(&other),
        }
    }
}

impl fmt::Display for FieldPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = match self.relation {
            Relation::Equals => "=",
            Relation::Contains => "contains",
            Relation::StartsWith => "starts with",
            Relation::EndsWith => "ends with",
        };
        write!(f, "{} {words} field {}", self.field, self.other)
    }
}
