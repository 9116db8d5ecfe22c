//! Which fields a record has, told by how the reader came through it: the same keys in the same order, the same objects
//! among their values, the same of them without a value. Two records of one shape have the same fields at the same
//! indices, so that nobody need look. This module refuses to know what the keys are.

use rustc_hash::FxHashMap;

use crate::table::key_predictor::KeyPrefix;

/// How many shapes and beginnings of them are told apart.
const MAX_SHAPES: usize = 1 << 14;

/// After so many records in a row that could not be told, only every so many-th is tried.
const PATIENCE: u32 = 32;

/// What the fields of a record so far are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct LayoutId(u32);

impl LayoutId {
    /// Of a record without fields.
    pub(crate) const EMPTY: Self = Self(0);
    /// One that is not told from others.
    pub(crate) const UNKNOWN: Self = Self(u32::MAX);

    /// Its place among all shapes, if it is known.
    pub(crate) fn index(self) -> Option<usize> {
        (self != Self::UNKNOWN).then_some(self.0 as usize)
    }
}

impl Default for LayoutId {
    fn default() -> Self {
        Self::UNKNOWN
    }
}

/// A step of the reader: what stands behind these keys of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    /// The object's end.
    End(KeyPrefix),
    /// The beginning of an object that is the last one's value.
    Into(KeyPrefix),
    /// No value.
    Null(KeyPrefix),
}

/// The shapes one worker has met.
#[derive(Debug, Default)]
pub(crate) struct Layouts {
    /// Records in a row whose shape was not known at their end.
    lost: u32,
    next: FxHashMap<(LayoutId, Step), LayoutId>,
}

impl Layouts {
    /// The shape of a record that begins; unknown where it was of no use for long.
    pub(crate) fn begin(&self) -> LayoutId {
        match self.lost < PATIENCE || self.lost.is_multiple_of(PATIENCE) {
            true => LayoutId::EMPTY,
            false => LayoutId::UNKNOWN,
        }
    }

    /// The record has ended with this shape.
    pub(crate) fn end(&mut self, shape: LayoutId) {
        self.lost = match shape {
            LayoutId::UNKNOWN => self.lost.wrapping_add(1),
            _ => 0,
        };
    }

    /// The shape of a record of this shape after one more step.
    pub(crate) fn after(&mut self, shape: LayoutId, step: Step) -> LayoutId {
        let (Step::End(run) | Step::Into(run) | Step::Null(run)) = step;
        if shape == LayoutId::UNKNOWN || run == KeyPrefix::UNKNOWN {
            return LayoutId::UNKNOWN;
        }
        if let Some(next) = self.next.get(&(shape, step)) {
            return *next;
        }
        if self.next.len() >= MAX_SHAPES {
            return LayoutId::UNKNOWN;
        }
        let next = LayoutId(self.next.len() as u32 + 1);
        self.next.insert((shape, step), next);
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::key_id::ROOT;
    use crate::table::key_tree::{KeyTree, Projection};

    #[test]
    fn the_same_way_leads_to_the_same_shape_and_no_other_does() {
        let mut names = KeyTree::new(Projection::default());
        let start = names.start(ROOT);
        let (a, after_a) = names.child_after(start, ROOT, b"a", 1);
        let (_, after_aa) = names.child_after(after_a, ROOT, b"a", 1);
        let inside = names.start(a);
        // `{}`, `{"a":1}`, `{"a":null}`, `{"a":{}}`, and `a` twice: first an object and then none, and the other way.
        let ways = [
            vec![Step::End(start)],
            vec![Step::End(after_a)],
            vec![Step::Null(after_a), Step::End(after_a)],
            vec![Step::Into(after_a), Step::End(inside), Step::End(after_a)],
            vec![Step::Into(after_a), Step::End(inside), Step::End(after_aa)],
            vec![Step::Into(after_aa), Step::End(inside), Step::End(after_aa)],
        ];
        let mut shapes = Layouts::default();
        let mut go = |way: &[Step]| {
            let step = |shape, step: &Step| shapes.after(shape, *step);
            way.iter().fold(LayoutId::EMPTY, step)
        };
        let met: Vec<LayoutId> = ways.iter().map(|way| go(way)).collect();
        let again: Vec<LayoutId> = ways.iter().map(|way| go(way)).collect();
        assert_eq!(met, again);
        for (i, shape) in met.iter().enumerate() {
            assert!(shape.index().is_some_and(|n| n > 0));
            assert_eq!(met.iter().position(|s| s == shape), Some(i));
        }
        let lost = [Step::Into(KeyPrefix::UNKNOWN), Step::End(after_a)];
        assert_eq!(go(&lost), LayoutId::UNKNOWN);
    }

    #[test]
    fn records_that_cannot_be_told_are_tried_now_and_then() {
        let mut shapes = Layouts::default();
        let mut tried = |n: u32, shape| {
            (0..n)
                .filter(|_| {
                    let begun = shapes.begin();
                    shapes.end(shape);
                    begun == LayoutId::EMPTY
                })
                .count()
        };
        assert_eq!(tried(PATIENCE, LayoutId::UNKNOWN), PATIENCE as usize);
        assert_eq!(tried(10 * PATIENCE, LayoutId::UNKNOWN), 10);
        // One that can be told is reason to try all again.
        assert_eq!(tried(PATIENCE, LayoutId::EMPTY), PATIENCE as usize);
        assert_eq!(tried(PATIENCE, LayoutId::UNKNOWN), PATIENCE as usize);
    }
}
