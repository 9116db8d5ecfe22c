//! A whole technique against a configuration: its expected events, and its calls by the events they give.

use catalog::map::{Visibility, line, seen};
use catalog::{ApiId, Behaviour, EventId, Expected, Mark, SensorId, Subject};
use serde::Serialize;

use super::{Fate, Keeps, expected, keeps};
use crate::Config;

/// A technique against a configuration.
#[derive(Clone, Debug, Serialize)]
pub struct Against {
    /// The expected events in the catalog's order; no answer for those that are not Sysmon's.
    pub expected: Vec<ExpectedKept>,
    /// The calls in order.
    pub calls: Vec<CallKept>,
}

/// An expected event.
#[derive(Clone, Debug, Serialize)]
pub struct ExpectedKept {
    /// What is expected.
    pub expected: Expected,
    /// What becomes of it; `None` where it is not Sysmon's.
    pub keeps: Option<Keeps>,
}

/// A call and what is left of its events.
#[derive(Clone, Debug, Serialize)]
pub struct CallKept {
    /// The call.
    pub api: ApiId,
    /// What the catalog knows of Sysmon and the call.
    pub seen: Option<Visibility>,
    /// The events it gives, with what becomes of them.
    pub events: Vec<EventKept>,
}

/// An event of a call.
#[derive(Clone, Debug, Serialize)]
pub struct EventKept {
    /// The event.
    pub event: EventId,
    /// What becomes of it: of the expected one where the technique expects it, else of any of its type.
    pub fate: Fate,
}

/// What a configuration keeps of a technique.
pub fn against(config: &Config, behaviour: &Behaviour) -> Against {
    let events: Vec<ExpectedKept> = behaviour
        .expected
        .iter()
        .map(|e| ExpectedKept {
            expected: *e,
            keeps: expected(config, e),
        })
        .collect();
    let calls = match behaviour.win32 {
        [] => behaviour.native,
        win32 => win32,
    };
    let calls = calls
        .iter()
        .map(|api| call(config, *api, &events))
        .collect();
    Against {
        expected: events,
        calls,
    }
}

impl Against {
    /// How many expected events of Sysmon meet a fate.
    pub fn count(&self, fates: &[Fate]) -> usize {
        let met = |e: &&ExpectedKept| e.keeps.as_ref().is_some_and(|k| fates.contains(&k.fate));
        self.expected.iter().filter(met).count()
    }
}

fn call(config: &Config, api: ApiId, expected: &[ExpectedKept]) -> CallKept {
    let sysmon = SensorId::named("sysmon");
    let way = line(Subject::Api(api));
    let mut events: Vec<EventId> = way
        .own_and_derived()
        // What the catalog doubts, or calls a step that only comes before, is no answer here.
        .filter(|m| Some(m.event.sensor) == sysmon && m.mark <= Mark::Derived)
        .filter(|m| m.assessment.is_none())
        .map(|m| m.event)
        .collect();
    events.sort_unstable();
    events.dedup();
    // A call may give more events than this use of it does.
    let wanted = |e: &EventId| expected.iter().any(|x| x.expected.event == *e);
    if events.iter().any(wanted) {
        events.retain(wanted);
    }
    let events = events
        .into_iter()
        .map(|event| {
            let known = expected.iter().filter(|x| x.expected.event == event);
            let best = known.filter_map(|x| x.keeps.as_ref()).map(|k| k.fate).min();
            let fate = best.unwrap_or_else(|| keeps(config, event.number, &[]).fate);
            EventKept { event, fate }
        })
        .collect();
    CallKept {
        api,
        seen: sysmon.map(|sensor| seen(api, sensor)),
        events,
    }
}
