//! What an exclusion hides besides the noise: the program it frees, who may put another file in its
//! place, and the shortest event it hides that was never seen. It refuses to know recordings.

use std::collections::BTreeSet;

use catalog::hosts::{self, HostUse};
use catalog::writable;
use predicate::prove::{Answer, Limits, solve_unless};
use predicate::{Atom, Case, Pattern, Predicate, Test};
use serde::Serialize;
use sysmon::schema;

use super::{Condition, Ladder};

/// What a proposal costs.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Cost {
    /// The excluded programs that attacks live in.
    pub hosts: Vec<HostCost>,
    /// True where the rule asks for nothing but who did it.
    pub source_alone: bool,
    /// Paths in which ordinary users may create files.
    pub writable: Vec<WritableCost>,
    /// How the rule is met by renaming or copying a file.
    pub rename: Vec<String>,
    /// Combinations that the rule hides and that are rare in the baseline; at most `MAX_RARE`.
    pub rare: Vec<String>,
    /// How many there are.
    pub rare_total: usize,
    /// The shortest event that it hides and that was never seen.
    pub witness: Hidden,
    /// Findings of the hunts over the recordings of attacks that disappear.
    pub findings: Vec<String>,
    /// Events of these recordings that it hides.
    pub attack_events: u64,
}

/// Rare combinations that are named.
pub const MAX_RARE: usize = 5;

/// A program that attacks live in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HostCost {
    /// The field that names it.
    pub field: String,
    /// Its file name.
    pub file: &'static str,
    /// `inject into` and `run code through`, as far as they apply.
    pub uses: Vec<&'static str>,
    /// Why it serves them.
    pub reason: String,
}

/// A path that ordinary users may write to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WritableCost {
    /// The field.
    pub field: String,
    /// The folder.
    pub folder: String,
    /// Why users may write there.
    pub why: String,
}

/// Whether a rule hides events that were never seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "answer")]
pub enum Hidden {
    /// This one, and no shorter one.
    Event {
        /// Fields and values; the others are absent.
        fields: Vec<(String, String)>,
        /// True where it is proved that none is shorter.
        shortest: bool,
    },
    /// Proved: in the fields counted here it hides nothing that was not seen.
    Nothing,
    /// Not decided within the limits.
    #[default]
    Unknown,
}

impl Cost {
    pub(super) fn with_rare(mut self, rare: impl Iterator<Item = String>) -> Self {
        for name in rare {
            self.rare_total += 1;
            if self.rare.len() < MAX_RARE {
                self.rare.push(name);
            }
        }
        self
    }
}

/// The cost of a rule; `known` are the folded values of all groups by `keys`.
pub(super) fn of(
    ladder: &Ladder,
    conditions: &[Condition],
    predicate: &Predicate,
    keys: &[String],
    known: &BTreeSet<Vec<String>>,
) -> Cost {
    let mut cost = Cost {
        source_alone: conditions
            .iter()
            .all(|c| c.field == ladder.source || c.field == "EventType"),
        witness: witness(predicate, keys, known),
        ..Cost::default()
    };
    for c in conditions.iter().filter(|c| is_program(&c.field)) {
        if let Some(host) = hosts::find(&c.value) {
            let word = |u: &HostUse| match u {
                HostUse::InjectedInto => "inject into",
                HostUse::RunsCode => "run code through",
            };
            cost.hosts.push(HostCost {
                field: c.field.clone(),
                file: host.file,
                uses: host.uses.iter().map(word).collect(),
                reason: host.reason.to_owned(),
            });
        }
        if let Some(folder) = writable::why(&c.value) {
            cost.writable.push(WritableCost {
                field: c.field.clone(),
                folder: folder.folder.to_owned(),
                why: folder.why.to_owned(),
            });
        }
    }
    predicate.atoms(&mut |atom| cost.rename.extend(renamed(atom)));
    cost
}

/// Fields that hold the path of a program.
pub(super) fn is_program(field: &str) -> bool {
    matches!(
        field,
        "Image" | "SourceImage" | "TargetImage" | "ParentImage" | "ImageLoaded"
    )
}

/// How an atom on a program's path is met by another file.
fn renamed(atom: &Atom) -> Option<String> {
    if !is_program(&atom.field) {
        return None;
    }
    let free = match &atom.test {
        Test::EndsWith(t) => Some((t, "put in any folder under this ending")),
        Test::Contains(t) => Some((t, "put anywhere with this in its path")),
        Test::ImageIs(t) if !t.text.contains('\\') => Some((t, "renamed to this, in any folder")),
        Test::Equals(t) if !t.text.contains('\\') && t.text != "-" => {
            Some((t, "that the sensor knows by this name only"))
        }
        _ => None,
    };
    free.map(|(t, how)| format!("{} {:?}: any program {how}", atom.field, t.text))
}

/// The shortest event that a rule hides and whose values were never seen together. Paths must look
/// like paths and numbers like numbers; texts that may be absent may be `-`.
fn witness(predicate: &Predicate, keys: &[String], known: &BTreeSet<Vec<String>>) -> Hidden {
    let shape = |field: &String| {
        let expression = if is_program(field) || field == "TargetFilename" {
            r"^[A-Z]:\\[^\\]"
        } else {
            match (field.as_str(), schema::is_text(field)) {
                ("EventType", _) => "^[A-Z]",
                ("GrantedAccess", _) => "^0x[0-9a-f]+$",
                ("DestinationPort", _) => "^[1-9][0-9]*$",
                (_, false) => ".",
                _ => return Some(Predicate::not_empty(field.as_str())),
            }
        };
        let pattern = Pattern::new(expression, Case::Exact).ok()?;
        let shaped = Predicate::atom(field.as_str(), Test::Regex(pattern));
        // What a rule names has the shape that was recorded, whatever it is.
        let mut named = false;
        predicate.atoms(&mut |a| named |= a.field.eq_ignore_ascii_case(field));
        Some(if named {
            Predicate::not_empty(field.as_str())
        } else {
            shaped
        })
    };
    let asked =
        Predicate::all(std::iter::once(predicate.clone()).chain(keys.iter().filter_map(shape)));
    let fields: Vec<&str> = keys.iter().map(String::as_str).collect();
    let seen = |values: &[Option<&str>]| {
        let folded: Vec<String> = values
            .iter()
            .map(|v| v.unwrap_or("-").to_ascii_lowercase())
            .collect();
        known.contains(&folded)
    };
    let limits = Limits {
        nodes: 2_000,
        ..Limits::default()
    };
    match solve_unless(&asked, &limits, &fields, &seen) {
        Answer::Holds(w) => Hidden::Event {
            fields: w
                .fields
                .into_iter()
                .filter_map(|(n, v)| Some((n.to_string(), v?)))
                .collect(),
            shortest: w.shortest,
        },
        Answer::Never => Hidden::Nothing,
        Answer::Unknown(_) => Hidden::Unknown,
    }
}
