//! A stream in one sentence, as an analyst would say it. It refuses to lay out pages.

use text::{decimal, grouped, percent, plural};

use crate::report::{Regularity, Report, Stream};

/// How long something was looked at, from days.
fn time(days: f64) -> String {
    match days * 24.0 {
        h if h >= 44.0 => format!("{} days", grouped(days.round() as u64)),
        h if h >= 1.5 => format!("{h:.0} hours"),
        h if h >= 1.5 / 60.0 => format!("{:.0} minutes", h * 60.0),
        h => format!("{:.0} seconds", h * 3600.0),
    }
}

/// What a group of this stream is called: `source -> target pair` where it is one.
fn group_name(stream: &Stream) -> String {
    let keys: Vec<&str> = stream.keys.iter().map(String::as_str).collect();
    match keys.as_slice() {
        ["SourceImage", "TargetImage"] => "source -> target pair".to_owned(),
        ["ParentImage", "Image"] | ["ParentProcessName", "NewProcessName"] => {
            "parent -> child pair".to_owned()
        }
        [one] => format!("{one} value"),
        [_, _] => format!("{} pair", keys.join(" / ")),
        _ => format!("combination of {}", keys.join(", ")),
    }
}

fn count_of(n: u64, what: &str, more: bool) -> String {
    let what = match what.strip_prefix("combination") {
        Some(rest) if n != 1 => format!("combinations{rest}"),
        Some(_) => what.to_owned(),
        None if n == 1 => what.to_owned(),
        None => format!("{what}s"),
    };
    let more = if more { "more than " } else { "" };
    // "More than" counts those that are kept.
    format!("{more}{} {what}", grouped(n))
}

/// A stream in one sentence: how many where and how long, how it lies to boots, from how many groups.
pub(crate) fn summary(report: &Report, stream: &Stream) -> String {
    let total = &stream.total;
    let span = report
        .exposure
        .first
        .zip(report.exposure.last)
        .map_or(0.0, |(a, b)| (b - a) as f64 / 86_400e6);
    // Recordings from here and there: only the days that have any event are days of observation.
    let span = match report.exposure.days {
        days if span > days as f64 => days as f64,
        _ => span,
    };
    let mut parts = vec![format!(
        "{} {} event{} on {} in {}",
        grouped(total.count),
        stream.name,
        if total.count == 1 { "" } else { "s" },
        plural(total.hosts_total, "host"),
        time(span),
    )];
    let booted = !report.boots.is_empty();
    if booted {
        parts.push(format!(
            "{} within {} of a boot",
            percent(total.start_up.share),
            plural(u64::from(report.parameters.startup_minutes), "minute"),
        ));
    } else {
        parts.push("no boot in the recording, so nothing is known of start-up".to_owned());
    }
    let kept = stream.distinct - u64::from(stream.sketch.is_some());
    parts.push(count_of(kept, &group_name(stream), stream.sketch.is_some()));
    let rate = if booted {
        total.start_up.outside
    } else {
        total.rate
    };
    let range = format!(
        "{} a host-day ({} to {})",
        decimal(rate.value),
        decimal(rate.low),
        decimal(rate.high)
    );
    if booted && total.count > total.start_up.count {
        let groups = outside_groups(stream);
        parts.push(format!("outside start-up {range}, from {groups}"));
    } else if booted {
        parts.push("none outside start-up".to_owned());
    } else if report.exposure.host_days > 0.0 {
        parts.push(range);
    } else {
        parts.push("without times, so there is no rate".to_owned());
    }
    let mut text = parts.join("; ");
    text.push('.');
    if let Regularity::Bursty { dispersion } = total.regularity {
        text.push_str(&format!(
            " They come in bursts (index of dispersion {}), so the true interval is wider.",
            decimal(dispersion)
        ));
    }
    text
}

fn outside_groups(stream: &Stream) -> String {
    let name = group_name(stream);
    let short = match name.as_str() {
        n if n.ends_with("pair") => "pair",
        n if n.ends_with("value") => "value",
        _ => "combination",
    };
    count_of(stream.distinct_outside, short, stream.sketch.is_some())
}

/// The values of a group on one line.
pub fn values(values: &[Option<String>]) -> String {
    let shown = |v: &Option<String>| v.clone().unwrap_or_else(|| "(none)".to_owned());
    let values: Vec<String> = values.iter().map(shown).collect();
    values.join(" -> ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_said_in_the_unit_that_fits() {
        assert_eq!(
            [9.0, 0.5, 0.01, 0.0001].map(time),
            ["9 days", "12 hours", "14 minutes", "9 seconds"]
        );
    }
}
