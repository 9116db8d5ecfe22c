//! What is new, gone or changed since a saved baseline. A rate has changed where the exact interval of the ratio of the
//! two rates does not hold 1; with many groups some do by chance, one in twenty at 95 %. It refuses to read files.

use std::collections::HashMap;

use crate::rate::ratio;
use crate::report::{Comparison, Group, GroupChange, Mark, Report, Stream};
use crate::saved::{Saved, SavedGroup};

/// Compares each stream of a report with what was saved of it, marks what is new, and notes what cannot be compared.
pub fn compare(report: &mut Report, saved: &Saved) {
    if report.parameters.startup_minutes != saved.parameters.startup_minutes {
        report.notes.push(format!(
            "the saved baseline counts {} minutes after a boot as start-up, this one {}",
            saved.parameters.startup_minutes, report.parameters.startup_minutes
        ));
    }
    let now = report.exposure.host_days;
    let confidence = report.parameters.confidence;
    for stream in &mut report.streams {
        let before: Vec<&SavedGroup> = saved
            .groups
            .iter()
            .filter(|g| g.stream == stream.name && g.keys == stream.keys)
            .collect();
        let saved_error = saved.errors.iter().find(|(name, _)| *name == stream.name);
        if before.is_empty() {
            report.notes.push(format!(
                "the saved baseline has no {} by {}: all of it is new",
                stream.name,
                stream.keys.join(", ")
            ));
        }
        if let Some((_, error)) = saved_error {
            report.notes.push(format!(
                "the saved baseline keeps the larger groups of {} only: one that appeared may have had up to {} events \
                 then",
                stream.name,
                text::grouped(*error)
            ));
        }
        let comparison = of_stream(stream, &before, (now, saved.host_days), confidence);
        for at in &comparison.appeared {
            stream.groups[*at].marks.push(Mark::New);
        }
        stream.comparison = Some(comparison);
    }
    let gone = saved.groups.iter().map(|g| (&g.stream, &g.keys));
    let mut gone: Vec<_> = gone
        .filter(|(name, keys)| {
            !report
                .streams
                .iter()
                .any(|s| s.name == **name && s.keys == **keys)
        })
        .map(|(name, keys)| format!("{name} by {}", keys.join(", ")))
        .collect();
    gone.sort_unstable();
    gone.dedup();
    if !gone.is_empty() {
        report
            .notes
            .push(format!("only the saved baseline has {}", gone.join("; ")));
    }
}

fn of_stream(
    stream: &Stream,
    before: &[&SavedGroup],
    (now, then): (f64, f64),
    confidence: f64,
) -> Comparison {
    let mut known: HashMap<&[Option<String>], &SavedGroup> =
        before.iter().map(|g| (g.values.as_slice(), *g)).collect();
    let mut comparison = Comparison::default();
    let change = |values: &[Option<String>], was: u64, is: u64| GroupChange {
        values: values.to_vec(),
        before: was,
        now: is,
        ratio: ratio((is, now), (was, then), confidence),
    };
    for (at, group) in stream.groups.iter().enumerate() {
        let Some(old) = known.remove(group.values.as_slice()) else {
            comparison.appeared.push(at);
            continue;
        };
        let (is, was) = (group.tally.count, old.count);
        // Counts of a sketch may be too high: the change must stand with the lowest, too.
        let differs = |is: u64, was: u64| {
            let r = ratio((is, now), (was, then), confidence);
            (r.low > 1.0, r.high < 1.0)
        };
        let (up, _) = differs(lowest(group), was);
        let (_, down) = differs(is, was - old.error);
        if up || down {
            comparison.changed.push(change(&group.values, was, is));
        } else {
            comparison.same += 1;
        }
    }
    let unseen = stream.sketch.as_ref().map_or(0, |s| s.error);
    comparison.vanished = known
        .into_values()
        // With a sketch now, a small group may be there and not be kept.
        .filter(|g| unseen == 0 || g.count - g.error > unseen)
        .map(|g| change(&g.values, g.count, 0))
        .collect();
    let order = |a: &GroupChange, b: &GroupChange| {
        (b.before.max(b.now), &a.values).cmp(&(a.before.max(a.now), &b.values))
    };
    comparison.vanished.sort_by(order);
    comparison.changed.sort_by(order);
    comparison
}

fn lowest(group: &Group) -> u64 {
    group.tally.count - group.error
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Tally;

    fn group(name: &str, count: u64) -> Group {
        Group {
            values: vec![Some(name.to_owned())],
            tally: Tally {
                count,
                ..Tally::default()
            },
            share: 0.0,
            error: 0,
            example: None,
            marks: Vec::new(),
        }
    }

    fn saved(name: &str, count: u64) -> SavedGroup {
        SavedGroup {
            stream: "X".to_owned(),
            keys: vec!["Image".to_owned()],
            values: vec![Some(name.to_owned())],
            count,
            error: 0,
            hosts: 1,
            first: None,
            last: None,
        }
    }

    #[test]
    fn new_gone_and_changed_are_told_apart() {
        let stream = Stream {
            name: "X".to_owned(),
            sysmon: true,
            channel: None,
            event_id: None,
            keys: vec!["Image".to_owned()],
            user: None,
            summary: String::new(),
            total: Tally::default(),
            groups: vec![group("more", 200), group("same", 52), group("new", 3)],
            distinct: 3,
            distinct_outside: 3,
            sketch: None,
            comparison: None,
        };
        let mut report = Report {
            streams: vec![stream],
            ..Report::default()
        };
        report.exposure.host_days = 10.0;
        let before = Saved {
            host_days: 10.0,
            groups: vec![saved("gone", 9), saved("same", 50), saved("more", 20)],
            ..Saved::default()
        };
        compare(&mut report, &before);
        let comparison = report.streams[0].comparison.clone().unwrap_or_default();
        assert_eq!(comparison.appeared, [2]);
        assert_eq!(comparison.same, 1);
        assert_eq!(comparison.vanished.len(), 1);
        assert_eq!(
            (comparison.changed[0].before, comparison.changed[0].now),
            (20, 200)
        );
        assert!(comparison.changed[0].ratio.low > 5.0);
        assert_eq!(report.streams[0].groups[2].marks, [Mark::New]);
    }
}
