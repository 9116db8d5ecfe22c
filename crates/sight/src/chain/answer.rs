//! The answer: one line of sight, link by link, as it is written in JSON (described in docs/sight.md).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::simulate::SimulatedEvent;

/// The version of the answer's form.
pub const SCHEMA: u32 = 1;

/// What kind of link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkKind {
    /// The technique.
    Technique,
    /// A call of it.
    Call,
    /// What notices the call.
    Mechanism,
    /// The event that is written.
    Event,
    /// What the Sysmon configuration does with the event.
    Configuration,
    /// A hunt or a rule.
    Analytic,
}

impl LinkKind {
    /// All kinds in the order of the line.
    pub const ALL: [Self; 6] = [
        Self::Technique,
        Self::Call,
        Self::Mechanism,
        Self::Event,
        Self::Configuration,
        Self::Analytic,
    ];

    /// Its name in answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Technique => "technique",
            Self::Call => "call",
            Self::Mechanism => "mechanism",
            Self::Event => "event",
            Self::Configuration => "configuration",
            Self::Analytic => "analytic",
        }
    }
}

/// Whether sight passes a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkState {
    /// It passes.
    Seen,
    /// Nothing of the sensor looks there.
    NotObserved,
    /// The configuration drops it, or what an analytic needs.
    Filtered,
    /// An analytic's conditions do not hold.
    NotMatched,
    /// It was silenced.
    Tampered,
    /// Nothing is known.
    Unknown,
}

impl LinkState {
    /// Its words for people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Seen => "seen",
            Self::NotObserved => "not observed",
            Self::Filtered => "filtered",
            Self::NotMatched => "not matched",
            Self::Tampered => "tampered",
            Self::Unknown => "unknown",
        }
    }
}

/// One link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// What kind.
    pub kind: LinkKind,
    /// What it is called.
    pub name: String,
    /// Whether sight passes.
    pub state: LinkState,
    /// Why.
    pub why: String,
    /// The line of the configuration that decided, from 1.
    pub line: Option<usize>,
}

/// What would mend a break.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remedy {
    /// What to do.
    pub what: String,
    /// Whether the chain was run again with it and passed the link.
    pub verified: bool,
    /// The text to add or to put in place.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub change: String,
    /// The analytics that fire with it and do not without.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub catches: Vec<String>,
}

/// The line of sight of one technique done in one way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TechniqueSight {
    /// The version of this form.
    pub schema: u32,
    /// The catalog's name of the technique.
    pub technique: String,
    /// What it is called.
    pub name: String,
    /// The technique of ATT&CK.
    pub attack: String,
    /// The way it is done.
    pub variant: String,
    /// The links in the order of the line.
    pub links: Vec<Link>,
    /// Where sight ends: the place in `links` of the first break; none where the line holds.
    #[serde(rename = "break")]
    pub broken: Option<usize>,
    /// An example: the event that passes unseen at the break, or that is seen where there is none.
    pub event: Option<EventExample>,
    /// What would mend it.
    pub remedies: Vec<Remedy>,
}

/// An event as an example; `config decide` reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventExample {
    /// The event id.
    pub id: u32,
    /// The fields with their values.
    pub fields: Map<String, Value>,
}

impl From<&SimulatedEvent> for EventExample {
    fn from(event: &SimulatedEvent) -> Self {
        let fields = event.fields.iter();
        Self {
            id: event.id,
            fields: fields
                .map(|(name, value)| (name.clone(), Value::String(value.clone())))
                .collect(),
        }
    }
}

impl TechniqueSight {
    /// Whether the line holds to its end.
    pub fn holds(&self) -> bool {
        self.broken.is_none()
    }

    /// The link at which it breaks.
    pub fn break_link(&self) -> Option<&Link> {
        self.links.get(self.broken?)
    }

    /// The links of a kind.
    pub fn of(&self, kind: LinkKind) -> impl Iterator<Item = &Link> {
        self.links.iter().filter(move |l| l.kind == kind)
    }

    /// What a row of a matrix shows for a kind: nothing where it was not asked, the break where it lies there, else the best
    /// of its links.
    pub fn state_of(&self, kind: LinkKind) -> Option<LinkState> {
        if let Some(link) = self.break_link() {
            if link.kind == kind {
                return Some(link.state);
            }
            if link.kind < kind {
                return None;
            }
        }
        self.of(kind).map(|l| l.state).min()
    }

    /// From 0, nothing seen, to 100, an analytic fires: how far sight reaches.
    pub fn score(&self) -> u32 {
        match self.break_link().map(|l| l.kind) {
            None => 100,
            Some(LinkKind::Analytic) => 60,
            Some(LinkKind::Configuration) => 30,
            Some(_) => 0,
        }
    }
}
