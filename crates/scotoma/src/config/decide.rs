//! `decide` and `explain`: single events.

use std::io::{self, BufWriter, Write as _};
use std::process::ExitCode;

use serde_json::json;
use sysmon::reference;

use super::args::{DecideArgs, ExplainArgs};
use super::{events, load};
use crate::output::clean;

pub(crate) fn run(args: &DecideArgs) -> anyhow::Result<ExitCode> {
    let config = load::accepted(&args.file, args.how.engine.into())?;
    let mut environment = load::environment(&args.env.env)?;
    load::tell_variables(&config, &environment);
    let mut out = BufWriter::new(io::stdout().lock());
    let mut begun = false;
    events::each(&args.events, &args.manner, |head, event| {
        // Recorded decisions were made in an environment of their own.
        let recorded = head.and_then(|h| h.environment.as_ref()).filter(|_| !begun);
        if let Some(recorded) = recorded {
            environment = recorded.clone();
            load::add_environment(&mut environment, &args.env.env)?;
        }
        begun = true;
        let decision = reference::decide(&config.rules, &environment, &event);
        // They tell what the rules say, whether or not Sysmon would have collected the event.
        let tag = sysmon::schema::newest().event(event.id);
        let off = tag
            .and_then(|kind| config.rules.switched_off(kind.tag.as_deref()?))
            .is_some();
        let answer = match off && head.is_none() {
            true => json!({"log": false, "rule": "", "collected": false}),
            false => json!({"log": decision.log, "rule": decision.rule}),
        };
        writeln!(out, "{answer}")?;
        Ok(())
    })?;
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn explain(args: &ExplainArgs) -> anyhow::Result<ExitCode> {
    let config = load::accepted(&args.file, args.how.engine.into())?;
    let environment = load::environment(&args.env.env)?;
    let typed = args.event.is_none();
    let event = match &args.event {
        Some(place) => events::recorded(place, &args.manner)?,
        None => events::typed(&args.manner)?,
    };
    let explanation = sysmon::explain::explain(&config, &environment, &event);
    // A recorded event has fields of the log beside its own; what a person typed may be misspelt.
    for (field, meant) in explanation
        .strange
        .iter()
        .filter(|_| typed && explanation.known)
    {
        let meant = meant
            .as_ref()
            .map_or(String::new(), |m| format!("; did you mean `{m}`?"));
        let what = format!("event {} has no field `{field}`{meant}", event.id);
        eprintln!("warning: {}", clean(&what));
    }
    let title = sysmon::schema::newest()
        .event(event.id)
        .map_or("", |e| e.description.as_str());
    let mut out = BufWriter::new(io::stdout().lock());
    writeln!(
        out,
        "event {}: {}",
        event.id,
        if title.is_empty() { "unknown" } else { title }
    )?;
    for line in explanation.text(&config, &environment).lines() {
        writeln!(out, "{}", clean(line))?;
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}
