//! Combinations of classes that rows have had so far, field after field, kept from batch to batch: a
//! row's next step is a look into a table.

use hashbrown::HashMap;

use super::program::UNKNOWN;

/// Classes below this have a cell in the table; the others, which are rare, are looked up.
const WIDTH: usize = 64;
/// States below this have cells.
const TALL: usize = 1 << 16;

/// The steps from combinations of the fields before to those with one field more.
#[derive(Debug, Default)]
pub(super) struct Level {
    cells: Vec<u32>,
    rare: HashMap<(u32, u32), u32>,
    /// Per combination: the one that it extends, and the class that was added.
    pub(super) origins: Vec<(u32, u32)>,
}

impl Level {
    /// The combination that adds a class to another.
    #[inline]
    pub(super) fn step(&mut self, from: u32, class: u32) -> u32 {
        let at = from as usize * WIDTH + class as usize;
        if (class as usize) < WIDTH
            && let Some(&next) = self.cells.get(at)
            && next != UNKNOWN
        {
            return next;
        }
        self.new_step(from, class)
    }

    fn new_step(&mut self, from: u32, class: u32) -> u32 {
        let next = u32::try_from(self.origins.len()).unwrap_or(UNKNOWN - 1);
        if (class as usize) < WIDTH && (from as usize) < TALL {
            let needed = (from as usize + 1) * WIDTH;
            if self.cells.len() < needed {
                self.cells.resize(needed, UNKNOWN);
            }
            self.cells[from as usize * WIDTH + class as usize] = next;
        } else if let Some(&known) = self.rare.get(&(from, class)) {
            return known;
        } else {
            self.rare.insert((from, class), next);
        }
        self.origins.push((from, class));
        next
    }
}
