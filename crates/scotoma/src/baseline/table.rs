//! A baseline on the terminal: each stream in a sentence, small pictures of when and how long after a boot, then its
//! heaviest groups with their bars. Nothing is said in colour.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use baseline::{
    Comparison, Group, Interval, Mark, Regularity, Report, Stream, Strength, Tally, Time, words,
};
use text::{decimal as number, grouped, percent};

use crate::output::page::Page;
use crate::output::{clean, plural};

/// Widths of pictures in columns.
const LINE: usize = 60;
const BAR: usize = 10;

pub(super) fn draw(report: &Report, top: usize) -> String {
    let mut page = Page::new();
    head(&mut page, report);
    for stream in &report.streams {
        draw_stream(&mut page, report, stream, top);
    }
    if report.streams.is_empty() {
        page.head("Could not see: these logs have no event of a type that was asked for.");
    }
    for note in &report.notes {
        page.head(clean(&format!("note: {note}")));
    }
    page.finish()
}

fn head(page: &mut Page, report: &Report) {
    let seen = &report.exposure;
    page.title(format!(
        "{} of {}, {} to {}: {} host-days",
        plural(seen.events, "event"),
        plural(report.hosts.len() as u64, "host"),
        seen.first.map_or_else(|| "?".to_owned(), minute),
        seen.last.map_or_else(|| "?".to_owned(), minute),
        number(seen.host_days),
    ));
    if report.boots.is_empty() {
        page.title("No boot found.");
        return;
    }
    let likely = report
        .boots
        .iter()
        .filter(|b| b.strength == Strength::Likely);
    let mut hosts: Vec<usize> = report.boots.iter().map(|b| b.host).collect();
    hosts.dedup();
    let mut signs: BTreeMap<&str, u64> = BTreeMap::new();
    for sign in report.boots.iter().flat_map(|b| &b.signs) {
        *signs.entry(&sign.what).or_default() += 1;
    }
    let signs: Vec<String> = signs
        .iter()
        .map(|(what, n)| format!("{what} {n}"))
        .collect();
    page.title(format!(
        "{} on {}, {} of them only likely, seen by: {}",
        plural(report.boots.len() as u64, "boot"),
        plural(hosts.len() as u64, "host"),
        likely.count(),
        signs.join("; ")
    ));
}

fn draw_stream(page: &mut Page, report: &Report, stream: &Stream, top: usize) {
    let id = stream
        .event_id
        .map_or_else(String::new, |id| match stream.sysmon {
            true => format!(" (Sysmon {id})"),
            false => format!(" (event {id})"),
        });
    page.title(format!(
        "== {}{id} by {}",
        clean(&stream.name),
        stream.keys.join(", ")
    ));
    page.title(clean(&stream.summary));
    if let Some(sketch) = &stream.sketch {
        page.item(format!(
            "More than {} groups: the counts of the tail are at most {} too high, and no group left out had more events \
             (Space-Saving; --max-groups).",
            grouped(sketch.kept as u64),
            grouped(sketch.error)
        ));
    }
    pictures(page, report, stream);
    let width = grouped(stream.groups.first().map_or(0, |g| g.tally.count)).len();
    let shown = stream.groups.iter().take(top);
    for group in shown {
        draw_group(page, report, stream, group, width);
    }
    let rest = stream.groups.iter().skip(top);
    let (n, events) = rest.fold((0u64, 0u64), |(n, e), g| (n + 1, e + g.tally.count));
    if n > 0 {
        page.item(format!(
            "and {} with {} (--top, --format json)",
            plural(n, "more group"),
            plural(events, "event")
        ));
    }
    if let Some(comparison) = &stream.comparison {
        changes(page, stream, comparison, top);
    }
    rare(page, stream, top);
}

