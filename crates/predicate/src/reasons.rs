//! Why a predicate holds on an event, and what can be said of it before the event is known.

use crate::{Predicate, Values};

impl Predicate {
    /// What it says where only some of its leaves are known; `None` where that depends on the others.
    pub fn decided(&self, leaf: &dyn Fn(&Predicate) -> Option<bool>) -> Option<bool> {
        let fold = |parts: &[Self], end: bool| {
            let mut open = false;
            for part in parts {
                match part.decided(leaf) {
                    Some(said) if said == end => return Some(end),
                    Some(_) => {}
                    None => open = true,
                }
            }
            (!open).then_some(!end)
        };
        match self {
            Self::True => Some(true),
            Self::False => Some(false),
            Self::Atom(_) | Self::Fields(_) | Self::Keyword(_) => leaf(self),
            Self::And(parts) => fold(parts, false),
            Self::Or(parts) => fold(parts, true),
            Self::Not(inner) => inner.decided(leaf).map(|said| !said),
        }
    }

    /// The leaves on account of which it holds on an event, each with whether it holds itself: those under a negation do
    /// not. Of alternatives all that hold are given. None where the predicate does not hold.
    pub fn reasons<'p>(&'p self, event: &(impl Values + ?Sized)) -> Vec<(&'p Self, bool)> {
        let mut out = Vec::new();
        if self.holds(event) {
            self.gather_reasons(event, true, &mut out);
        }
        out
    }

    fn gather_reasons<'p>(
        &'p self,
        event: &(impl Values + ?Sized),
        holds: bool,
        out: &mut Vec<(&'p Self, bool)>,
    ) {
        match self {
            Self::True | Self::False => {}
            Self::Atom(_) | Self::Fields(_) | Self::Keyword(_) => out.push((self, holds)),
            Self::And(parts) | Self::Or(parts) => {
                for part in parts.iter().filter(|p| p.holds(event) == holds) {
                    part.gather_reasons(event, holds, out);
                }
            }
            Self::Not(inner) => inner.gather_reasons(event, !holds, out),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Case, Test, Text};

    fn is(field: &str, text: &str) -> Predicate {
        let text = Text {
            text: text.to_owned(),
            case: Case::Unicode,
        };
        Predicate::atom(field, Test::Equals(text))
    }

    #[test]
    fn alternatives_that_hold_are_reasons_and_so_is_what_is_ruled_out() {
        let predicate = Predicate::all([
            Predicate::any([is("a", "1"), is("a", "2"), is("b", "2")]),
            is("c", "3").negate(),
        ]);
        let event = [("a", Some("1")), ("b", Some("2"))];
        let reasons: Vec<(String, bool)> = predicate
            .reasons(&event)
            .into_iter()
            .map(|(leaf, holds)| (leaf.to_string(), holds))
            .collect();
        let expected = [
            ("a = \"1\"", true),
            ("b = \"2\"", true),
            ("c = \"3\"", false),
        ];
        assert_eq!(
            reasons,
            expected.map(|(leaf, holds)| (leaf.to_owned(), holds))
        );
        assert!(predicate.reasons(&[("a", Some("9"))]).is_empty());
    }

    #[test]
    fn what_depends_on_the_unknown_is_open() {
        let known = |leaf: &Predicate| match leaf {
            Predicate::Atom(atom) if &*atom.field == "a" => Some(false),
            _ => None,
        };
        let both = Predicate::all([is("a", "1"), is("b", "1")]);
        let either = Predicate::any([is("a", "1"), is("b", "1")]);
        assert_eq!(both.decided(&known), Some(false));
        assert_eq!(either.decided(&known), None);
        assert_eq!(both.negate().decided(&known), Some(true));
    }
}
