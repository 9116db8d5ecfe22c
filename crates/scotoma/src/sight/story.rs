//! A line of sight in words, many as a matrix of 80 columns, and what changed between two answers.

use ::sight::chain::{Link, LinkKind, LinkState, TechniqueSight};
use ::sight::compare::SightChange;
use ::sight::recorded::RecordedSight;
use ::sight::render::{About, end_of, short_end_of, worst_of_each};

use crate::output::page::Page;
use crate::output::{clean, plural};

/// Analytics that do not fire, shown without --full.
const SHORT: usize = 5;

/// The stories of some techniques.
pub(super) fn stories(lines: &[TechniqueSight], about: &About, full: bool) -> String {
    let mut page = Page::new();
    page.title(seen_through(about));
    let mut told: Vec<&TechniqueSight> = Vec::new();
    for line in lines {
        let first = told.iter().find(|t| t.technique == line.technique);
        if first.is_none() {
            page.title(format_args!(
                "{} - {} ({})",
                line.name, line.attack, line.technique
            ));
        }
        match told.iter().find(|t| !full && is_alike(t, line)) {
            Some(alike) => {
                page.blank();
                page.item(format_args!(
                    "{}: as {}. {}",
                    line.variant,
                    alike.variant,
                    end_of(line)
                ));
            }
            None => {
                tell(&mut page, line, full);
                told.push(line);
            }
        }
    }
    page.finish()
}

/// Whether two ways of a technique are seen alike: the same events, decisions and analytics.
fn is_alike(a: &TechniqueSight, b: &TechniqueSight) -> bool {
    let rest = |line: &TechniqueSight| -> Vec<(LinkKind, String, LinkState)> {
        let links = line.links.iter().filter(|l| l.kind >= LinkKind::Mechanism);
        links.map(|l| (l.kind, l.name.clone(), l.state)).collect()
    };
    a.technique == b.technique && rest(a) == rest(b)
}

pub(super) fn seen_through(about: &About) -> String {
    let mut parts = vec![match &about.configuration {
        Some(name) => format!("through {name}"),
        None => "what Sysmon could log at best (no --config)".to_owned(),
    }];
    if about.hunts > 0 {
        parts.push(plural(about.hunts as u64, "hunt"));
    }
    if about.rules > 0 {
        parts.push(plural(about.rules as u64, "Sigma rule"));
    }
    if about.hunts + about.rules == 0 {
        parts.push("what reaches the log (no --rules or --pack)".to_owned());
    }
    format!("Line of sight {}", parts.join(", "))
}

fn tell(page: &mut Page, line: &TechniqueSight, full: bool) {
    page.head(format_args!("{}: {}", line.variant, end_of(line)));
    let mut shown = 0;
    for (place, link) in line.links.iter().enumerate() {
        let quiet = link.kind == LinkKind::Analytic && link.state > LinkState::Filtered;
        if quiet && !full {
            shown += 1;
            if shown > SHORT {
                continue;
            }
        }
        if link.kind == LinkKind::Technique
            || (link.kind == LinkKind::Mechanism && !full && link.state == LinkState::Seen)
        {
            continue;
        }
        show_link(page, link, line.broken == Some(place));
    }
    if shown > SHORT {
        page.item(format_args!(
            "and {} more that do not match (--full)",
            shown - SHORT
        ));
    }
    if let (Some(event), false) = (&line.event, line.holds()) {
        page.head(format_args!("What passes unseen: event {}", event.id));
        for (name, value) in &event.fields {
            let value = value.as_str().unwrap_or_default();
            if !matches!(value, "-" | "") && is_worth_showing(name) {
                page.item(format_args!("{name}: {}", clean(value)));
            }
        }
    }
    if !line.remedies.is_empty() {
        page.head("What would mend it");
        for remedy in &line.remedies {
            let tried = match remedy.verified {
                true => "tried",
                false => "not tried",
            };
            page.item(format_args!("{} ({tried})", clean(&remedy.what)));
            if !remedy.catches.is_empty() {
                page.under(format_args!(
                    "then fires: {}",
                    clean(&remedy.catches.join(", "))
                ));
            }
            let change = clean_lines(&remedy.change);
            page.verbatim(&change);
        }
    }
}

