//! What recordings say of the catalog's claims: how each is tested, how often it was confirmed, and where. A claim without a
//! row here was never exercised by a recording.

use crate::model::evidence::{ClaimEvidence, ClaimTest, RecordedField, RecordedRelation};
use crate::storage::{BehaviourId, EventId};
use crate::tables;

/// How the claims are tested.
pub fn tests() -> &'static [ClaimTest] {
    tables::evidence_tests()
}

/// What came of it.
pub fn all() -> &'static [ClaimEvidence] {
    tables::evidence()
}

/// What recordings say of a claim: the name of an arrow or of a silence.
pub fn of(claim: &str) -> Option<&'static ClaimEvidence> {
    tables::evidence().iter().find(|e| e.claim == claim)
}

/// What recordings say of an event that a technique should give.
pub fn of_expected(behaviour: BehaviourId, event: EventId) -> Option<&'static ClaimEvidence> {
    let is = |claim: &str| {
        let parts = claim.split_once('/');
        parts == Some((behaviour.slug(), event.slug()))
    };
    tables::evidence().iter().find(|e| is(e.claim))
}

impl RecordedField {
    /// Whether a record holds it. `value_of` gives the value of a field, `None` where the record does not have it.
    pub fn holds<'r>(&self, value_of: impl Fn(&str) -> Option<&'r str>) -> bool {
        let Some(value) = value_of(self.field) else {
            return false;
        };
        let value = value.to_lowercase();
        let text = self.value.to_lowercase();
        let other = || value_of(self.value).map(str::to_lowercase);
        match self.test {
            RecordedRelation::Is => value == text,
            RecordedRelation::IsNot => value != text,
            RecordedRelation::StartsWith => value.starts_with(&text),
            RecordedRelation::EndsWith => value.ends_with(&text),
            RecordedRelation::Contains => value.contains(&text),
            RecordedRelation::SameAs => other().is_some_and(|o| o == value),
            RecordedRelation::OtherThan => other().is_some_and(|o| o != value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Mark;

    #[test]
    fn fields_of_records() {
        let record = [
            ("Image", r"C:\A.exe"),
            ("Parent", r"c:\a.EXE"),
            ("Pid", "4"),
        ];
        let value_of = |name: &str| record.iter().find(|(n, _)| *n == name).map(|(_, v)| *v);
        for (field, test, value, holds) in [
            ("Image", RecordedRelation::EndsWith, r"\a.exe", true),
            ("Image", RecordedRelation::SameAs, "Parent", true),
            ("Image", RecordedRelation::OtherThan, "Parent", false),
            ("Image", RecordedRelation::OtherThan, "Missing", false),
            ("Missing", RecordedRelation::IsNot, "x", false),
            ("Pid", RecordedRelation::Is, "4", true),
            ("Pid", RecordedRelation::IsNot, "4", false),
            ("Image", RecordedRelation::StartsWith, "c:", true),
            ("Image", RecordedRelation::Contains, "b", false),
        ] {
            let test = RecordedField { field, test, value };
            assert_eq!(test.holds(value_of), holds, "{test:?}");
        }
    }

    #[test]
    fn what_was_seen_is_marked_so_and_nothing_refuted_stands() {
        for arrow in crate::map::arrows() {
            let Some(evidence) = of(arrow.id) else {
                assert_ne!(arrow.mark, Mark::Observed, "{}: where?", arrow.id);
                continue;
            };
            if evidence.refuted > 0 {
                assert!(arrow.mark >= Mark::Doubtful, "{} is refuted", arrow.id);
            } else {
                assert_ne!(arrow.mark, Mark::Derived, "{} was observed", arrow.id);
            }
        }
        assert!(all().len() >= 40, "{}", all().len());
    }
}
