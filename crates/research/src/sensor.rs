//! What a sensor could see, from its file: registration functions, the mechanisms they belong to, the events those can
//! give. An import shows that the code is there, not that it runs; its absence shows nothing, because names can be resolved
//! when the driver starts. Both are kept apart from evidence throughout.

use crate::image::{Encoding, Image, ImportTable};
use crate::inf::Altitude;
use catalog::{EventId, MechanismId};
use serde::Serialize;
use std::collections::BTreeSet;

/// What stands for a mechanism in a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case", tag = "how")]
pub enum ImportEvidence {
    /// A registration function is imported.
    Imported {
        /// The function.
        function: &'static str,
        /// The module it is taken from, as the file names it.
        module: String,
        /// The table.
        table: ImportTable,
        /// Whether the function serves many other ends.
        common: bool,
    },
    /// A registration function is named in the data, where a resolver could take it from.
    Named {
        /// The function.
        function: &'static str,
        /// How it stands there.
        encoding: Encoding,
        /// Where.
        offset: u64,
        /// Whether the function serves many other ends.
        common: bool,
    },
    /// The ETW provider stands in the data, by GUID or by name.
    Provider {
        /// The provider.
        provider: &'static str,
        /// How it stands there.
        encoding: Encoding,
        /// Where.
        offset: u64,
    },
}

/// How much the evidence is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignStrength {
    /// A function that does nothing else is imported, or a provider's GUID stands beside the functions that consume one.
    Registers,
    /// The function's name stands in the data of a file that resolves names.
    ByName,
    /// Only functions that serve many ends, or a name with nothing that would use it.
    Possible,
}

/// A mechanism with what stands for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MechanismSign {
    /// The mechanism.
    pub mechanism: MechanismId,
    /// How much the evidence is worth.
    pub strength: SignStrength,
    /// The evidence.
    pub evidence: Vec<ImportEvidence>,
    /// The events of catalogued sensors that this mechanism gives.
    pub events: Vec<EventId>,
}

/// What a sensor could see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SensorReport {
    /// The file.
    pub image: Image,
    /// Altitudes from INF files beside it.
    pub altitudes: Vec<Altitude>,
    /// The functions it could resolve names with.
    pub resolvers: Vec<&'static str>,
    /// The mechanisms with any sign, strongest first.
    pub findings: Vec<MechanismSign>,
    /// The mechanisms of the catalog without a sign. That is no proof of absence.
    pub no_sign: Vec<MechanismId>,
    /// Mechanisms that no import can show (built on others, or without a registration function).
    pub not_visible: Vec<MechanismId>,
}

/// Reads what `image` could see.
pub fn report(image: Image, altitudes: Vec<Altitude>) -> SensorReport {
    let resolvers: Vec<_> = crate::image::resolvers()
        .iter()
        .copied()
        .filter(|r| image.imports.has(r))
        .collect();
    let mut findings = Vec::new();
    let (mut no_sign, mut not_visible) = (Vec::new(), Vec::new());
    for mechanism in MechanismId::all() {
        let evidence = evidence(&image, mechanism);
        if let Some(strength) = strength(&evidence, !resolvers.is_empty()) {
            let events = EventId::all()
                .filter(|e| e.mechanism == Some(mechanism))
                .collect();
            findings.push(MechanismSign {
                mechanism,
                strength,
                evidence,
                events,
            });
        } else if mechanism.imports.iter().all(|i| i.name.contains("::"))
            && mechanism.provider.is_none()
        {
            not_visible.push(mechanism);
        } else {
            no_sign.push(mechanism);
        }
    }
    findings.sort_by_key(|f| (f.strength, f.mechanism));
    SensorReport {
        image,
        altitudes,
        resolvers,
        findings,
        no_sign,
        not_visible,
    }
}

