//! A regular expression as an automaton over whole values, and the letters it tells apart. It refuses
//! to know of other tests.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::rc::Rc;

use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::util::primitives::StateID;
use regex_automata::util::{start, syntax};
use regex_automata::{Anchored, nfa::thompson};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind, Look};

use super::alphabet::unfolded;
use crate::{Case, Cidr, Glob, GlobPart, Pattern, Test};

/// How large one expression's automaton may become, in bytes.
const SIZE: usize = 4 << 20;
/// How many ranges of letters an expression may tell apart.
const RANGES: usize = 8_000;

/// A state: the automaton's, with one more for "has matched".
const MATCHED: u32 = u32::MAX;

/// Automata that were made already, by the test and its outcome; none where one cannot be made.
#[derive(Default)]
pub(super) struct Expressions(HashMap<(Test, bool), Option<Rc<Expression>>>);

impl Expressions {
    /// The automaton of a test by expression, pattern or block of addresses.
    pub fn of(&mut self, test: &Test, holds: bool) -> Option<Rc<Expression>> {
        let made = self.0.entry((test.clone(), holds));
        made.or_insert_with(|| {
            let made = match test {
                Test::Regex(pattern) => Expression::new(pattern, holds),
                Test::Glob(glob) => Expression::of_glob(glob, holds),
                Test::Cidr(block) => Expression::of_block(*block, holds),
                _ => None,
            };
            made.map(Rc::new)
        })
        .clone()
    }
}

/// An expression under walk.
pub(super) struct Expression {
    dfa: dense::DFA<Vec<u32>>,
    start: StateID,
    pub holds: bool,
    /// The classes of letters, each as sorted ranges.
    pub classes: Vec<Vec<(char, char)>>,
}

impl Expression {
    /// None where the automaton would be too large or needs Unicode word boundaries.
    fn new(pattern: &Pattern, holds: bool) -> Option<Self> {
        Self::compiled(pattern.as_str(), pattern.case() != Case::Exact, holds)
    }

    /// The expression of a pattern with wildcards; none where its automaton would be too large.
    fn of_glob(glob: &Glob, holds: bool) -> Option<Self> {
        let mut expression = String::from("(?s)\\A");
        for part in glob.parts() {
            match part {
                GlobPart::One => expression.push('.'),
                GlobPart::Any => expression.push_str(".*"),
                GlobPart::Text(text) => {
                    for letter in glob.case().fold(text).chars() {
                        expression.push('[');
                        for spelling in unfolded(letter, glob.case()) {
                            let _ = write!(expression, "\\x{{{:x}}}", u32::from(spelling));
                        }
                        expression.push(']');
                    }
                }
            }
        }
        expression.push_str("\\z");
        Self::compiled(&expression, false, holds)
    }

    /// The addresses of a block as they may be written; none for version 6, which has too many spellings.
    fn of_block(block: Cidr, holds: bool) -> Option<Self> {
        let (first, last, v4) = block.range();
        if !v4 {
            return None;
        }
        let octet = |address: u128, at: u32| (address >> (24 - 8 * at)) & 0xff;
        let octets: Vec<String> = (0..4)
            .map(|at| match (octet(first, at), octet(last, at)) {
                (0, 255) => "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])".to_owned(),
                (from, to) => {
                    let numbers: Vec<String> = (from..=to).map(|n| n.to_string()).collect();
                    format!("(?:{})", numbers.join("|"))
                }
            })
            .collect();
        Self::compiled(&format!("\\A{}\\z", octets.join("\\.")), false, holds)
    }

    fn compiled(pattern: &str, insensitive: bool, holds: bool) -> Option<Self> {
        let dfa = dense::Builder::new()
            .configure(
                dense::Config::new()
                    .start_kind(StartKind::Unanchored)
                    .dfa_size_limit(Some(SIZE))
                    .determinize_size_limit(Some(4 * SIZE)),
            )
            .syntax(syntax::Config::new().case_insensitive(insensitive))
            .thompson(thompson::Config::new().nfa_size_limit(Some(SIZE)))
            .build(pattern)
            .ok()?;
        let start = dfa
            .start_state(&start::Config::new().anchored(Anchored::No))
            .ok()?;
        let hir = ParserBuilder::new()
            .case_insensitive(insensitive)
            .build()
            .parse(pattern)
            .ok()?;
        let mut classes = Vec::new();
        letters(&hir, &mut classes);
        classes.sort();
        classes.dedup();
        (classes.iter().map(Vec::len).sum::<usize>() <= RANGES && classes.len() <= 256).then_some(
            Self {
                dfa,
                start,
                holds,
                classes,
            },
        )
    }

    pub fn start(&self) -> u32 {
        self.settle(self.start)
    }

    fn settle(&self, state: StateID) -> u32 {
        if self.dfa.is_match_state(state) {
            MATCHED
        } else {
            state.as_u32()
        }
    }

    pub fn step(&self, state: u32, letter: &[u8]) -> u32 {
        let mut state = state;
        for byte in letter {
            if state == MATCHED {
                break;
            }
            state = self.settle(
                self.dfa
                    .next_state(StateID::new_unchecked(state as usize), *byte),
            );
        }
        state
    }

    /// False where no value that goes on from here can have the wanted outcome.
    pub fn hopeful(&self, state: u32) -> bool {
        if state == MATCHED {
            return self.holds;
        }
        !self.holds
            || !self
                .dfa
                .is_dead_state(StateID::new_unchecked(state as usize))
    }

    /// Whether a value that ends in this state has the wanted outcome.
    pub fn accepts(&self, state: u32) -> bool {
        let matched = state == MATCHED
            || self.dfa.is_match_state(
                self.dfa
                    .next_eoi_state(StateID::new_unchecked(state as usize)),
            );
        matched == self.holds
    }
}

/// Collects what the expression compares letters with.
fn letters(hir: &Hir, out: &mut Vec<Vec<(char, char)>>) {
    match hir.kind() {
        HirKind::Empty => {}
        HirKind::Literal(text) => {
            let text = String::from_utf8_lossy(&text.0);
            out.extend(text.chars().map(|c| vec![(c, c)]));
        }
        HirKind::Class(Class::Unicode(class)) => {
            out.push(
                class
                    .ranges()
                    .iter()
                    .map(|r| (r.start(), r.end()))
                    .collect(),
            );
        }
        HirKind::Class(Class::Bytes(class)) => out.push(
            class
                .ranges()
                .iter()
                .map(|r| (char::from(r.start()), char::from(r.end())))
                .collect(),
        ),
        HirKind::Look(look) => match look {
            Look::Start | Look::End => {}
            Look::StartLF | Look::EndLF | Look::StartCRLF | Look::EndCRLF => {
                out.push(vec![('\n', '\n')]);
                out.push(vec![('\r', '\r')]);
            }
            // Whether a letter is part of a word, by the rule that automata can decide.
            _ => out.push(vec![('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')]),
        },
        HirKind::Repetition(r) => letters(&r.sub, out),
        HirKind::Capture(c) => letters(&c.sub, out),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().for_each(|p| letters(p, out));
        }
    }
}
