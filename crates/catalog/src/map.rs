//! The line of sight through one row of the catalog, in both directions: which calls reach it, by which mechanism, which
//! events result, what stays unseen, how it is silenced and what still shows. It repeats what the tables say and adds
//! nothing: a call without an arrow is *unknown* here, not unseen.

use crate::find::Subject;
use crate::model::{calls::*, conduct::*};
use crate::storage::{
    ApiId, BehaviourId, ComponentId, EventId, MechanismId, SensorId, TamperingId,
};
use crate::tables;
use serde::Serialize;

/// Everything the catalog knows that lies on one line of sight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// What was asked about.
    pub subject: Subject,
    /// The arrows that touch it directly.
    pub arrows: Vec<&'static Mapping>,
    /// For a call: the arrows of the system services it ends in.
    pub below: Vec<&'static Mapping>,
    /// For a call: the calls that end in it.
    pub callers: Vec<ApiId>,
    /// Where silence is known, and why.
    pub not_observed: Vec<&'static NotObserved>,
    /// The mechanisms on the line.
    pub mechanisms: Vec<MechanismId>,
    /// The events on the line.
    pub events: Vec<EventId>,
    /// The techniques that use it or should give it.
    pub behaviours: Vec<BehaviourId>,
    /// What its events are evidence of.
    pub components: Vec<ComponentId>,
    /// How it can be silenced.
    pub tampering: Vec<TamperingId>,
}

/// The line of sight through `subject`.
pub fn line(subject: Subject) -> Line {
    let mut line = Line {
        subject,
        arrows: Vec::new(),
        below: Vec::new(),
        callers: Vec::new(),
        not_observed: Vec::new(),
        mechanisms: Vec::new(),
        events: Vec::new(),
        behaviours: Vec::new(),
        components: Vec::new(),
        tampering: Vec::new(),
    };
    match subject {
        Subject::Api(api) => line.through_api(api),
        Subject::Mechanism(mechanism) => {
            line.arrows = arrows().filter(|m| m.mechanism == mechanism).collect();
            line.mechanisms.push(mechanism);
            line.events = EventId::all()
                .filter(|e| e.mechanism == Some(mechanism))
                .collect();
            line.behaviours = expecting(&line.events);
        }
        Subject::Event(event) => {
            line.arrows = arrows().filter(|m| m.event == event).collect();
            line.events.push(event);
            line.mechanisms.extend(event.mechanism);
            line.not_observed = silences().filter(|n| n.event == Some(event)).collect();
            line.behaviours = expecting(&line.events);
        }
        Subject::Behaviour(behaviour) => {
            line.events = behaviour.expected.iter().map(|e| e.event).collect();
            line.mechanisms = line.events.iter().filter_map(|e| e.mechanism).collect();
            let calls: Vec<_> = behaviour
                .win32
                .iter()
                .chain(behaviour.native)
                .copied()
                .collect();
            line.arrows = arrows()
                .filter(|m| m.api.is_some_and(|a| calls.contains(&a)))
                .collect();
            line.not_observed = silences()
                .filter(|n| n.apis.iter().any(|a| calls.contains(a)))
                .collect();
            line.behaviours.push(behaviour);
        }
        Subject::Component(component) => {
            line.events = events_of(component);
            line.mechanisms = line.events.iter().filter_map(|e| e.mechanism).collect();
            line.arrows = arrows()
                .filter(|m| line.events.contains(&m.event))
                .collect();
            line.components.push(component);
        }
        Subject::Tampering(tampering) => {
            line.mechanisms = tampering.targets.to_vec();
            line.events = tampering.events_lost.to_vec();
            line.tampering.push(tampering);
        }
    }
    line.finish()
}

impl Line {
    fn through_api(&mut self, api: ApiId) {
        self.arrows = arrows().filter(|m| m.api == Some(api)).collect();
        self.below = arrows()
            .filter(|m| m.api.is_some_and(|a| api.native.contains(&a)))
            .collect();
        self.callers = ApiId::all().filter(|a| a.native.contains(&api)).collect();
        self.not_observed = silences_of(api).collect();
        for arrow in self.arrows.iter().chain(&self.below) {
            self.mechanisms.push(arrow.mechanism);
            self.events.push(arrow.event);
        }
        let uses = |b: &BehaviourId| b.win32.contains(&api) || b.native.contains(&api);
        self.behaviours = BehaviourId::all().filter(uses).collect();
    }

