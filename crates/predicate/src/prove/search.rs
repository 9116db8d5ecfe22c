//! The search over atoms: best first. A node is a set of literals that must hold and the
//! disjunctions still to be met; its cost is that of the shortest values meeting the literals, which
//! no event below it can undercut. The first node whose shortest event meets everything is therefore
//! the answer, and an empty queue is a proof that there is none. It refuses to know what a test means.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

use super::field::{Budget, Found, shortest};
use super::formula::{Formula, Literal, Node};
use super::pattern::Expressions;
use super::{Answer, Limit, Limits, Witness};
use crate::{Case, Predicate, Relation, Test, Text};

/// One question under search.
pub(super) struct Search<'a> {
    formula: Formula,
    root: Node,
    limits: &'a Limits,
    /// Numbers of the fields that must differ from what was seen.
    apart: Vec<u32>,
    known: HashMap<Vec<Literal>, Rc<Found>>,
    budget: Budget,
    /// What kept the search from being complete.
    limit: Option<Limit>,
    inexact: bool,
    /// Whether any event will do, from the beginning.
    any: bool,
}

struct Open {
    literals: Vec<Literal>,
    /// Comparisons of two fields by their numbers, with the outcome each must have.
    pairs: Vec<(u32, bool)>,
    pending: Vec<Node>,
    values: Vec<Rc<Found>>,
}

impl<'a> Search<'a> {
    pub fn new(predicate: &Predicate, limits: &'a Limits, fields: &[&str]) -> Self {
        let mut formula = Formula::default();
        let root = formula.add(predicate, true);
        let apart = fields
            .iter()
            .map(|f| formula.field(&Arc::from(*f)))
            .collect();
        Self {
            formula,
            root,
            limits,
            apart,
            known: HashMap::new(),
            budget: Budget {
                states: limits.states,
                steps: limits.steps,
                expressions: Expressions::default(),
                any: false,
            },
            limit: None,
            inexact: false,
            any: false,
        }
    }

    /// The same question, where the answer need not be the shortest.
    pub fn for_any(mut self) -> Self {
        self.any = true;
        self.budget.any = true;
        self
    }

    /// Whether the question searched is weaker than the one asked.
    pub fn is_weaker(&self) -> bool {
        self.formula.weaker
    }

