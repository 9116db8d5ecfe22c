//! What a configuration does with simulated events: kept or dropped, by which line, and why in words.

use sysmon::Config;
use sysmon::explain::{Explanation, explain, reason};
use sysmon::keeps::{Why, keeps};
use sysmon::reference::{Cause, Outcome};
use sysmon::rules::Filter;
use sysmon::text::Environment;

use crate::simulate::SimulatedEvent;

/// What became of an event.
#[derive(Clone, Debug)]
pub(super) struct EventFate {
    pub(super) kept: bool,
    pub(super) why: String,
    pub(super) line: Option<usize>,
    /// The rule name it is logged with.
    pub(super) rule: String,
}

/// Decides an event.
pub(super) fn decide(
    config: &Config,
    environment: &Environment,
    event: &SimulatedEvent,
) -> EventFate {
    let explanation = explain(config, environment, &event.for_filter());
    let decision = &explanation.decision;
    // What the rules would keep may not even be collected.
    if decision.log
        && let Some(why) = not_collected(config, event.id)
    {
        return EventFate {
            kept: false,
            why: why.to_owned(),
            line: None,
            rule: String::new(),
        };
    }
    let filter = deciding(&explanation);
    let why = match filter {
        Some(f) => format!(
            "{}: {} {} \"{}\"",
            if decision.log { "kept" } else { "excluded" },
            f.field_name,
            f.op.name(),
            f.value
        ),
        None => reason(config, event.id, decision),
    };
    let span = filter.map(|f| f.span).or_else(|| match decision.cause {
        Cause::Element { element, .. } | Cause::OnlyElement(element) => {
            config.rules.elements.get(element).map(|e| e.span)
        }
        _ => None,
    });
    EventFate {
        kept: decision.log,
        why,
        line: span.map(|s| config.source.position(s.start).0),
        rule: decision.rule.clone(),
    }
}

/// Why events of a type are not collected, whatever the rules say of them.
pub(super) fn not_collected(config: &Config, id: u32) -> Option<&'static str> {
    match keeps(config, id, &[]).why {
        Why::OptionMissing => {
            Some("the option CaptureClipboard is not set, so that nothing is collected")
        }
        Why::NotCollected => Some(
            "the last element of the type is an empty include, so that Sysmon does not collect these events",
        ),
        _ => None,
    }
}

/// The filter that settled it: the last that matched in the element that did.
pub(super) fn deciding(explanation: &Explanation) -> Option<&Filter> {
    let Cause::Element { element, .. } = explanation.decision.cause else {
        return None;
    };
    let step = explanation.steps.iter().find(|s| s.element == element)?;
    let mut matched = step.filters.iter().rev();
    let last = matched.find(|f| f.outcome == Outcome::Match)?;
    Some(&last.filter)
}
