//! The order of a text against a literal, letter by letter, by UTF-16 units after folding. It refuses
//! to know of other tests.

use std::cmp::Ordering;

use crate::{Case, Comparison, Text};

/// A comparison as an automaton: a state is how many units are equal so far, or the outcome.
#[derive(Debug)]
pub(super) struct Order {
    pub case: Case,
    comparison: Comparison,
    pub units: Vec<u16>,
    pub holds: bool,
}

impl Order {
    /// None where letters beyond the walk's alphabet could matter: Unicode folding and characters of
    /// two units.
    pub fn new(comparison: Comparison, text: &Text, holds: bool) -> Option<Self> {
        let units: Vec<u16> = text.folded().encode_utf16().collect();
        let plain =
            text.case != Case::Unicode && !units.iter().any(|u| (0xD800..0xE000).contains(u));
        plain.then_some(Self {
            case: text.case,
            comparison,
            units,
            holds,
        })
    }

    fn outcome(&self, order: Ordering) -> u32 {
        let len = u32::try_from(self.units.len()).unwrap_or(u32::MAX - 2);
        if order == Ordering::Less {
            len + 1
        } else {
            len + 2
        }
    }

    pub fn step(&self, state: u32, letter: char) -> u32 {
        let mut at = state as usize;
        if at > self.units.len() {
            return state;
        }
        let folded = if self.case == Case::Ascii {
            letter.to_ascii_lowercase()
        } else {
            letter
        };
        for unit in folded.encode_utf16(&mut [0; 2]) {
            let Some(mine) = self.units.get(at) else {
                return self.outcome(Ordering::Greater);
            };
            match (*unit).cmp(mine) {
                Ordering::Equal => at += 1,
                other => return self.outcome(other),
            }
        }
        u32::try_from(at).unwrap_or(u32::MAX)
    }

    /// Whether a value that ends in this state has the wanted outcome.
    pub fn accepts(&self, state: u32) -> bool {
        let at = state as usize;
        let order = match at.cmp(&self.units.len()) {
            Ordering::Less => Ordering::Less,
            Ordering::Equal => Ordering::Equal,
            Ordering::Greater if state == self.outcome(Ordering::Less) => Ordering::Less,
            Ordering::Greater => Ordering::Greater,
        };
        self.comparison.holds(order) == self.holds
    }

    /// What a letter is to this comparison: its place among the literal's units.
    pub fn place(&self, letter: char) -> (usize, bool) {
        let folded = if self.case == Case::Ascii {
            letter.to_ascii_lowercase()
        } else {
            letter
        };
        let unit = folded.encode_utf16(&mut [0; 2])[0];
        let below = self.units.iter().filter(|u| **u < unit).count();
        (below, self.units.contains(&unit))
    }

    /// Letters on either side of every unit.
    pub fn letters(&self) -> impl Iterator<Item = char> + '_ {
        self.units
            .iter()
            .flat_map(|u| [u.saturating_sub(1), *u, u.saturating_add(1)])
            .filter_map(|u| char::from_u32(u32::from(u)))
    }
}