/// What is new, gone or changed since the saved baseline.
fn changes(page: &mut Page, stream: &Stream, comparison: &Comparison, top: usize) {
    page.head(format!(
        "Against the saved baseline: {} new, {} gone, {} at another rate, {} as before",
        grouped(comparison.appeared.len() as u64),
        grouped(comparison.vanished.len() as u64),
        grouped(comparison.changed.len() as u64),
        grouped(comparison.same)
    ));
    for group in comparison
        .appeared
        .iter()
        .take(top)
        .map(|at| &stream.groups[*at])
    {
        page.row(
            &format!("  new      {:>7} ", grouped(group.tally.count)),
            clean(&words::values(&group.values)),
        );
    }
    for gone in comparison.vanished.iter().take(top) {
        page.row(
            &format!("  gone     {:>7} ", grouped(gone.before)),
            clean(&words::values(&gone.values)),
        );
    }
    for changed in comparison.changed.iter().take(top) {
        page.row(
            &format!(
                "  x {:<6} {:>7} ",
                number(changed.ratio.value),
                grouped(changed.now)
            ),
            format!(
                "{} ({} to {} times; {} before)",
                clean(&words::values(&changed.values)),
                number(changed.ratio.low),
                number(changed.ratio.high),
                grouped(changed.before)
            ),
        );
    }
}

/// When, and how long after a boot, as lines of small columns.
fn pictures(page: &mut Page, report: &Report, stream: &Stream) {
    let line = &report.timeline;
    let (counts, joined) = squeeze(&spread(&stream.total.timeline, line.buckets), LINE);
    let mut picture = format!(
        "over time   {}\n            {} each\n",
        spark(&counts),
        unit(line.seconds * joined as u64)
    );
    let start_up = &stream.total.start_up;
    if start_up.minutes.iter().any(|n| *n > 0) {
        let _ = writeln!(
            picture,
            "after boot  {}\n            1 minute each; {} later, {} before any boot",
            spark(&start_up.minutes),
            grouped(start_up.later),
            grouped(start_up.unknown),
        );
    }
    page.blank();
    page.verbatim(&picture);
    page.blank();
}

fn draw_group(page: &mut Page, report: &Report, stream: &Stream, group: &Group, width: usize) {
    let t = &group.tally;
    let at_most = if group.error > 0 { '≤' } else { ' ' };
    let columns = format!(
        "{at_most}{:>width$} {:>5} {} ",
        grouped(t.count),
        share(group.share),
        bar(group.share),
    );
    page.row(&columns, clean(&words::values(&group.values)));
    page.under(details(report, t));
    if !t.users.is_empty() && stream.user.is_some() {
        let users: Vec<String> = t.users.iter().take(4).map(|u| clean(u)).collect();
        let more = t.users_total.saturating_sub(4);
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        page.under(format!("as {}{more}", users.join(", ")));
    }
    for mark in &group.marks {
        page.under(format!("! {}", mark_words(report, group, mark)));
    }
    if let Some(example) = &group.example {
        page.under(format!("first: {}", clean(&example.record)));
    }
}

fn details(report: &Report, t: &Tally) -> String {
    let mut parts = vec![match t.hosts.as_slice() {
        [one] if t.hosts_total == 1 => clean(&report.hosts[one.host].name),
        _ => plural(t.hosts_total, "host"),
    }];
    // Without times there is no rate.
    if report.exposure.host_days > 0.0 {
        parts.push(format!("{} a host-day", interval(&t.rate)));
    }
    if !report.boots.is_empty() {
        parts.push(format!("{} start-up", percent(t.start_up.share)));
    }
    match t.regularity {
        Regularity::Unknown => {}
        Regularity::Regular { .. } => parts.push("regular".to_owned()),
        Regularity::Random { .. } => parts.push("as by chance".to_owned()),
        Regularity::Bursty { dispersion } => {
            parts.push(format!("in bursts ({})", number(dispersion)));
        }
    }
    if let (Some(first), Some(last)) = (t.first.map(minute), t.last.map(minute)) {
        parts.push(match first == last {
            true => first,
            false => format!("{first} to {last}"),
        });
    }
    parts.join(", ")
}

pub(super) fn interval(i: &Interval) -> String {
    format!(
        "{} ({} to {})",
        number(i.value),
        number(i.low),
        number(i.high)
    )
}

