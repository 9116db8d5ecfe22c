//! What is left of a hunt's findings when some records are not there any more. A row falls with any of
//! the records it stands on, a finding with the last of its rows. Rows that name no record stand. It
//! refuses to know why records are missing.

use std::collections::{BTreeMap, BTreeSet};

use datafusion::arrow::array::RecordBatch;

use crate::findings::{cells, evidence_of};
use crate::pack::Hunt;

/// A finding by its label, and for each of its rows the reasons by which the row falls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Hunt, machine, actor and target.
    pub label: String,
    /// Per row, without repetition, the numbers of the reasons, sorted.
    pub rows: BTreeSet<Vec<u32>>,
}

impl Standing {
    /// Whether no row is left when all that these reasons hide is missing.
    pub fn falls(&self, reasons: &dyn Fn(u32) -> bool) -> bool {
        self.rows
            .iter()
            .all(|row| row.iter().any(|reason| reasons(*reason)))
    }
}

/// Takes in the rows of a hunt.
pub struct Survival<'h> {
    hunt: &'h Hunt,
    columns: Vec<String>,
    found: BTreeMap<String, BTreeSet<Vec<u32>>>,
}

impl<'h> Survival<'h> {
    /// For a hunt whose query has these output columns.
    pub fn new(hunt: &'h Hunt, columns: &[String]) -> Self {
        Self {
            hunt,
            columns: columns.iter().map(|c| c.to_lowercase()).collect(),
            found: BTreeMap::new(),
        }
    }

    /// Takes rows in; `hidden` tells by which reasons a record is missing, given its file and its place in it.
    pub fn add<'r>(&mut self, batch: &RecordBatch, hidden: &dyn Fn(&str, u64) -> &'r [u32]) {
        for row in 0..batch.num_rows() {
            let mut reasons: Vec<u32> = evidence_of(&self.columns, batch, row)
                .iter()
                .flat_map(|(file, place)| hidden(file, *place))
                .copied()
                .collect();
            reasons.sort_unstable();
            reasons.dedup();
            let who = cells(self.hunt, &self.columns, batch, row);
            let label = format!("{}: {}", self.hunt.id, who.join(" "));
            self.found.entry(label).or_default().insert(reasons);
        }
    }

    /// The findings, by label.
    pub fn finish(self) -> Vec<Standing> {
        self.found
            .into_iter()
            .map(|(label, rows)| Standing { label, rows })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_falls_with_its_last_row() {
        let standing = Standing {
            label: String::new(),
            rows: [vec![1, 2], vec![2, 3]].into(),
        };
        assert!(standing.falls(&|r| r == 2));
        assert!(!standing.falls(&|r| r == 1));
        assert!(standing.falls(&|r| r == 1 || r == 3));
        let unnamed = Standing {
            label: String::new(),
            rows: [vec![]].into(),
        };
        assert!(!unnamed.falls(&|_| true));
    }
}
