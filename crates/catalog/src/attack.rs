//! ATT&CK's techniques by id and name (v19), with what the ids of earlier versions became.

use serde::Serialize;

/// Made by `tools/catalog-tables`: id, name, tactics on Windows, the id that replaced it; by id.
static TECHNIQUES: &str = include_str!("../data/generated/attack.tsv");

/// The version of ATT&CK that ids are of.
pub const VERSION: &str = "v19";

/// The tactics of v19, as ATT&CK numbers them. `defense-evasion` (TA0005 before) was split: its number went to Stealth.
const TACTICS: [(&str, &str); 13] = [
    ("TA0001", "initial-access"),
    ("TA0002", "execution"),
    ("TA0003", "persistence"),
    ("TA0004", "privilege-escalation"),
    ("TA0005", "stealth"),
    ("TA0112", "defense-impairment"),
    ("TA0006", "credential-access"),
    ("TA0007", "discovery"),
    ("TA0008", "lateral-movement"),
    ("TA0009", "collection"),
    ("TA0011", "command-and-control"),
    ("TA0010", "exfiltration"),
    ("TA0040", "impact"),
];

/// A technique of ATT&CK.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Technique {
    /// `T1055.012`.
    pub id: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Its tactics on Windows, separated by commas; none where it is not for Windows.
    pub tactics: &'static str,
    /// The id that replaced it, where it was revoked.
    pub now: Option<&'static str>,
}

impl Technique {
    fn of_line(line: &'static str) -> Option<Self> {
        let mut fields = line.split('\t');
        Some(Self {
            id: fields.next()?,
            name: fields.next()?,
            tactics: fields.next()?,
            now: fields.next().filter(|id| !id.is_empty()),
        })
    }

    /// The technique that stands for it today: itself, or what replaced it.
    pub fn current(self) -> Self {
        let mut technique = self;
        // A chain of replacements is short; one that never ends would be a fault of the table.
        for _ in 0..8 {
            match technique.now.and_then(self::technique) {
                Some(next) => technique = next,
                None => break,
            }
        }
        technique
    }

    /// The id that was asked for, where it is one that this technique replaced.
    pub fn asked_otherwise(self, asked: &str) -> Option<&'static str> {
        technique(asked).map(|t| t.id).filter(|id| *id != self.id)
    }

    /// The ids that it replaced.
    pub fn formerly(self) -> impl Iterator<Item = &'static str> {
        all().filter(move |t| t.now == Some(self.id)).map(|t| t.id)
    }
}

/// Every technique, revoked ones among them, by id.
pub fn all() -> impl Iterator<Item = Technique> {
    TECHNIQUES.lines().filter_map(Technique::of_line)
}

/// The technique of that id, in any case, whether it stands or was replaced.
///
/// ```
/// let moved = catalog::attack::technique("t1562.001").expect("in the table");
/// assert_eq!(moved.current().id, "T1685");
/// ```
pub fn technique(id: &str) -> Option<Technique> {
    all().find(|t| t.id.eq_ignore_ascii_case(id))
}

/// A tactic by its number or its name, in any case: its name as the catalog writes it.
pub fn tactic(name: &str) -> Option<&'static str> {
    let plain = name.trim().replace(' ', "-");
    TACTICS
        .iter()
        .find(|(id, tactic)| id.eq_ignore_ascii_case(&plain) || tactic.eq_ignore_ascii_case(&plain))
        .map(|(_, tactic)| *tactic)
}

/// The number of a tactic.
pub fn tactic_id(name: &str) -> Option<&'static str> {
    TACTICS.iter().find(|(_, t)| *t == name).map(|(id, _)| *id)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_ids_of_v18_lead_to_those_of_v19() {
        for (old, new) in [
            ("T1562.001", "T1685"),
            ("T1562.002", "T1685.001"),
            ("T1070.001", "T1685.005"),
            ("T1055.012", "T1055.012"),
        ] {
            assert_eq!(technique(old).unwrap().current().id, new, "{old}");
        }
        assert!(
            technique("T1685")
                .unwrap()
                .formerly()
                .any(|id| id == "T1562.006")
        );
        for technique in all() {
            assert!(technique.current().now.is_none(), "{}", technique.id);
        }
    }

    #[test]
    fn tactics_by_number_and_name() {
        assert_eq!(tactic("ta0005"), Some("stealth"));
        assert_eq!(tactic("Credential Access"), Some("credential-access"));
        assert_eq!(tactic("TA9999"), None);
        for technique in all() {
            for name in technique.tactics.split(',').filter(|t| !t.is_empty()) {
                let known = tactic_id(name).is_some();
                assert!(
                    known || ["reconnaissance", "resource-development"].contains(&name),
                    "{name}"
                );
            }
        }
    }
}
