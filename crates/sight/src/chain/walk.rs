//! Walks techniques through a detection stack. The hunts run twice at most, whatever the number of techniques: once on all
//! that happens and on what is kept, once on what each remedy would keep besides.

use analytics::pack::Hunt;
use catalog::{BehaviourId, TamperingId};
use sigma::Rule;
use sysmon::Config;
use sysmon::text::Environment;

use super::answer::{LinkKind, TechniqueSight};
use super::configuration::{EventFate, decide};
use super::hunts::{self, FiredHunts};
use super::links::Linking;
use super::repair::{Repair, repair};
use super::rules::RuleIndex;
use crate::SightError;
use crate::simulate::{SimulatedEvent, Simulation, SimulationOptions, Variant, simulate, variants};

/// What looks at the events.
#[derive(Debug)]
pub struct DetectionStack<'a> {
    /// The Sysmon configuration; without one, all that Sysmon could log at best is kept.
    pub config: Option<&'a Config>,
    /// The environment of the computers that run it.
    pub environment: Environment,
    /// Sigma rules.
    pub rules: &'a [Rule],
    /// SQL hunts.
    pub hunts: &'a [Hunt],
    /// A way of tampering that is taken to have happened.
    pub tampering: Option<TamperingId>,
}

impl DetectionStack<'_> {
    /// Whether there is any analytic.
    pub fn has_analytics(&self) -> bool {
        !self.rules.is_empty() || !self.hunts.is_empty()
    }
}

/// One technique in one way, as far as it is known what becomes of its events.
pub(super) struct WalkedTechnique {
    pub(super) simulation: Simulation,
    /// What becomes of each event.
    pub(super) fates: Vec<EventFate>,
    /// Whether the event stops with what was tampered with.
    pub(super) silenced: Vec<bool>,
    /// The rules that match each event.
    pub(super) rules: Vec<Vec<usize>>,
    /// The hunts that fire on everything, and those that fire on what is kept; by place in all hunts.
    pub(super) on_all: Vec<usize>,
    pub(super) on_kept: Vec<usize>,
    /// For a dropped event: the change that keeps it, and the hunts that then fire.
    pub(super) repairs: Vec<Option<(Repair, Vec<usize>)>>,
}

impl WalkedTechnique {
    /// Whether an event reaches the log.
    pub(super) fn logged(&self, place: usize) -> bool {
        self.fates[place].kept && !self.silenced[place]
    }
}

/// Walks techniques through a stack, each in all of its variants or in the one that is asked for.
///
/// # Errors
/// Where a hunt cannot be run, or there is no room for the events it is run on.
pub fn walk(
    techniques: &[BehaviourId],
    variant: Option<Variant>,
    stack: &DetectionStack<'_>,
    options: &SimulationOptions,
) -> Result<Vec<TechniqueSight>, SightError> {
    let built_in = analytics::pack::built_in()?;
    // The hunts of the program that are not asked for are candidates for remedies.
    let asked = |h: &&Hunt| stack.hunts.iter().any(|s| s.id == h.id);
    let candidates = built_in.iter().filter(|h| !asked(h));
    let all_hunts: Vec<&Hunt> = match stack.has_analytics() {
        true => stack.hunts.iter().chain(candidates).collect(),
        false => Vec::new(),
    };
    let index = RuleIndex::new(stack.rules);
    let mut walked: Vec<WalkedTechnique> = Vec::new();
    let ways = techniques.iter().flat_map(|t| {
        let of = variants(*t).into_iter().map(move |v| (*t, v));
        of.filter(|(_, v)| variant.is_none_or(|asked| asked == *v))
    });
    for (technique, way) in ways {
        walked.push(begin(technique, way, stack, options, &index));
    }
    first_round(&mut walked, &all_hunts, options)?;
    second_round(&mut walked, &all_hunts, stack, options)?;
    let linking = Linking {
        stack,
        index: &index,
        hunts: &all_hunts,
    };
    Ok(walked.iter().map(|w| linking.sight(w)).collect())
}

