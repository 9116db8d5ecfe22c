//! One host against the others: events a day on each, start-up and the rest apart.

use std::fmt::Write;

use super::text::{decimal, number, plural, shown};
use crate::report::{HostCount, Report, Stream};

const WIDTH: f64 = 580.0;
const LEFT: f64 = 190.0;
const RIGHT: f64 = 64.0;
const ROW: f64 = 20.0;
const TOP: f64 = 6.0;
/// Hosts that are drawn: those with most events a day.
const MAX_ROWS: usize = 14;
/// Characters of a name that have room.
const NAME: usize = 26;

pub(super) fn draw(out: &mut String, report: &Report, stream: &Stream) {
    let mut rows: Vec<(&HostCount, f64)> = stream
        .total
        .hosts
        .iter()
        .filter_map(|h| Some((h, per_day(report, h)?)))
        .collect();
    rows.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.host.cmp(&b.0.host)));
    let all = rows.len();
    rows.truncate(MAX_ROWS);
    let silent = (report.hosts.len() as u64).saturating_sub(stream.total.hosts_total);
    let most = rows
        .first()
        .map_or(1.0, |r| r.1)
        .max(stream.total.rate.high.min(1e12));
    let scale = (WIDTH - LEFT - RIGHT) / most.max(1e-9);
    let height = TOP + rows.len() as f64 * ROW + 26.0;
    let mut rest = String::new();
    if all > rows.len() {
        let _ = write!(
            rest,
            "; {} more with fewer",
            number((all - rows.len()) as u64)
        );
    }
    if silent > 0 {
        let _ = write!(rest, "; {} with none", plural(silent, "host"));
    }
    let _ = writeln!(
        out,
        "<figure><figcaption>Events a day on each host <small><b class=\"key in\"></b> start-up <b class=\"key\"></b> outside; the line is the rate of all{rest}</small></figcaption>\n<svg viewBox=\"0 0 {WIDTH} {height:.0}\" role=\"img\" aria-label=\"Events a day on {}\">",
        plural(rows.len() as u64, "host")
    );
    for (i, (host, rate)) in rows.iter().enumerate() {
        let y = TOP + i as f64 * ROW;
        let full = report.hosts.get(host.host).map_or("", |h| h.name.as_str());
        let outside = rate * host.outside as f64 / host.count.max(1) as f64;
        let hint = format!(
            "{}: {}, {} of them outside start-up, in {} days",
            shown(full),
            plural(host.count, "event"),
            number(host.outside),
            decimal(report.hosts.get(host.host).map_or(0.0, |h| h.days))
        );
        let _ = writeln!(
            out,
            "<g><title>{hint}</title><text class=\"label end\" x=\"{:.1}\" y=\"{:.1}\">{}</text><rect class=\"bar\" x=\"{LEFT}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\"/><rect class=\"bar in\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\"/><text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\">{}</text></g>",
            LEFT - 8.0,
            y + 14.0,
            shown(&cut(full)),
            y + 3.0,
            outside * scale,
            ROW - 6.0,
            LEFT + outside * scale,
            y + 3.0,
            (rate - outside) * scale,
            ROW - 6.0,
            LEFT + rate * scale + 6.0,
            y + 14.0,
            decimal(*rate)
        );
    }
    let x = LEFT + stream.total.rate.value * scale;
    let bottom = TOP + rows.len() as f64 * ROW;
    let _ = writeln!(
        out,
        "<line class=\"mean\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{TOP}\" y2=\"{bottom:.1}\"/><text class=\"tick mid\" x=\"{x:.1}\" y=\"{:.1}\">all: {}</text></svg></figure>",
        bottom + 16.0,
        decimal(stream.total.rate.value)
    );
}

fn per_day(report: &Report, host: &HostCount) -> Option<f64> {
    let days = report.hosts.get(host.host)?.days;
    (days > 0.0).then(|| host.count as f64 / days)
}

/// A name with room for it: the part before the domain, shortened in the middle where it must be.
fn cut(name: &str) -> String {
    if name.is_empty() {
        return "(no name)".to_owned();
    }
    let short = match name.split_once('.') {
        Some((host, _)) if name.parse::<std::net::IpAddr>().is_err() => host,
        _ => name,
    };
    let chars: Vec<char> = short.chars().collect();
    if chars.len() <= NAME {
        return short.to_owned();
    }
    let head: String = chars[..NAME - 8].iter().collect();
    let tail: String = chars[chars.len() - 7..].iter().collect();
    format!("{head}…{tail}")
}
