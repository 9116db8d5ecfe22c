//! The walk over elements, groups and rules for one combination of classes.

use super::program::{Part, PartUnit, Program};
use crate::rules::Relation;

pub(super) struct Walk<'a> {
    pub(super) program: &'a Program,
    pub(super) bits: &'a [bool],
    pub(super) failed: Vec<bool>,
    pub(super) name: &'a str,
}

pub(super) enum Ended {
    Match,
    NoMatch,
    Failed,
}

impl<'a> Walk<'a> {
    pub(super) fn filter(&mut self, filter: Option<usize>) -> Ended {
        let Some(n) = filter else {
            return Ended::NoMatch;
        };
        if self.failed[self.program.field_of[n]] {
            return Ended::Failed;
        }
        if !self.bits[n] {
            return Ended::NoMatch;
        }
        let name = &self.program.names[n];
        if !name.is_empty() {
            self.name = name;
        }
        Ended::Match
    }

    pub(super) fn rule(&mut self, relation: Relation, filters: &[Option<usize>]) -> Ended {
        for f in filters {
            match (self.filter(*f), relation) {
                (Ended::Failed, _) => return Ended::Failed,
                (Ended::Match, Relation::Or) => return Ended::Match,
                (Ended::NoMatch, Relation::And) => return Ended::NoMatch,
                _ => {}
            }
        }
        match relation {
            Relation::Or => Ended::NoMatch,
            Relation::And => Ended::Match,
        }
    }

    /// `Some` where the element matches, with the unit that settled it.
    pub(super) fn part(&mut self, part: &'a Part) -> Option<Option<usize>> {
        let mut matched: Vec<u32> = Vec::new();
        for (i, unit) in part.units.iter().enumerate() {
            let (ended, again) = match unit {
                PartUnit::One {
                    filter,
                    field,
                    again,
                } => {
                    if part.relation == Relation::And && matched.contains(field) {
                        continue;
                    }
                    let ended = self.filter(*filter);
                    if matches!(ended, Ended::Match) && part.relation == Relation::And {
                        matched.push(*field);
                    }
                    (ended, *again)
                }
                PartUnit::Rule {
                    relation,
                    own_name,
                    filters,
                } => {
                    let ended = self.rule(*relation, filters);
                    if let (Ended::Match, Some(name)) = (&ended, own_name) {
                        self.name = name;
                    }
                    (ended, false)
                }
            };
            match (ended, part.relation) {
                (Ended::Failed, _) => return None,
                (Ended::Match, Relation::Or) => return Some(Some(i)),
                (Ended::NoMatch, Relation::And) if !again => return None,
                _ => {}
            }
        }
        (part.relation == Relation::And && !part.units.is_empty()).then_some(None)
    }
}
