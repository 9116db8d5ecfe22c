//! `scotoma hunt`: a pack of hunts over one reading, findings out.

use std::process::ExitCode;

use analytics::{Finding, Gatherer, Prepared, pack};
use anyhow::{Context, bail};

use crate::cli::HuntArgs;
use crate::output::findings;
use crate::reading::Session;

pub(crate) fn run(args: &HuntArgs) -> anyhow::Result<ExitCode> {
    let mut hunts = match &args.pack {
        Some(folder) => pack::from_folder(folder)?,
        None => pack::built_in()?,
    };
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
    let prepared = session
        .engine
        .prepare_all(hunts.iter().map(|hunt| hunt.sql.as_str()))
        .into_iter()
        .zip(&hunts)
        .map(|(prepared, hunt)| prepared.with_context(|| format!("hunt {}", hunt.id)))
        .collect::<anyhow::Result<Vec<Prepared>>>()?;
    let queries: Vec<&Prepared> = prepared.iter().collect();
    session.engine.share(&queries);
    let found = session.engine.run_all(&prepared, |n, answer| {
        let mut gatherer = Gatherer::new(&hunts[n], &answer.columns);
        for batch in answer {
            gatherer.add(&batch.with_context(|| format!("hunt {}", hunts[n].id))?);
        }
        anyhow::Ok(gatherer.finish())
    })?;
    let found: Vec<Finding> = found.into_iter().flatten().collect();
    session.hush();
    let outcome = session.engine.outcome(&queries);
    // Without events there is nothing to say; the session says so.
    if outcome.report.as_ref().is_some_and(|r| r.records > 0) {
        findings::show(args.format, &hunts, &found)?;
    }
    session.end(&outcome, !found.is_empty(), &args.fail_on)
}
