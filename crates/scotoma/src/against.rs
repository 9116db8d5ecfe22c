//! `scotoma technique --against`: what a configuration leaves of the events a technique should give, in words.

use catalog::map::Visibility;
use catalog::{BehaviourId, KnownField, KnownTest};
use serde_json::json;
use sysmon::Config;
use sysmon::keeps::{Against, Fate, Holds, Keeps, Rule, Why, against};

use crate::map::event_name;
use crate::output::clean;
use crate::output::page::Page;

/// Rules of one event shown without --full.
const SHORT: usize = 5;

/// The answer for some techniques; for all of them, a line each.
pub(crate) fn answer(
    config: &Config,
    behaviours: &[BehaviourId],
    json: bool,
    full: bool,
    all: bool,
) -> anyhow::Result<String> {
    if json {
        let rows: Vec<_> = behaviours
            .iter()
            .map(|b| json!({ "behaviour": b, "technique": b.technique, "against": against(config, b) }))
            .collect();
        let whole = json!({ "configuration": config.source.name, "schema": config.version.to_string(),
                            "proof": false, "techniques": rows });
        return Ok(serde_json::to_string_pretty(&whole)? + "\n");
    }
    let mut page = Page::new();
    page.title(format_args!(
        "Against {}, schema {}",
        clean(&config.source.name),
        config.version
    ));
    page.item(
        "By event type, and by what the rules say about the fields whose value the catalog knows. \
         Not a proof: conditions on other fields may hold or not, and rules that contradict each other are not noticed.",
    );
    if all {
        page.head("Of each technique's expected Sysmon events: kept / perhaps / never");
        for behaviour in behaviours {
            let left = against(config, behaviour);
            page.item(format_args!(
                "{} / {} / {}  {:<10} {} ({behaviour})",
                left.count(&[Fate::KeptWhole, Fate::Kept]),
                left.count(&[Fate::Perhaps]),
                left.count(&[Fate::Never]),
                behaviour.technique,
                behaviour.name
            ));
        }
        return Ok(page.finish());
    }
    for behaviour in behaviours {
        let left = against(config, behaviour);
        page.title(format_args!(
            "{} - {} {} ({behaviour})",
            behaviour.name, behaviour.technique, behaviour.technique_name
        ));
        page.item(summary(&left));
        calls(&mut page, &left);
        events(&mut page, &left, full);
    }
    Ok(page.finish())
}

fn summary(left: &Against) -> String {
    let of = left.expected.iter().filter(|e| e.keeps.is_some()).count();
    if of == 0 {
        return "No event of Sysmon is expected, whatever the configuration.".to_owned();
    }
    format!(
        "Expected of Sysmon: {of}. Kept: {}. Perhaps: {}. Never: {}.",
        left.count(&[Fate::KeptWhole, Fate::Kept]),
        left.count(&[Fate::Perhaps]),
        left.count(&[Fate::Never])
    )
}

fn calls(page: &mut Page, left: &Against) {
    if left.calls.is_empty() {
        return;
    }
    page.head("Calls in order, and what is left of their Sysmon events");
    for (place, call) in left.calls.iter().enumerate() {
        let events: Vec<_> = call
            .events
            .iter()
            .map(|e| format!("{} {}", e.event, fate(e.fate)))
            .collect();
        let what = match (events.is_empty(), call.seen) {
            (false, _) => events.join(", "),
            (true, Some(Visibility::NotObserved)) => "known to leave no event of Sysmon".to_owned(),
            (true, _) => "the catalog knows of no event of Sysmon".to_owned(),
        };
        page.item(format_args!("{}. {}: {what}", place + 1, call.api));
    }
}

fn events(page: &mut Page, left: &Against, full: bool) {
    page.head("Expected events");
    let mut others = Vec::new();
    for row in &left.expected {
        let Some(keeps) = &row.keeps else {
            others.push(row.expected.event.slug());
            continue;
        };
        page.item(format_args!(
            "{}: {}",
            event_name(row.expected.event),
            fate(keeps.fate).to_uppercase()
        ));
        if let Some(when) = row.expected.when {
            page.under(when);
        }
        if !row.expected.fields.is_empty() {
            let known: Vec<_> = row.expected.fields.iter().map(known).collect();
            page.under(format_args!("known: {}", known.join(", ")));
        }
        page.under(reason(keeps));
        rules(page, keeps, full);
    }
    if !others.is_empty() {
        page.item(format_args!(
            "not Sysmon's, so that no configuration of it decides: {}",
            others.join(", ")
        ));
    }
}

