//! Heavy hitters and the tail, and on which hosts each of them is seen: rows of bars with a field of hosts beside them.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::text::{decimal, number, percent, plural, shown, split_path};
use crate::report::{Group, Report, Stream};

const WIDTH: f64 = 1180.0;
/// Room for the last host's slanted name.
const RIGHT: f64 = 30.0;
const LABEL: f64 = 400.0;
const BAR: f64 = 210.0;
const FIELD: f64 = LABEL + BAR + 84.0;
const ROW: f64 = 22.0;
const HEAD: f64 = 84.0;
/// Groups with most events that are drawn.
const HEAVY: usize = 12;
/// Groups with fewest events that are drawn.
const RARE: usize = 8;
/// Hosts that have a column: those with most events.
const COLUMNS: usize = 20;
/// Characters of a label that have room.
const ROOM: usize = 56;

pub(super) fn draw(out: &mut String, report: &Report, stream: &Stream) {
    let groups = &stream.groups;
    if groups.is_empty() {
        return;
    }
    let (heavy, rare) = if groups.len() <= HEAVY + RARE {
        (groups.len(), groups.len())
    } else {
        (HEAVY, groups.len() - RARE)
    };
    let columns = columns(report, stream);
    let labels = labels(groups[..heavy].iter().chain(&groups[rare..]));
    let skipped = rare - heavy;
    let gap = if skipped > 0 { ROW } else { 0.0 };
    let rows = heavy + groups.len() - rare;
    let height = HEAD + rows as f64 * ROW + gap + 6.0;
    let others = (stream.total.hosts_total as usize).saturating_sub(columns.len());
    let rest = if others > 0 {
        format!(
            "; the {} hosts with most events of {}",
            columns.len(),
            number(stream.total.hosts_total)
        )
    } else {
        String::new()
    };
    let _ = writeln!(
        out,
        "<figure><figcaption>Who, how often, and where <small>most events first, then the rarest; numbers are events{rest}</small></figcaption>\n<svg viewBox=\"0 0 {WIDTH} {height:.0}\" role=\"img\" aria-label=\"{} of {} groups with their events on {} hosts\">",
        rows,
        number(stream.distinct),
        columns.len()
    );
    let wide = ((WIDTH - RIGHT - FIELD) / columns.len().max(1) as f64).min(46.0);
    for (i, host) in columns.iter().enumerate() {
        let x = FIELD + (i as f64 + 0.5) * wide;
        let name = report.hosts.get(*host).map_or("", |h| h.name.as_str());
        let short: String = name
            .split('.')
            .next()
            .unwrap_or(name)
            .chars()
            .take(14)
            .collect();
        let _ = writeln!(
            out,
            "<text class=\"tick\" transform=\"translate({:.1} {:.1}) rotate(-55)\">{}<title>{}</title></text>",
            x + 4.0,
            HEAD - 8.0,
            shown(&short),
            shown(name)
        );
    }
    let most = groups.first().map_or(1, |g| g.tally.count).max(1);
    let drawn = groups[..heavy].iter().chain(&groups[rare..]);
    for (i, (group, label)) in drawn.zip(&labels).enumerate() {
        let after_gap = if i >= heavy { gap } else { 0.0 };
        let y = HEAD + i as f64 * ROW + after_gap;
        row(out, group, label, y, most);
        cells(out, report, group, &columns, (y, wide));
    }
    if skipped > 0 {
        let events: u64 = groups[heavy..rare].iter().map(|g| g.tally.count).sum();
        let y = HEAD + heavy as f64 * ROW;
        let _ = writeln!(
            out,
            "<text class=\"rest end\" x=\"{:.1}\" y=\"{:.1}\">{} between these, together {}</text>",
            LABEL - 10.0,
            y + 15.0,
            plural(skipped as u64, "group"),
            plural(events, "event")
        );
    }
    out.push_str("</svg></figure>\n");
}