    pub fn run(mut self, seen: &dyn Fn(&[Option<&str>]) -> bool) -> Answer {
        let mut queue = BinaryHeap::new();
        let mut nodes: Vec<Option<Open>> = Vec::new();
        let mut visited = HashSet::new();
        let absent = Rc::new(Found::absent());
        let root = Open {
            literals: Vec::new(),
            pairs: Vec::new(),
            pending: Vec::new(),
            values: vec![absent; self.formula.fields.len()],
        };
        let mut children = vec![(root, vec![self.root])];
        // With half of the budget spent, any event will do: nodes with the least left to do come first.
        let mut hurry = false;
        let rank = |hurry: bool, open: &Open, at: usize| {
            let cost: usize = open.values.iter().map(|v| v.cost()).sum();
            let left = open.pending.len();
            if hurry {
                Reverse((left, cost, at))
            } else {
                Reverse((cost, left, at))
            }
        };
        loop {
            let spent = self.any
                || nodes.len() * 2 > self.limits.nodes
                || self.budget.steps * 2 < self.limits.steps;
            if spent && !hurry {
                hurry = true;
                self.inexact = true;
                queue = nodes
                    .iter()
                    .enumerate()
                    .filter_map(|(at, open)| Some(rank(true, open.as_ref()?, at)))
                    .collect();
            }
            for (parent, with) in children.drain(..) {
                let Some(open) = self.extend(parent, &with) else {
                    continue;
                };
                if !visited.insert((
                    open.literals.clone(),
                    open.pairs.clone(),
                    open.pending.clone(),
                )) {
                    continue;
                }
                if nodes.len() >= self.limits.nodes {
                    return Answer::Unknown(Limit::Nodes);
                }
                queue.push(rank(hurry, &open, nodes.len()));
                nodes.push(Some(open));
            }
            let Some(Reverse((_, _, at))) = queue.pop() else {
                return self.limit.map_or(Answer::Never, Answer::Unknown);
            };
            let Some(open) = nodes[at].take() else {
                continue;
            };
            // Asking an atom costs about what this many steps of a walk do.
            let cost = 20 * self.formula.atoms() as u64;
            if self.budget.steps < cost {
                return Answer::Unknown(Limit::Steps);
            }
            self.budget.steps -= cost;
            if let Some(list) = self.violated(&open) {
                let rest: Vec<Node> = open
                    .pending
                    .iter()
                    .copied()
                    .filter(|n| *n != Node::Or(list))
                    .collect();
                children = self
                    .formula
                    .parts(list)
                    .iter()
                    .map(|part| (open.with_pending(rest.clone()), vec![*part]))
                    .collect();
                continue;
            }
            if let Some(repaired) = self.repaired(&open) {
                children = repaired;
                continue;
            }
            if !self.apart.is_empty() {
                let values: Vec<Option<&str>> = self
                    .apart
                    .iter()
                    .map(|f| open.values[*f as usize].text())
                    .collect();
                if seen(&values) {
                    let values: Vec<Option<String>> =
                        values.iter().map(|v| v.map(str::to_owned)).collect();
                    let apart = self.apart.clone();
                    children = apart
                        .iter()
                        .zip(values)
                        .map(|(field, value)| {
                            let (test, holds) = match value {
                                Some(v) => (Test::Equals(Text::ascii(v)), false),
                                None => (Test::Contains(Text::exact("")), true),
                            };
                            let literal = self.formula.literal(*field, &test, holds);
                            (
                                open.with_pending(open.pending.clone()),
                                vec![Node::Literal(literal)],
                            )
                        })
                        .collect();
                    continue;
                }
            }
            let shortest = self.limit.is_none() && !self.inexact;
            return Answer::Holds(Witness {
                fields: self
                    .formula
                    .fields
                    .iter()
                    .zip(&open.values)
                    .map(|(name, value)| (name.clone(), value.text().map(str::to_owned)))
                    .collect(),
                shortest,
            });
        }
    }

    /// Where two fields do not stand to each other as they must: the node with either of them changed.
    fn repaired(&mut self, open: &Open) -> Option<Vec<(Open, Vec<Node>)>> {
        let text = |field: u32| open.values[field as usize].text();
        let broken = open.pairs.iter().find(|(number, holds)| {
            let (field, other, pair) = self.formula.pair(*number);
            let both = text(field).zip(text(other));
            both.is_some_and(|(a, b)| pair.matches(a, b)) != *holds
        });
        let (number, holds) = *broken?;
        let (field, other, pair) = self.formula.pair(number);
        let second = Text {
            text: text(other)?.to_owned(),
            case: pair.case,
        };
        let stands = match pair.relation {
            Relation::Equals => Test::Equals(second.clone()),
            Relation::Contains => Test::Contains(second.clone()),
            Relation::StartsWith => Test::StartsWith(second.clone()),
            Relation::EndsWith => Test::EndsWith(second.clone()),
        };
        let first = self.formula.literal(field, &stands, holds);
        let second = self.formula.literal(other, &Test::Equals(second), false);
        let child = |literal| {
            (
                open.with_pending(open.pending.clone()),
                vec![Node::Literal(literal)],
            )
        };
        Some(vec![child(first), child(second)])
    }

    /// What a pair of fields that must be equal hands over from one to the other.
    fn shared_tests(&mut self, open: &Open) -> Vec<Node> {
        let mut out = Vec::new();
        for (number, holds) in &open.pairs {
            let (field, other, pair) = self.formula.pair(*number);
            if !holds || pair.relation != Relation::Equals {
                continue;
            }
            let case = pair.case;
            for (from, to) in [(field, other), (other, field)] {
                for literal in &open.literals {
                    let (of, test, holds) = self.formula.test(*literal);
                    if of != from || !same_for_equals(test, case) {
                        continue;
                    }
                    let test = test.clone();
                    let copy = self.formula.literal(to, &test, holds);
                    if open.literals.binary_search(&copy).is_err() {
                        out.push(Node::Literal(copy));
                    }
                }
            }
        }
        out
    }