    fn finish(mut self) -> Self {
        self.mechanisms.sort_unstable();
        self.mechanisms.dedup();
        self.events.sort_unstable();
        self.events.dedup();
        if self.components.is_empty() {
            self.components = self
                .events
                .iter()
                .flat_map(|e| components_of(*e))
                .copied()
                .collect();
            self.components.sort_unstable();
            self.components.dedup();
        }
        if self.tampering.is_empty() {
            let silences = |t: &TamperingId| match self.subject {
                // A mechanism is silenced as such, whatever events stop with it.
                Subject::Mechanism(mechanism) => t.targets.contains(&mechanism),
                // Where a row does not say which events stop, all of its mechanisms' may.
                _ if t.events_lost.is_empty() => {
                    t.targets.iter().any(|m| self.mechanisms.contains(m))
                }
                _ => t.events_lost.iter().any(|e| self.events.contains(e)),
            };
            self.tampering = TamperingId::all().filter(silences).collect();
        }
        self
    }

    /// Whether the catalog has nothing on what a call leaves behind: no arrow, and no word that there is none.
    pub fn is_unknown(&self) -> bool {
        self.arrows.is_empty()
            && self.below.is_empty()
            && self.not_observed.is_empty()
            && self.events.is_empty()
    }
}

/// Every arrow of the map.
pub fn arrows() -> impl Iterator<Item = &'static Mapping> {
    tables::MAPPINGS.iter()
}

/// Every known silence.
pub fn silences() -> impl Iterator<Item = &'static NotObserved> {
    tables::NOT_OBSERVED.iter()
}

/// The known silences about a call.
pub fn silences_of(api: ApiId) -> impl Iterator<Item = &'static NotObserved> {
    silences().filter(move |n| n.apis.contains(&api))
}

/// What an event is evidence of.
pub fn components_of(event: EventId) -> &'static [ComponentId] {
    tables::EVENT_COMPONENTS
        .iter()
        .find(|r| r.event == event)
        .map_or(&[], |r| r.preferred)
}

/// What each source says an event is evidence of.
pub fn component_row(event: EventId) -> Option<&'static EventComponents> {
    tables::EVENT_COMPONENTS.iter().find(|r| r.event == event)
}

/// The events that are evidence of a component.
pub fn events_of(component: ComponentId) -> Vec<EventId> {
    tables::EVENT_COMPONENTS
        .iter()
        .filter(|r| r.preferred.contains(&component))
        .map(|r| r.event)
        .collect()
}

/// Functions that give a mechanism away on a stack.
pub fn stack_signs() -> &'static [crate::StackSign] {
    tables::STACK_SIGNS
}

/// What protects the sensor itself.
pub fn protections() -> &'static [Protection] {
    tables::PROTECTIONS
}

/// The behaviours that should give one of `events`.
fn expecting(events: &[EventId]) -> Vec<BehaviourId> {
    let expects = |b: &BehaviourId| b.expected.iter().any(|e| events.contains(&e.event));
    BehaviourId::all().filter(expects).collect()
}

/// What a sensor is known to give for a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Seen {
    /// An arrow leads to an event of the sensor.
    Seen,
    /// No arrow of its own, but one of the system service it ends in.
    SeenBelow,
    /// It is known to leave no event of the sensor at all.
    NotObserved,
    /// The catalog has no arrow and no word that there is none. That is no proof of silence.
    Unknown,
}

