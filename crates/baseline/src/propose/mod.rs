//! Exclusions that would quieten what is common, from narrow to wide, each with what it saves and what
//! it costs. Nothing is proposed for what is rare, new, or seen on one host only: there is nothing to
//! get used to. It refuses to know how attacks were recorded or hunted; which findings a proposal
//! hides is told to it.

mod cost;
mod gather;
mod ladder;
mod settle;
mod xml;

use std::collections::{BTreeMap, BTreeSet};

use predicate::sigma_text::{self, Detection};
use predicate::{Predicate, Test, Text, sql};
use serde::Serialize;
use sysmon::schema;

pub use cost::{Cost, Hidden, HostCost, WritableCost};
pub use ladder::{Ladder, ladder, ladders};
pub use settle::{Reason, settle};
pub use xml::configuration;

use crate::rate::Rates;
use crate::report::{Interval, Report};
use gather::Sum;

/// What a group must have before it is proposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Minimum {
    /// Events.
    pub count: u64,
    /// Hosts; where the baseline has fewer, all of them.
    pub hosts: usize,
    /// Days (UTC).
    pub days: usize,
}

impl Default for Minimum {
    fn default() -> Self {
        Self {
            count: 20,
            hosts: 2,
            days: 2,
        }
    }
}

impl Minimum {
    /// Whether it has been seen often and widely enough, and in both halves of the time.
    fn met(&self, sum: &Sum, report: &Report) -> bool {
        sum.count >= self.count && self.common(sum, report)
    }

    /// The same without the count: not the habit of one host or of one half of the time.
    fn common(&self, sum: &Sum, report: &Report) -> bool {
        sum.hosts.len() >= self.hosts.min(report.hosts.len())
            && sum.days.len() >= self.days
            && sum.halves.iter().all(|h| *h > 0)
    }
}

/// One condition of a rule: the whole value, letters A-Z folded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Condition {
    /// The field.
    pub field: String,
    /// Its value; `-` is an absent one.
    pub value: String,
}

/// An exclusion.
#[derive(Clone, Debug, Serialize)]
pub struct Proposal {
    /// Its name: the event type and six digits made from the conditions, the same in every run.
    pub name: String,
    /// The element of a configuration.
    pub tag: String,
    /// The stream it was made from: a place in [`Report::streams`].
    pub stream: usize,
    /// The event id.
    pub event_id: u32,
    /// How wide it is: 0 is the narrowest list of fields.
    pub rung: usize,
    /// Its conditions; all must hold.
    pub conditions: Vec<Condition>,
    /// Events it would have hidden.
    pub count: u64,
    /// Their share of the event type, 0 to 1.
    pub share: f64,
    /// Events a host-day.
    pub rate: Interval,
    /// Hosts it was seen on.
    pub hosts: usize,
    /// Days (UTC) it was seen on.
    pub days: usize,
    /// Events in the first half of the time, which proposes, and in the second, which judges.
    pub halves: [u64; 2],
    /// What it would hide besides.
    pub cost: Cost,
    /// Why it is not offered; empty where it is.
    pub reasons: Vec<Reason>,
    /// Whether it is offered, by itself or because it was asked for.
    pub offered: bool,
    /// Whether it is in the configuration that is written: offered, and not covered by a narrower one.
    pub chosen: bool,
    /// The filter as a condition in Spark SQL that keeps the other events.
    pub sql: String,
    /// The filter for a Sigma rule; none where Sigma cannot say it exactly.
    #[serde(serialize_with = "yaml")]
    pub sigma: Option<Detection>,
    /// The same as a predicate.
    #[serde(skip)]
    pub predicate: Predicate,
    /// The groups it hides, as places in [`crate::Stream::groups`].
    #[serde(skip)]
    pub groups: Vec<usize>,
}

fn yaml<S: serde::Serializer>(sigma: &Option<Detection>, s: S) -> Result<S::Ok, S::Error> {
    match sigma {
        Some(detection) => s.serialize_some(&detection.yaml(0)),
        None => s.serialize_none(),
    }
}

/// Why nothing can be proposed for a stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// The stream's name.
    pub stream: String,
    /// Why.
    pub why: String,
}

/// All proposals for the streams that are counted by the keys of their ladder, by stream, source and
/// width. None is offered yet; see [`settle`].
pub fn propose(report: &Report, minimum: &Minimum) -> (Vec<Proposal>, Vec<Skipped>) {
    let mut rates = Rates::new(report.parameters.confidence);
    let (mut proposals, mut skipped) = (Vec::new(), Vec::new());
    for (at, stream) in report.streams.iter().enumerate() {
        let id = stream.event_id.and_then(|id| u32::try_from(id).ok());
        let Some((id, ladder)) = id
            .filter(|_| stream.sysmon)
            .and_then(|id| Some((id, ladder(id)?)))
        else {
            continue;
        };
        let missing: Vec<&String> = ladder
            .rungs
            .iter()
            .flatten()
            .filter(|f| gather::place(stream, f).is_none())
            .collect();
        let why = if let Some(field) = missing.first() {
            format!("it was not counted by {field}")
        } else if let Some(sketch) = &stream.sketch {
            format!(
                "it has more groups than are counted exactly ({}); a promise needs exact counts",
                sketch.kept
            )
        } else {
            proposals.extend(of_stream(report, at, id, ladder, minimum, &mut rates));
            continue;
        };
        skipped.push(Skipped {
            stream: stream.name.clone(),
            why,
        });
    }
    (proposals, skipped)
}

