//! Events over time, with the boots marked under them.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::axis;
use super::text::{number, plural, time};
use crate::report::{Report, Stream, Strength, Time};

const WIDTH: f64 = 1180.0;
const LEFT: f64 = 52.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 10.0;
const PLOT: f64 = 130.0;
const BOOTS: f64 = 20.0;
const HEIGHT: f64 = TOP + PLOT + BOOTS + 24.0;
/// Bars that still can be told apart.
const MAX_BARS: usize = 360;

pub(super) fn draw(out: &mut String, report: &Report, stream: &Stream) {
    let line = &report.timeline;
    if line.buckets == 0 || line.seconds == 0 {
        return;
    }
    let merged = line.buckets.div_ceil(MAX_BARS).max(1);
    let bars = line.buckets.div_ceil(merged);
    let mut counts = vec![0u64; bars];
    for (bucket, count) in &stream.total.timeline {
        if let Some(bar) = counts.get_mut(bucket / merged) {
            *bar += count;
        }
    }
    let seconds = line.seconds.saturating_mul(merged as u64);
    let length = i64::try_from(seconds)
        .unwrap_or(i64::MAX)
        .saturating_mul(1_000_000);
    let start = |bar: usize| {
        let bar = i64::try_from(bar).unwrap_or(i64::MAX);
        line.start.saturating_add(length.saturating_mul(bar))
    };
    let end = start(bars);
    let width = WIDTH - LEFT - RIGHT;
    let place = |t: Time| {
        let span = end.saturating_sub(line.start).max(1) as f64;
        LEFT + (t.saturating_sub(line.start) as f64 / span).clamp(0.0, 1.0) * width
    };
    let top = axis::ceiling(counts.iter().copied().max().unwrap_or(0));
    let _ = writeln!(
        out,
        "<figure><figcaption>Events over time <small>each bar is {}; triangles are boots</small></figcaption>\n<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"Events over time: {} in {} bars, {} marked\">",
        duration(seconds),
        plural(stream.total.count, "event"),
        bars,
        plural(report.boots.len() as u64, "boot")
    );
    let base = TOP + PLOT;
    axis::grid(out, top, (LEFT, WIDTH - RIGHT), base, PLOT);
    let step = width / bars as f64;
    let gap = if step > 5.0 { 1.0 } else { step * 0.12 };
    for (bar, count) in counts.iter().enumerate().filter(|(_, c)| **c > 0) {
        let height = (*count as f64 / top as f64 * PLOT).max(1.5);
        let _ = writeln!(
            out,
            "<rect class=\"bar\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.2}\" height=\"{height:.1}\"><title>{} from {}: {}</title></rect>",
            LEFT + bar as f64 * step,
            base - height,
            (step - gap).max(0.8),
            duration(seconds),
            time(start(bar)),
            plural(*count, "event")
        );
    }
    let _ = writeln!(
        out,
        "<line class=\"axis\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{base}\" y2=\"{base}\"/>",
        WIDTH - RIGHT
    );
    for (at, label) in axis::instants(line.start, end) {
        let x = place(at);
        let _ = writeln!(
            out,
            "<line class=\"axis\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{base}\" y2=\"{:.1}\"/>",
            base + BOOTS + 6.0
        );
        // A label that would be cut off says nothing.
        if x < WIDTH - 40.0 {
            let _ = writeln!(
                out,
                "<text class=\"tick mid\" x=\"{:.1}\" y=\"{:.1}\">{label}</text>",
                x.max(36.0),
                HEIGHT - 4.0
            );
        }
    }
    boots(out, report, base, &place);
    out.push_str("</svg></figure>\n");
}

/// One triangle for all boots that fall on the same spot.
fn boots(out: &mut String, report: &Report, base: f64, place: &dyn Fn(Time) -> f64) {
    let mut spots: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
    for (i, boot) in report.boots.iter().enumerate() {
        let spot = (place(boot.at) / 3.0).round() as i64;
        spots.entry(spot).or_default().push(i);
    }
    for (spot, boots) in spots {
        let x = spot as f64 * 3.0;
        let sure = boots
            .iter()
            .any(|i| report.boots[*i].strength == Strength::Sure);
        let class = if sure { "boot" } else { "boot likely" };
        let mut hint = String::new();
        for i in boots.iter().take(6) {
            let boot = &report.boots[*i];
            let host = report.hosts.get(boot.host).map_or("", |h| h.name.as_str());
            let _ = writeln!(hint, "{} {}", time(boot.at), super::shown(host));
        }
        if boots.len() > 6 {
            let _ = writeln!(hint, "and {} more", number(boots.len() as u64 - 6));
        }
        let y = base + 4.0;
        let _ = writeln!(
            out,
            "<path class=\"{class}\" d=\"M{x:.1} {y}l4.5 9h-9z\"><title>boot\n{}</title></path>",
            hint.trim_end()
        );
    }
}

/// Seconds in the largest unit that fits.
fn duration(seconds: u64) -> String {
    for (unit, name) in [(86_400, "day"), (3_600, "hour"), (60, "minute")] {
        if seconds >= unit && seconds.is_multiple_of(unit) {
            return plural(seconds / unit, name);
        }
    }
    plural(seconds, "second")
}
