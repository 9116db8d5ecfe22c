//! `scotoma rights`: access masks, the rights calls need, and masks that are not what they are said to be.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{anyhow, bail};
use catalog::condition::{Conditions, for_rights};
use catalog::map::users_of_mask;
use catalog::required_rights::{self, LeastRights, MaskCheck, RequiredRights};
use catalog::rights::{self, Object};
use catalog::{ApiId, FoundRow, Rights, Subject, find};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use crate::additions::CatalogArgs;
use crate::map::trace;
use crate::output::page::Page;

#[derive(Args, Debug)]
pub(crate) struct RightsArgs {
    #[command(subcommand)]
    verb: RightsVerb,
    #[command(flatten)]
    catalog: CatalogArgs,
}

#[derive(Subcommand, Debug)]
enum RightsVerb {
    /// The rights in a mask.
    Decode {
        /// Masks, hexadecimal with 0x or decimal, or rights by name (PROCESS_ALL_ACCESS).
        #[arg(required = true, value_name = "MASK")]
        masks: Vec<String>,
        #[command(flatten)]
        common: Common,
    },
    /// The mask of several rights.
    Sum {
        /// Rights (PROCESS_VM_READ, or VM_READ), named sums such as PROCESS_ALL_ACCESS, or masks.
        #[arg(required = true, value_name = "RIGHT")]
        names: Vec<String>,
        #[command(flatten)]
        common: Common,
    },
    /// The rights that a sequence of calls needs, and how to detect that they were granted.
    For {
        /// Calls.
        #[arg(required = true, value_name = "CALL")]
        calls: Vec<String>,
        /// How to show it.
        #[arg(long, value_enum, default_value_t = RightsFormat::Text)]
        format: RightsFormat,
    },
    /// Whether a mask is the sum of the rights claimed for it; without any, what it is good for.
    Check {
        /// The mask.
        mask: String,
        /// The rights claimed; without any, those of the published claim about this mask.
        #[arg(value_name = "RIGHT")]
        names: Vec<String>,
        #[command(flatten)]
        common: Common,
    },
}

