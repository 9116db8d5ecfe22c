//! The walk over one field's automata: breadth first from the empty value, so that the first value
//! that is accepted is a shortest one, and a walk that comes to its end has tried every kind of value.
//! Beginning and end of a value are bytes that no text contains. It refuses to know what is asked of
//! other fields.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::rc::Rc;
use std::sync::Arc;

use aho_corasick::Anchored;
use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::nfa::contiguous::NFA;

use super::Limit;
use super::alphabet::{Letter, Texts, alphabet};
use super::field::Budget;
use super::order::Order;
use super::pattern::{Expression, Expressions};
use crate::{Literal, Test, Text};

const BEGIN: u8 = 0xFF;
const END: u8 = 0xFE;

/// The outcome of a walk.
pub(super) enum Walked {
    Found(String),
    None,
    /// Everything the walk offered was refused by tests that it does not follow; the first of them.
    Refused(String),
    States,
    Steps,
}

/// What an occurrence of a text means.
#[derive(Clone, Copy)]
enum Meaning {
    Forbidden,
    /// The number of the test that it satisfies.
    Meets(u32),
}

/// What stands before and behind a text in the automaton.
type Mark = (&'static [u8], &'static [u8]);

/// The texts of one case rule on the way into an automaton.
struct Gathered {
    patterns: Vec<(Vec<u8>, Meaning)>,
    texts: Texts,
}

struct Group {
    automaton: NFA,
    meanings: Vec<Meaning>,
}

/// One field's tests, ready to walk.
pub(super) struct Walk {
    groups: Vec<Group>,
    orders: Vec<Order>,
    expressions: Vec<Rc<Expression>>,
    letters: Vec<Letter>,
    complete: bool,
    /// How many tests must be met by an occurrence.
    wanted: u32,
    refused: Option<String>,
}

impl Walk {
    pub fn new(
        name: &Arc<str>,
        tests: &[(&Test, bool)],
        made: &mut Expressions,
    ) -> Result<Self, Limit> {
        let mut gathered: Vec<Gathered> = Vec::new();
        let (mut orders, mut expressions) = (Vec::new(), Vec::new());
        let mut wanted = 0u32;
        for (test, holds) in tests {
            let mut holds = *holds;
            let empty = Text::exact("");
            let (text, marks): (&Text, &[Mark]) = match test {
                Test::Contains(t) => (t, &[(&[], &[])]),
                Test::StartsWith(t) => (t, &[(&[BEGIN], &[])]),
                Test::EndsWith(t) => (t, &[(&[], &[END])]),
                Test::Equals(t) => (t, &[(&[BEGIN], &[END])]),
                Test::ImageIs(t) if t.text.contains('\\') => (t, &[(&[BEGIN], &[END])]),
                Test::ImageIs(t) => (t, &[(&[BEGIN], &[END]), (b"\\", &[END])]),
                Test::NotEmpty => {
                    holds = !holds;
                    (&empty, &[(&[BEGIN], &[END])])
                }
                Test::Compare(c, Literal::Text(t)) => {
                    orders.extend(Order::new(*c, t, holds));
                    continue;
                }
                Test::Regex(_) | Test::Glob(_) | Test::Cidr(_) => {
                    expressions.extend(made.of(test, holds));
                    continue;
                }
                Test::Compare(_, Literal::Number(_)) | Test::BitsSet(_) | Test::Present => continue,
            };
            let meaning = if holds {
                wanted += 1;
                Meaning::Meets(wanted - 1)
            } else {
                Meaning::Forbidden
            };
            let at = gathered
                .iter()
                .position(|g| g.texts.case == text.case)
                .unwrap_or_else(|| {
                    gathered.push(Gathered {
                        patterns: Vec::new(),
                        texts: Texts {
                            case: text.case,
                            written: Vec::new(),
                            folded: Vec::new(),
                        },
                    });
                    gathered.len() - 1
                });
            let Gathered { patterns, texts } = &mut gathered[at];
            let folded = text.folded();
            for (before, behind) in marks {
                patterns.push(([before, folded.as_bytes(), behind].concat(), meaning));
                if before.contains(&b'\\') {
                    texts.folded.push("\\".to_owned());
                }
            }
            texts.written.push(text.text.clone());
            texts.folded.push(folded);
        }
        let mut groups = Vec::new();
        let mut texts = Vec::new();
        for Gathered {
            patterns,
            texts: of,
        } in gathered
        {
            let automaton = NFA::builder()
                .build(patterns.iter().map(|(p, _)| p))
                .map_err(|_| Limit::States(name.clone()))?;
            groups.push(Group {
                automaton,
                meanings: patterns.iter().map(|(_, m)| *m).collect(),
            });
            texts.push(of);
        }
        let (letters, complete) = alphabet(&texts, &orders, &expressions);
        Ok(Self {
            groups,
            orders,
            expressions,
            letters,
            complete,
            wanted,
            refused: None,
        })
    }

    /// False where a shorter value was refused by a test that the walk does not follow.
    pub fn is_exact(&self) -> bool {
        self.refused.is_none()
    }