fn begin(
    technique: BehaviourId,
    variant: Variant,
    stack: &DetectionStack<'_>,
    options: &SimulationOptions,
    index: &RuleIndex<'_>,
) -> WalkedTechnique {
    let simulation = simulate(technique, variant, options);
    let fates: Vec<EventFate> = simulation
        .events
        .iter()
        .map(|event| match stack.config {
            Some(config) => decide(config, &stack.environment, event),
            None => EventFate {
                kept: true,
                why: "no configuration was given".to_owned(),
                line: None,
                rule: String::new(),
            },
        })
        .collect();
    let silenced = simulation.events.iter().map(|event| {
        let expected = technique.expected[event.expected].event;
        stack.tampering.is_some_and(|t| {
            t.events_lost.contains(&expected)
                || (t.events_lost.is_empty()
                    && expected.mechanism.is_some_and(|m| t.targets.contains(&m)))
        })
    });
    WalkedTechnique {
        silenced: silenced.collect(),
        rules: simulation
            .events
            .iter()
            .map(|e| index.matching(e.into()))
            .collect(),
        repairs: simulation.events.iter().map(|_| None).collect(),
        fates,
        simulation,
        on_all: Vec::new(),
        on_kept: Vec::new(),
    }
}

/// The events of a simulation on another computer, those that are asked for, with the rule names they are logged with.
fn elsewhere(
    walked: &WalkedTechnique,
    computer: u32,
    options: &SimulationOptions,
    wanted: impl Fn(usize) -> bool,
) -> Vec<SimulatedEvent> {
    let options = SimulationOptions {
        computer,
        ..options.clone()
    };
    let Simulation {
        technique, variant, ..
    } = walked.simulation;
    let events = simulate(technique, variant, &options).events;
    let mut events: Vec<SimulatedEvent> = events
        .into_iter()
        .enumerate()
        .filter(|(place, _)| wanted(*place))
        .map(|(place, mut event)| {
            let rule = &walked.fates[place].rule;
            let name = event.fields.iter_mut().find(|(n, _)| n == "RuleName");
            if let (Some((_, value)), false) = (name, rule.is_empty()) {
                value.clone_from(rule);
            }
            event
        })
        .collect();
    events.shrink_to_fit();
    events
}

/// What fires on everything, and what on that which is kept.
fn first_round(
    walked: &mut [WalkedTechnique],
    hunts: &[&Hunt],
    options: &SimulationOptions,
) -> Result<(), SightError> {
    let mut events = Vec::new();
    let mut computer = 0;
    for w in walked.iter() {
        events.extend(elsewhere(w, computer, options, |_| true));
        events.extend(elsewhere(w, computer + 1, options, |place| w.logged(place)));
        computer += 2;
    }
    let fired = hunts::fired(hunts, &events)?;
    let of = |computer: usize| places(&fired, computer);
    for (n, w) in walked.iter_mut().enumerate() {
        w.on_all = of(2 * n);
        w.on_kept = of(2 * n + 1);
    }
    Ok(())
}

fn places(fired: &FiredHunts, computer: usize) -> Vec<usize> {
    let found = fired.get(&(computer as u64));
    found.map_or_else(Vec::new, |hunts| hunts.keys().copied().collect())
}

/// For every dropped event, the change that keeps it, and what fires when it is kept besides the others.
fn second_round(
    walked: &mut [WalkedTechnique],
    hunts: &[&Hunt],
    stack: &DetectionStack<'_>,
    options: &SimulationOptions,
) -> Result<(), SightError> {
    let Some(config) = stack.config else {
        return Ok(());
    };
    let mut events = Vec::new();
    let mut computers: Vec<(usize, usize)> = Vec::new();
    for (n, w) in walked.iter_mut().enumerate() {
        for place in 0..w.fates.len() {
            if w.fates[place].kept || w.silenced[place] {
                continue;
            }
            let event = &w.simulation.events[place];
            let expected = &w.simulation.technique.expected[event.expected];
            let Some(found) = repair(config, &stack.environment, event, expected) else {
                continue;
            };
            let kept: Vec<bool> = w
                .simulation
                .events
                .iter()
                .enumerate()
                .map(|(p, e)| !w.silenced[p] && decide(&found.config, &stack.environment, e).kept)
                .collect();
            let computer = u32::try_from(computers.len()).unwrap_or(u32::MAX);
            events.extend(elsewhere(w, computer, options, |p| kept[p]));
            computers.push((n, place));
            w.repairs[place] = Some((found, Vec::new()));
        }
    }
    let fired = hunts::fired(hunts, &events)?;
    for (computer, (n, place)) in computers.into_iter().enumerate() {
        if let Some((_, then)) = &mut walked[n].repairs[place] {
            *then = places(&fired, computer);
        }
    }
    Ok(())
}

/// The kinds of links that a stack is asked for.
pub fn kinds(stack: &DetectionStack<'_>) -> Vec<LinkKind> {
    let asked = |kind: &LinkKind| match kind {
        LinkKind::Configuration => stack.config.is_some(),
        LinkKind::Analytic => stack.has_analytics(),
        _ => true,
    };
    LinkKind::ALL.into_iter().filter(asked).collect()
}
