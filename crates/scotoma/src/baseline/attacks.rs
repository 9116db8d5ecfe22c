//! What proposals cost over recordings of attacks: the hunts run over them once, and each finding is
//! asked which proposals hide the records it stands on.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;

use analytics::{Standing, Survival, pack, render};
use anyhow::Context as _;
use arrow::array::ArrayRef;
use baseline::propose::Proposal;
use predicate::eval::Evaluator;
use serde::Serialize;
use sysmon::columnar::sysmon_rows;
use telemetry::Plan;

use super::args::BaselineArgs;
use crate::hunt;
use crate::reading::Session;

/// What the hunts found, and what is left of it.
#[derive(Debug, Serialize)]
pub(super) struct Attacks {
    /// Findings over all events.
    pub(super) findings: usize,
    /// Findings over what the chosen proposals leave.
    pub(super) remaining: usize,
    /// Those that are gone.
    pub(super) lost: Vec<String>,
}

/// The findings before anything is chosen.
pub(super) struct Judged(Vec<Standing>);

impl Judged {
    /// What is left with the chosen proposals.
    pub(super) fn finish(self, proposals: &[Proposal]) -> Attacks {
        let chosen = |n: u32| proposals.get(n as usize).is_some_and(|p| p.chosen);
        let lost: Vec<String> = self
            .0
            .iter()
            .filter(|s| s.falls(&chosen))
            .map(|s| s.label.clone())
            .collect();
        Attacks {
            findings: self.0.len(),
            remaining: self.0.len() - lost.len(),
            lost,
        }
    }
}

/// Tells every proposal which findings it hides.
pub(super) fn judge(
    proposals: &mut [Proposal],
    paths: &[PathBuf],
    args: &BaselineArgs,
) -> anyhow::Result<Judged> {
    let hunts = pack::load(args.pack.as_deref())?;
    let session = Session::begin(paths, &[], &args.reading.manner)?;
    let hidden = hidden(&session, proposals)?;
    let prepared = hunt::prepare(&session, &hunts)?;
    let standing = session.engine.run_all(&prepared, |n, answer| {
        let mut survival = Survival::new(&hunts[n], &answer.columns);
        for batch in answer {
            let batch = batch.with_context(|| format!("hunt {}", hunts[n].id))?;
            survival.add(&batch, &|file, place| {
                hidden
                    .get(file)
                    .and_then(|places| places.get(&place))
                    .map_or(&[], Vec::as_slice)
            });
        }
        anyhow::Ok(survival.finish())
    })?;
    let standing: Vec<_> = standing.into_iter().flatten().collect();
    for s in &standing {
        let reasons: BTreeSet<u32> = s.rows.iter().flatten().copied().collect();
        for n in reasons {
            if s.falls(&|r| r == n)
                && let Some(p) = proposals.get_mut(n as usize)
            {
                p.cost.findings.push(s.label.clone());
            }
        }
    }
    let outcome = session.engine.outcome(&prepared.iter().collect::<Vec<_>>());
    session.end(&outcome, false, &[])?;
    Ok(Judged(standing))
}

/// By file and place the numbers of the proposals that hide the record.
type Places = HashMap<String, HashMap<u64, Vec<u32>>>;

fn hidden(session: &Session, proposals: &mut [Proposal]) -> anyhow::Result<Places> {
    let predicates: Vec<_> = proposals.iter().map(|p| p.predicate.clone()).collect();
    let evaluator = Evaluator::new(&predicates);
    let mut columns: BTreeSet<String> = [
        "channel",
        "provider",
        "eventid",
        "eventrecordid",
        "source_file",
        "source_offset",
    ]
    .map(str::to_owned)
    .into();
    for p in proposals.iter() {
        columns.extend(p.conditions.iter().map(|c| c.field.to_lowercase()));
    }
    let plan = Plan::of(columns.into_iter().collect());
    let mut places = Places::new();
    for batch in &mut session.engine.read(plan) {
        let found = evaluator.evaluate(&batch)?;
        let sysmon = sysmon_rows(&batch)?;
        let column = |name: &str| batch.column_by_name(name).cloned();
        let (Some(ids), Some(files)) = (column("eventid"), column("source_file")) else {
            continue;
        };
        let text = |column: &Option<ArrayRef>, row: usize| {
            column.as_ref().and_then(|c| render::text(c.as_ref(), row))
        };
        for (n, bits) in found.iter().enumerate() {
            let wanted = proposals[n].event_id.to_string();
            for row in bits.set_indices() {
                if !sysmon[row] || render::text(ids.as_ref(), row).as_ref() != Some(&wanted) {
                    continue;
                }
                proposals[n].cost.attack_events += 1;
                let place = text(&column("source_offset"), row)
                    .or_else(|| text(&column("eventrecordid"), row))
                    .and_then(|t| t.parse().ok());
                if let (Some(place), Some(file)) = (place, render::text(files.as_ref(), row)) {
                    let reasons = places.entry(file).or_default().entry(place).or_default();
                    reasons.push(u32::try_from(n)?);
                }
            }
        }
    }
    Ok(places)
}
