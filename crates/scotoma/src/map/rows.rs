//! Parts of the catalog's answers that several of them share.

use catalog::derive::in_words;
use catalog::open::Opening;
use catalog::{ApiId, ClaimEvidence, EventId, Mapping, Mark, Precondition, Side, TamperingId};

use crate::output::page::Page;

/// Items of a long list shown without --full.
pub(super) const SHORT: usize = 6;

/// An arrow with its conditions, its mechanism, and where the fact was read.
pub(super) fn show_arrow<'c>(
    page: &mut Page,
    arrow: &Mapping,
    conditions: impl IntoIterator<Item = &'c Precondition>,
    through: Option<&str>,
) {
    let when = in_words(conditions);
    let when = if when.is_empty() {
        when
    } else {
        format!(" ({when})")
    };
    page.item(format_args!("{}{when}", event_name(arrow.event)));
    let mechanism = arrow.mechanism;
    let through = through.map_or_else(String::new, |t| format!(", through {t}"));
    page.under(format_args!(
        "by {} ({mechanism}, side: {}){through}",
        mechanism.name,
        side(mechanism.side)
    ));
    page.under(trace(arrow.mark, arrow.source));
    show_evidence(page, catalog::evidence::of(arrow.id));
    for remark in [arrow.correction, arrow.note].into_iter().flatten() {
        page.under(format_args!("note: {remark}"));
    }
}

/// What recordings say of a claim.
pub(crate) fn show_evidence(page: &mut Page, evidence: Option<&ClaimEvidence>) {
    let Some(evidence) = evidence else { return };
    let record = evidence
        .record
        .map_or_else(String::new, |r| format!(" record {r}"));
    let place = format!("{}{record}", evidence.recording);
    let records = |n: u32| text::plural(u64::from(n), "record");
    match evidence.refuted {
        0 => page.under(format_args!(
            "recorded: {} confirm it, the first in {place}",
            records(evidence.confirmed)
        )),
        refuted => page.under(format_args!(
            "recorded: {} refute it, the first in {place}",
            records(refuted)
        )),
    }
}

pub(super) fn side(side: Side) -> &'static str {
    match side {
        Side::Kernel => "kernel",
        Side::User => "user",
    }
}

/// The handles that are needed, and what is seen of their opening.
pub(crate) fn show_openings(page: &mut Page, openings: &[Opening]) {
    for opening in openings {
        page.item(format_args!(
            "a {} handle with {} = {:#x}",
            opening.object,
            opening.rights.join(" | "),
            opening.mask
        ));
        if let Some(least) = opening.kernel_check {
            page.under(format_args!("the system service alone checks {least:#x}"));
        }
        if opening.calls.is_empty() {
            page.under("which call opens it is not in the catalog");
            continue;
        }
        let calls: Vec<_> = opening.calls.iter().map(|a| a.slug()).collect();
        page.under(format_args!("opened by {}", calls.join(", ")));
        let mut told = Vec::new();
        for arrow in &opening.arrows {
            if told.contains(&arrow.event) {
                continue;
            }
            told.push(arrow.event);
            let mask = match arrow.event.id {
                "sysmon:10" => opening.sysmon_mask().map_or_else(String::new, |m| {
                    format!(": GrantedAccess holds at least {m:#x}")
                }),
                _ => {
                    let when = in_words(arrow.when);
                    if when.is_empty() {
                        when
                    } else {
                        format!(" ({when})")
                    }
                }
            };
            page.under(format_args!(
                "the opening is {}{mask}",
                event_name(arrow.event)
            ));
        }
        for silence in &opening.not_observed {
            page.under(format_args!(
                "the opening is not seen by {}: {}",
                silence.sensor.name, silence.why
            ));
        }
    }
}

/// How it is silenced: the names, and with `full` what each does and what still shows.
pub(crate) fn show_tampering(page: &mut Page, tampering: &[TamperingId], full: bool) {
    if !full {
        let names: Vec<_> = tampering.iter().map(|t| t.slug()).collect();
        page.item(names.join(", "));
        page.item("(what each does and what still shows: --full)");
        return;
    }
    for way in tampering {
        page.item(format_args!("{} ({way})", way.name));
        page.under(format_args!(
            "{} {}",
            way.effect,
            trace(way.mark, way.source)
        ));
        let signs: Vec<_> = way
            .reveals
            .iter()
            .map(|s| format!("{} ({})", s.event, s.why))
            .collect();
        match signs.is_empty() {
            true => page.under("still shows: nothing known"),
            false => page.under(format_args!("still shows: {}", signs.join("; "))),
        }
        page.under(format_args!("counter: {}", way.counter));
    }
}

pub(super) fn more(page: &mut Page, count: usize, limit: usize) {
    if count > limit {
        page.item(format_args!("... and {} more (--full)", count - limit));
    }
}

pub(crate) fn event_name(event: EventId) -> String {
    let tag = event
        .sysmon
        .and_then(|s| s.rule_tag)
        .map_or_else(String::new, |t| format!(" {t}"));
    let name = event.name.map_or_else(String::new, |n| format!(", {n}"));
    format!("{event}{tag}{name}")
}

/// `[from-source: telemetrysource, otrf-api]`.
pub(crate) fn trace(mark: Mark, sources: &[&str]) -> String {
    let mut ids: Vec<&str> = Vec::new();
    for source in sources {
        let id = source.split(['#', ' ']).next().unwrap_or_default();
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    let mark = match mark {
        Mark::FromSource => "from-source",
        Mark::Observed => "observed",
        Mark::Derived => "derived",
        Mark::Doubtful => "doubtful",
        Mark::Refuted => "refuted",
    };
    if ids.is_empty() {
        return format!("[{mark}]");
    }
    format!("[{mark}: {}]", ids.join(", "))
}

pub(super) fn layer(api: ApiId) -> &'static str {
    use catalog::Layer;
    match api.layer {
        Layer::Win32 => "Windows API",
        Layer::Win32Internal => "internal function of a Windows API module",
        Layer::Native => "native API",
        Layer::KernelInternal => "function inside the kernel",
        Layer::Rpc => "Windows API, carried out by another process",
        Layer::Com => "COM method",
        Layer::Protocol => "protocol operation",
        Layer::NotAnApi => "no API, but a name on the published map",
    }
}
