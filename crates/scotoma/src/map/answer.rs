//! The answer about one thing in words: what it is, what sees it, what does not, how it is silenced.

use catalog::attack::{self, Technique};
use catalog::derive::in_words;
use catalog::functions::Function;
use catalog::map::{LineOfSight, call_paths, component_row, users_of_mask};
use catalog::{ClaimTest, ComponentId, EventId, FoundRow, MechanismId, Rights, SensorId, Subject};

use super::rows::{
    SHORT, event_name, more, show_evidence, show_openings, show_tampering, side, trace,
};
use crate::output::page::Page;

pub(super) fn show(page: &mut Page, found: &FoundRow, line: &LineOfSight, full: bool) {
    match found.subject {
        Subject::Api(api) => super::call::show(page, api, found.by, line),
        Subject::Mechanism(mechanism) => show_mechanism(page, mechanism, line),
        Subject::Event(event) => show_event(page, event, line),
        Subject::Behaviour(behaviour) => {
            crate::technique::show(page, behaviour, full);
            return;
        }
        Subject::Component(component) => {
            let id = component.attack_id.unwrap_or("no longer in ATT&CK");
            page.title(format_args!("{} - data component ({id})", component.name));
            page.head("Events that are evidence of it");
            for event in &line.events {
                page.item(event_name(*event));
                if let Some(remark) = component_row(*event).and_then(|r| r.remark) {
                    page.under(remark);
                }
            }
            defender_tables(page, &[component]);
        }
        Subject::Tampering(tampering) => {
            page.title(format_args!("{} - tampering", tampering.name));
            show_tampering(page, &[tampering], true);
        }
        Subject::Sensor(sensor) => show_sensor(page, sensor, line),
        Subject::Field(field) => {
            page.title(format_args!("{field} - field"));
            page.head("Events that have it");
            line.events.iter().for_each(|e| page.item(event_name(*e)));
        }
        Subject::Rights(rights) => show_rights(page, rights, line),
        Subject::Tactic(tactic) => {
            let id = attack::tactic_id(tactic).unwrap_or_default();
            page.title(format_args!(
                "{tactic} - tactic {id} (ATT&CK {})",
                attack::VERSION
            ));
        }
        Subject::Technique(technique) => show_unmapped(page, technique, found.by),
        Subject::Function(function) => show_function(page, function),
    }
    if !line.behaviours.is_empty() {
        page.head("Techniques");
        let tactic = matches!(found.subject, Subject::Tactic(_));
        let limit = if full || tactic { usize::MAX } else { SHORT };
        for behaviour in line.behaviours.iter().take(limit) {
            page.item(format_args!(
                "{} {} ({behaviour})",
                behaviour.technique, behaviour.name
            ));
        }
        more(page, line.behaviours.len(), limit);
    }
    if !matches!(found.subject, Subject::Tampering(_)) && !line.tampering.is_empty() {
        page.head("Silenced by");
        show_tampering(page, &line.tampering, full);
    }
}

/// The rows that only mention a name, to be asked for by their own.
pub(super) fn show_mentions<'f>(page: &mut Page, found: impl Iterator<Item = &'f FoundRow>) {
    let mut heads = false;
    for row in found {
        if !heads {
            page.title("No row has this name; these mention it (--full shows them whole)");
            heads = true;
        }
        page.item(match row.subject {
            Subject::Api(api) => format!("call {api}"),
            Subject::Mechanism(mechanism) => format!("mechanism {mechanism}: {}", mechanism.name),
            Subject::Event(event) => format!("event {}", event_name(event)),
            Subject::Behaviour(behaviour) => {
                format!(
                    "technique {behaviour}: {} {}",
                    behaviour.technique, behaviour.name
                )
            }
            Subject::Tampering(tampering) => format!("tampering {tampering}: {}", tampering.name),
            // Only rows with text are searched for words.
            _ => continue,
        });
    }
}

