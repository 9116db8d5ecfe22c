//! Makes the links of one line from what became of its events, finds the first break and the remedies.

use analytics::pack::Hunt;
use catalog::map::{Visibility, not_observed_by, seen};
use catalog::{ApiId, BehaviourId, SensorId, open};

use super::answer::{EventExample, Link, LinkKind, LinkState, SCHEMA, TechniqueSight};
use super::rules::RuleIndex;
use super::walk::{DetectionStack, WalkedTechnique};
use crate::simulate::SimulatedEvent;

/// What all lines have in common.
pub(super) struct Linking<'a> {
    pub(super) stack: &'a DetectionStack<'a>,
    pub(super) index: &'a RuleIndex<'a>,
    /// The hunts that were asked for, then the program's other ones.
    pub(super) hunts: &'a [&'a Hunt],
}

fn link(kind: LinkKind, name: impl Into<String>, state: LinkState, why: impl Into<String>) -> Link {
    Link {
        kind,
        name: name.into(),
        state,
        why: why.into(),
        line: None,
    }
}

impl Linking<'_> {
    pub(super) fn sight(&self, walked: &WalkedTechnique) -> TechniqueSight {
        let technique = walked.simulation.technique;
        let variant = walked.simulation.variant;
        let mut links = vec![link(
            LinkKind::Technique,
            technique.slug(),
            LinkState::Seen,
            format!("{}, {}", technique.name, variant.words()),
        )];
        links.extend(variant.calls(technique).iter().map(|api| call(*api)));
        links.extend(self.mechanisms(walked));
        links.extend(events(walked));
        links.extend(self.configuration(walked));
        links.extend(self.analytics(walked));
        let (broken, event) = self.broken(walked, &links);
        let mut remedies = self.remedies(walked, &links, broken);
        remedies.sort_by_key(|r| r.catches.is_empty());
        TechniqueSight {
            schema: SCHEMA,
            technique: technique.slug().to_owned(),
            name: technique.name.to_owned(),
            attack: technique.technique.to_owned(),
            variant: variant.name().to_owned(),
            links,
            broken,
            event: event.map(EventExample::from),
            remedies,
        }
    }

    fn mechanisms(&self, walked: &WalkedTechnique) -> Vec<Link> {
        let mut links: Vec<Link> = Vec::new();
        for (place, event) in walked.simulation.events.iter().enumerate() {
            let expected = walked.simulation.technique.expected[event.expected].event;
            let Some(mechanism) = expected.mechanism else {
                continue;
            };
            let silenced = walked.silenced[place];
            let (state, why) = match self.stack.tampering.filter(|_| silenced) {
                Some(tampering) => (LinkState::Tampered, tampered(tampering)),
                None => (LinkState::Seen, format!("{} comes of it", expected.slug())),
            };
            let known = links.iter_mut().find(|l| l.name == mechanism.slug());
            match known {
                Some(known) if known.state == state => {
                    if state == LinkState::Seen && !known.why.contains(expected.slug()) {
                        known.why = format!("{}, {}", expected.slug(), known.why);
                    }
                }
                _ => links.push(link(LinkKind::Mechanism, mechanism.slug(), state, why)),
            }
        }
        links
    }

    fn configuration(&self, walked: &WalkedTechnique) -> Vec<Link> {
        if self.stack.config.is_none() {
            return Vec::new();
        }
        let events = walked.simulation.events.iter().enumerate();
        events
            .filter(|(place, _)| !walked.silenced[*place])
            .map(|(place, event)| {
                let fate = &walked.fates[place];
                let state = match fate.kept {
                    true => LinkState::Seen,
                    false => LinkState::Filtered,
                };
                Link {
                    line: fate.line,
                    ..link(
                        LinkKind::Configuration,
                        event_name(walked.simulation.technique, event),
                        state,
                        fate.why.clone(),
                    )
                }
            })
            .collect()
    }

    fn analytics(&self, walked: &WalkedTechnique) -> Vec<Link> {
        if !self.stack.has_analytics() || walked.simulation.events.is_empty() {
            return Vec::new();
        }
        let technique = walked.simulation.technique;
        let mut links = Vec::new();
        for (n, hunt) in self.hunts.iter().enumerate().take(self.stack.hunts.len()) {
            let about = hunt.technique.iter().any(|t| is_about(technique, t));
            let (state, why, line) = if walked.on_kept.contains(&n) {
                (LinkState::Seen, "fires on these events".to_owned(), None)
            } else if walked.on_all.contains(&n) {
                let (why, line) = lost_for(walked, |place| {
                    let repair = walked.repairs[place].as_ref();
                    repair.is_some_and(|(_, then)| then.contains(&n))
                });
                (LinkState::Filtered, why, line)
            } else if about {
                let why = "its conditions do not hold on these events, not even if all were logged";
                (LinkState::NotMatched, why.to_owned(), None)
            } else {
                continue;
            };
            let link = Link {
                line,
                ..link(LinkKind::Analytic, hunt.id.clone(), state, why)
            };
            links.push((0, link));
        }
        links.extend(self.rules(walked));
        // What fires first, then what could, then what does not, the nearest first.
        links.sort_by_key(|(near, l)| (l.state, *near));
        let mut links: Vec<Link> = links.into_iter().map(|(_, l)| l).collect();
        if links.is_empty() {
            let count = self.stack.hunts.len() + self.stack.rules.len();
            links.push(link(
                LinkKind::Analytic,
                "none",
                LinkState::NotMatched,
                format!(
                    "none of {count} hunts and rules is about this technique or fires on its events"
                ),
            ));
        }
        links
    }

    /// The rules, each with how many of its conditions fail.
    fn rules(&self, walked: &WalkedTechnique) -> Vec<(usize, Link)> {
        let technique = walked.simulation.technique;
        let events = &walked.simulation.events;
        let mut links = Vec::new();
        for (n, rule) in self.stack.rules.iter().enumerate() {
            let matches = |place: &usize| walked.rules[*place].contains(&n);
            let hit: Vec<usize> = (0..events.len()).filter(matches).collect();
            let tags = || rule.tags.iter().filter_map(|t| t.strip_prefix("attack."));
            let name = rule
                .id
                .as_ref()
                .map_or(rule.title.clone(), |id| format!("{} ({id})", rule.title));
            let found = if let Some(place) = hit.iter().find(|p| walked.logged(**p)) {
                let event = event_name(technique, &events[*place]);
                (LinkState::Seen, format!("matches {event}"), None, 0)
            } else if !hit.is_empty() {
                let (why, line) = lost_for(walked, |place| hit.contains(&place));
                (LinkState::Filtered, why, line, 0)
            } else if tags().any(|t| is_about(technique, t)) {
                let failing = events.iter().filter_map(|e| {
                    let (count, why) = self.index.failing(n, e.into())?;
                    Some((count, format!("{why} in {}", event_name(technique, e))))
                });
                match failing.min() {
                    Some((count, why)) => (LinkState::NotMatched, why, None, count),
                    None => {
                        let (state, why) = match self.index.is_fed_by_sysmon(n) {
                            true => (LinkState::NotMatched, "it asks for other events of Sysmon"),
                            false => (LinkState::Unknown, "it asks for other logs than Sysmon's"),
                        };
                        (state, why.to_owned(), None, usize::MAX)
                    }
                }
            } else {
                continue;
            };
            let (state, why, line, failing) = found;
            let link = Link {
                line,
                ..link(LinkKind::Analytic, name, state, why)
            };
            links.push((failing, link));
        }
        links
    }

    /// The first break, and the event that shows it.
    fn broken<'w>(
        &self,
        walked: &'w WalkedTechnique,
        links: &[Link],
    ) -> (Option<usize>, Option<&'w SimulatedEvent>) {
        let events = &walked.simulation.events;
        let at = |kind: LinkKind, bad: &dyn Fn(&Link) -> bool| {
            links.iter().position(|l| l.kind == kind && bad(l))
        };
        let any = |_: &Link| true;
        if events.is_empty() {
            return (at(LinkKind::Event, &any), None);
        }
        if walked.silenced.iter().all(|s| *s) {
            let tampered = |l: &Link| l.state == LinkState::Tampered;
            return (at(LinkKind::Mechanism, &tampered), events.first());
        }
        let logged = (0..events.len()).find(|p| walked.logged(*p));
        let dropped = |place: usize| {
            let name = event_name(walked.simulation.technique, &events[place]);
            at(LinkKind::Configuration, &|l| {
                l.name == name && l.state == LinkState::Filtered
            })
        };
        let Some(logged) = logged else {
            let first = (0..events.len()).find(|p| !walked.silenced[*p]);
            return (first.and_then(dropped), first.map(|place| &events[place]));
        };
        let fires = |l: &Link| l.kind == LinkKind::Analytic && l.state == LinkState::Seen;
        if !self.stack.has_analytics() || links.iter().any(fires) {
            return (None, self.seen_event(walked, logged).map(|p| &events[p]));
        }
        // What an analytic lacks was dropped: there the line breaks.
        let lacking = |l: &Link| l.state == LinkState::Filtered && l.kind == LinkKind::Analytic;
        if links.iter().any(lacking) {
            let needed = (0..events.len()).find(|p| self.is_needed(walked, *p));
            let needed = needed.or_else(|| (0..events.len()).find(|p| !walked.fates[*p].kept));
            if let Some(place) = needed {
                return (dropped(place), Some(&events[place]));
            }
        }
        (at(LinkKind::Analytic, &any), Some(&events[logged]))
    }

    /// An event that a rule matches, else the first that is logged.
    fn seen_event(&self, walked: &WalkedTechnique, logged: usize) -> Option<usize> {
        let places = 0..walked.simulation.events.len();
        let matched = |p: &usize| walked.logged(*p) && !walked.rules[*p].is_empty();
        places.clone().find(matched).or(Some(logged))
    }
}