    /// Walks until a value is accepted that `passes` everything.
    pub fn run(&mut self, budget: &mut Budget, passes: &dyn Fn(&str) -> bool) -> Walked {
        let Some(start) = self.start() else {
            return Walked::None;
        };
        let mut states: Vec<(Box<[u32]>, u32, char)> = Vec::new();
        let mut index: HashMap<Box<[u32]>, ()> = HashMap::new();
        index.insert(start.clone(), ());
        states.push((start, u32::MAX, '\0'));
        let mut at = 0;
        while at < states.len() {
            if self.accepts(&states[at].0) {
                let value = spell(&states, at);
                if passes(&value) {
                    return Walked::Found(value);
                }
                self.refused.get_or_insert(value);
            }
            let cost = self.letters.len() as u64;
            if budget.steps < cost {
                budget.steps = 0;
                return Walked::Steps;
            }
            budget.steps -= cost;
            for letter in &self.letters {
                let Some(next) = self.step(&states[at].0, letter) else {
                    continue;
                };
                if let Entry::Vacant(entry) = index.entry(next) {
                    if states.len() >= budget.states {
                        return Walked::States;
                    }
                    let parent = u32::try_from(at).unwrap_or(u32::MAX);
                    states.push((entry.key().clone(), parent, letter.letter));
                    entry.insert(());
                }
            }
            at += 1;
        }
        match self.refused.take() {
            Some(value) => Walked::Refused(value),
            None if self.complete => Walked::None,
            None => Walked::Refused(String::new()),
        }
    }

    /// The state before the first letter.
    fn start(&self) -> Option<Box<[u32]>> {
        let mut state = vec![0u32; self.width()];
        let mut met = vec![0u32; self.words()];
        for (i, group) in self.groups.iter().enumerate() {
            let first = group.automaton.start_state(Anchored::No).ok()?;
            state[i] = group.feed(first, &[BEGIN], &mut met)?.as_u32();
        }
        let behind = self.groups.len() + self.orders.len();
        for (i, expression) in self.expressions.iter().enumerate() {
            state[behind + i] = expression.start();
            if !expression.hopeful(state[behind + i]) {
                return None;
            }
        }
        self.put_met(&mut state, &met);
        Some(state.into())
    }

    /// How many words hold which tests are met.
    fn words(&self) -> usize {
        self.wanted.div_ceil(32) as usize
    }

    fn width(&self) -> usize {
        self.groups.len() + self.orders.len() + self.expressions.len() + self.words()
    }

    fn put_met(&self, state: &mut [u32], met: &[u32]) {
        let at = state.len() - met.len();
        state[at..].copy_from_slice(met);
    }

    fn met(&self, state: &[u32]) -> Vec<u32> {
        state[state.len() - self.words()..].to_vec()
    }

    /// The state behind a letter; `None` where nothing can be accepted any more.
    fn step(&self, from: &[u32], letter: &Letter) -> Option<Box<[u32]>> {
        let mut state: Box<[u32]> = from.into();
        let mut met = self.met(from);
        for (i, group) in self.groups.iter().enumerate() {
            let id = StateID::new_unchecked(from[i] as usize);
            state[i] = group.feed(id, &letter.folded[i], &mut met)?.as_u32();
        }
        let mut at = self.groups.len();
        for order in &self.orders {
            state[at] = order.step(from[at], letter.letter);
            at += 1;
        }
        for expression in &self.expressions {
            state[at] = expression.step(from[at], &letter.bytes);
            if !expression.hopeful(state[at]) {
                return None;
            }
            at += 1;
        }
        self.put_met(&mut state, &met);
        Some(state)
    }

    /// Whether a value may end in a state.
    fn accepts(&self, state: &[u32]) -> bool {
        let mut met = self.met(state);
        for (i, group) in self.groups.iter().enumerate() {
            let id = StateID::new_unchecked(state[i] as usize);
            if group.feed(id, &[END], &mut met).is_none() {
                return false;
            }
        }
        let (orders, rest) = state[self.groups.len()..].split_at(self.orders.len());
        met.iter().map(|word| word.count_ones()).sum::<u32>() == self.wanted
            && self.orders.iter().zip(orders).all(|(o, s)| o.accepts(*s))
            && self
                .expressions
                .iter()
                .zip(rest)
                .all(|(e, s)| e.accepts(*s))
    }
}

impl Group {
    /// Takes bytes, notes what they meet; `None` where they complete a forbidden text.
    fn feed(&self, mut state: StateID, bytes: &[u8], met: &mut [u32]) -> Option<StateID> {
        for byte in bytes {
            state = self.automaton.next_state(Anchored::No, state, *byte);
            if !self.automaton.is_match(state) {
                continue;
            }
            for i in 0..self.automaton.match_len(state) {
                match self.meanings[self.automaton.match_pattern(state, i).as_usize()] {
                    Meaning::Forbidden => return None,
                    Meaning::Meets(test) => met[test as usize / 32] |= 1 << (test % 32),
                }
            }
        }
        Some(state)
    }
}

fn spell(states: &[(Box<[u32]>, u32, char)], at: usize) -> String {
    let mut letters = Vec::new();
    let mut at = at;
    while let Some((_, parent, letter)) = states.get(at).filter(|s| s.1 != u32::MAX) {
        letters.push(*letter);
        at = *parent as usize;
    }
    letters.iter().rev().collect()
}
