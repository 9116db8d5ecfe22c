//! A predicate in the form that is searched: atoms numbered per field, negation only at the atoms.
//! It refuses to know what a test means.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::{FieldPair, Predicate, Test};

/// An atom's number, doubled; odd where the atom must fail.
pub(super) type Literal = u32;

/// A formula without negations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Node {
    True,
    False,
    Literal(Literal),
    /// A comparison of two fields by its number, and whether it must hold.
    Pair(u32, bool),
    And(u32),
    Or(u32),
}

/// All atoms and formulas of one question.
#[derive(Debug, Default)]
pub(super) struct Formula {
    pub fields: Vec<Arc<str>>,
    atoms: Vec<(u32, Test)>,
    by_field: HashMap<String, u32>,
    by_test: HashMap<(u32, Test), u32>,
    pairs: Vec<(u32, u32, FieldPair)>,
    lists: Vec<Vec<Node>>,
    /// Whether a part that this form cannot say was left out, which makes the formula weaker than the predicate.
    pub weaker: bool,
}

impl Formula {
    /// The number of a field.
    pub fn field(&mut self, name: &Arc<str>) -> u32 {
        let next = u32::try_from(self.fields.len()).unwrap_or(u32::MAX);
        let at = *self
            .by_field
            .entry(name.to_ascii_lowercase())
            .or_insert(next);
        if at == next {
            self.fields.push(name.clone());
        }
        at
    }

    /// The literal of a test.
    pub fn literal(&mut self, field: u32, test: &Test, holds: bool) -> Literal {
        let next = u32::try_from(self.atoms.len()).unwrap_or(u32::MAX);
        let at = *self.by_test.entry((field, test.clone())).or_insert(next);
        if at == next {
            self.atoms.push((field, test.clone()));
        }
        at * 2 + u32::from(!holds)
    }

    /// Brings a predicate, or its opposite, into this form.
    pub fn add(&mut self, predicate: &Predicate, holds: bool) -> Node {
        match predicate {
            Predicate::True | Predicate::False => {
                if (*predicate == Predicate::True) == holds {
                    Node::True
                } else {
                    Node::False
                }
            }
            Predicate::Atom(atom) => {
                let field = self.field(&atom.field);
                Node::Literal(self.literal(field, &atom.test, holds))
            }
            Predicate::Fields(pair) => Node::Pair(self.pair_number(pair), holds),
            Predicate::Keyword(_) => {
                self.weaker = true;
                Node::True
            }
            Predicate::Not(inner) => self.add(inner, !holds),
            Predicate::And(parts) => self.list(parts, holds, holds),
            Predicate::Or(parts) => self.list(parts, holds, !holds),
        }
    }

    fn pair_number(&mut self, pair: &FieldPair) -> u32 {
        let known = self.pairs.iter().position(|(_, _, p)| p == pair);
        let at = known.unwrap_or_else(|| {
            let (field, other) = (self.field(&pair.field), self.field(&pair.other));
            self.pairs.push((field, other, pair.clone()));
            self.pairs.len() - 1
        });
        u32::try_from(at).unwrap_or(u32::MAX)
    }

    /// The numbers of the two fields of a comparison, and what it asks.
    pub fn pair(&self, number: u32) -> (u32, u32, &FieldPair) {
        let (field, other, pair) = &self.pairs[number as usize];
        (*field, *other, pair)
    }

    fn list(&mut self, parts: &[Predicate], holds: bool, and: bool) -> Node {
        let (neutral, deciding) = if and {
            (Node::True, Node::False)
        } else {
            (Node::False, Node::True)
        };
        let mut out = Vec::with_capacity(parts.len());
        let mut seen = HashSet::with_capacity(parts.len());
        for part in parts {
            let node = self.add(part, holds);
            if node == deciding {
                return deciding;
            }
            if node != neutral && seen.insert(node) {
                out.push(node);
            }
        }
        match out.len() {
            0 => neutral,
            1 => out[0],
            _ => {
                let at = u32::try_from(self.lists.len()).unwrap_or(u32::MAX);
                self.lists.push(out);
                if and { Node::And(at) } else { Node::Or(at) }
            }
        }
    }

    /// How many atoms there are.
    pub fn atoms(&self) -> usize {
        self.atoms.len()
    }

    /// The parts of a conjunction or disjunction.
    pub fn parts(&self, list: u32) -> &[Node] {
        &self.lists[list as usize]
    }

    /// A literal's field, test, and whether the test must pass.
    pub fn test(&self, literal: Literal) -> (u32, &Test, bool) {
        let (field, test) = &self.atoms[(literal / 2) as usize];
        (*field, test, literal.is_multiple_of(2))
    }

    /// Whether a formula holds with these values per field.
    pub fn holds(&self, node: Node, value: &impl Fn(u32) -> Option<Arc<str>>) -> bool {
        match node {
            Node::True => true,
            Node::False => false,
            Node::Literal(literal) => {
                let (field, test, holds) = self.test(literal);
                value(field).is_some_and(|v| test.matches(&v)) == holds
            }
            Node::Pair(number, holds) => {
                let (field, other, pair) = self.pair(number);
                let both = value(field).zip(value(other));
                both.is_some_and(|(a, b)| pair.matches(&a, &b)) == holds
            }
            Node::And(list) => self.parts(list).iter().all(|n| self.holds(*n, value)),
            Node::Or(list) => self.parts(list).iter().any(|n| self.holds(*n, value)),
        }
    }
}