/// What `sensor` is known to give for `api`.
pub fn seen(api: ApiId, sensor: SensorId) -> Seen {
    let of_sensor = |m: &&Mapping| m.event.sensor == sensor;
    if arrows().filter(of_sensor).any(|m| m.api == Some(api)) {
        Seen::Seen
    } else if silences_of(api).any(|n| n.sensor == sensor) {
        Seen::NotObserved
    } else if arrows()
        .filter(of_sensor)
        .any(|m| m.api.is_some_and(|a| api.native.contains(&a)))
    {
        Seen::SeenBelow
    } else {
        Seen::Unknown
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::find::{find, nearest};

    fn lines(name: &str) -> Vec<Line> {
        find(name).into_iter().map(|m| line(m.subject)).collect()
    }

    #[test]
    fn every_arrow_is_answered_from_every_end() {
        for arrow in arrows() {
            let mut ends = vec![
                arrow.mechanism.slug().to_owned(),
                arrow.event.slug().to_owned(),
            ];
            ends.extend(arrow.mechanism.imports.iter().map(|i| i.name.to_owned()));
            if let Some(api) = arrow.api {
                ends.push(api.slug().to_owned());
                ends.extend(api.variants.iter().map(|v| (*v).to_owned()));
                ends.extend(api.modules.iter().map(|m| format!("{m}!{}", api.id)));
            }
            if arrow.event.sensor.slug() == "sysmon" {
                ends.push(arrow.event.number.to_string());
                ends.extend(
                    arrow
                        .event
                        .sysmon
                        .and_then(|s| s.rule_tag)
                        .map(str::to_owned),
                );
            }
            for end in ends {
                let found = lines(&end).iter().any(|l| l.arrows.contains(&arrow));
                assert!(found, "{}: asked for {end:?}", arrow.id);
            }
        }
    }

    #[test]
    fn what_sees_write_process_memory() {
        let answer = &lines("WriteProcessMemory")[0];
        let events: Vec<_> = answer.events.iter().map(|e| e.slug()).collect();
        assert!(events.contains(&"threat-intelligence:14"), "{events:?}");
        assert!(
            !events.iter().any(|e| e.starts_with("sysmon")),
            "{events:?}"
        );
        assert_eq!(answer.not_observed[0].id, "no-sysmon-WriteProcessMemory");
        let sysmon = SensorId::named("sysmon").unwrap();
        assert_eq!(
            seen(ApiId::named("WriteProcessMemory").unwrap(), sysmon),
            Seen::NotObserved
        );
        assert_eq!(
            seen(ApiId::named("CreateRemoteThread").unwrap(), sysmon),
            Seen::Seen
        );
        assert_eq!(
            seen(ApiId::named("GetAsyncKeyState").unwrap(), sysmon),
            Seen::Unknown
        );
    }

    #[test]
    fn the_line_through_an_event() {
        let access = &lines("ProcessAccess")[0];
        assert_eq!(
            access.mechanisms,
            [MechanismId::named("object-callback").unwrap()]
        );
        assert!(
            access
                .arrows
                .iter()
                .any(|a| a.api == ApiId::named("OpenProcess"))
        );
        assert!(
            access
                .not_observed
                .iter()
                .any(|n| n.id == "no-sysmon-DuplicateHandle")
        );
        assert!(
            access
                .tampering
                .contains(&TamperingId::named("handle-duplication").unwrap())
        );
        let created = &lines("security:4688")[0];
        assert!(
            created
                .tampering
                .contains(&TamperingId::named("audit-policy-change").unwrap())
        );
        assert_eq!(
            access.components,
            [ComponentId::named("process-access").unwrap()]
        );
    }

    #[test]
    fn a_mechanism_knows_its_limits_and_its_enemies() {
        let object = &lines("ObRegisterCallbacks")[0];
        assert!(
            object.mechanisms[0]
                .not_observed
                .iter()
                .any(|n| n.contains("inherited"))
        );
        assert!(
            object
                .tampering
                .contains(&TamperingId::named("altitude-clash").unwrap())
        );
        assert_eq!(
            object.events.iter().map(|e| e.slug()).collect::<Vec<_>>(),
            ["sysmon:10", "jonmon:5"]
        );
    }

    #[test]
    fn every_row_has_a_line_and_every_name_is_near_itself() {
        let apis = ApiId::all().map(Subject::Api);
        let rest = MechanismId::all()
            .map(Subject::Mechanism)
            .chain(EventId::all().map(Subject::Event));
        for subject in apis
            .chain(rest)
            .chain(BehaviourId::all().map(Subject::Behaviour))
        {
            let _ = line(subject);
        }
        for api in ApiId::all().step_by(11) {
            assert!(
                nearest(api.slug(), 3).contains(&api.slug()) || api.slug().contains(' '),
                "{api}"
            );
        }
    }

    /// The facts folder beside the workspace is where the rows came from; a row lost on the way would show here.
    #[test]
    fn the_published_rows_of_the_facts_are_all_answered() {
        let facts = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../../shared/facts/api_event.yaml"
        );
        let Ok(text) = std::fs::read_to_string(facts) else {
            println!("skipped: {facts} is not there");
            return;
        };
        let field = |row: &str, key: &str| -> Option<String> {
            row.lines()
                .find_map(|l| l.trim_start().strip_prefix(key))
                .map(|v| v.trim().trim_matches(['\'', '"']).to_owned())
        };
        let rows = text
            .split("\nmappings:\n")
            .nth(1)
            .unwrap()
            .split("\nnot_observed:\n")
            .next()
            .unwrap();
        let mut walked = 0;
        for row in rows
            .split("\n- ")
            .filter(|r| r.contains("status: from-source"))
        {
            let mechanism = field(row, "mechanism:").unwrap();
            let event = format!(
                "{}:{}",
                field(row, "sensor:").unwrap(),
                field(row, "event:").unwrap()
            );
            let api = field(row, "api:").filter(|a| a != "null" && a != "None");
            let is = |m: &Mapping| {
                m.mechanism.slug() == mechanism
                    && m.event.slug() == event
                    && m.api.map(ApiId::slug) == api.as_deref()
            };
            for end in [api.as_deref(), Some(&mechanism), Some(&event)]
                .into_iter()
                .flatten()
            {
                let found = lines(end).iter().any(|l| l.arrows.iter().any(|m| is(m)));
                assert!(found, "asked for {end:?}: {row}");
            }
            walked += 1;
        }
        assert_eq!(walked, 85);
    }
}
