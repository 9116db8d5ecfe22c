//! Rows grouped by what distinguishes them for the rules, field after field.

use std::collections::HashMap;

/// Rows grouped by the classes of the fields seen so far.
pub(super) struct Groups {
    /// Per row the number of its group.
    pub(super) codes: Vec<u32>,
    /// Per group its classes.
    pub(super) tuples: Vec<Vec<u32>>,
}

impl Groups {
    pub(super) fn new(rows: usize) -> Self {
        Self {
            codes: vec![0; rows],
            tuples: vec![Vec::new()],
        }
    }

    pub(super) fn constant(&mut self, class: u32) {
        for tuple in &mut self.tuples {
            tuple.push(class);
        }
    }

    pub(super) fn split(&mut self, classes: &[u32]) {
        let Some(&first) = classes.first() else {
            return;
        };
        if classes.iter().all(|c| *c == first) {
            self.constant(first);
            return;
        }
        let highest = classes.iter().copied().max().unwrap_or(0) as usize + 1;
        let mut tuples: Vec<Vec<u32>> = Vec::new();
        let old = std::mem::take(&mut self.tuples);
        let mut add = |code: u32, class: u32| {
            let mut tuple = old[code as usize].clone();
            tuple.push(class);
            tuples.push(tuple);
            u32::try_from(tuples.len() - 1).unwrap_or(u32::MAX)
        };
        if old.len().saturating_mul(highest) <= 1 << 20 {
            let mut table = vec![u32::MAX; old.len() * highest];
            for (code, class) in self.codes.iter_mut().zip(classes) {
                let place = &mut table[*code as usize * highest + *class as usize];
                if *place == u32::MAX {
                    *place = add(*code, *class);
                }
                *code = *place;
            }
        } else {
            let mut table: HashMap<(u32, u32), u32> = HashMap::new();
            for (code, class) in self.codes.iter_mut().zip(classes) {
                *code = *table
                    .entry((*code, *class))
                    .or_insert_with(|| add(*code, *class));
            }
        }
        self.tuples = tuples;
    }
}