/// What was silenced, and what goes on.
fn tampered(tampering: catalog::TamperingId) -> String {
    let still: Vec<&str> = tampering.still_working.iter().map(|e| e.slug()).collect();
    match still.as_slice() {
        [] => format!("silenced by {}", tampering.name),
        still => format!("silenced by {}; {} go on", tampering.name, still.join(", ")),
    }
}

/// Whether a technique of ATT&CK (any case) is this one, one it is an instance of, or the one above it.
pub(crate) fn is_about(technique: BehaviourId, id: &str) -> bool {
    let ids = [technique.technique]
        .into_iter()
        .chain(technique.also.iter().copied());
    ids.chain(technique.technique_v18).any(|own| {
        let above = own.split_once('.').map(|(above, _)| above);
        own.eq_ignore_ascii_case(id) || above.is_some_and(|above| above.eq_ignore_ascii_case(id))
    })
}

/// What is known of a field, in words.
pub(crate) fn known_words(known: &catalog::KnownField) -> String {
    let test = match known.test {
        catalog::KnownTest::Is => "is",
        catalog::KnownTest::EndsWith => "ends with",
        catalog::KnownTest::Contains => "contains",
        catalog::KnownTest::Holds => "holds",
    };
    format!("{} {test} {}", known.field, known.value)
}