fn clean_lines(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(clean).collect();
    lines.join("\n")
}

/// Fields of an example that say what happened; the rest is in the JSON.
fn is_worth_showing(name: &str) -> bool {
    const SHOWN: [&str; 22] = [
        "Image",
        "CommandLine",
        "ParentImage",
        "User",
        "SourceImage",
        "TargetImage",
        "GrantedAccess",
        "CallTrace",
        "StartModule",
        "StartFunction",
        "StartAddress",
        "ImageLoaded",
        "TargetFilename",
        "TargetObject",
        "Details",
        "PipeName",
        "DestinationIp",
        "DestinationPort",
        "QueryName",
        "Type",
        "Device",
        "Name",
    ];
    SHOWN.contains(&name)
}

fn show_link(page: &mut Page, link: &Link, breaks: bool) {
    let line = link
        .line
        .map_or_else(String::new, |n| format!(" (line {n})"));
    let mark = if breaks { ">>" } else { "  " };
    let columns = format!("{mark}{:<14}{:<13}", link.kind.name(), link.state.words());
    page.row(&columns, format_args!("{}{line}", clean(&link.name)));
    page.row(&" ".repeat(31), clean(&link.why));
}

/// Columns of the matrix for the name of a technique.
const NAME: usize = 25;
/// Columns for where its line ends.
const END: usize = 30;

/// All techniques, a line each.
pub(super) fn matrix(lines: &[TechniqueSight], about: &About) -> String {
    let mut page = Page::new();
    page.title(seen_through(about));
    let kinds: Vec<&str> = about.kinds.iter().map(|k| k.name()).collect();
    page.head(format_args!("Links: {}.", kinds.join(" - ")));
    page.item("+ seen   O not observed   F filtered   N not matched   T tampered   ? unknown");
    page.item("The line ends where sight ends. Of several ways to do a technique, the worst.");
    page.blank();
    let worst = worst_of_each(lines);
    let drawn = about.kinds.len() * 2;
    let mut rows = String::new();
    for line in &worst {
        let mut marks = String::new();
        for state in about.kinds.iter().map_while(|kind| line.state_of(*kind)) {
            if !marks.is_empty() {
                marks.push('-');
            }
            marks.push(letter(state));
        }
        let row = format!(
            "{marks:<drawn$}{:<10}{:<NAME$} {}",
            line.attack,
            cut(&line.technique, NAME),
            cut(&clean(&short_end_of(line)), END)
        );
        rows.push_str(row.trim_end());
        rows.push('\n');
    }
    let mut text = page.finish() + &rows;
    let mut page = Page::new();
    let held = worst.iter().filter(|l| l.holds()).count();
    let what = match (about.rules + about.hunts, &about.configuration) {
        (0, None) => "could be logged",
        (0, Some(_)) => "reach the log",
        _ => "are caught",
    };
    page.head(format_args!(
        "{}: {held} {what} in every way they are done, {} break.",
        plural(worst.len() as u64, "technique"),
        worst.len() - held
    ));
    for kind in LinkKind::ALL {
        let at = |l: &&&TechniqueSight| l.break_link().is_some_and(|link| link.kind == kind);
        let count = worst.iter().filter(at).count();
        if count > 0 {
            page.item(format_args!("{count} at the {}", kind.name()));
        }
    }
    text.push_str(&page.finish());
    text
}

fn cut(text: &str, width: usize) -> String {
    match text.chars().count() > width {
        true => text.chars().take(width - 1).chain(['…']).collect(),
        false => text.to_owned(),
    }
}

