//! Small numbers for pairs of numbers, and for combinations of many, in the order they are met. It refuses to know what
//! the numbers stand for.

use rustc_hash::FxHashMap;

/// No number, and the end of a list.
pub(crate) const END: u32 = u32::MAX;

/// Numbers for pairs of numbers, in the order they are met.
#[derive(Debug, Default)]
pub(crate) struct Pairs {
    numbers: FxHashMap<u64, u32>,
}

impl Pairs {
    pub(crate) fn clear(&mut self) {
        self.numbers.clear();
    }

    /// The number of a pair, and whether it is a new one.
    #[inline]
    pub(crate) fn number(&mut self, a: u32, b: u32) -> (u32, bool) {
        let key = u64::from(a) << 32 | u64::from(b);
        let next = u32::try_from(self.numbers.len()).unwrap_or(END);
        let number = *self.numbers.entry(key).or_insert(next);
        (number, number == next)
    }
}

/// Numbers for combinations of values: each is one of the columns before, and the value of one more.
#[derive(Debug, Default)]
pub(crate) struct Combinations {
    /// By the number of those before, then by value, after a place for an absent one.
    direct: Vec<Vec<u32>>,
    /// Places in `direct`.
    places: usize,
    /// For what has no place in `direct`.
    others: FxHashMap<u64, u32>,
    /// By number.
    pairs: Vec<(u32, u32)>,
}

/// Places in tables, beyond which combinations are hashed.
const MAX_PLACES: usize = 1 << 19;

impl Combinations {
    pub(crate) fn clear(&mut self) {
        self.direct.clear();
        self.places = 0;
        self.others.clear();
        self.pairs.clear();
    }

    #[inline]
    pub(crate) fn number(&mut self, before: u32, value: u32) -> u32 {
        let place = value.wrapping_add(1) as usize;
        let known = self.direct.get(before as usize);
        match known.and_then(|values| values.get(place)) {
            Some(number) if *number != END => *number,
            _ => self.add(before, value, place),
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.pairs.len()
    }

    /// What a number stands for.
    pub(crate) fn pair(&self, number: usize) -> Option<(u32, u32)> {
        self.pairs.get(number).copied()
    }

    #[cold]
    fn add(&mut self, before: u32, value: u32, place: usize) -> u32 {
        let next = u32::try_from(self.pairs.len()).unwrap_or(END);
        let key = u64::from(before) << 32 | u64::from(value);
        let at = before as usize;
        let held = self.direct.get(at).map_or(0, Vec::len);
        // Room only shrinks, so what once had none is looked for in the right place ever after.
        let more = (place + 1).next_power_of_two().saturating_sub(held);
        let lists = (at + 1).saturating_sub(self.direct.len());
        let number = if self.places + more + 8 * lists <= MAX_PLACES {
            self.places += more + 8 * lists;
            if lists > 0 {
                self.direct.resize_with(at + 1, Vec::new);
            }
            let values = &mut self.direct[at];
            values.resize(held + more, END);
            values[place] = next;
            next
        } else {
            *self.others.entry(key).or_insert(next)
        };
        if number == next {
            self.pairs.push((before, value));
        }
        number
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn combinations_have_one_number_each(
            pairs in prop::collection::vec((0u32..40, prop_oneof![0u32..30, 0u32..9_000_000, Just(END)]), 1..400),
        ) {
            let mut combinations = Combinations::default();
            for (before, value) in &pairs {
                let number = combinations.number(*before, *value);
                prop_assert_eq!(combinations.number(*before, *value), number);
                prop_assert_eq!(combinations.pair(number as usize), Some((*before, *value)));
            }
            let different: std::collections::BTreeSet<_> = pairs.iter().collect();
            prop_assert_eq!(combinations.len(), different.len());
        }
    }
}
