//! Where a stack leads: which of the mechanism's events it can be, and which calls of the catalog stand on the way.

use super::frame::StackFrame;
use super::reading::{ApiFrame, Observation, Observed, begins_thread};
use catalog::{ApiId, Assessment, EventId, Layer, MechanismId, map};
use std::collections::BTreeSet;

/// Sysmon's events of the mechanism that this stack can lead to.
pub(super) fn events(
    frames: &[StackFrame],
    mechanism: MechanismId,
    kept: &[ApiFrame],
) -> Vec<EventId> {
    let all: Vec<EventId> = EventId::all()
        .filter(|e| e.mechanism == Some(mechanism) && e.sensor.slug() == "sysmon")
        .collect();
    let narrowed: BTreeSet<EventId> = map::stack_signs()
        .iter()
        .filter(|s| s.mechanism == mechanism && frames.iter().any(|f| f.is(s.module, s.function)))
        .filter_map(|s| s.event)
        .collect();
    // The innermost sign decides: a process that exits also ends its last thread.
    if narrowed.len() == 1 || all.len() <= 1 {
        return if narrowed.is_empty() {
            all
        } else {
            narrowed.into_iter().collect()
        };
    }
    let of_call = |frame: &ApiFrame| -> BTreeSet<EventId> {
        // An internal function stands on many ways and tells none of them from the others.
        let internal =
            |api: ApiId| matches!(api.layer, Layer::KernelInternal | Layer::Win32Internal);
        let leads = |a: &&'static catalog::Mapping| {
            // A service also leads wherever the calls lead that reach it.
            let reached = |text: &str| {
                let service = text.split(|c: char| !c.is_alphanumeric()).next();
                frame.apis.iter().any(|api| Some(api.slug()) == service)
            };
            let call = a
                .api
                .filter(|api| frame.apis.contains(api) || a.reaches.is_some_and(reached));
            let weak = matches!(
                a.assessment,
                Some(Assessment::Doubtful | Assessment::Prerequisite)
            );
            a.mechanism == mechanism && !weak && call.is_some_and(|api| !internal(api))
        };
        map::arrows()
            .filter(leads)
            .map(|a| a.event)
            .filter(|e| all.contains(e))
            .collect()
    };
    let sets: Vec<BTreeSet<EventId>> = kept.iter().map(of_call).filter(|s| !s.is_empty()).collect();
    let common = sets
        .iter()
        .skip(1)
        .fold(sets.first().cloned().unwrap_or_default(), |a, b| &a & b);
    let any: BTreeSet<EventId> = sets.into_iter().flatten().collect();
    [common, any]
        .into_iter()
        .find(|s| !s.is_empty())
        .map_or(all, |s| s.into_iter().collect())
}

pub(super) fn observations(
    frames: &[StackFrame],
    mechanism: MechanismId,
    events: &[EventId],
    kept: &[ApiFrame],
    entered_by: Option<&str>,
) -> Vec<Observation> {
    let mut seen = BTreeSet::new();
    let mut observations = Vec::new();
    for frame in kept {
        let Some((module, function)) = frame.symbol.split_once('!') else {
            continue;
        };
        let has_arrow = |api: &ApiId| {
            map::arrows().any(|a| {
                a.mechanism == mechanism && events.contains(&a.event) && a.api == Some(*api)
            })
        };
        // Of the names a function answers to, the one with the arrow is meant.
        let known = frame.apis.iter().find(|api| has_arrow(api));
        let name = known.or(frame.apis.first()).map(|a| a.slug());
        // Without a row of its own a function counts as a call if it is a system service, or what the program called; other
        // functions of these modules may be their own internals.
        let service =
            function.starts_with("Nt") && function.chars().nth(2).is_some_and(char::is_uppercase);
        let called = service || entered_by == Some(frame.symbol.as_str());
        if begins_thread(function) || (name.is_none() && !called) || frames[frame.index].doubtful {
            continue;
        }
        let api = name.unwrap_or(function).to_owned();
        // `nt!NtOpenProcess` is the other end of `ntdll!NtOpenProcess`.
        if !seen.insert(api.clone()) {
            continue;
        }
        let status = match (known.is_some(), name) {
            (true, _) => Observed::Known,
            (false, Some(_)) if frame.apis.iter().any(|api| said_silent(*api, events)) => {
                Observed::SaidSilent
            }
            (false, Some(_)) => Observed::NewArrow,
            (false, None) => Observed::NewCall,
        };
        observations.push(Observation {
            api,
            module: module.to_owned(),
            function: function.to_owned(),
            mechanism,
            events: events.to_vec(),
            status,
        });
    }
    observations
}

/// Whether the catalog says that `api` does not give any of `events`.
fn said_silent(api: ApiId, events: &[EventId]) -> bool {
    map::not_observed_by(api).any(|silence| match silence.event {
        Some(event) => events.contains(&event),
        None => events.iter().any(|e| e.sensor == silence.sensor),
    })
}
