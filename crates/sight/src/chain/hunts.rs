//! SQL hunts on simulated events. All scenarios are written as one recording, each on a computer of its own, so that the
//! engine plans every hunt once; a row of an answer belongs to the scenario whose records it stands on.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufWriter, Write as _};

use analytics::pack::Hunt;
use analytics::{Engine, Prepared, render};
use telemetry::Options;

use crate::SightError;
use crate::simulate::{RECORDS, SimulatedEvent, write_ndjson};

/// For each scenario, by the number of its computer, the places of the hunts that fired, with the numbers of the records of
/// one of their rows.
pub(super) type FiredHunts = BTreeMap<u64, BTreeMap<usize, BTreeSet<u64>>>;

/// Runs hunts over all scenarios.
pub(super) fn fired(hunts: &[&Hunt], events: &[SimulatedEvent]) -> Result<FiredHunts, SightError> {
    let mut found = FiredHunts::new();
    if hunts.is_empty() || events.is_empty() {
        return Ok(found);
    }
    let file = tempfile::Builder::new()
        .suffix(".ndjson")
        .tempfile()
        .map_err(SightError::Scratch)?;
    let mut out = BufWriter::new(file.as_file());
    write_ndjson(&mut out, events).map_err(SightError::Scratch)?;
    out.flush().map_err(SightError::Scratch)?;
    drop(out);
    let engine = Engine::new(&[file.path().to_owned()], &[], Options::default())?;
    let prepared: Vec<Prepared> = engine
        .prepare_all(hunts.iter().map(|h| h.sql.as_str()))
        .into_iter()
        .zip(hunts)
        .map(|(prepared, hunt)| {
            prepared.map_err(|source| SightError::Hunt {
                id: hunt.id.clone(),
                source,
            })
        })
        .collect::<Result<_, _>>()?;
    engine.share(&prepared.iter().collect::<Vec<_>>())?;
    let rows = engine.run_all(&prepared, |_, answer| {
        let places = EvidenceColumns::of(&answer.columns);
        let mut rows: BTreeMap<u64, BTreeSet<u64>> = BTreeMap::new();
        for batch in answer {
            let batch = batch?;
            for row in 0..batch.num_rows() {
                let cell = |column: usize| render::text(batch.column(column), row);
                if let Some((scenario, records)) = places.scenario(&cell) {
                    rows.entry(scenario).or_insert(records);
                }
            }
        }
        Ok::<_, analytics::Error>(rows)
    })?;
    for (hunt, rows) in rows.into_iter().enumerate() {
        for (scenario, records) in rows {
            found.entry(scenario).or_default().insert(hunt, records);
        }
    }
    Ok(found)
}

/// Where an answer names its records and its computer.
struct EvidenceColumns {
    records: Vec<usize>,
    host: Option<usize>,
}

impl EvidenceColumns {
    fn of(columns: &[String]) -> Self {
        let lower: Vec<String> = columns.iter().map(|c| c.to_lowercase()).collect();
        let is_record = |c: &&usize| lower[**c].starts_with("evidence_record_");
        Self {
            records: (0..lower.len())
                .collect::<Vec<_>>()
                .iter()
                .filter(is_record)
                .copied()
                .collect(),
            host: lower
                .iter()
                .position(|c| matches!(c.as_str(), "host" | "host_name" | "computer")),
        }
    }

    /// The scenario a row belongs to; none where it joins records of several, or names none.
    fn scenario(&self, cell: &dyn Fn(usize) -> Option<String>) -> Option<(u64, BTreeSet<u64>)> {
        let records: BTreeSet<u64> = self
            .records
            .iter()
            .filter_map(|c| cell(*c)?.parse().ok())
            .collect();
        let mut scenarios: Vec<u64> = records.iter().map(|r| r / RECORDS).collect();
        scenarios.dedup();
        match scenarios.as_slice() {
            [one] => Some((*one, records)),
            [] => {
                let host = cell(self.host?)?;
                Some((crate::simulate::computer_of(&host)?, records))
            }
            _ => None,
        }
    }
}