fn show_mechanism(page: &mut Page, mechanism: MechanismId, line: &LineOfSight) {
    page.title(format_args!("{} - mechanism ({mechanism})", mechanism.name));
    page.item(format_args!(
        "side: {} {}",
        side(mechanism.side),
        trace(mechanism.mark, mechanism.source)
    ));
    if let Some(provider) = mechanism.provider {
        page.item(format_args!(
            "Provider {} {}, written in {}.",
            provider.name, provider.guid, provider.emitted_in
        ));
    }
    let imports: Vec<_> = mechanism.imports.iter().map(|i| i.name).collect();
    if !imports.is_empty() {
        page.item(format_args!("Registered by {}.", imports.join(", ")));
    }
    if !mechanism.remove_with.is_empty() {
        page.item(format_args!(
            "Taken back by {}.",
            mechanism.remove_with.join(", ")
        ));
    }
    page.head("Events and the calls that lead to them");
    if line.events.is_empty() {
        page.item("No event of the catalog comes by it.");
    }
    for event in &line.events {
        page.item(event_name(*event));
        calls(page, line, *event);
    }
    if let Some(why) = mechanism.no_arrows {
        page.item(format_args!("No call is mapped to it: {why}."));
    }
    page.head("Sees");
    let sees = mechanism.observes.iter();
    sees.for_each(|o| page.item(format_args!("- {o}")));
    page.head("Does not see");
    let blind = mechanism.not_observed.iter();
    blind.for_each(|o| page.item(format_args!("- {o}")));
    let guid = mechanism.provider.map_or("", |p| p.guid);
    let mut writes = catalog::syscalls::writes_by(guid).peekable();
    if writes.peek().is_some() {
        page.head("System services whose call graph reaches it [derived: api-to-etw]");
        for write in writes {
            page.item(format_args!("{}: {}", write.service, write.event_name()));
        }
    }
}

fn show_event(page: &mut Page, event: EventId, line: &LineOfSight) {
    page.title(format_args!("{} - event", event_name(event)));
    page.item(trace(event.mark, event.source));
    page.item_if(event.note);
    if let Some(provider) = event.provider.or(event.sensor.provider) {
        let channel = event
            .sensor
            .channel
            .map_or_else(String::new, |c| format!(", channel {c}"));
        page.item(format_args!("Provider {provider}{channel}."));
    }
    match event.mechanism {
        Some(mechanism) => {
            page.item(format_args!(
                "By {} ({mechanism}), side: {}.",
                mechanism.name,
                side(mechanism.side)
            ));
            page.head("Calls that lead to it");
            calls(page, line, event);
        }
        None => page.item("The catalog does not know what makes the sensor see it."),
    }
    if !line.not_observed.is_empty() {
        page.head("Calls that do not give it");
        for silence in &line.not_observed {
            let names: Vec<_> = silence.apis.iter().map(|a| a.slug()).collect();
            page.item(names.join(", "));
            page.under(format_args!(
                "{} {}",
                silence.why,
                trace(silence.mark, silence.source)
            ));
        }
    }
    if let Some(mechanism) = event.mechanism {
        page.head("What the mechanism does not see");
        let blind = mechanism.not_observed.iter();
        blind.for_each(|o| page.item(format_args!("- {o}")));
    }
    if !event.subcategories.is_empty() {
        page.head(format_args!(
            "Turned on by audit subcategory {}",
            event.subcategories.join(", or by the object ")
        ));
    }
    if let Some(security) = &event.row().security {
        page.head("Paths in the code that write it");
        for path in call_paths(security) {
            page.item(path.join(" -> "));
        }
        page.item_if(security.correction);
    }
    statements(page, event);
    let components: Vec<_> = line.components.iter().map(|c| c.name).collect();
    if !components.is_empty() {
        page.head(format_args!("Evidence of {}", components.join(", ")));
    }
    defender_tables(page, &line.components);
    if let Some(sysmon) = event.sysmon {
        page.head(format_args!(
            "Since Sysmon {} (schema {}){}",
            sysmon.since_version,
            sysmon.since_schema,
            if sysmon.linux {
                "; Sysmon for Linux has it too"
            } else {
                ""
            }
        ));
        page.head(format_args!("Fields: {}", sysmon.fields.join(", ")));
    }
}

/// Where Defender for Endpoint claims to record the same.
fn defender_tables(page: &mut Page, components: &[ComponentId]) {
    let tables = components.iter().flat_map(|c| catalog::defender::of(*c));
    let names: Vec<String> = tables
        .map(|t| match t.action {
            "" => t.table.to_owned(),
            action => format!("{} ({action})", t.table),
        })
        .collect();
    if !names.is_empty() {
        let source = catalog::defender::SOURCE;
        page.head(format_args!(
            "Defender for Endpoint claims the same in [from-source: {source}]"
        ));
        page.item(names.join(", "));
    }
}

/// What recordings say of the event beside its arrows.
fn statements(page: &mut Page, event: EventId) {
    let about = |t: &&ClaimTest| t.confirms.iter().chain(t.refutes).any(|r| r.event == event);
    let mut heads = false;
    for test in catalog::evidence::tests().iter().filter(about) {
        let (Some(statement), Some(evidence)) = (test.statement, catalog::evidence::of(test.claim))
        else {
            continue;
        };
        if !heads {
            page.head("Recordings say");
            heads = true;
        }
        page.item(statement);
        show_evidence(page, Some(evidence));
    }
}

