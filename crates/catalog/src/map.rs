//! The line of sight through one row of the catalog, in both directions: which calls reach it, by which mechanism, which
//! events result, what stays unseen, how it is silenced and what still shows. It repeats what the tables say and adds
//! nothing: a call without an arrow is *unknown* here, not unseen.

use crate::derive::{Derived, derived};
use crate::find::{Rights, Subject};
use crate::model::map::SecurityEvent;
use crate::model::{calls::*, techniques::*};
use crate::open::{Opening, opening, openings};
use crate::storage::{
    ApiId, BehaviourId, ComponentId, EventId, MechanismId, SensorId, TamperingId,
};
use crate::tables;
use serde::Serialize;

/// Everything the catalog knows that lies on one line of sight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LineOfSight {
    /// What was asked about.
    pub subject: Subject,
    /// The arrows that touch it directly.
    pub arrows: Vec<&'static Mapping>,
    /// For a call: the arrows that follow from the system services it ends in.
    pub below: Vec<Derived>,
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
    /// For a call, a technique or rights: the openings of the handles they take, which may be seen where the call is not.
    pub openings: Vec<Opening>,
}

/// The line of sight through `subject`.
pub fn line(subject: Subject) -> LineOfSight {
    let mut line = LineOfSight {
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
        openings: Vec::new(),
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
            line.not_observed = not_observed().filter(|n| n.event == Some(event)).collect();
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
            line.not_observed = not_observed()
                .filter(|n| n.apis.iter().any(|a| calls.contains(a)))
                .collect();
            line.openings = openings(match behaviour.win32 {
                [] => behaviour.native,
                calls => calls,
            });
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
        Subject::Sensor(sensor) => {
            line.events = EventId::all().filter(|e| e.sensor == sensor).collect();
            line.mechanisms = line.events.iter().filter_map(|e| e.mechanism).collect();
        }
        Subject::Field(field) => line.events = events_with(field).collect(),
        Subject::Rights(rights) => line.through_rights(rights),
        Subject::Tactic(tactic) => {
            let of_tactic = |b: &BehaviourId| b.tactics.contains(&tactic);
            line.behaviours = BehaviourId::all().filter(of_tactic).collect();
        }
        // Nothing is known but the name.
        Subject::Technique(_) | Subject::Function(_) => {}
    }
    line.finish()
}

impl LineOfSight {
    fn through_api(&mut self, api: ApiId) {
        self.arrows = arrows().filter(|m| m.api == Some(api)).collect();
        self.below = derived(api);
        let ends_in_it = |a: &ApiId| a.native.iter().any(|s| s.call == api);
        self.callers = ApiId::all().filter(ends_in_it).collect();
        self.not_observed = not_observed_by(api).collect();
        self.mechanisms = self.own_and_derived().map(|m| m.mechanism).collect();
        self.events = self.own_and_derived().map(|m| m.event).collect();
        self.openings = openings(&[api]);
        let uses = |b: &BehaviourId| b.win32.contains(&api) || b.native.contains(&api);
        self.behaviours = BehaviourId::all().filter(uses).collect();
    }

    fn through_rights(&mut self, rights: Rights) {
        self.openings = opening(rights.object, rights.mask).into_iter().collect();
        let mut events: Vec<_> = self.openings.iter().flat_map(|o| &o.arrows).collect();
        events.dedup();
        self.events = events.iter().map(|m| m.event).collect();
        self.mechanisms = events.iter().map(|m| m.mechanism).collect();
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
        let about_one_line = !matches!(
            self.subject,
            Subject::Sensor(_) | Subject::Field(_) | Subject::Rights(_) | Subject::Tactic(_)
        );
        if self.tampering.is_empty() && about_one_line {
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

    /// The arrows that touch it, and for a call those that follow from the services it ends in.
    pub fn own_and_derived(&self) -> impl Iterator<Item = &'static Mapping> {
        let below = self.below.iter().map(|d| d.arrow);
        self.arrows.iter().copied().chain(below)
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
    tables::mappings().iter()
}

/// Every known silence.
pub fn not_observed() -> impl Iterator<Item = &'static NotObserved> {
    tables::not_observed().iter()
}

/// The known silences about a call.
pub fn not_observed_by(api: ApiId) -> impl Iterator<Item = &'static NotObserved> {
    not_observed().filter(move |n| n.apis.contains(&api))
}

/// What an event is evidence of.
pub fn components_of(event: EventId) -> &'static [ComponentId] {
    tables::event_components()
        .iter()
        .find(|r| r.event == event)
        .map_or(&[], |r| r.preferred)
}

/// What each source says an event is evidence of.
pub fn component_row(event: EventId) -> Option<&'static EventComponents> {
    tables::event_components().iter().find(|r| r.event == event)
}

/// The events that are evidence of a component.
pub fn events_of(component: ComponentId) -> Vec<EventId> {
    tables::event_components()
        .iter()
        .filter(|r| r.preferred.contains(&component))
        .map(|r| r.event)
        .collect()
}

/// The events of Sysmon that have a field.
pub fn events_with(field: &str) -> impl Iterator<Item = EventId> {
    let has = move |e: &EventId| e.sysmon.is_some_and(|s| s.fields.contains(&field));
    EventId::all().filter(has)
}

