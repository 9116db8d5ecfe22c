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
use super::{Answer, Limit, Limits, Witness};
use crate::{Predicate, Test, Text};

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
}

struct Open {
    literals: Vec<Literal>,
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
            },
            limit: None,
            inexact: false,
        }
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
            let spent =
                nodes.len() * 2 > self.limits.nodes || self.budget.steps * 2 < self.limits.steps;
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
                if !visited.insert((open.literals.clone(), open.pending.clone())) {
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

    /// A node with more formulas asserted; `None` where no event meets them or it cannot be told.
    fn extend(&mut self, mut open: Open, with: &[Node]) -> Option<Open> {
        let mut stack = with.to_vec();
        let mut changed = HashSet::new();
        while let Some(node) = stack.pop() {
            match node {
                Node::True => {}
                Node::False => return None,
                Node::And(list) => stack.extend(self.formula.parts(list)),
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
            pending,
            values: self.values.clone(),
        }
    }
}