fn show_sensor(page: &mut Page, sensor: SensorId, line: &LineOfSight) {
    page.title(format_args!("{} - sensor ({sensor})", sensor.name));
    page.item(format_args!(
        "{} {}",
        sensor.what,
        trace(sensor.mark, sensor.source)
    ));
    for (what, value) in [
        ("Channel", sensor.channel),
        ("Provider", sensor.provider),
        ("GUID", sensor.guid),
    ] {
        if let Some(value) = value {
            page.item(format_args!("{what}: {value}"));
        }
    }
    if !line.mechanisms.is_empty() {
        page.head("Mechanisms");
        for mechanism in &line.mechanisms {
            page.item(format_args!("{mechanism} ({})", side(mechanism.side)));
        }
    }
    page.head("Events");
    line.events.iter().for_each(|e| page.item(event_name(*e)));
    if sensor.id == "sysmon" {
        page.head("What protects it");
        for protection in catalog::map::protections() {
            page.item(format_args!("{} ({})", protection.what, protection.since));
        }
    }
}

fn show_rights(page: &mut Page, rights: Rights, line: &LineOfSight) {
    page.title(format_args!(
        "{:#x} - rights to a {}",
        rights.mask, rights.object
    ));
    if let Some(object) = catalog::rights::object(rights.object) {
        let decoded = object.decode(rights.mask);
        page.item(decoded.names.join(" | "));
        page.item_if(decoded.composite);
        if decoded.unknown != 0 && decoded.composite.is_none() {
            page.item(format_args!("{:#x} is no known right", decoded.unknown));
        }
        let logged = object.with_implied(rights.mask);
        if logged != rights.mask {
            page.item(format_args!(
                "Logged as {logged:#x}, with what the kernel adds."
            ));
        }
    }
    page.head("Asked for and seen");
    show_openings(page, &line.openings);
    page.head("Calls that such a handle is enough for");
    let names: Vec<_> = users_of_mask(rights).iter().map(|a| a.slug()).collect();
    page.item(match names.is_empty() {
        true => "none that the catalog has the rights of".to_owned(),
        false => names.join(", "),
    });
}

/// A technique that ATT&CK has and the catalog has no calls of.
fn show_unmapped(page: &mut Page, technique: Technique, asked: Option<&str>) {
    show_technique_name(page, technique, asked);
    page.item("No calls known. The catalog says nothing of how it is done or what would show it.");
}

pub(crate) fn show_technique_name(page: &mut Page, technique: Technique, asked: Option<&str>) {
    page.title(format_args!(
        "{} {} - technique (ATT&CK {})",
        technique.id,
        technique.name,
        attack::VERSION
    ));
    if let Some(asked) = asked {
        page.item(format_args!(
            "{asked} was its id before {}.",
            attack::VERSION
        ));
    }
    if !technique.tactics.is_empty() {
        page.item(format_args!(
            "Tactics: {}",
            technique.tactics.replace(',', ", ")
        ));
    }
}

/// A function that is known by name alone.
fn show_function(page: &mut Page, function: Function) {
    page.title(format_args!("{} - function of Windows", function.name));
    let sources: Vec<_> = function.sources().collect();
    match function.modules {
        "" => page.item(format_args!("[from-source: {}]", sources.join(", "))),
        modules => page.item(format_args!(
            "In {}. [from-source: {}]",
            modules.replace(',', ", "),
            sources.join(", ")
        )),
    }
    page.item("A known function; no arrow known. Whether a sensor sees it is not in the catalog. That is no proof of silence.");
    let writes: Vec<_> = catalog::syscalls::writes_of(function.name).collect();
    if !writes.is_empty() {
        page.head("ETW writes that the kernel's call graph reaches [derived: api-to-etw]");
        for write in writes {
            page.item(format_args!("{} {}", write.provider, write.event_name()));
            page.under(write.path);
        }
    }
    let techniques = function.techniques();
    if !techniques.is_empty() {
        page.head("Techniques of the capa rules that name it");
        for technique in techniques {
            page.item(format_args!("{} {}", technique.id, technique.name));
        }
    }
}

fn calls(page: &mut Page, line: &LineOfSight, event: EventId) {
    let arrows: Vec<_> = line.arrows.iter().filter(|a| a.event == event).collect();
    if arrows.is_empty() {
        page.under("(no call is mapped)");
    }
    for arrow in arrows {
        let name = arrow.api.map_or("(the source names no call)", |a| a.slug());
        let when = in_words(arrow.when);
        let when = if when.is_empty() {
            when
        } else {
            format!(" ({when})")
        };
        page.under(format_args!(
            "{name}{when} {}",
            trace(arrow.mark, arrow.source)
        ));
        show_evidence(page, catalog::evidence::of(arrow.id));
        if let Some(correction) = arrow.correction {
            page.under(format_args!("  but: {correction}"));
        }
    }
}