    /// A node with more formulas asserted; `None` where no event meets them or it cannot be told.
    fn extend(&mut self, mut open: Open, with: &[Node]) -> Option<Open> {
        let mut stack = with.to_vec();
        let mut changed = HashSet::new();
        loop {
            let Some(node) = stack.pop() else {
                stack = self.shared_tests(&open);
                match stack.is_empty() {
                    true => break,
                    false => continue,
                }
            };
            match node {
                Node::True => {}
                Node::False => return None,
                Node::And(list) => stack.extend(self.formula.parts(list)),
                Node::Pair(number, holds) => {
                    if open.pairs.contains(&(number, !holds)) {
                        return None;
                    }
                    if open.pairs.contains(&(number, holds)) {
                        continue;
                    }
                    open.pairs.push((number, holds));
                    open.pairs.sort_unstable();
                    if holds {
                        let (field, other, _) = self.formula.pair(number);
                        for field in [field, other] {
                            let present = self.formula.literal(field, &Test::Present, true);
                            stack.push(Node::Literal(present));
                        }
                    }
                }
                Node::Or(list) => {
                    if !open.pending.contains(&Node::Or(list)) {
                        open.pending.push(Node::Or(list));
                    }
                }
                Node::Literal(literal) => {
                    let Err(at) = open.literals.binary_search(&literal) else {
                        continue;
                    };
                    if open.literals.binary_search(&(literal ^ 1)).is_ok() {
                        return None;
                    }
                    open.literals.insert(at, literal);
                    changed.insert(self.formula.test(literal).0);
                }
            }
        }
        let mut changed: Vec<u32> = changed.into_iter().collect();
        changed.sort_unstable();
        for field in changed {
            let found = self.value(field, &open.literals);
            match &*found {
                Found::None => return None,
                Found::Unknown(limit) => {
                    self.limit.get_or_insert_with(|| limit.clone());
                    return None;
                }
                Found::Value { exact, .. } => self.inexact |= !exact,
            }
            open.values[field as usize] = found;
        }
        Some(open)
    }

    fn value(&mut self, field: u32, literals: &[Literal]) -> Rc<Found> {
        let key: Vec<Literal> = literals
            .iter()
            .copied()
            .filter(|l| self.formula.test(*l).0 == field)
            .collect();
        if let Some(found) = self.known.get(&key) {
            return found.clone();
        }
        let tests: Vec<(&Test, bool)> = key
            .iter()
            .map(|l| {
                let (_, test, holds) = self.formula.test(*l);
                (test, holds)
            })
            .collect();
        let name = &self.formula.fields[field as usize];
        let found = Rc::new(shortest(name, &tests, &mut self.budget));
        self.known.insert(key, found.clone());
        found
    }

    /// The disjunction that the node's event does not meet and that leaves the fewest choices.
    fn violated(&self, open: &Open) -> Option<u32> {
        let value = |field: u32| open.values[field as usize].shared();
        let possible = |node: &Node| match node {
            Node::Literal(l) => open.literals.binary_search(&(l ^ 1)).is_err(),
            Node::Pair(number, holds) => !open.pairs.contains(&(*number, !holds)),
            _ => true,
        };
        open.pending
            .iter()
            .filter_map(|node| match node {
                Node::Or(list) if !self.formula.holds(*node, &value) => Some(*list),
                _ => None,
            })
            .min_by_key(|list| {
                self.formula
                    .parts(*list)
                    .iter()
                    .filter(|n| possible(n))
                    .count()
            })
    }
}

impl Open {
    fn with_pending(&self, pending: Vec<Node>) -> Self {
        Self {
            literals: self.literals.clone(),
            pairs: self.pairs.clone(),
            pending,
            values: self.values.clone(),
        }
    }
}

/// Whether a test says the same of values that are equal under a case rule.
fn same_for_equals(test: &Test, case: Case) -> bool {
    match test {
        Test::Present | Test::NotEmpty => true,
        Test::Equals(t)
        | Test::Contains(t)
        | Test::StartsWith(t)
        | Test::EndsWith(t)
        | Test::ImageIs(t) => t.case >= case,
        Test::Glob(glob) => glob.case() >= case,
        _ => case == Case::Exact,
    }
}
