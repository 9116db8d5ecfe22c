//! What the arguments ask to be counted: event types by any of their names, and the fields they are grouped by.

use anyhow::bail;
use baseline::keys::{self, EventKeys};
use baseline::{Select, Spec};
use schema::{LogSource, Sensor, sysmon as sysmon_schema};
use telemetry::header;

use super::args::BaselineArgs;

/// The streams that are asked for.
pub(super) fn specs(args: &BaselineArgs) -> anyhow::Result<Vec<Spec>> {
    let by = (!args.by.is_empty()).then_some(args.by.as_slice());
    let mut specs: Vec<Spec> = Vec::new();
    for event in &args.event {
        match foreign(event) {
            Some((channel, id)) => specs.push(other(channel, id, by)?),
            None => {
                for keys in keys::find(event)? {
                    check(keys, by)?;
                    specs.push(Spec::of(keys, by));
                }
            }
        }
    }
    if args.event.is_empty() {
        for keys in keys::all().iter().filter(|k| k.channel.is_none()) {
            specs.push(Spec::of(keys, by));
        }
        if let Some(unknown) = by.and_then(|by| by.iter().find(|f| !anywhere(f))) {
            bail!(
                "no Sysmon event has a field {unknown}{}",
                suggestion(unknown, fields(None))
            );
        }
        // Of all types, those that have the fields are meant.
        if let Some(by) = by {
            specs.retain(|s| match s.rows {
                Select::Sysmon(id) => by.iter().all(|f| has(id, f)),
                _ => true,
            });
            if specs.is_empty() {
                bail!("no Sysmon event has all of {}", by.join(", "));
            }
        }
    }
    let mut seen: Vec<Spec> = Vec::new();
    specs.retain(|s| {
        !seen.contains(s) && {
            seen.push(s.clone());
            true
        }
    });
    if args.propose {
        specs = super::propose::specs(specs);
        if specs.is_empty() {
            bail!(
                "exclusions can be made for Sysmon's own event types only, and not for all of them"
            );
        }
    }
    Ok(specs)
}

/// `CHANNEL/ID`. A channel's own name may have slashes.
fn foreign(event: &str) -> Option<(&str, i64)> {
    let (channel, id) = event.rsplit_once('/')?;
    Some((channel, id.trim().parse().ok()?))
}

fn other(channel: &str, id: i64, by: Option<&[String]>) -> anyhow::Result<Spec> {
    if LogSource::of(Some(channel), None).sensor() == Some(Sensor::Sysmon)
        && let Some(keys) = keys::sysmon(id)
    {
        check(keys, by)?;
        return Ok(Spec::of(keys, by));
    }
    let known = keys::all().iter().find(|k| {
        k.id == id
            && k.channel
                .as_deref()
                .is_some_and(|c| c.eq_ignore_ascii_case(channel))
    });
    match (known, by) {
        (Some(keys), by) => Ok(Spec::of(keys, by)),
        (None, Some(by)) => Ok(Spec {
            name: format!("{channel} {id}"),
            rows: Select::Event(channel.to_owned(), id),
            by: by.to_vec(),
            user: None,
        }),
        (None, None) => {
            bail!("{channel}/{id} has no fields to group by of its own; say which with --by")
        }
    }
}

fn has(id: i64, field: &str) -> bool {
    let event = u32::try_from(id).ok().and_then(sysmon_schema::event);
    event.is_some_and(|e| e.has(field)) || header::is_header(&header::canonical(field))
}

fn anywhere(field: &str) -> bool {
    sysmon_schema::field_type(field).is_some() || header::is_header(&header::canonical(field))
}

/// The fields of an event type, or of all of Sysmon's.
fn fields(id: Option<i64>) -> Vec<String> {
    sysmon_schema::events()
        .iter()
        .filter(|e| id.is_none_or(|id| i64::from(e.id) == id))
        .flat_map(|e| &e.fields)
        .map(|f| f.name.clone())
        .collect()
}

fn check(keys: &EventKeys, by: Option<&[String]>) -> anyhow::Result<()> {
    if keys.channel.is_some() {
        return Ok(());
    }
    let unknown = by.and_then(|by| by.iter().find(|f| !has(keys.id, f)));
    match unknown {
        Some(f) => bail!(
            "{} (event {}) has no field {f}{}",
            keys.name(),
            keys.id,
            suggestion(f, fields(Some(keys.id)))
        ),
        None => Ok(()),
    }
}

fn suggestion(field: &str, fields: Vec<String>) -> String {
    text::did_you_mean(field, fields)
}
