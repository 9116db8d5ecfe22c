//! The table of groups. It stands in the order of the report; a script sorts it by the `data-v` of its cells.

use std::fmt::Write;

use super::text::{decimal, interval, number, percent, plural, shown, split_path, time, value};
use crate::report::{Group, Mark, Regularity, Report, Stream, Tally};

/// Users that are named in a cell.
const USERS: usize = 3;

pub(super) fn write(out: &mut String, report: &Report, stream: &Stream, rows: usize) {
    let shown_rows = stream.groups.len().min(rows);
    let _ = write!(
        out,
        "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"Groups of {}\"><table>\n<thead><tr>",
        shown(&stream.name)
    );
    for key in &stream.keys {
        head(out, &shown(key), false);
    }
    for (name, number) in [
        ("events", true),
        ("share", true),
        ("a host-day", true),
        ("start-up", true),
        ("outside, a host-day", true),
        ("hosts", true),
        ("users", true),
        ("habit", false),
        ("first", false),
        ("last", false),
        ("marks", true),
        ("record", false),
    ] {
        head(out, name, number);
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    // The rarest are what one looks for, so a table that is cut loses its middle.
    let rare = if shown_rows < stream.groups.len() {
        shown_rows / 3
    } else {
        0
    };
    let heavy = shown_rows - rare;
    let tail = stream.groups.len() - rare;
    for group in stream.groups[..heavy].iter().chain(&stream.groups[tail..]) {
        row(out, report, group);
    }
    out.push_str("</tbody></table></div>\n");
    if shown_rows < stream.groups.len() {
        let between = &stream.groups[heavy..tail];
        let events: u64 = between.iter().map(|g| g.tally.count).sum();
        let _ = writeln!(
            out,
            "<p class=\"note\">The table has the {} groups with most events and the {} with fewest; {} between them have {}. The JSON has all.</p>",
            number(heavy as u64),
            number(rare as u64),
            number(between.len() as u64),
            plural(events, "event")
        );
    }
}

fn head(out: &mut String, name: &str, number: bool) {
    let class = if number { " class=\"num\"" } else { "" };
    let _ = write!(
        out,
        "<th scope=\"col\"{class}><button type=\"button\">{name}</button></th>"
    );
}

fn cell(out: &mut String, sort: f64, text: &str) {
    let _ = write!(out, "<td class=\"num\" data-v=\"{sort}\">{text}</td>");
}

fn row(out: &mut String, report: &Report, group: &Group) {
    let tally = &group.tally;
    out.push_str("<tr>");
    for text in &group.values {
        path(out, text.as_deref());
    }
    let about = if group.error > 0 { "≤ " } else { "" };
    cell(
        out,
        tally.count as f64,
        &format!("{about}{}", number(tally.count)),
    );
    cell(out, group.share, &percent(group.share));
    cell(
        out,
        tally.rate.value,
        &format!(
            "{}<small>{}</small>",
            decimal(tally.rate.value),
            interval(&tally.rate)
        ),
    );
    cell(
        out,
        tally.start_up.share,
        &format!(
            "{}<small>{}</small>",
            percent(tally.start_up.share),
            number(tally.start_up.count)
        ),
    );
    let outside = &tally.start_up.outside;
    cell(
        out,
        outside.value,
        &format!(
            "{}<small>{}</small>",
            decimal(outside.value),
            interval(outside)
        ),
    );
    cell(out, tally.hosts_total as f64, &hosts(report, tally));
    let _ = write!(
        out,
        "<td class=\"num users\" data-v=\"{}\">{}</td>",
        tally.users_total,
        users(tally)
    );
    let _ = write!(out, "<td>{}</td>", habit(&tally.regularity));
    for at in [tally.first, tally.last] {
        let _ = write!(
            out,
            "<td class=\"time\">{}</td>",
            at.map_or_else(|| "–".to_owned(), |t| time(t).replacen(' ', "<br>", 1))
        );
    }
    let marks: Vec<String> = group.marks.iter().map(|m| mark(report, m)).collect();
    cell(out, marks.len() as f64, &marks.join(" "));
    match &group.example {
        // A file's folder is long and the same for all; it stands in the hint.
        Some(example) => {
            let _ = writeln!(
                out,
                "<td class=\"record\" title=\"{}\">{}</td></tr>",
                shown(&example.record),
                shown(split_path(&example.record).1)
            );
        }
        None => out.push_str("<td class=\"record\">–</td></tr>\n"),
    }
}

/// A value; of a path the last part first, for that is what the eye looks for.
fn path(out: &mut String, text: Option<&str>) {
    let _ = match text.map(split_path) {
        Some((folder, name)) if !folder.is_empty() => write!(
            out,
            "<td class=\"value\" data-v=\"{}{}\"><b>{}</b><small>{}</small></td>",
            shown(folder),
            shown(name),
            shown(name),
            shown(folder)
        ),
        _ => write!(out, "<td class=\"value\"><b>{}</b></td>", value(text)),
    };
}

fn hosts(report: &Report, tally: &Tally) -> String {
    match tally.hosts.as_slice() {
        [one] if tally.hosts_total == 1 => {
            let name = report.hosts.get(one.host).map_or("", |h| h.name.as_str());
            let short = name.split('.').next().unwrap_or(name);
            format!("1<small>{}</small>", shown(short))
        }
        _ => number(tally.hosts_total),
    }
}

fn users(tally: &Tally) -> String {
    if tally.users.is_empty() || tally.users_total > USERS as u64 {
        return number(tally.users_total);
    }
    // The domain is the same for nearly all; it stands in the hint.
    let names: Vec<String> = tally
        .users
        .iter()
        .map(|user| {
            let name = split_path(user).1;
            format!("<span title=\"{}\">{}</span>", shown(user), shown(name))
        })
        .collect();
    format!(
        "{}<small>{}</small>",
        number(tally.users_total),
        names.join(", ")
    )
}

fn habit(regularity: &Regularity) -> String {
    match regularity {
        Regularity::Unknown => "<small>too few</small>".to_owned(),
        Regularity::Regular { dispersion } => {
            format!("regular<small>{}</small>", decimal(*dispersion))
        }
        Regularity::Random { dispersion } => {
            format!("by chance<small>{}</small>", decimal(*dispersion))
        }
        Regularity::Bursty { dispersion } => {
            format!("bursty<small>{}</small>", decimal(*dispersion))
        }
    }
}

fn mark(report: &Report, mark: &Mark) -> String {
    match mark {
        Mark::OneHost => "<span class=\"mark\">one host</span>".to_owned(),
        Mark::LateFirst => "<span class=\"mark\">first seen late</span>".to_owned(),
        Mark::New => "<span class=\"mark\">new</span>".to_owned(),
        Mark::AboveHabit {
            host, count, habit, ..
        } => format!(
            "<span class=\"mark\" title=\"{} at once on {}, elsewhen at most {}\">above habit</span>",
            number(*count),
            shown(report.hosts.get(*host).map_or("", |h| h.name.as_str())),
            number(*habit)
        ),
    }
}