fn row(out: &mut String, group: &Group, label: &str, y: f64, most: u64) {
    let count = group.tally.count;
    let all = count as f64 / most as f64 * BAR;
    let inside = if count == 0 {
        0.0
    } else {
        all * group.tally.start_up.count as f64 / count as f64
    };
    let outside = all - inside;
    // Something rare still has to be seen.
    let (outside, inside) = if all < 2.0 {
        if outside > inside {
            (2.0, 0.0)
        } else {
            (0.0, 2.0)
        }
    } else {
        (outside, inside)
    };
    let hint = format!(
        "{}\n{}, {}; {} a host-day; {} in start-up",
        full(group),
        plural(count, "event"),
        percent(group.share),
        decimal(group.tally.rate.value),
        number(group.tally.start_up.count)
    );
    let marked = if group.marks.is_empty() {
        ""
    } else {
        " marked"
    };
    let _ = writeln!(
        out,
        "<g><title>{hint}</title><text class=\"label end{marked}\" x=\"{:.1}\" y=\"{:.1}\">{}</text><rect class=\"bar\" x=\"{LABEL}\" y=\"{:.1}\" width=\"{outside:.1}\" height=\"{:.1}\"/><rect class=\"bar in\" x=\"{:.1}\" y=\"{:.1}\" width=\"{inside:.1}\" height=\"{:.1}\"/><text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\">{}</text></g>",
        LABEL - 10.0,
        y + 15.0,
        shown(label),
        y + 4.0,
        ROW - 7.0,
        LABEL + outside,
        y + 4.0,
        ROW - 7.0,
        LABEL + outside + inside + 6.0,
        y + 15.0,
        number(count)
    );
}

/// One cell for each host: the count, and a shade for how often that is in a day.
fn cells(
    out: &mut String,
    report: &Report,
    group: &Group,
    columns: &[usize],
    (y, wide): (f64, f64),
) {
    for (i, host) in columns.iter().enumerate() {
        let x = FIELD + i as f64 * wide;
        let found = group.tally.hosts.iter().find(|h| h.host == *host);
        let count = found.map_or(0, |h| h.count);
        let known = report.hosts.get(*host);
        let days = known.map_or(1.0, |h| h.days.max(1e-9));
        let rate = count as f64 / days;
        let shade = match (count, rate) {
            (0, _) => 0,
            (_, r) if r < 0.5 => 1,
            (_, r) if r < 2.0 => 2,
            (_, r) if r < 8.0 => 3,
            (_, r) if r < 64.0 => 4,
            _ => 5,
        };
        let hint = if count > 0 {
            format!(
                "<title>{}: {}, {} a day</title>",
                shown(known.map_or("", |h| h.name.as_str())),
                plural(count, "event"),
                decimal(rate)
            )
        } else {
            String::new()
        };
        let _ = writeln!(
            out,
            "<rect class=\"cell c{shade}\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\">{hint}</rect>",
            x + 1.0,
            y + 1.0,
            wide - 2.0,
            ROW - 2.0
        );
        let text = short_number(count);
        if count > 0 && text.len() as f64 * 7.0 < wide {
            let _ = writeln!(
                out,
                "<text class=\"in-cell t{shade}\" x=\"{:.1}\" y=\"{:.1}\">{text}</text>",
                x + wide / 2.0,
                y + 15.0
            );
        }
    }
}

fn short_number(n: u64) -> String {
    match n {
        0..=9_999 => n.to_string(),
        10_000..=999_999 => format!("{}k", n / 1_000),
        _ => format!("{}M", n / 1_000_000),
    }
}

/// The hosts with most events of the stream, by name.
fn columns(report: &Report, stream: &Stream) -> Vec<usize> {
    let mut hosts: Vec<usize> = stream
        .total
        .hosts
        .iter()
        .map(|h| h.host)
        .take(COLUMNS)
        .collect();
    hosts.sort_by_key(|h| report.hosts.get(*h).map_or("", |h| h.name.as_str()));
    hosts
}

fn full(group: &Group) -> String {
    let values: Vec<String> = group
        .values
        .iter()
        .map(|v| shown(v.as_deref().unwrap_or("(none)")))
        .collect();
    values.join(" → ")
}

/// A label for each group: names of files without their folders, unless two groups would look the same.
fn labels<'g>(groups: impl Iterator<Item = &'g Group>) -> Vec<String> {
    let both: Vec<(String, String)> = groups
        .map(|group| {
            let part = |v: &Option<String>, short: bool| match v.as_deref() {
                None => "(none)".to_owned(),
                Some("") => "(empty)".to_owned(),
                Some(text) if short => split_path(text).1.to_owned(),
                Some(text) => text.to_owned(),
            };
            let join = |short: bool| {
                let parts: Vec<String> = group.values.iter().map(|v| part(v, short)).collect();
                parts.join(" → ")
            };
            (join(true), join(false))
        })
        .collect();
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for (short, _) in &both {
        *seen.entry(short).or_default() += 1;
    }
    both.iter()
        .map(|(short, long)| {
            let label = if seen[short.as_str()] > 1 {
                long
            } else {
                short
            };
            fit(label)
        })
        .collect()
}

/// The end of a label tells more than its beginning.
fn fit(label: &str) -> String {
    let count = label.chars().count();
    if count <= ROOM {
        return label.to_owned();
    }
    let tail: String = label.chars().skip(count - ROOM + 1).collect();
    format!("…{tail}")
}
