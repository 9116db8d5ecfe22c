//! The map as one HTML file that needs no network: the SVG, a search field, and a panel that answers in words. The words
//! come from the same tables, written into the file.

use super::plan::{MapPlan, Section};
use super::svg::{self, svg};
use crate::derive::in_words;
use crate::find::Subject;
use crate::map::{components_of, line};
use crate::open::Opening;
use crate::storage::{ApiId, BehaviourId, EventId, MechanismId, TamperingId};
use serde_json::{Map, Value, json};
use std::fmt::Write;

/// The plan as a self-contained page.
pub fn html(plan: &MapPlan) -> String {
    // `<` cannot end the script element when it is written as an escape.
    let data = data().to_string().replace('<', "\\u003c");
    include_str!("../../assets/map.html")
        .replace("/*STYLE*/", include_str!("../../assets/map.html.css"))
        .replace("<!--MAP-->", &groups(plan))
        .replace("/*DATA*/", &data)
        .replace("/*SCRIPT*/", include_str!("../../assets/map.js"))
}

/// A picture for each sensor, and one for what it is known not to see: groups that fold.
fn groups(plan: &MapPlan) -> String {
    let picture = |sections: Vec<Section>, unused| svg(&MapPlan { sections, unused });
    let mut out = String::new();
    let mut group = |title: String, open: bool, picture: String| {
        let open = if open { " open" } else { "" };
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "<details{open}><summary>{}</summary>\n{picture}</details>",
            svg::escape(&title)
        );
    };
    for (place, section) in plan.sections.iter().enumerate() {
        let sensor = section.sensor.name;
        let events: usize = section.blocks.iter().map(|b| b.groups.len()).sum();
        if events > 0 {
            let seen = Section {
                not_observed: Vec::new(),
                ..section.clone()
            };
            let title = format!("{sensor}: {}", text::plural(events as u64, "event"));
            group(title, place == 0, picture(vec![seen], Vec::new()));
        }
        if !section.not_observed.is_empty() {
            let silent = Section {
                blocks: Vec::new(),
                ..section.clone()
            };
            let title = format!("{sensor}: known to leave no event");
            group(title, false, picture(vec![silent], Vec::new()));
        }
    }
    if !plan.unused.is_empty() {
        let title = "Mechanisms without an event in the catalog".to_owned();
        group(title, false, picture(Vec::new(), plan.unused.clone()));
    }
    out
}

fn data() -> Value {
    let apis: Map<_, _> = ApiId::all()
        .map(|a| (a.slug().to_owned(), api(a)))
        .collect();
    let mechanisms: Map<_, _> = MechanismId::all()
        .map(|m| (m.slug().to_owned(), mechanism(m)))
        .collect();
    let events: Map<_, _> = EventId::all()
        .map(|e| (e.slug().to_owned(), event(e)))
        .collect();
    let tampering: Map<_, _> = TamperingId::all()
        .map(|t| {
            let signs: Vec<_> = t
                .reveals
                .iter()
                .map(|s| format!("{} ({})", s.event, s.why))
                .collect();
            (
                t.slug().to_owned(),
                json!({ "name": t.name, "effect": t.effect, "signs": signs }),
            )
        })
        .collect();
    let techniques: Map<_, _> = BehaviourId::all()
        .map(|b| (b.slug().to_owned(), technique(b)))
        .collect();
    json!({
        "apis": apis, "mechanisms": mechanisms, "events": events, "tampering": tampering, "techniques": techniques,
    })
}

fn technique(behaviour: BehaviourId) -> Value {
    let answer = line(Subject::Behaviour(behaviour));
    let expected = behaviour.expected.iter();
    let expected: Vec<_> = expected
        .map(|e| json!({ "event": e.event, "when": e.when }))
        .collect();
    let openings: Vec<_> = answer.openings.iter().map(opening).collect();
    json!({
        "name": behaviour.name, "technique": behaviour.technique, "technique_name": behaviour.technique_name,
        "formerly": behaviour.technique_v18, "also": behaviour.also, "win32": behaviour.win32, "native": behaviour.native,
        "expected": expected, "blind_spots": behaviour.blind_spots, "openings": openings, "note": behaviour.note,
        "tampering": answer.tampering, "mark": behaviour.mark,
    })
}

