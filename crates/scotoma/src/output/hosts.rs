//! Findings by machine and level: where to look first.

use std::collections::BTreeMap;
use std::io::{self, Write};

use app::hunt::{HuntFinding, RuleLevel};

use super::{clean, grouped, table};

/// Machines that are shown, those with the gravest findings first.
const MAX_HOSTS: usize = 20;

const LEVELS: [(RuleLevel, &str); 6] = [
    (RuleLevel::Critical, "critical"),
    (RuleLevel::High, "high"),
    (RuleLevel::Medium, "medium"),
    (RuleLevel::Low, "low"),
    (RuleLevel::Informational, "informational"),
    (RuleLevel::Unstated, "no level"),
];

/// A table of how many findings of each level each machine has; nothing where one machine has all of them.
pub(crate) fn show(out: &mut impl Write, findings: &[HuntFinding]) -> io::Result<()> {
    let mut hosts: BTreeMap<&str, [u64; LEVELS.len()]> = BTreeMap::new();
    for finding in findings {
        let host = finding.finding.host.as_deref().unwrap_or("-");
        let level = RuleLevel::of(&finding.finding.level);
        let place = LEVELS.iter().position(|(l, _)| *l == level);
        hosts.entry(host).or_default()[place.unwrap_or(LEVELS.len() - 1)] += 1;
    }
    if hosts.len() < 2 {
        return Ok(());
    }
    let used: Vec<usize> = (0..LEVELS.len())
        .filter(|n| hosts.values().any(|counts| counts[*n] > 0))
        .collect();
    let mut rows: Vec<(&str, [u64; LEVELS.len()])> = hosts.into_iter().collect();
    rows.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    let more = rows.len().saturating_sub(MAX_HOSTS);
    let names: Vec<&str> = ["findings on"]
        .into_iter()
        .chain(used.iter().map(|n| LEVELS[*n].1))
        .collect();
    let shown = rows.iter().take(MAX_HOSTS).map(|(host, counts)| {
        let counts = used.iter().map(|n| grouped(counts[*n]));
        [clean(host)].into_iter().chain(counts).collect()
    });
    let numbers: Vec<usize> = (1..names.len()).collect();
    writeln!(out, "{}", table(&names, shown, &numbers))?;
    if more > 0 {
        writeln!(out, "and {} more machines", grouped(more as u64))?;
    }
    writeln!(out)
}
