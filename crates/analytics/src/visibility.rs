//! What an analytic needs to see anything, and whether the logs held it. Where they did not, its silence says nothing.

use std::fmt;

use schema::Sensor;
use serde::Serialize;

/// What people call a sensor beside an event id: `Security 4688`.
pub fn short_name(sensor: Sensor) -> &'static str {
    sensor.name().trim_end_matches(" log")
}

/// Events that an analytic looks at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct EventNeed {
    /// Whose they are: a sensor's name, or a channel; `None` where anybody's will do.
    pub of: Option<String>,
    /// Their event ids; empty where any will do.
    pub event_ids: Vec<i64>,
    /// How many of them the logs held.
    pub events: u64,
    /// Fields that they must have for the analytic to match, and that none of them had.
    pub lacking: Vec<String>,
}

impl EventNeed {
    fn is_met(&self) -> bool {
        self.events > 0 && self.lacking.is_empty()
    }
}

impl fmt::Display for EventNeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<String> = self.event_ids.iter().map(i64::to_string).collect();
        match (&self.of, ids.is_empty()) {
            (None, true) => f.write_str("any event"),
            (Some(of), true) => write!(f, "{of} events"),
            (None, false) => write!(f, "event {}", listed(&ids, "or")),
            (Some(of), false) => write!(f, "{of} {}", listed(&ids, "or")),
        }
    }
}

/// How the needs of an analytic go together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Requirement {
    /// The events of one need, by its place.
    Events(usize),
    /// All of these.
    All(Vec<Requirement>),
    /// Any of these.
    Any(Vec<Requirement>),
}

impl Default for Requirement {
    fn default() -> Self {
        Self::All(Vec::new())
    }
}

/// What an analytic needs, with what the logs held of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueryVisibility {
    /// The events it looks at.
    pub needs: Vec<EventNeed>,
    /// Which of them it cannot do without.
    pub requirement: Requirement,
}

impl QueryVisibility {
    /// The needs in words, each once.
    pub fn words(&self) -> Vec<String> {
        let mut words: Vec<String> = Vec::new();
        for need in self.needs.iter().map(EventNeed::to_string) {
            if !words.contains(&need) {
                words.push(need);
            }
        }
        words
    }

    /// Why the analytic could see nothing, as in `needs Sysmon 10, these logs have none`; `None` where it could.
    pub fn blind(&self) -> Option<String> {
        let missing = self.missing(&self.requirement)?;
        let none = match self
            .needs
            .iter()
            .any(|n| n.events > 0 && !n.lacking.is_empty())
        {
            true => "these logs have no such event",
            false => "these logs have none",
        };
        Some(format!("needs {missing}, {none}"))
    }

    fn missing(&self, requirement: &Requirement) -> Option<String> {
        let words = |parts: &[Requirement]| {
            let mut words: Vec<String> = Vec::new();
            for part in parts.iter().filter_map(|p| self.missing(p)) {
                if !words.contains(&part) {
                    words.push(part);
                }
            }
            words
        };
        match requirement {
            Requirement::Events(n) => {
                let need = self.needs.get(*n).filter(|need| !need.is_met())?;
                Some(match need.lacking.is_empty() || need.events == 0 {
                    true => need.to_string(),
                    false => format!("{need} with {}", listed(&need.lacking, "and")),
                })
            }
            Requirement::All(parts) => {
                let words = words(parts);
                (!words.is_empty()).then(|| listed(&words, "and"))
            }
            Requirement::Any(parts) => {
                let all = !parts.is_empty() && parts.iter().all(|p| self.missing(p).is_some());
                all.then(|| listed(&words(parts), "or"))
            }
        }
    }
}

/// `a, b and c`.
fn listed(words: &[String], last: &str) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [before @ .., end] => format!("{} {last} {end}", before.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn need(of: &str, id: i64, events: u64) -> EventNeed {
        EventNeed {
            of: Some(of.to_owned()),
            event_ids: vec![id],
            events,
            lacking: Vec::new(),
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let pair = |first, second, requirement| QueryVisibility {
            needs: vec![need("Sysmon", 8, first), need("Sysmon", 10, second)],
            requirement,
        };
        let both = || Requirement::All(vec![Requirement::Events(0), Requirement::Events(1)]);
        let any = || Requirement::Any(vec![Requirement::Events(0), Requirement::Events(1)]);
        let blind = |v: QueryVisibility| v.blind().unwrap_or_default();
        assert_eq!(
            blind(pair(0, 0, both())),
            "needs Sysmon 8 and Sysmon 10, these logs have none"
        );
        assert_eq!(
            blind(pair(3, 0, both())),
            "needs Sysmon 10, these logs have none"
        );
        assert_eq!(
            blind(pair(0, 0, any())),
            "needs Sysmon 8 or Sysmon 10, these logs have none"
        );
        assert_eq!(pair(3, 0, any()).blind(), None);
        assert_eq!(pair(1, 1, both()).blind(), None);
        let mut lacking = pair(1, 1, both());
        lacking.needs[1].lacking = vec!["CallTrace".to_owned()];
        assert_eq!(
            blind(lacking),
            "needs Sysmon 10 with CallTrace, these logs have no such event"
        );
    }
}