fn api(api: ApiId) -> Value {
    let answer = line(Subject::Api(api));
    let arrow = |m: &'static crate::Mapping, when: String| {
        let remark = [Some(when.as_str()), m.correction, m.note]
            .into_iter()
            .flatten();
        let remark: Vec<_> = remark.filter(|r| !r.is_empty()).collect();
        json!({ "event": m.event, "mechanism": m.mechanism, "mark": m.mark, "by": m.api, "remark": remark.join("; ") })
    };
    let arrows: Vec<_> = answer
        .arrows
        .iter()
        .map(|m| arrow(m, in_words(m.when)))
        .collect();
    let below = answer.below.iter();
    let below: Vec<_> = below
        .map(|d| arrow(d.arrow, in_words(d.open.iter().copied())))
        .collect();
    let native: Vec<_> = api.native.iter().map(|s| s.call).collect();
    let not_observed: Vec<_> = answer
        .not_observed
        .iter()
        .map(|n| json!({ "sensor": n.sensor.name, "event": n.event, "why": n.why, "mark": n.mark }))
        .collect();
    let openings: Vec<_> = answer.openings.iter().map(opening).collect();
    json!({
        "layer": api.layer, "modules": api.modules, "variants": api.variants, "native": native, "note": api.note,
        "arrows": arrows, "below": below, "callers": answer.callers,
        "not_observed": not_observed, "openings": openings, "tampering": answer.tampering,
        "techniques": answer.behaviours,
    })
}

/// The handle that is needed, and what is seen of its opening, each in a sentence.
fn opening(opening: &Opening) -> Value {
    let mut events: Vec<String> = Vec::new();
    for arrow in &opening.arrows {
        let mask = match (arrow.event.id, opening.sysmon_mask()) {
            ("sysmon:10", Some(mask)) => format!(": GrantedAccess holds at least {mask:#x}"),
            _ => String::new(),
        };
        let line = format!("the opening is {}{mask}", arrow.event);
        if !events.contains(&line) {
            events.push(line);
        }
    }
    let silent = opening.not_observed.iter();
    events.extend(silent.map(|n| format!("the opening is not seen by {}", n.sensor.name)));
    let calls: Vec<_> = opening.calls.iter().map(|c| c.slug()).collect();
    json!({
        "needs": format!("{} handle with {} ({:#x})", opening.object, opening.rights.join(" | "), opening.mask),
        "calls": calls, "events": events,
    })
}

fn mechanism(mechanism: MechanismId) -> Value {
    let answer = line(Subject::Mechanism(mechanism));
    json!({
        "name": mechanism.name, "imports": mechanism.imports.iter().map(|i| i.name).collect::<Vec<_>>(),
        "observes": mechanism.observes, "not_observed": mechanism.not_observed, "events": answer.events,
        "provider": mechanism.provider.map(|p| p.name), "tampering": answer.tampering, "mark": mechanism.mark,
        "remove_with": mechanism.remove_with,
    })
}

fn event(event: EventId) -> Value {
    let answer = line(Subject::Event(event));
    json!({
        "name": event.name, "tag": event.sysmon.and_then(|s| s.rule_tag), "mechanism": event.mechanism,
        "components": components_of(event).iter().map(|c| c.name).collect::<Vec<_>>(),
        "apis": answer.arrows.iter().filter_map(|m| m.api.map(|a| json!({ "api": a, "mark": m.mark }))).collect::<Vec<_>>(),
        "not_observed": answer.not_observed.iter().map(|n| json!({ "apis": n.apis, "why": n.why })).collect::<Vec<_>>(),
        "tampering": answer.tampering, "note": event.note, "mark": event.mark,
    })
}