fn fate(fate: Fate) -> &'static str {
    match fate {
        Fate::KeptWhole | Fate::Kept => "kept",
        Fate::Perhaps => "perhaps",
        Fate::Never => "never kept",
    }
}

fn known(known: &KnownField) -> String {
    let test = match known.test {
        KnownTest::Is => "is",
        KnownTest::EndsWith => "ends with",
        KnownTest::Contains => "contains",
        KnownTest::Holds => "has the bits",
    };
    format!("{} {test} {}", known.field, known.value)
}

fn reason(keeps: &Keeps) -> String {
    let tag = keeps.tag.as_deref().unwrap_or_default();
    match (keeps.why, keeps.fate) {
        (Why::Unfiltered, _) => "Events of this type are never filtered.".to_owned(),
        (Why::Default, Fate::Never) => {
            format!("{tag} is not mentioned, and by default Sysmon logs none of it.")
        }
        (Why::Default, _) => {
            format!("{tag} is not mentioned, and by default Sysmon logs all of it.")
        }
        (Why::EmptyExclude, _) => format!("All of {tag} is logged (an empty exclude)."),
        (Why::OnlyExcludes, _) => format!(
            "Several elements exclude {tag} and none includes, so that nothing of it is logged (SC101)."
        ),
        (Why::EmptyInclude, _) => format!("None of {tag} is logged (an empty include)."),
        (Why::NotCollected, _) => format!(
            "The last {tag} element is an empty include, so that Sysmon does not collect these events (SC103)."
        ),
        (Why::OptionMissing, _) => {
            "The option CaptureClipboard is not set, so that nothing is collected.".to_owned()
        }
        (Why::Rules, _) => by_rules(keeps),
    }
}

fn by_rules(keeps: &Keeps) -> String {
    let count = |rules: &[Rule], holds| rules.iter().filter(|r| r.holds == holds).count();
    let (all, drops) = (keeps.includes.len(), keeps.excludes.len());
    let sure = count(&keeps.includes, Holds::Always);
    let open = count(&keeps.includes, Holds::Perhaps);
    let mut out = match (all, sure, open) {
        (0, ..) => "All is kept that no excluding rule matches".to_owned(),
        (_, 0, 0) => format!(
            "None of the {} can match it",
            numbered(all, "including rule")
        ),
        (_, 0, _) => format!("{open} of {} may match it", numbered(all, "including rule")),
        _ => format!("{sure} of {} match it", numbered(all, "including rule")),
    };
    let sure = count(&keeps.excludes, Holds::Always);
    let open = count(&keeps.excludes, Holds::Perhaps);
    out += &match (drops, sure, open) {
        (0, ..) => String::new(),
        (_, 0, 0) => format!(
            "; none of the {} can match it",
            numbered(drops, "excluding rule")
        ),
        (_, 0, _) => format!(
            "; {open} of {} may match it",
            numbered(drops, "excluding rule")
        ),
        _ => format!(
            "; {sure} of {} always match it",
            numbered(drops, "excluding rule")
        ),
    };
    out + "."
}

fn numbered(n: usize, what: &str) -> String {
    crate::output::plural(n as u64, what)
}

/// The rules worth reading: those that surely match, then those that ask for what is known; the others are counted.
fn rules(page: &mut Page, keeps: &Keeps, full: bool) {
    for (word, rules) in [("drops", &keeps.excludes), ("keeps", &keeps.includes)] {
        let possible: Vec<&Rule> = rules.iter().filter(|r| r.holds != Holds::Never).collect();
        let telling = |r: &&&Rule| full || r.on_known || r.holds == Holds::Always;
        let mut shown: Vec<&&Rule> = possible.iter().filter(telling).collect();
        shown.sort_by_key(|r| (std::cmp::Reverse(r.holds), r.line));
        let limit = if full { usize::MAX } else { SHORT };
        for rule in shown.iter().take(limit) {
            let sure = match rule.holds {
                Holds::Always => "",
                _ => ", if it matches",
            };
            page.under(format_args!(
                "- line {} {word}{sure}: {}",
                rule.line,
                clean(&rule.words)
            ));
        }
        let left = possible.len() - shown.len().min(limit);
        if left > 0 {
            page.under(format_args!(
                "- {} that may match, {}",
                numbered(
                    left,
                    if word == "keeps" {
                        "further including rule"
                    } else {
                        "further excluding rule"
                    }
                ),
                if full { "not shown" } else { "shown by --full" }
            ));
        }
    }
}
