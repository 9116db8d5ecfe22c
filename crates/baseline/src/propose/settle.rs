//! Which proposals are offered, and which of those go into a configuration. It refuses to count.

use std::collections::BTreeSet;

use serde::Serialize;

use super::Proposal;
use super::xml;

/// Why a proposal is not offered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "reason")]
pub enum Reason {
    /// Findings over recordings of attacks disappear.
    HidesFindings {
        /// How many.
        count: usize,
    },
    /// It frees a program that attacks live in, whatever that does.
    HostProcessAlone {
        /// The program.
        file: String,
    },
    /// It hides combinations that are rare in the baseline.
    HidesRare {
        /// How many.
        count: usize,
    },
    /// Ordinary users may put a program of their own in its place.
    Writable {
        /// The folder.
        folder: String,
    },
    /// A file that is renamed or copied meets it.
    Rename {
        /// How.
        how: String,
    },
    /// A configuration cannot say it exactly.
    NotExpressible {
        /// Why.
        why: String,
    },
}

impl Reason {
    /// True where asking by name does not help.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::NotExpressible { .. })
    }
}

/// Decides what is offered: what has no reason against it, and what is asked for by name. Of these,
/// what a configuration needs is chosen: narrow before wide, and nothing that hides no more.
///
/// # Errors
/// A name that no proposal has.
pub fn settle(proposals: &mut [Proposal], asked: &[String]) -> Result<(), String> {
    let named = |p: &Proposal| asked.iter().any(|n| n.eq_ignore_ascii_case(&p.name));
    if let Some(unknown) = asked
        .iter()
        .find(|n| !proposals.iter().any(|p| n.eq_ignore_ascii_case(&p.name)))
    {
        return Err(unknown.clone());
    }
    for p in proposals.iter_mut() {
        p.reasons = reasons(p);
        p.offered = p.reasons.is_empty() || (named(p) && !p.reasons.iter().any(Reason::is_final));
    }
    let mut order: Vec<usize> = (0..proposals.len()).collect();
    order.sort_by_key(|i| (!named(&proposals[*i]), proposals[*i].rung, *i));
    let mut covered: BTreeSet<(usize, usize)> = BTreeSet::new();
    for i in order {
        let p = &mut proposals[i];
        let new = p.groups.iter().any(|g| !covered.contains(&(p.stream, *g)));
        p.chosen = p.offered && new;
        if p.chosen {
            covered.extend(p.groups.iter().map(|g| (p.stream, *g)));
        }
    }
    Ok(())
}

fn reasons(p: &Proposal) -> Vec<Reason> {
    let mut out = Vec::new();
    if let Some(why) = p.conditions.iter().find_map(xml::inexact) {
        out.push(Reason::NotExpressible { why });
    }
    if !p.cost.findings.is_empty() {
        out.push(Reason::HidesFindings {
            count: p.cost.findings.len(),
        });
    }
    if let (true, Some(host)) = (p.cost.source_alone, p.cost.hosts.first()) {
        out.push(Reason::HostProcessAlone {
            file: host.file.to_owned(),
        });
    }
    if p.cost.rare_total > 0 {
        out.push(Reason::HidesRare {
            count: p.cost.rare_total,
        });
    }
    if let Some(w) = p.cost.writable.first() {
        out.push(Reason::Writable {
            folder: w.folder.clone(),
        });
    }
    if let Some(how) = p.cost.rename.first() {
        out.push(Reason::Rename { how: how.clone() });
    }
    out
}
