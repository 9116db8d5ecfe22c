//! What became of each analytic: found, no match, or could not see.

use analytics::pack::Hunt;
use analytics::{EventNeed, EventSource, QueryVisibility, Requirement, Sweep};
use predicate::{Predicate, Test};
use serde::Serialize;
use sigma::{Feed, Rule};

use super::rules::{Presence, column_of};
use super::{AnalyticKind, channel_name};

/// What became of an analytic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HuntOutcome {
    /// It found something.
    Found,
    /// It saw the events it needs and found nothing.
    NoMatch,
    /// What it needs is not in these logs, so that its silence says nothing.
    CouldNotSee,
}

/// An analytic and what became of it.
#[derive(Clone, Debug, Serialize)]
pub struct AnalyticReport {
    /// Its id; the title of a rule that has none.
    pub id: String,
    /// What it is written in.
    pub kind: AnalyticKind,
    /// Its title.
    pub title: String,
    /// How much a finding weighs; empty where it is not said.
    pub level: String,
    /// ATT&CK technique ids.
    pub technique: Vec<String>,
    /// What became of it.
    pub outcome: HuntOutcome,
    /// How many findings it has.
    pub findings: u64,
    /// The events it looks at.
    pub needs: Vec<String>,
    /// Why it could not see.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// How many analytics there were of each kind of outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct OutcomeCounts {
    /// Those that found something.
    pub found: usize,
    /// Those that saw what they need and found nothing.
    pub no_match: usize,
    /// Those that could not see.
    pub could_not_see: usize,
}

impl OutcomeCounts {
    pub(super) fn of<'r>(reports: impl IntoIterator<Item = &'r AnalyticReport>) -> Self {
        let mut counts = Self::default();
        for report in reports {
            match report.outcome {
                HuntOutcome::Found => counts.found += 1,
                HuntOutcome::NoMatch => counts.no_match += 1,
                HuntOutcome::CouldNotSee => counts.could_not_see += 1,
            }
        }
        counts
    }
}

pub(super) fn of_hunt(hunt: &Hunt, findings: u64, visibility: &QueryVisibility) -> AnalyticReport {
    let why = visibility.blind().filter(|_| findings == 0);
    AnalyticReport {
        id: hunt.id.clone(),
        kind: AnalyticKind::Sql,
        title: hunt.title.clone(),
        level: hunt.level.clone(),
        technique: hunt.technique.clone(),
        outcome: outcome(findings, why.as_ref()),
        findings,
        needs: visibility.words(),
        why,
    }
}

pub(super) fn outcome(findings: u64, why: Option<&String>) -> HuntOutcome {
    match (findings, why) {
        (0, Some(_)) => HuntOutcome::CouldNotSee,
        (0, None) => HuntOutcome::NoMatch,
        _ => HuntOutcome::Found,
    }
}

/// The ATT&CK techniques that tags name.
pub(super) fn techniques(tags: &[String]) -> Vec<String> {
    let named = |tag: &String| {
        let id = tag.to_lowercase().strip_prefix("attack.t")?.to_owned();
        let digits = id.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        (digits && !id.is_empty()).then(|| format!("T{id}"))
    };
    tags.iter().filter_map(named).collect()
}

/// What a rule needs, with what the logs held of it. A source feeds a rule where the rule can match some event of it, as
/// far as its channel, provider and id tell; what a rule needs besides are fields without which it cannot.
pub(super) fn visibility(rule: &Rule, sweep: &Sweep, presence: &Presence) -> QueryVisibility {
    let needs: Vec<EventNeed> = rule
        .feeds
        .iter()
        .map(|feed| need(feed, sweep, presence))
        .collect();
    QueryVisibility {
        requirement: Requirement::Any((0..needs.len()).map(Requirement::Events).collect()),
        needs,
    }
}

/// What a rule needs, before anything is read.
pub(super) fn needs(rule: &Rule) -> QueryVisibility {
    QueryVisibility {
        needs: rule.feeds.iter().map(unread).collect(),
        requirement: Requirement::default(),
    }
}