#[derive(Args, Debug)]
struct Common {
    /// The kind of object: process, thread, token, file, key, service, ... Without it, process, or what the rights belong to.
    #[arg(long, value_name = "KIND")]
    object: Option<String>,
    /// How to show it.
    #[arg(long, value_enum, default_value_t = RightsFormat::Text)]
    format: RightsFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum RightsFormat {
    /// For reading.
    Text,
    /// JSON.
    Json,
}

pub(crate) fn run(args: &RightsArgs) -> anyhow::Result<ExitCode> {
    args.catalog.load()?;
    let text = match &args.verb {
        RightsVerb::Decode { masks, common } => decode(masks, common)?,
        RightsVerb::Sum { names, common } => sum(names, common)?,
        RightsVerb::For { calls, format } => rights_for(calls, *format)?,
        RightsVerb::Check {
            mask,
            names,
            common,
        } => check(mask, names, common)?,
    };
    io::stdout().lock().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

fn object(common: &Common, names: &[&str]) -> anyhow::Result<&'static Object> {
    if let Some(name) = &common.object {
        return rights::object(name).ok_or_else(|| {
            let kinds: Vec<_> = rights::objects().iter().map(|o| o.id).collect();
            anyhow!(
                "no kind of object is called {name:?}; there are {}",
                kinds.join(", ")
            )
        });
    }
    let has_all = |o: &&Object| names.iter().all(|n| bits(o, n).is_some());
    let process = rights::objects().iter().filter(|o| o.id == "process");
    process
        .chain(rights::objects())
        .find(has_all)
        .ok_or_else(|| {
            let nowhere = |n: &&&str| !rights::objects().iter().any(|o| bits(o, n).is_some());
            let missing = names.iter().find(nowhere);
            match missing {
                Some(name) => unknown(name),
                None => {
                    anyhow!("no kind of object has all of these rights; do they belong to several?")
                }
            }
        })
}

/// The bits of a right by its name, by its name without the kind of object before it (`VM_READ`), or of a mask.
fn bits(object: &Object, name: &str) -> Option<u32> {
    let short = || {
        let ends = |other: &str| {
            other.len() > name.len()
                && other
                    .to_ascii_uppercase()
                    .ends_with(&format!("_{}", name.to_ascii_uppercase()))
        };
        let mut fits = object.rights.iter().filter(|r| ends(r.name));
        let first = fits.next()?;
        fits.next().is_none().then_some(first.mask)
    };
    object
        .right(name)
        .or_else(|| rights::parse_mask(name))
        .or_else(short)
}

fn unknown(name: &str) -> anyhow::Error {
    let all = rights::objects().iter().flat_map(|o| {
        o.rights
            .iter()
            .map(|r| r.name)
            .chain(o.composites.iter().map(|c| c.name))
            .chain(o.standard.iter().copied())
    });
    let near = find::nearest_of(name, 4, all);
    match near.is_empty() {
        true => anyhow!("no right is called {name:?}"),
        false => anyhow!(
            "no right is called {name:?}; the nearest: {}",
            near.join(", ")
        ),
    }
}

fn mask(text: &str) -> anyhow::Result<u32> {
    rights::parse_mask(text)
        .ok_or_else(|| anyhow!("{text:?} is no mask: expected 0x and hexadecimal digits, or a decimal number, up to 32 bits"))
}

fn decode(masks: &[String], common: &Common) -> anyhow::Result<String> {
    let names = split(masks);
    // A name tells the kind of object; among numbers a mistake is one of the mask.
    let named: Vec<&str> = names
        .iter()
        .copied()
        .filter(|n| n.starts_with(|c: char| c.is_ascii_alphabetic()))
        .collect();
    let object = object(common, &named)?;
    let masks = names
        .iter()
        .map(|name| match bits(object, name) {
            Some(bits) => Ok(bits),
            None => mask(name),
        })
        .collect::<anyhow::Result<Vec<u32>>>()?;
    if common.format == RightsFormat::Json {
        let rows: Vec<Value> = masks
            .iter()
            .map(|&m| {
                let decoded = object.decode(m);
                json!({ "object": object.id, "mask": m, "hex": format!("{m:#x}"), "rights": decoded.names,
                        "unknown_bits": decoded.unknown, "equals": decoded.composite, "as_logged": object.with_implied(m) })
            })
            .collect();
        return Ok(serde_json::to_string_pretty(&rows)? + "\n");
    }
    let mut page = Page::new();
    masks
        .into_iter()
        .for_each(|mask| show_mask(&mut page, object, mask));
    Ok(page.finish())
}

/// A mask bit by bit.
fn show_mask(page: &mut Page, object: &Object, m: u32) {
    let decoded = object.decode(m);
    let equals = decoded
        .composite
        .map_or_else(String::new, |c| format!(" = {c}"));
    page.title(format_args!(
        "{m:#x} ({m}) on {} {}{equals}",
        article(object.id),
        object.id
    ));
    for name in &decoded.names {
        let bit = object.right(name).unwrap_or_default();
        let note = object
            .rights
            .iter()
            .find(|r| r.name == *name)
            .and_then(|r| r.note);
        page.item(format_args!(
            "{bit:#010x} {name}{}",
            note.map_or_else(String::new, |n| format!(" ({n})"))
        ));
    }
    // The headers fill these bits of ALL_ACCESS; no right has them.
    if decoded.unknown != 0 && decoded.composite.is_none() {
        page.item(format_args!(
            "{:#010x} no known right of {} {}",
            decoded.unknown,
            article(object.id),
            object.id
        ));
    }
    match object.map_generic(m) {
        Some((mapped, Some(mapping))) => {
            page.item(format_args!("With its generic rights mapped: {mapped:#x}"));
            page.under(format_args!(
                "{}, {}",
                mapping.applies_to,
                trace(mapping.mark, mapping.source)
            ));
        }
        None => page.item("What its generic rights map to is not known for this kind of object."),
        Some((_, None)) => {}
    }
    if object.with_implied(m) != m {
        page.item(format_args!(
            "As a sensor logs a request for it: {:#x}",
            object.with_implied(m)
        ));
    }
    if let Some(known) = rights::all()
        .common_masks
        .iter()
        .find(|c| c.mask == m)
        .filter(|_| object.id == "process")
    {
        page.item(format_args!("Often met: {}", known.is));
    }
    page.item(trace(object.mark, object.source));
}

fn sum(names: &[String], common: &Common) -> anyhow::Result<String> {
    let names: Vec<&str> = split(names);
    let object = object(common, &names)?;
    let sum = names.iter().try_fold(0, |sum, name| {
        bits(object, name)
            .map(|bits| sum | bits)
            .ok_or_else(|| unknown(name))
    })?;
    let logged = object.with_implied(sum);
    if common.format == RightsFormat::Json {
        let row = json!({ "object": object.id, "rights": names, "mask": sum, "hex": format!("{sum:#x}"),
                          "as_logged": logged, "as_logged_hex": format!("{logged:#x}") });
        return Ok(serde_json::to_string_pretty(&row)? + "\n");
    }
    let mut page = Page::new();
    page.title(format_args!(
        "{sum:#x} ({sum}) on {} {}",
        article(object.id),
        object.id
    ));
    for name in names {
        let bits = bits(object, name).unwrap_or_default();
        let rights = object.decode(bits);
        let full = object.right_named(name).map(|(full, _)| full.to_owned());
        let full = full.unwrap_or_else(|| rights.names.join(" | "));
        page.item(format_args!("{bits:#010x} {full}"));
    }
    if logged != sum {
        page.item(format_args!(
            "As a sensor logs a request for it: {logged:#x} ({logged})"
        ));
        page.under("the kernel adds rights that others imply");
    }
    page.item(trace(object.mark, object.source));
    Ok(page.finish())
}

/// Names as given, also joined by `|` or commas.
fn split(names: &[String]) -> Vec<&str> {
    names
        .iter()
        .flat_map(|n| n.split(['|', ',']))
        .map(str::trim)
        .filter(|n| !n.is_empty())
        .collect()
}

fn calls(names: &[String]) -> anyhow::Result<Vec<ApiId>> {
    let mut calls = Vec::new();
    for name in names {
        // Of several calls a name may mean, the one whose rights are known.
        let found: Vec<ApiId> = find::apis(name)
            .iter()
            .filter_map(|m| match m.subject {
                Subject::Api(api) => Some(api),
                _ => None,
            })
            .collect();
        let known = found.iter().find(|a| required_rights::row(**a).is_some());
        match known.or(found.first()) {
            Some(api) => calls.push(*api),
            None => {
                if let [
                    FoundRow {
                        subject: Subject::Function(function),
                        ..
                    },
                    ..,
                ] = find(name).as_slice()
                {
                    bail!(
                        "{}: a known function; its rights are not in the catalog",
                        function.name
                    );
                }
                let behaviours = find::behaviours(name);
                if let [
                    FoundRow {
                        subject: Subject::Behaviour(behaviour),
                        ..
                    },
                    ..,
                ] = behaviours.as_slice()
                {
                    bail!(
                        "{name} is a technique; its rights are in `scotoma technique {behaviour}`"
                    );
                }
                let near = find::nearest_api(name, 5);
                match near.is_empty() {
                    true => bail!("no call is called {name:?}"),
                    false => bail!(
                        "no call is called {name:?}; the nearest: {}",
                        near.join(", ")
                    ),
                }
            }
        }
    }
    Ok(calls)
}

fn rights_for(names: &[String], format: RightsFormat) -> anyhow::Result<String> {
    let required = required_rights::of(&calls(names)?);
    if format == RightsFormat::Json {
        let conditions: Vec<Conditions> = required
            .objects
            .iter()
            .map(|o| for_rights(o.object, least(o).logged))
            .collect();
        return Ok(serde_json::to_string_pretty(
            &json!({ "needs": required, "conditions": conditions }),
        )? + "\n");
    }
    Ok(show_required(&required))
}

/// What a caller cannot do without.
fn least(object: &required_rights::RequiredOnObject) -> &LeastRights {
    object.kernel.as_ref().unwrap_or(&object.documented)
}

fn show_required(required: &RequiredRights) -> String {
    let mut page = Page::new();
    for object in &required.objects {
        let kind = object.object.id;
        page.title(format_args!("On a {kind} handle"));
        let documented = object.documented.rights.iter().flat_map(|r| &r.by);
        let title = match documented.clone().all(|reason| reason.row.documented) {
            true => "The documented minimum",
            false => "The minimum, not documented for every call",
        };
        show_minimum(&mut page, title, &object.documented);
        if let Some(kernel) = &object.kernel {
            show_minimum(
                &mut page,
                "What the system services behind the calls check",
                kernel,
            );
        }
        if !object.sometimes.is_empty() {
            page.head("Needed as well under a condition");
            for sometimes in &object.sometimes {
                let when = sometimes.case.when.unwrap_or("sometimes");
                page.item(format_args!(
                    "{} ({:#x}): {}, {when}",
                    sometimes.case.rights.join(" | "),
                    sometimes.case.mask,
                    sometimes.api
                ));
            }
        }
        let condition = for_rights(object.object, least(object).logged);
        page.head(format_args!(
            "Ready: {} holds at least {:#x} (in {})",
            condition.field, condition.mask, condition.events
        ));
        page.item("SQL:");
        page.verbatim(&condition.sql);
        page.item("Spark SQL, where the field is text:");
        page.verbatim(&condition.spark);
        page.item("Sigma:");
        page.verbatim(&condition.sigma);
        match &condition.sysmon {
            Some(rule) => {
                page.item("Sysmon:");
                page.verbatim(rule);
            }
            None => page.item(format_args!("Sysmon has no event for a {kind} handle.")),
        }
        page.item(&condition.loses);
    }
    if !required.without_handle.is_empty() {
        page.head("Take no handle");
        for row in &required.without_handle {
            page.item(format_args!("{} {}", row.api, trace(row.mark, row.source)));
            if let Some(note) = row.note {
                page.under(note);
            }
        }
    }
    if !required.privileges.is_empty() {
        page.head("Privileges");
        for (api, privilege) in &required.privileges {
            page.item(format_args!("{privilege}: {api}"));
        }
    }
    if !required.unknown.is_empty() {
        let names: Vec<_> = required.unknown.iter().map(|a| a.slug()).collect();
        page.head(format_args!(
            "The catalog has no rights for {}; the sums above may be too small",
            names.join(", ")
        ));
    }
    page.finish()
}

fn show_minimum(page: &mut Page, title: &str, minimum: &LeastRights) {
    page.head(format_args!(
        "{title}: ask for {:#x}, logged as {:#x} ({})",
        minimum.mask, minimum.logged, minimum.logged
    ));
    for right in &minimum.rights {
        page.item(format_args!("{:#06x} {}", right.mask, right.name));
        for reason in &right.by {
            let when = reason.when.map_or_else(String::new, |w| format!(", {w}"));
            page.under(format_args!(
                "{} ({}){when} {}",
                reason.api,
                reason.param,
                trace(reason.row.mark, reason.row.source)
            ));
        }
    }
}

fn check(text: &str, names: &[String], common: &Common) -> anyhow::Result<String> {
    let mask = mask(text)?;
    let names = split(names);
    let object = object(common, &names)?;
    let check = required_rights::check(object, mask, &names).map_err(|e| unknown(&e.name))?;
    if names.is_empty() && check.claims.is_empty() {
        return good_for(object, mask, common.format);
    }
    if common.format == RightsFormat::Json {
        let mut row = serde_json::to_value(&check)?;
        row["object"] = json!(object.id);
        row["holds"] = json!(check.holds());
        row["sum_hex"] = json!(format!("{:#x}", check.sum));
        return Ok(serde_json::to_string_pretty(&row)? + "\n");
    }
    Ok(show_check(object, &check))
}

/// A mask that nobody claims anything of: what it holds, and the calls that such a handle is enough for.
fn good_for(object: &'static Object, mask: u32, format: RightsFormat) -> anyhow::Result<String> {
    let calls = users_of_mask(Rights {
        object: object.id,
        mask,
    });
    let decoded = object.decode(mask);
    if format == RightsFormat::Json {
        let row = json!({ "object": object.id, "mask": mask, "rights": decoded.names, "unknown_bits": decoded.unknown,
                          "enough_for": calls });
        return Ok(serde_json::to_string_pretty(&row)? + "\n");
    }
    let mut page = Page::new();
    page.title(format_args!(
        "{mask:#x} ({mask}) on {} {}",
        article(object.id),
        object.id
    ));
    page.head("It holds");
    decoded.names.iter().for_each(|n| page.item(n));
    page.head("It is enough for");
    let names: Vec<_> = calls.iter().map(|a| a.slug()).collect();
    page.item(match names.is_empty() {
        true => "no call whose rights the catalog has".to_owned(),
        false => names.join(", "),
    });
    page.item("No published claim about this mask is known.");
    Ok(page.finish())
}

fn show_check(object: &Object, check: &MaskCheck) -> String {
    let mut page = Page::new();
    let (mask, sum) = (check.mask, check.sum);
    if check.holds() {
        page.title(format_args!(
            "{mask:#x} is the sum of the rights claimed{}",
            if mask == sum { "" } else { ", as it is logged" }
        ));
    } else {
        page.title(format_args!(
            "{mask:#x} ({mask}) is not the sum of the rights claimed: that is 0x{sum:X} ({sum})"
        ));
        if check.logged != sum {
            page.item(format_args!(
                "A sensor logs it as {:#x} ({}).",
                check.logged, check.logged
            ));
        }
    }
    page.head(format_args!("{mask:#x} holds"));
    object.decode(mask).names.iter().for_each(|n| page.item(n));
    if !check.lacks.is_empty() {
        page.head("It lacks");
        check.lacks.iter().for_each(|n| page.item(n));
    }
    if !check.unclaimed.is_empty() {
        page.head("It carries, though nobody claimed it");
        check.unclaimed.iter().for_each(|n| page.item(n));
    }
    if check.unknown != 0 {
        page.item(format_args!(
            "{:#x} is no known right of {} {}",
            check.unknown,
            article(object.id),
            object.id
        ));
    }
    for claim in &check.claims {
        page.head("Published claim");
        page.item(claim.claim);
        page.under(claim.note);
        page.under(trace(claim.mark, claim.source));
    }
    page.finish()
}

fn article(noun: &str) -> &'static str {
    if noun.starts_with(['a', 'e', 'i', 'o', 'u']) {
        "an"
    } else {
        "a"
    }
}