/// `10 (ProcessAccess)`, and which of several of one type.
pub(super) fn event_name(technique: BehaviourId, event: &SimulatedEvent) -> String {
    let tag = schema::sysmon::event(event.id).and_then(|e| e.tag.as_deref());
    let same = |e: &&catalog::Expected| e.event == technique.expected[event.expected].event;
    let nth = technique.expected[..=event.expected]
        .iter()
        .filter(same)
        .count();
    let of = technique.expected.iter().filter(same).count();
    let which = match of {
        1 => String::new(),
        _ => format!(", {nth} of {of}"),
    };
    match tag {
        Some(tag) => format!("event {} ({tag}{which})", event.id),
        None => format!("event {}{which}", event.id),
    }
}

/// Why an analytic fires only if more is logged: the events whose loss is enough to silence it.
fn lost_for(walked: &WalkedTechnique, needs: impl Fn(usize) -> bool) -> (String, Option<usize>) {
    let technique = walked.simulation.technique;
    let events = &walked.simulation.events;
    let gone = |place: &usize| !walked.logged(*place);
    let mut lost: Vec<usize> = (0..events.len()).filter(|p| gone(p) && needs(*p)).collect();
    if lost.is_empty() {
        // No single event is enough: it lacks several.
        lost = (0..events.len()).filter(gone).collect();
    }
    let words: Vec<String> = lost
        .iter()
        .map(|p| match walked.silenced[*p] {
            true => format!("{}, which was silenced", event_name(technique, &events[*p])),
            false => format!(
                "{}, dropped: {}",
                event_name(technique, &events[*p]),
                walked.fates[*p].why
            ),
        })
        .collect();
    let line = lost.first().and_then(|p| walked.fates[*p].line);
    (format!("needs {}", words.join("; and ")), line)
}