fn of_stream(
    report: &Report,
    at: usize,
    id: u32,
    ladder: &Ladder,
    minimum: &Minimum,
    rates: &mut Rates,
) -> Vec<Proposal> {
    let stream = &report.streams[at];
    let judged = gather::by(report, stream, &ladder.judge);
    let mut rare: BTreeMap<usize, usize> = BTreeMap::new();
    let mut rare_names: Vec<String> = Vec::new();
    for sum in judged.values() {
        if !minimum.common(sum, report) {
            rare.extend(sum.groups.iter().map(|g| (*g, rare_names.len())));
            rare_names.push(sum.values.join(" -> "));
        }
    }
    let known: BTreeSet<Vec<String>> = (0..stream.groups.len())
        .filter_map(|g| gather::folded(stream, g, &stream.keys))
        .collect();
    let mut out = Vec::new();
    for (rung, fields) in ladder.rungs.iter().enumerate() {
        for sum in gather::by(report, stream, fields).into_values() {
            if !minimum.met(&sum, report) || shared_tag_unclear(ladder, fields, &sum) {
                continue;
            }
            let conditions: Vec<Condition> = fields
                .iter()
                .zip(&sum.values)
                .map(|(field, value)| Condition {
                    field: field.clone(),
                    value: value.clone(),
                })
                .collect();
            let predicate = predicate(&conditions);
            let hidden: BTreeSet<usize> = sum
                .groups
                .iter()
                .filter_map(|g| rare.get(g).copied())
                .collect();
            let cost = cost::of(ladder, &conditions, &predicate, &stream.keys, &known)
                .with_rare(hidden.iter().map(|i| rare_names[*i].clone()));
            let name = name(&ladder.tag, &conditions);
            out.push(Proposal {
                sql: sql::condition(&predicate.clone().negate(), sql::Dialect::Spark)
                    .unwrap_or_default(),
                sigma: sigma_text::detection(
                    &plain(&conditions),
                    &format!("filter_{}", name.to_lowercase().replace('-', "_")),
                )
                .ok(),
                name,
                tag: ladder.tag.clone(),
                stream: at,
                event_id: id,
                rung,
                count: sum.count,
                share: sum.count as f64 / (stream.total.count.max(1)) as f64,
                rate: rates.rate(sum.count, report.exposure.host_days),
                hosts: sum.hosts.len(),
                days: sum.days.len(),
                halves: sum.halves,
                cost,
                reasons: Vec::new(),
                offered: false,
                chosen: false,
                conditions,
                predicate,
                groups: sum.groups,
            });
        }
    }
    // By source, the loudest first; under it from narrow to wide.
    let source = |p: &Proposal| {
        let of = |c: &&Condition| c.field == ladder.source;
        p.conditions
            .iter()
            .find(of)
            .map(|c| c.value.to_ascii_lowercase())
    };
    let mut weight: BTreeMap<Option<String>, u64> = BTreeMap::new();
    for p in &out {
        let w = weight.entry(source(p)).or_default();
        *w = (*w).max(p.count);
    }
    out.sort_by_cached_key(|p| {
        let s = source(p);
        (
            std::cmp::Reverse(weight[&s]),
            s,
            p.rung,
            std::cmp::Reverse(p.count),
            p.name.clone(),
        )
    });
    out
}

/// One element stands for several event ids: without a value that tells them apart, a rule would hide
/// events that were not counted here.
fn shared_tag_unclear(ladder: &Ladder, fields: &[String], sum: &Sum) -> bool {
    ladder.ids.len() > 1
        && fields
            .iter()
            .zip(&sum.values)
            .any(|(f, v)| f == "EventType" && v == "-")
}

/// The events that a rule with these conditions matches, as Sysmon sees them.
fn predicate(conditions: &[Condition]) -> Predicate {
    Predicate::all(conditions.iter().map(|c| {
        let is = Predicate::atom(c.field.as_str(), Test::Equals(Text::ascii(&c.value)));
        if c.value == "-" && schema::is_text(&c.field) {
            Predicate::any([Predicate::not_empty(c.field.as_str()).negate(), is])
        } else {
            is
        }
    }))
}

/// The same on logs, where an absent value is written as `-`.
fn plain(conditions: &[Condition]) -> Predicate {
    Predicate::all(
        conditions
            .iter()
            .map(|c| Predicate::atom(c.field.as_str(), Test::Equals(Text::ascii(&c.value)))),
    )
}

/// FNV-1a over the conditions: short, and the same in every run.
fn name(tag: &str, conditions: &[Condition]) -> String {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for c in conditions {
        for byte in format!("{}={}\n", c.field, c.value.to_ascii_lowercase()).bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    format!("{tag}-{:06x}", (hash >> 40) & 0xFF_FFFF)
}
