//! The baseline as one HTML page that needs nothing beside itself: no network, no fonts, no scripts for what it shows
//! (a script only sorts tables and moves hints). It draws what the report says and computes nothing of its own.
//!
//! Logs come from compromised machines: every text goes through `text::shown`, and the size of the page has a limit
//! whatever the report holds.

mod axis;
mod compare;
mod groups;
mod hosts;
mod minutes;
mod table;
mod text;
mod timeline;

use std::fmt::Write;

use crate::report::{Report, Stream, Strength};
use text::{decimal, interval, number, percent, plural, shown, time};

/// Streams that are drawn; the rest is counted.
const MAX_STREAMS: usize = 60;
/// Rows of all tables together.
const MAX_ROWS: usize = 6_000;
/// Rows of one table.
const MAX_TABLE: usize = 300;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// The page.
pub fn html(report: &Report) -> String {
    let mut out = String::with_capacity(256 << 10);
    out.push_str("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    // Nothing is fetched, whatever a value in the logs manages to say.
    out.push_str("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n");
    out.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n");
    let _ = write!(
        out,
        "<title>Baseline of {}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#main\">Skip to the results</a>\n",
        plural(report.exposure.events, "event")
    );
    head(&mut out, report);
    out.push_str("<main id=\"main\">\n");
    let drawn = report.streams.len().min(MAX_STREAMS);
    let rows = (MAX_ROWS / drawn.max(1)).min(MAX_TABLE);
    for (i, one) in report.streams.iter().take(drawn).enumerate() {
        stream(&mut out, report, one, i, rows);
    }
    if drawn < report.streams.len() {
        let rest = &report.streams[drawn..];
        let events: u64 = rest.iter().map(|s| s.total.count).sum();
        let _ = writeln!(
            out,
            "<p class=\"note\">{} more with {} are not drawn; the JSON has them.</p>",
            plural(rest.len() as u64, "event type"),
            plural(events, "event")
        );
    }
    out.push_str("</main>\n");
    foot(&mut out, report);
    let _ = write!(out, "<script>\n{SCRIPT}</script>\n</body>\n</html>\n");
    out
}

fn head(out: &mut String, report: &Report) {
    let exposure = &report.exposure;
    out.push_str("<header>\n<h1>How often does this happen?</h1>\n");
    let span = match (exposure.first, exposure.last) {
        (Some(first), Some(last)) => format!(", {} to {} UTC", time(first), time(last)),
        _ => String::new(),
    };
    let likely = report
        .boots
        .iter()
        .filter(|b| b.strength == Strength::Likely)
        .count() as u64;
    let sure = report.boots.len() as u64 - likely;
    let doubt = match likely {
        0 => String::new(),
        n => format!(" and {n} likely"),
    };
    let _ = writeln!(
        out,
        "<p class=\"span\">{} on {} in {}{span}. {}{doubt}.</p>",
        plural(exposure.events, "event"),
        plural(report.hosts.len() as u64, "host"),
        plural(exposure.days, "day"),
        plural(sure, "boot"),
    );
    for note in &report.notes {
        let _ = writeln!(out, "<p class=\"note\">{}</p>", shown(note));
    }
    if report.streams.len() > 1 {
        let most = report.streams.iter().map(|s| s.total.count).max();
        out.push_str("<nav aria-label=\"Event types\"><ol>\n");
        for (i, s) in report.streams.iter().take(MAX_STREAMS).enumerate() {
            let width = s.total.count as f64 / most.unwrap_or(1).max(1) as f64 * 100.0;
            let _ = writeln!(
                out,
                "<li><a href=\"#s{i}\"><span class=\"name\">{}</span><span class=\"bar\"><i style=\"width:{width:.1}%\"></i></span><span class=\"n\">{}</span></a></li>",
                shown(&s.name),
                number(s.total.count)
            );
        }
        out.push_str("</ol></nav>\n");
    }
    out.push_str("</header>\n");
}

fn stream(out: &mut String, report: &Report, stream: &Stream, i: usize, rows: usize) {
    let total = &stream.total;
    let keys: Vec<String> = stream.keys.iter().map(|k| shown(k)).collect();
    let _ = writeln!(
        out,
        "<section id=\"s{i}\" aria-labelledby=\"h{i}\">\n<h2 id=\"h{i}\">{}</h2>\n<p class=\"keys\">by {}</p>\n<p class=\"summary\">{}</p>",
        shown(&stream.name),
        keys.join(", "),
        shown(&stream.summary).replace("-&gt;", "→")
    );
    out.push_str("<dl class=\"facts\">\n");
    let confidence = percent(report.parameters.confidence);
    let startup = report.parameters.startup_minutes;
    let mut fact = |name: &str, value: String, under: String| {
        let _ = writeln!(
            out,
            "<div><dt>{name}</dt><dd>{value}<small>{under}</small></dd></div>"
        );
    };
    fact(
        "events",
        number(total.count),
        format!("on {}", plural(total.hosts_total, "host")),
    );
    fact(
        "a host-day",
        decimal(total.rate.value),
        format!("{} ({confidence})", interval(&total.rate)),
    );
    fact(
        "in start-up",
        percent(total.start_up.share),
        format!(
            "{} within {}",
            number(total.start_up.count),
            plural(startup.into(), "minute")
        ),
    );
    fact(
        "outside, a host-day",
        decimal(total.start_up.outside.value),
        format!("{} ({confidence})", interval(&total.start_up.outside)),
    );
    let at_least = if stream.sketch.is_some() {
        "at least "
    } else {
        ""
    };
    fact(
        "groups",
        format!("{at_least}{}", number(stream.distinct)),
        format!("{} outside start-up", number(stream.distinct_outside)),
    );
    out.push_str("</dl>\n");
    if let Some(sketch) = &stream.sketch {
        let _ = writeln!(
            out,
            "<p class=\"note\">More groups than are counted exactly: {} are kept, no count is more than {} too high, and no group left out had more.</p>",
            number(sketch.kept as u64),
            number(sketch.error)
        );
    }
    compare::write(out, stream);
    timeline::draw(out, report, stream);
    out.push_str("<div class=\"pair\">\n");
    minutes::draw(out, report, stream);
    hosts::draw(out, report, stream);
    out.push_str("</div>\n");
    groups::draw(out, report, stream);
    table::write(out, report, stream, rows);
    out.push_str("</section>\n");
}

fn foot(out: &mut String, report: &Report) {
    let p = &report.parameters;
    let _ = writeln!(
        out,
        "<footer><p>Times are UTC. A host-day is a day between a host's first and last event of any kind, without the days that have none; {} were observed. Start-up is the first {} after a boot. Intervals hold the true rate with {} confidence if events come independently; for groups in bursts they are too narrow. Up to {} groups of each kind are counted exactly.</p></footer>",
        decimal(report.exposure.host_days),
        plural(p.startup_minutes.into(), "minute"),
        percent(p.confidence),
        number(p.max_groups as u64)
    );
}

#[cfg(test)]
mod tests;
