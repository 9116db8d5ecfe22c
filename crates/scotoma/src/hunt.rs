//! `scotoma hunt`: a pack of hunts over one reading, findings out.

use std::process::ExitCode;

use analytics::pack::{self, Hunt};
use analytics::{Finding, Gatherer, Prepared};
use anyhow::{Context, bail};

use crate::cli::HuntArgs;
use crate::output::findings;
use crate::reading::Session;

pub(crate) fn run(args: &HuntArgs) -> anyhow::Result<ExitCode> {
    let mut hunts = pack::load(args.pack.as_deref())?;
    if let Some(unknown) = args
        .only
        .iter()
        .find(|id| !hunts.iter().any(|h| h.id == **id))
    {
        let known: Vec<&str> = hunts.iter().map(|h| h.id.as_str()).collect();
        bail!(
            "no hunt {unknown} in this pack; it has {}",
            known.join(", ")
        );
    }
    if !args.only.is_empty() {
        hunts.retain(|h| args.only.contains(&h.id));
    }
    let mut session = Session::begin(&args.reading.paths, &[], &args.reading.manner)?;
    let prepared = prepare(&session, &hunts)?;
    let found = session.engine.run_all(&prepared, |n, answer| {
        let mut gatherer = Gatherer::new(&hunts[n], &answer.columns);
        for batch in answer {
            gatherer.add(&batch.with_context(|| format!("hunt {}", hunts[n].id))?);
        }
        anyhow::Ok(gatherer.finish())
    })?;
    let found: Vec<Finding> = found.into_iter().flatten().collect();
    session.hush();
    let outcome = session.engine.outcome(&prepared.iter().collect::<Vec<_>>());
    // Without events there is nothing to say; the session says so.
    if outcome.report.as_ref().is_some_and(|r| r.records > 0) {
        findings::show(args.format, &hunts, &found)?;
    }
    session.end(&outcome, !found.is_empty(), &args.fail_on)
}

/// Plans hunts, and reads once what they need where that is less work.
pub(crate) fn prepare(session: &Session, hunts: &[Hunt]) -> anyhow::Result<Vec<Prepared>> {
    let prepared = session
        .engine
        .prepare_all(hunts.iter().map(|hunt| hunt.sql.as_str()))
        .into_iter()
        .zip(hunts)
        .map(|(prepared, hunt)| prepared.with_context(|| format!("hunt {}", hunt.id)))
        .collect::<anyhow::Result<Vec<_>>>()?;
    session.engine.share(&prepared.iter().collect::<Vec<_>>());
    Ok(prepared)
}