fn call(api: ApiId) -> Link {
    let Some(sensor) = SensorId::named("sysmon") else {
        return link(LinkKind::Call, api.slug(), LinkState::Unknown, "");
    };
    let opening = || {
        let openings = open::openings(&[api]);
        let mut seen = openings
            .iter()
            .filter_map(|o| Some((o.object, o.sysmon_mask()?)));
        seen.next().map(|(object, mask)| {
            format!("; the handle it needs is opened with {mask:#x} on the {object}, which event 10 shows")
        })
    };
    let (state, why) = match seen(api, sensor) {
        Visibility::Seen => (LinkState::Seen, "an event of Sysmon comes of it".to_owned()),
        Visibility::SeenBelow => {
            let why = "an event of Sysmon comes of the system service it ends in";
            (LinkState::Seen, why.to_owned())
        }
        Visibility::NotObserved => {
            let why = not_observed_by(api)
                .find(|n| n.sensor == sensor)
                .map(|n| n.why);
            let why = why.unwrap_or("it leaves no event of Sysmon");
            (
                LinkState::NotObserved,
                format!("{why}{}", opening().unwrap_or_default()),
            )
        }
        Visibility::Unknown => {
            let why = "the catalog knows of no event of Sysmon";
            (
                LinkState::Unknown,
                format!("{why}{}", opening().unwrap_or_default()),
            )
        }
    };
    link(LinkKind::Call, api.slug(), state, why)
}

fn events(walked: &WalkedTechnique) -> Vec<Link> {
    let technique = walked.simulation.technique;
    let events = &walked.simulation.events;
    let mut links: Vec<Link> = events
        .iter()
        .enumerate()
        .map(|(place, event)| {
            let when = technique.expected[event.expected]
                .when
                .unwrap_or("expected");
            let state = match walked.silenced[place] {
                true => LinkState::Tampered,
                false => LinkState::Seen,
            };
            link(LinkKind::Event, event_name(technique, event), state, when)
        })
        .collect();
    if links.is_empty() {
        let blind: Vec<&str> = technique.blind_spots.to_vec();
        let why = match blind.as_slice() {
            [] => "the catalog expects no event of Sysmon".to_owned(),
            blind => format!(
                "the catalog expects no event of Sysmon: {}",
                blind.join("; ")
            ),
        };
        links.push(link(LinkKind::Event, "sysmon", LinkState::NotObserved, why));
    }
    let others = technique
        .expected
        .iter()
        .filter(|e| e.event.sensor.slug() != "sysmon");
    links.extend(others.map(|e| {
        let when = e.when.map_or_else(String::new, |when| format!(": {when}"));
        let why = format!(
            "of {}, which is not walked further{when}",
            e.event.sensor.name
        );
        link(LinkKind::Event, e.event.slug(), LinkState::Unknown, why)
    }));
    links
}
