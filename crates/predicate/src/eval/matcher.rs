//! All tests on one field, answered together for one value: whole-value tests by hashing, all
//! substrings, beginnings and ends of a case rule in one automaton, the rest one by one.

use std::collections::HashMap;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use crate::test::last_component;
use crate::{Case, Test, Text};

/// Tests prepared to be asked together.
#[derive(Debug)]
pub struct Matcher {
    groups: Vec<Group>,
    others: Vec<(u32, Test)>,
    always: Vec<u32>,
}

/// The literals of one case rule.
#[derive(Debug)]
struct Group {
    case: Case,
    whole: HashMap<String, Vec<u32>>,
    name: HashMap<String, Vec<u32>>,
    search: Option<Search>,
}

#[derive(Debug)]
struct Search {
    automaton: AhoCorasick,
    /// Per pattern: which tests want it, and where.
    uses: Vec<Vec<(Place, u32)>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Anywhere,
    Start,
    End,
}

impl Matcher {
    /// Prepares tests; they are numbered from 0 in order.
    pub fn new<'a>(tests: impl IntoIterator<Item = &'a Test>) -> Self {
        let mut m = Self {
            groups: Vec::new(),
            others: Vec::new(),
            always: Vec::new(),
        };
        let mut patterns: Vec<HashMap<String, Vec<(Place, u32)>>> = Vec::new();
        for (number, test) in (0u32..).zip(tests) {
            let mut group = |case: Case| {
                m.groups
                    .iter()
                    .position(|g| g.case == case)
                    .unwrap_or_else(|| {
                        m.groups.push(Group {
                            case,
                            whole: HashMap::new(),
                            name: HashMap::new(),
                            search: None,
                        });
                        patterns.push(HashMap::new());
                        m.groups.len() - 1
                    })
            };
            let (place, text): (Place, &Text) = match test {
                Test::Equals(t) => {
                    let at = group(t.case);
                    m.groups[at]
                        .whole
                        .entry(t.folded())
                        .or_default()
                        .push(number);
                    continue;
                }
                Test::ImageIs(t) => {
                    let at = group(t.case);
                    let g = &mut m.groups[at];
                    let map = if t.text.contains('\\') {
                        &mut g.whole
                    } else {
                        &mut g.name
                    };
                    map.entry(t.folded()).or_default().push(number);
                    continue;
                }
                Test::Contains(t) => (Place::Anywhere, t),
                Test::StartsWith(t) => (Place::Start, t),
                Test::EndsWith(t) => (Place::End, t),
                Test::Present => {
                    m.always.push(number);
                    continue;
                }
                other => {
                    m.others.push((number, other.clone()));
                    continue;
                }
            };
            if text.text.is_empty() {
                m.always.push(number);
                continue;
            }
            if text.text.len() >= LONG {
                m.others.push((number, test.clone()));
                continue;
            }
            let at = group(text.case);
            patterns[at]
                .entry(text.folded())
                .or_default()
                .push((place, number));
        }
        for (group, patterns) in m.groups.iter_mut().zip(patterns) {
            group.search = Search::new(patterns, group.case, &mut m.others);
        }
        m
    }

    /// Adds the numbers of the tests that a value passes, each once, in no particular order.
    pub fn passes(&self, value: &str, out: &mut Vec<u32>) {
        out.extend(&self.always);
        for group in &self.groups {
            let folded = group.case.fold(value);
            if let Some(tests) = group.whole.get(&folded) {
                out.extend(tests);
            }
            if !group.name.is_empty()
                && let Some(tests) = group.name.get(last_component(&folded))
            {
                out.extend(tests);
            }
            if let Some(search) = &group.search {
                search.passes(&folded, out);
            }
        }
        for (number, test) in &self.others {
            if test.matches(value) {
                out.push(*number);
            }
        }
    }
}

/// The tests of a literal, each for itself. The literal is folded, and folding twice is folding once.
fn one_by_one(
    text: String,
    uses: Vec<(Place, u32)>,
    case: Case,
) -> impl Iterator<Item = (u32, Test)> {
    uses.into_iter().map(move |(place, number)| {
        let text = Text {
            text: text.clone(),
            case,
        };
        let test = match place {
            Place::Anywhere => Test::Contains(text),
            Place::Start => Test::StartsWith(text),
            Place::End => Test::EndsWith(text),
        };
        (number, test)
    })
}

/// Bytes of literals up to which the automaton may choose its own form.
const SMALL: usize = 16 << 10;
/// Bytes of a literal from which on it is looked for by itself: the automaton would have a state for each.
const LONG: usize = 4 << 10;

impl Search {
    /// Builds the automaton; where it would be too large, the tests go to `others`.
    fn new(
        patterns: HashMap<String, Vec<(Place, u32)>>,
        case: Case,
        others: &mut Vec<(u32, Test)>,
    ) -> Option<Self> {
        if patterns.is_empty() {
            return None;
        }
        let mut sorted: Vec<(String, Vec<(Place, u32)>)> = patterns.into_iter().collect();
        sorted.sort_by(|a, b| a.0.cmp(&b.0));
        // A table of all transitions is the fastest while it is small.
        let size: usize = sorted.iter().map(|(text, _)| text.len()).sum();
        let kind = (size > SMALL).then_some(AhoCorasickKind::ContiguousNFA);
        let texts = sorted.iter().map(|(text, _)| text);
        match AhoCorasick::builder().kind(kind).build(texts) {
            Ok(automaton) => Some(Self {
                automaton,
                uses: sorted.into_iter().map(|(_, uses)| uses).collect(),
            }),
            Err(_) => {
                others.extend(
                    sorted
                        .into_iter()
                        .flat_map(|(text, uses)| one_by_one(text, uses, case)),
                );
                None
            }
        }
    }

    fn passes(&self, folded: &str, out: &mut Vec<u32>) {
        let start = out.len();
        for found in self.automaton.find_overlapping_iter(folded) {
            for &(place, number) in &self.uses[found.pattern().as_usize()] {
                let holds = match place {
                    Place::Anywhere => true,
                    Place::Start => found.start() == 0,
                    Place::End => found.end() == folded.len(),
                };
                if holds {
                    out.push(number);
                }
            }
        }
        // A pattern may occur often in one value.
        if out.len() - start > 1 {
            let mut found = out.split_off(start);
            found.sort_unstable();
            found.dedup();
            out.append(&mut found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_one_by_one_keeps_its_case_rule() {
        let uses = vec![(Place::Anywhere, 0), (Place::Start, 1), (Place::End, 2)];
        for (case, passing) in [
            (Case::Exact, [false, true, false]),
            (Case::Ascii, [true, true, false]),
            (Case::Unicode, [true, true, true]),
        ] {
            let text = case.fold("äb");
            for (_, test) in one_by_one(text, uses.clone(), case) {
                for (value, passes) in ["äB", "äb", "ÄB"].into_iter().zip(passing) {
                    assert_eq!(test.matches(value), passes, "{case:?} {test} {value}");
                }
            }
        }
    }
}