fn unread(feed: &Feed) -> EventNeed {
    EventNeed {
        of: feed.route.channels.as_ref().map(|channels| {
            let mut names: Vec<String> = channels.iter().map(|c| channel_name(c)).collect();
            names.dedup();
            names.join(" or ")
        }),
        event_ids: ids(feed),
        ..EventNeed::default()
    }
}

fn need(feed: &Feed, sweep: &Sweep, presence: &Presence) -> EventNeed {
    let (mut events, mut seen) = (0, false);
    let mut feeding: Vec<&EventSource> = Vec::new();
    for (source, count) in sweep.census.iter() {
        let id = source.event_id.and_then(|id| u32::try_from(id).ok());
        if !feed.route.accepts(&source.log_source(), id) {
            continue;
        }
        let known = |leaf: &Predicate| by_source(leaf, source);
        if feed.predicate.decided(&known) == Some(false) {
            continue;
        }
        events += count;
        feeding.push(source);
        let with_fields = |leaf: &Predicate| {
            by_source(leaf, source).or_else(|| by_fields(leaf, source, presence))
        };
        seen |= feed.predicate.decided(&with_fields) != Some(false);
    }
    let lacking = match seen || feeding.is_empty() {
        true => Vec::new(),
        false => lacking(feed, &feeding, presence),
    };
    EventNeed {
        events,
        lacking,
        ..unread(feed)
    }
}

/// What the header of a source says of a leaf.
fn by_source(leaf: &Predicate, source: &EventSource) -> Option<bool> {
    let Predicate::Atom(atom) = leaf else {
        return None;
    };
    let id = source.event_id.map(|id| id.to_string());
    let value = match column_of(&atom.field).as_str() {
        "eventid" => id.as_deref(),
        "channel" => source.channel.as_deref(),
        "provider" => source.provider.as_deref(),
        _ => return None,
    };
    // A header that lacks it may have it under another name.
    value.map(|v| atom.test.matches(v))
}

/// A test of a field that no event of the source has fails.
fn by_fields(leaf: &Predicate, source: &EventSource, presence: &Presence) -> Option<bool> {
    let absent = |field: &str| !presence.has(source, &column_of(field));
    let fails = match leaf {
        Predicate::Atom(atom) => absent(&atom.field),
        Predicate::Fields(pair) => absent(&pair.field) || absent(&pair.other),
        _ => false,
    };
    fails.then_some(false)
}

/// The fields that a rule names and no event has that feeds it.
fn lacking(feed: &Feed, feeding: &[&EventSource], presence: &Presence) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    feed.predicate.atoms(&mut |atom| {
        let column = column_of(&atom.field);
        let absent = feeding.iter().all(|s| !presence.has(s, &column));
        let name = atom.field.to_string();
        if absent && atom.test != Test::Present && !out.contains(&name) {
            out.push(name);
        }
    });
    // Of many alternatives the first say enough.
    out.truncate(4);
    out
}

/// The event ids of a route, else those that the rule itself names.
fn ids(feed: &Feed) -> Vec<i64> {
    if let Some(ids) = &feed.route.event_ids {
        return ids.iter().map(|id| i64::from(*id)).collect();
    }
    let mut named = Vec::new();
    feed.predicate.atoms(&mut |atom| {
        if column_of(&atom.field) == "eventid"
            && let Test::Equals(id) = &atom.test
            && let Ok(id) = id.text.parse()
        {
            named.push(id);
        }
    });
    // Those that the rule rules out are named, too.
    named.retain(|id: &i64| {
        let is = |leaf: &Predicate| match leaf {
            Predicate::Atom(atom) if column_of(&atom.field) == "eventid" => {
                Some(atom.test.matches(&id.to_string()))
            }
            _ => None,
        };
        feed.predicate.decided(&is) != Some(false)
    });
    named.sort_unstable();
    named.dedup();
    named
}