fn evidence(image: &Image, mechanism: MechanismId) -> Vec<ImportEvidence> {
    let mut evidence = Vec::new();
    let common = |name: &str| mechanism.imports.iter().any(|i| i.name == name && i.common);
    for known in mechanism.row().imports {
        let imported = image
            .imports
            .functions
            .iter()
            .filter(|f| f.name == known.name);
        evidence.extend(imported.map(|f| ImportEvidence::Imported {
            function: known.name,
            module: f.module.clone(),
            table: f.table,
            common: known.common,
        }));
    }
    for named in image
        .named
        .iter()
        .filter(|n| n.mechanisms.contains(&mechanism))
    {
        let (encoding, offset) = (named.encoding, named.offset);
        evidence.push(if named.provider {
            ImportEvidence::Provider {
                provider: named.name,
                encoding,
                offset,
            }
        } else {
            ImportEvidence::Named {
                function: named.name,
                encoding,
                offset,
                common: common(named.name),
            }
        });
    }
    evidence.sort();
    evidence.dedup();
    evidence
}

fn strength(evidence: &[ImportEvidence], resolves: bool) -> Option<SignStrength> {
    let consumes = evidence
        .iter()
        .any(|e| matches!(e, ImportEvidence::Imported { .. }));
    let of = |e: &ImportEvidence| match e {
        ImportEvidence::Imported { common: false, .. } => SignStrength::Registers,
        ImportEvidence::Provider {
            encoding: Encoding::Guid,
            ..
        } if consumes => SignStrength::Registers,
        ImportEvidence::Named { common: false, .. } if resolves => SignStrength::ByName,
        _ => SignStrength::Possible,
    };
    evidence.iter().map(of).min()
}

impl SensorReport {
    /// The mechanisms with at least this strength.
    pub fn mechanisms(&self, at_least: SignStrength) -> BTreeSet<MechanismId> {
        self.findings
            .iter()
            .filter(|f| f.strength <= at_least)
            .map(|f| f.mechanism)
            .collect()
    }

    /// The registration functions imported, named in data, or both, each once.
    pub fn functions(&self) -> BTreeSet<&'static str> {
        let name = |e: &ImportEvidence| match e {
            ImportEvidence::Imported { function, .. } | ImportEvidence::Named { function, .. } => {
                Some(*function)
            }
            ImportEvidence::Provider { .. } => None,
        };
        self.findings
            .iter()
            .flat_map(|f| f.evidence.iter().filter_map(name))
            .collect()
    }
}

/// How two files differ in what they could see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SensorComparison {
    /// Mechanisms only the first shows a sign of, with its strength.
    pub only_first: Vec<(MechanismId, SignStrength)>,
    /// Mechanisms only the second shows a sign of.
    pub only_second: Vec<(MechanismId, SignStrength)>,
    /// Mechanisms both show, with either's strength.
    pub both: Vec<(MechanismId, SignStrength, SignStrength)>,
    /// Registration functions only the first has.
    pub functions_only_first: Vec<&'static str>,
    /// Registration functions only the second has.
    pub functions_only_second: Vec<&'static str>,
}

/// Compares two sensors, or two versions of one.
pub fn compare(first: &SensorReport, second: &SensorReport) -> SensorComparison {
    let strength = |report: &SensorReport, mechanism: MechanismId| {
        report
            .findings
            .iter()
            .find(|f| f.mechanism == mechanism)
            .map(|f| f.strength)
    };
    let mut comparison = SensorComparison {
        only_first: Vec::new(),
        only_second: Vec::new(),
        both: Vec::new(),
        functions_only_first: first
            .functions()
            .difference(&second.functions())
            .copied()
            .collect(),
        functions_only_second: second
            .functions()
            .difference(&first.functions())
            .copied()
            .collect(),
    };
    for mechanism in MechanismId::all() {
        match (strength(first, mechanism), strength(second, mechanism)) {
            (Some(a), Some(b)) => comparison.both.push((mechanism, a, b)),
            (Some(a), None) => comparison.only_first.push((mechanism, a)),
            (None, Some(b)) => comparison.only_second.push((mechanism, b)),
            (None, None) => {}
        }
    }
    comparison
}