/// The calls that a handle with these rights is enough for, as far as the catalog has their rights; those that need none are
/// left out.
pub fn users_of_mask(rights: Rights) -> Vec<ApiId> {
    let has =
        crate::rights::object(rights.object).map_or(rights.mask, |o| o.with_implied(rights.mask));
    let enough = |r: &&ApiRights| {
        let mut handles = r
            .handles
            .iter()
            .filter(|h| h.object == rights.object)
            .peekable();
        let any = |h: &HandleRights| {
            let mut masks = [h.mask]
                .into_iter()
                .chain(h.alternatives.iter().map(|c| c.mask));
            masks.any(|mask| mask != 0 && mask & has == mask)
        };
        handles.peek().is_some() && handles.all(any)
    };
    tables::api_rights()
        .iter()
        .filter(enough)
        .map(|r| r.api)
        .collect()
}

/// The paths from where an audit event's code is entered to where the event is written, one for each entry. A path that joins
/// one already given ends where it joins.
pub fn call_paths(event: &SecurityEvent) -> Vec<Vec<&'static str>> {
    let edges: Vec<(&str, &str)> = event
        .edges
        .iter()
        .filter_map(|edge| edge.split_once(" -> "))
        .collect();
    // What nobody calls begins a path; then what the sheet calls an entry, and what is left of a circle.
    let is_called = |f: &str| edges.iter().any(|(_, callee)| *callee == f);
    let callers = || edges.iter().map(|(caller, _)| *caller);
    let uncalled = callers().filter(|c| !is_called(c));
    let entries = event.entry_functions.iter().copied();
    let mut open: Vec<Vec<&str>> = uncalled
        .chain(entries)
        .chain(callers())
        .filter(|f| edges.iter().any(|(caller, _)| caller == f))
        .map(|f| vec![f])
        .collect();
    open.reverse();
    let mut paths: Vec<Vec<&str>> = Vec::new();
    let mut passed: Vec<&str> = Vec::new();
    while let Some(mut path) = open.pop() {
        loop {
            let last = path.last().copied().unwrap_or_default();
            if passed.contains(&last) {
                break;
            }
            passed.push(last);
            let mut callees = edges.iter().filter(|(c, _)| *c == last).map(|(_, c)| *c);
            let Some(next) = callees.next() else { break };
            // A function that calls several begins a path for each of the others.
            open.extend(callees.map(|other| vec![last, other]));
            path.push(next);
        }
        if path.len() > 1 {
            paths.push(path);
        }
    }
    paths
}

/// Functions that give a mechanism away on a stack.
pub fn stack_signs() -> &'static [crate::StackSign] {
    tables::stack_signs()
}

/// What protects the sensor itself.
pub fn protections() -> &'static [Protection] {
    tables::protections()
}

/// The behaviours that should give one of `events`.
fn expecting(events: &[EventId]) -> Vec<BehaviourId> {
    let expects = |b: &BehaviourId| b.expected.iter().any(|e| events.contains(&e.event));
    BehaviourId::all().filter(expects).collect()
}

/// What a sensor is known to give for a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Visibility {
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
pub fn seen(api: ApiId, sensor: SensorId) -> Visibility {
    let of_sensor = |m: &&Mapping| m.event.sensor == sensor;
    if arrows().filter(of_sensor).any(|m| m.api == Some(api)) {
        Visibility::Seen
    } else if not_observed_by(api).any(|n| n.sensor == sensor) {
        Visibility::NotObserved
    } else if derived(api).iter().any(|d| of_sensor(&d.arrow)) {
        Visibility::SeenBelow
    } else {
        Visibility::Unknown
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::find::{find, nearest};

    fn lines(name: &str) -> Vec<LineOfSight> {
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
                ends.push(format!("EID {}", arrow.event.number));
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
    fn audit_chains_are_edges() {
        for event in EventId::all().filter_map(|e| e.row().security.as_ref()) {
            for path in call_paths(event) {
                for pair in path.windows(2) {
                    let edge = format!("{} -> {}", pair[0], pair[1]);
                    assert!(event.edges.contains(&edge.as_str()), "{edge}");
                }
            }
            let said: usize = call_paths(event).iter().map(|p| p.len() - 1).sum();
            assert_eq!(said, event.edges.len(), "{:?}", event.edges);
        }
        let created = EventId::named("security:4688").unwrap();
        let paths = call_paths(created.row().security.as_ref().unwrap());
        assert_eq!(paths.len(), 3);
        assert!(paths.iter().all(|p| p[1] == "PspInsertProcess"));
    }

    #[test]
    fn what_a_mask_is_good_for() {
        let object = "process";
        let calls = users_of_mask(Rights {
            object,
            mask: 0x1410,
        });
        let read = ApiId::named("ReadProcessMemory").unwrap();
        let write = ApiId::named("WriteProcessMemory").unwrap();
        assert!(calls.contains(&read) && !calls.contains(&write));
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
            Visibility::NotObserved
        );
        assert_eq!(
            seen(ApiId::named("CreateRemoteThread").unwrap(), sysmon),
            Visibility::Seen
        );
        assert_eq!(
            seen(ApiId::named("MapViewOfFile").unwrap(), sysmon),
            Visibility::Unknown
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
        let call = |name: &str| match crate::find::apis(name).first()?.subject {
            Subject::Api(api) => Some(api),
            _ => None,
        };
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
                    && m.api == api.as_deref().and_then(call)
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
