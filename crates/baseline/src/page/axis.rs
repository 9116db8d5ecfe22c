//! Scales: round steps for counts and for times.

use std::fmt::Write;

use super::text::{number, time};
use crate::report::Time;

/// The least round number that is not below `max`.
pub(super) fn ceiling(max: u64) -> u64 {
    let mut unit = 1u64;
    loop {
        for step in [1, 2, 3, 4, 5, 6, 8, 10] {
            let candidate = unit.saturating_mul(step);
            if candidate >= max.max(1) {
                return candidate;
            }
        }
        unit = unit.saturating_mul(10);
    }
}

/// Positions and labels of the lines that counts up to `top` are read at: the top and its half.
fn lines(top: u64) -> Vec<(f64, String)> {
    let mut found = vec![(1.0, number(top))];
    if top.is_multiple_of(2) {
        found.push((0.5, number(top / 2)));
    }
    found
}

/// The lines that counts up to `top` are read at, over a plot from `left` to `right` that stands on `base`.
pub(super) fn grid(out: &mut String, top: u64, (left, right): (f64, f64), base: f64, height: f64) {
    for (at, label) in lines(top) {
        let y = base - at * height;
        let _ = writeln!(
            out,
            "<line class=\"grid\" x1=\"{left}\" x2=\"{right:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/><text class=\"tick end\" x=\"{:.1}\" y=\"{:.1}\">{label}</text>",
            left - 8.0,
            y + 4.0
        );
    }
}

const MINUTE: i64 = 60_000_000;
const STEPS: &[i64] = &[
    MINUTE,
    5 * MINUTE,
    15 * MINUTE,
    60 * MINUTE,
    3 * 60 * MINUTE,
    6 * 60 * MINUTE,
    12 * 60 * MINUTE,
    24 * 60 * MINUTE,
    2 * 24 * 60 * MINUTE,
    7 * 24 * 60 * MINUTE,
    14 * 24 * 60 * MINUTE,
    28 * 24 * 60 * MINUTE,
    91 * 24 * 60 * MINUTE,
    364 * 24 * 60 * MINUTE,
];

/// Round instants between `from` and `to`, at most about a dozen, with their labels.
pub(super) fn instants(from: Time, to: Time) -> Vec<(Time, String)> {
    let span = to.saturating_sub(from).max(1);
    let longest = STEPS[STEPS.len() - 1];
    let step = STEPS
        .iter()
        .copied()
        .find(|s| span / s <= 12)
        .unwrap_or(longest * (1 + span / longest / 12));
    let mut at = from
        .saturating_sub(from.rem_euclid(step))
        .saturating_add(step);
    let mut found = Vec::new();
    while at <= to && found.len() < 16 {
        let full = time(at);
        let label = if step >= 24 * 60 * MINUTE {
            full.get(..10)
        } else {
            full.get(5..16)
        };
        found.push((at, label.unwrap_or(&full).to_owned()));
        at = at.saturating_add(step);
    }
    found
}