fn mark_words(report: &Report, group: &Group, mark: &Mark) -> String {
    match mark {
        Mark::OneHost => format!("on one of {} hosts only", report.hosts.len()),
        Mark::LateFirst => format!(
            "first seen late: {}",
            group.tally.first.map_or_else(String::new, minute)
        ),
        Mark::AboveHabit {
            host,
            bucket,
            count,
            habit,
        } => {
            let line = &report.timeline;
            let at = line.start.saturating_add(
                i64::try_from(line.seconds.saturating_mul(*bucket as u64)).unwrap_or(0) * 1_000_000,
            );
            format!(
                "{} in the {} from {} on {}, where it has {} at most otherwise",
                grouped(*count),
                unit(line.seconds),
                minute(at),
                clean(&report.hosts[*host].name),
                grouped(*habit)
            )
        }
        Mark::New => "not in the saved baseline".to_owned(),
    }
}

/// The groups that stand out among those not shown.
fn rare(page: &mut Page, stream: &Stream, top: usize) {
    let alone = |g: &&Group| g.marks.contains(&Mark::OneHost);
    let hidden: Vec<&Group> = stream.groups.iter().skip(top).filter(alone).collect();
    if hidden.is_empty() {
        return;
    }
    page.head(format!(
        "Seen on one host only, among the groups not shown: {}",
        hidden.len()
    ));
    for group in hidden.iter().rev().take(top) {
        page.item(format!(
            "{} {}",
            grouped(group.tally.count),
            clean(&words::values(&group.values))
        ));
    }
}

/// A share in five columns.
fn share(share: f64) -> String {
    match percent(share) {
        p if p.starts_with("under") => "<1 %".to_owned(),
        p if p.starts_with("over") => ">99 %".to_owned(),
        p => p,
    }
}

/// A share as a bar, to an eighth of a column.
fn bar(share: f64) -> String {
    const PARTS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
    let eighths = (share.clamp(0.0, 1.0) * (BAR * 8) as f64).ceil() as usize;
    let mut bar = "█".repeat(eighths / 8);
    if !eighths.is_multiple_of(8) {
        bar.push(PARTS[eighths % 8]);
    }
    let missing = BAR - bar.chars().count().min(BAR);
    bar.push_str(&"·".repeat(missing));
    bar
}

/// Counts as a line of small columns; a dot is none at all.
fn spark(counts: &[u64]) -> String {
    const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = counts.iter().copied().max().unwrap_or(0);
    counts
        .iter()
        .map(|n| match n {
            0 => '·',
            n => HEIGHTS[((*n as f64 / most as f64 * 8.0).ceil() as usize).clamp(1, 8) - 1],
        })
        .collect()
}

fn spread(counts: &[(usize, u64)], buckets: usize) -> Vec<u64> {
    let mut all = vec![0; buckets];
    for (at, n) in counts {
        if let Some(bucket) = all.get_mut(*at) {
            *bucket = *n;
        }
    }
    all
}

/// Joins neighbours until they fit, and says how many were joined.
fn squeeze(counts: &[u64], most: usize) -> (Vec<u64>, usize) {
    let joined = counts.len().div_ceil(most).max(1);
    (
        counts.chunks(joined).map(|c| c.iter().sum()).collect(),
        joined,
    )
}

fn unit(seconds: u64) -> String {
    match seconds {
        s if s.is_multiple_of(86_400) => plural(s / 86_400, "day"),
        s if s.is_multiple_of(3_600) => plural(s / 3_600, "hour"),
        s => plural(s / 60, "minute"),
    }
}

/// A time to the minute, in UTC.
fn minute(time: Time) -> String {
    let text = telemetry::time::format(time);
    text.get(..16).map_or(text.clone(), |t| t.replace('T', " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_show_little_as_little_and_nothing_as_nothing() {
        assert_eq!(bar(0.0), "··········");
        assert_eq!(bar(0.001), "▏·········");
        assert_eq!(bar(1.0), "██████████");
        assert_eq!(spark(&[0, 1, 800]), "·▁█");
        assert_eq!(squeeze(&[1, 2, 3, 4, 5], 3), (vec![3, 7, 5], 2));
        assert_eq!(
            [60, 900, 3600, 172_800].map(unit),
            ["1 minute", "15 minutes", "1 hour", "2 days"]
        );
    }
}
