//! How many events in each minute after a boot.

use std::fmt::Write;

use super::axis;
use super::text::{number, plural};
use crate::report::{MAX_MINUTES, Report, Stream};

const WIDTH: f64 = 580.0;
const LEFT: f64 = 52.0;
const RIGHT: f64 = 10.0;
const TOP: f64 = 10.0;
const PLOT: f64 = 150.0;
const HEIGHT: f64 = TOP + PLOT + 40.0;

pub(super) fn draw(out: &mut String, report: &Report, stream: &Stream) {
    let start_up = &stream.total.start_up;
    let minutes = &start_up.minutes;
    let base = TOP + PLOT;
    let step = (WIDTH - LEFT - RIGHT) / MAX_MINUTES as f64;
    let top = axis::ceiling(minutes.iter().copied().max().unwrap_or(0));
    let _ = writeln!(
        out,
        "<figure><figcaption>Minutes after boot <small>{} later than {MAX_MINUTES} minutes, {} with no boot before them</small></figcaption>\n<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"Minutes after boot: {} in the first {}\">",
        number(start_up.later),
        number(start_up.unknown),
        plural(start_up.count, "event"),
        plural(report.parameters.startup_minutes.into(), "minute")
    );
    let window = f64::from(report.parameters.startup_minutes).min(MAX_MINUTES as f64) * step;
    let _ = writeln!(
        out,
        "<rect class=\"window\" x=\"{LEFT}\" y=\"{TOP}\" width=\"{window:.1}\" height=\"{PLOT}\"><title>start-up: the first {}</title></rect><text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\">start-up</text>",
        plural(report.parameters.startup_minutes.into(), "minute"),
        LEFT + window + 5.0,
        TOP + 10.0
    );
    axis::grid(out, top, (LEFT, WIDTH - RIGHT), base, PLOT);
    for (minute, count) in minutes.iter().enumerate().take(MAX_MINUTES) {
        if *count == 0 {
            continue;
        }
        let height = (*count as f64 / top as f64 * PLOT).max(1.5);
        let _ = writeln!(
            out,
            "<rect class=\"bar\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{height:.1}\"><title>minute {}: {}</title></rect>",
            LEFT + minute as f64 * step + 0.6,
            base - height,
            step - 1.2,
            minute + 1,
            plural(*count, "event")
        );
    }
    let _ = writeln!(
        out,
        "<line class=\"axis\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{base}\" y2=\"{base}\"/>",
        WIDTH - RIGHT
    );
    for minute in (0..=MAX_MINUTES).step_by(10) {
        let x = LEFT + minute as f64 * step;
        let _ = writeln!(
            out,
            "<text class=\"tick mid\" x=\"{x:.1}\" y=\"{:.1}\">{minute}</text>",
            base + 16.0
        );
    }
    let _ = writeln!(
        out,
        "<text class=\"tick mid\" x=\"{:.1}\" y=\"{:.1}\">minutes</text></svg></figure>",
        LEFT + (WIDTH - LEFT - RIGHT) / 2.0,
        base + 32.0
    );
}
