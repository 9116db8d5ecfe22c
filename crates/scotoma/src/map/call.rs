//! The answer about a call: seen by, not seen by, through which handle, how it fails; then the rest.

use catalog::map::{LineOfSight, Visibility, seen};
use catalog::{ApiId, SensorId};

use super::rows::{event_name, layer, show_arrow, show_evidence, show_openings, trace};
use crate::output::page::Page;

/// The sensors about which a call's answer says whether they see it, or that it is not known.
const SENSORS: [&str; 3] = ["sysmon", "security", "threat-intelligence"];

pub(super) fn show(page: &mut Page, api: ApiId, by: Option<&str>, line: &LineOfSight) {
    page.title(format_args!("{} - {}", api.id, layer(api)));
    if let Some(by) = by {
        page.item(format_args!("{by} is a form of it."));
    }
    if !api.modules.is_empty() {
        page.item(format_args!("In {}.", api.modules.join(", ")));
    }
    if !api.native.is_empty() {
        let names = api.native.iter().map(|s| match s.by {
            Some(by) => format!("{} (called by {by})", s.call),
            None => s.call.to_string(),
        });
        let names: Vec<_> = names.collect();
        page.item(format_args!("Ends in {}.", names.join(", ")));
    }
    page.item_if(api.note);
    seen_by(page, line);
    not_seen_by(page, api, line);
    if !line.openings.is_empty() {
        page.head("Through the handle it needs");
        show_openings(page, &line.openings);
    }
    if !line.mechanisms.is_empty() {
        page.head("How it fails: what these mechanisms do not see");
        for mechanism in &line.mechanisms {
            page.item(format_args!("{mechanism}"));
            let blind = mechanism.not_observed.iter();
            blind.for_each(|n| page.under(format_args!("- {n}")));
        }
    }
    kernel_etw(page, api);
    if !line.callers.is_empty() {
        let names: Vec<_> = line.callers.iter().map(|a| a.slug()).collect();
        page.head(format_args!("Called by {}", names.join(", ")));
    }
}

fn seen_by(page: &mut Page, line: &LineOfSight) {
    if line.arrows.is_empty() && line.below.is_empty() {
        return;
    }
    page.head("Seen by");
    for arrow in &line.arrows {
        show_arrow(page, arrow, arrow.when, None);
    }
    let own: Vec<_> = line.arrows.iter().map(|a| a.event).collect();
    for derived in line.below.iter().filter(|d| !own.contains(&d.arrow.event)) {
        let open = derived.open.iter().copied();
        show_arrow(page, derived.arrow, open, Some(derived.through.call.slug()));
    }
}

fn not_seen_by(page: &mut Page, api: ApiId, line: &LineOfSight) {
    let unknown: Vec<_> = SENSORS
        .iter()
        .filter_map(|id| SensorId::named(id))
        .filter(|s| seen(api, *s) == Visibility::Unknown)
        .map(|s| s.name)
        .collect();
    if !line.not_observed.is_empty() {
        page.head("Not seen by");
        for silence in &line.not_observed {
            let event = silence.event.map_or_else(
                || "no event".to_owned(),
                |e| format!("not as {}", event_name(e)),
            );
            page.item(format_args!("{}: {event}", silence.sensor.name));
            page.under(format_args!(
                "{} {}",
                silence.why,
                trace(silence.mark, silence.source)
            ));
            show_evidence(page, catalog::evidence::of(silence.id));
        }
    }
    if !unknown.is_empty() {
        page.head(format_args!("Unknown: {}", unknown.join(", ")));
        page.item("The catalog has no arrow to these and no word that there is none. That is no proof of silence.");
    }
}

/// What the kernel's call graph reaches, apart from the arrows: a path in code, without the conditions on it.
fn kernel_etw(page: &mut Page, api: ApiId) {
    let services = api.native.iter().map(|s| s.call);
    let names: Vec<_> = [api].into_iter().chain(services).collect();
    let writes = names
        .iter()
        .flat_map(|a| catalog::syscalls::writes_of(a.slug()));
    let mut heads = false;
    for write in writes {
        if !heads {
            page.head("ETW writes that the kernel's call graph reaches [derived: api-to-etw]");
            heads = true;
        }
        page.item(format_args!("{} {}", write.provider, write.event_name()));
        page.under(write.path);
    }
}