fn letter(state: LinkState) -> char {
    match state {
        LinkState::Seen => '+',
        LinkState::NotObserved => 'O',
        LinkState::Filtered => 'F',
        LinkState::NotMatched => 'N',
        LinkState::Tampered => 'T',
        LinkState::Unknown => '?',
    }
}

/// What recordings have of techniques.
pub(super) fn in_logs(found: &[RecordedSight]) -> String {
    let mut page = Page::new();
    for sight in found {
        page.title(format_args!(
            "{} - {} ({})",
            sight.name, sight.attack, sight.technique
        ));
        page.head("Expected of Sysmon, and recorded");
        if sight.events.is_empty() {
            page.item("The catalog expects no event of Sysmon.");
        }
        for event in &sight.events {
            let what = match (event.count, event.of_type) {
                (0, 0) => "none of this type".to_owned(),
                (0, of) => format!("none so, {of} of this type"),
                (count, _) if event.known.is_empty() => {
                    format!("{count} of this type; the catalog knows of no value that tells it")
                }
                (count, of) => format!("{count} so, of {of} of this type"),
            };
            page.item(format_args!("event {}: {what}", event.event));
            if let Some(when) = &event.when {
                page.under(when);
            }
            if !event.known.is_empty() {
                page.under(format_args!("known: {}", event.known.join(", ")));
            }
            if let Some(first) = &event.first {
                page.under(format_args!("first: {}", clean(first)));
            }
        }
        page.head("What fires");
        let about: Vec<_> = sight.analytics.iter().filter(|a| a.about).collect();
        for hit in &about {
            page.item(format_args!("{}: {}", clean(&hit.name), hit.count));
            page.under(clean(&named_once(&hit.records)));
        }
        match (about.len(), sight.analytics.len() - about.len()) {
            (0, 0) => page.item("nothing"),
            (0, others) => page.item(format_args!("nothing that is about it; {others} others")),
            (_, 0) => {}
            (_, others) => page.item(format_args!("and {others} that are about other techniques")),
        }
    }
    page.finish()
}

/// Records with the name of a file only where it changes.
fn named_once(records: &[String]) -> String {
    let mut out = String::new();
    let mut last = "";
    for record in records {
        let at = record.rfind(['#', '@']).unwrap_or(0);
        let (file, place) = record.split_at(at);
        if !out.is_empty() {
            out.push(' ');
        }
        if file != last {
            out.push_str(file);
            last = file;
        }
        out.push_str(place);
    }
    out
}

/// What was gained and lost.
pub(super) fn changes(changes: &[SightChange]) -> String {
    let mut page = Page::new();
    let lost = changes.iter().filter(|c| c.is_loss()).count();
    page.title(match changes.is_empty() {
        true => "Nothing is seen that was not, and nothing is lost.".to_owned(),
        false => format!("{lost} lost, {} gained.", changes.len() - lost),
    });
    for losses in [true, false] {
        let some: Vec<&SightChange> = changes.iter().filter(|c| c.is_loss() == losses).collect();
        if some.is_empty() {
            continue;
        }
        page.head(if losses { "No longer seen" } else { "Seen now" });
        for change in some {
            page.item(format_args!(
                "{} {}, {}",
                change.attack, change.technique, change.variant
            ));
            page.under(format_args!("before: {}", clean(&change.before)));
            page.under(format_args!("now: {}", clean(&change.now)));
            if let (Some(event), true) = (&change.event, losses) {
                let fields = event
                    .fields
                    .iter()
                    .filter(|(name, _)| is_worth_showing(name));
                let fields: Vec<String> = fields
                    .filter_map(|(name, value)| Some(format!("{name}={}", value.as_str()?)))
                    .filter(|f| !f.ends_with("=-"))
                    .collect();
                page.under(format_args!(
                    "event {}: {}",
                    event.id,
                    clean(&fields.join(", "))
                ));
            }
        }
    }
    page.finish()
}
