//! Events that a technique would leave, as the sensor would write them: made from the catalog's rows and from
//! `data/profiles.toml`, the same for the same seed. They are marked as simulated in a field of their own. What a
//! configuration or an analytic makes of them is not known here.

mod fill;
mod machine;
mod profile;
mod values;
mod variant;
mod write;

use catalog::{BehaviourId, EventId};
use serde::Serialize;

pub use variant::{Variant, variants};
pub use write::{write_ndjson, write_xml};

use fill::Filling;
use machine::Machine;
pub(crate) use machine::computer_of;
pub(crate) use values::meets;

/// The field that marks an event as simulated.
pub const MARK: &str = "Simulated";
/// Sysmon's channel.
pub const CHANNEL: &str = "Microsoft-Windows-Sysmon/Operational";
/// Sysmon's provider.
pub const PROVIDER: &str = "Microsoft-Windows-Sysmon";

/// What may be chosen of a simulation; the rest follows from the technique and the seed.
#[derive(Clone, Debug, Default)]
pub struct SimulationOptions {
    /// The program that acts.
    pub actor: Option<String>,
    /// The program it acts on.
    pub target: Option<String>,
    /// `DOMAIN\name` of the user.
    pub user: Option<String>,
    /// Another seed gives other ids, addresses and times.
    pub seed: u64,
    /// Which computer it happens on: another number is another computer, with GUIDs and a name of its own.
    pub computer: u32,
}

/// One simulated event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SimulatedEvent {
    /// The event id.
    pub id: u32,
    /// Its number in the log.
    pub record: u64,
    /// Microseconds since 1970, UTC.
    #[serde(skip)]
    pub time: i64,
    /// The computer.
    pub computer: String,
    /// Which of the technique's expected events it is.
    #[serde(skip)]
    pub expected: usize,
    /// The data fields in the order of the record; the last marks it as simulated.
    #[serde(serialize_with = "as_map")]
    pub fields: Vec<(String, String)>,
}

fn as_map<S: serde::Serializer>(
    fields: &[(String, String)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(fields.iter().map(|(name, value)| (name, value)))
}

impl SimulatedEvent {
    /// The value of a field.
    pub fn field(&self, name: &str) -> Option<&str> {
        let found = self
            .fields
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The event as a configuration's filters see it.
    pub fn for_filter(&self) -> sysmon::event::Event {
        let fields = self.fields.iter().filter(|(name, _)| name != MARK);
        let event = sysmon::event::Event {
            id: self.id,
            fields: fields.cloned().collect(),
        };
        event.as_before_filtering()
    }
}

/// The events of one technique, done in one way.
#[derive(Clone, Debug, Serialize)]
pub struct Simulation {
    /// The technique.
    pub technique: BehaviourId,
    /// The way.
    pub variant: Variant,
    /// The events in the order of time.
    pub events: Vec<SimulatedEvent>,
}

/// Records that one simulation may have; the numbers of two computers never meet.
pub(crate) const RECORDS: u64 = 1000;

/// Simulates a technique. Only Sysmon's events are made; a technique that gives none has an empty answer.
pub fn simulate(
    technique: BehaviourId,
    variant: Variant,
    options: &SimulationOptions,
) -> Simulation {
    let mut machine = Machine::new(options);
    let mut filling = Filling::new(technique, variant, options, &mut machine);
    let mut events: Vec<SimulatedEvent> = in_order(technique, variant)
        .into_iter()
        .filter_map(|expected| filling.event(expected))
        .collect();
    let first = u64::from(options.computer) * RECORDS + 1;
    for (event, record) in events.iter_mut().zip(first..) {
        event.record = record;
    }
    Simulation {
        technique,
        variant,
        events,
    }
}

/// The places of the expected events of Sysmon in the order in which they happen: what starts the actor, then by the call
/// that gives them, then what the system does about it.
fn in_order(technique: BehaviourId, variant: Variant) -> Vec<usize> {
    let calls = variant.calls(technique);
    let rank = |place: &usize| {
        let expected = &technique.expected[*place];
        let started_later = fill::starts_another(technique, *place);
        let at = match expected.event.number {
            1 if !started_later => 0,
            // Sysmon's own report of its end is its last word.
            255 => usize::MAX,
            _ => 1 + call_of(calls, expected.event).unwrap_or(calls.len()),
        };
        (at, *place)
    };
    let mut places: Vec<usize> = (0..technique.expected.len())
        .filter(|place| technique.expected[*place].event.sensor.slug() == "sysmon")
        .collect();
    places.sort_by_key(rank);
    places
}

/// The first call that is known to give an event.
fn call_of(calls: &[catalog::ApiId], event: EventId) -> Option<usize> {
    calls.iter().position(|api| {
        let mut own = catalog::map::arrows();
        own.any(|arrow| arrow.api == Some(*api) && arrow.event == event)
            || catalog::derive::derived(*api)
                .iter()
                .any(|derived| derived.arrow.event == event)
    })
}
