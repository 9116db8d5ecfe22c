//! The page with what logs from compromised machines can hold, and with more than it draws.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::{MAX_STREAMS, html, text};
use crate::report::{
    Boot, Example, Exposure, Group, Host, HostCount, Mark, Report, Stream, Strength, Tally,
    Timeline,
};

const START: i64 = 1_772_409_600_000_000;

fn tally(count: u64, value: &str) -> Tally {
    Tally {
        count,
        first: Some(START),
        last: Some(START + 3_600_000_000),
        hosts: vec![HostCount {
            host: 0,
            count,
            outside: count / 2,
            first: Some(START),
            last: Some(START),
        }],
        hosts_total: 1,
        users: vec![value.to_owned()],
        users_total: 1,
        days: 1,
        timeline: vec![(0, count)],
        ..Tally::default()
    }
}

fn group(count: u64, value: &str) -> Group {
    Group {
        values: vec![Some(value.to_owned()), None],
        tally: tally(count, value),
        share: 0.5,
        error: 0,
        example: Some(Example {
            record: value.to_owned(),
        }),
        marks: vec![
            Mark::OneHost,
            Mark::AboveHabit {
                host: 0,
                bucket: 0,
                count,
                habit: 1,
            },
        ],
    }
}

fn stream(groups: Vec<Group>, value: &str) -> Stream {
    let count = groups.iter().map(|g| g.tally.count).sum();
    Stream {
        name: value.to_owned(),
        sysmon: true,
        channel: None,
        event_id: Some(8),
        keys: vec![value.to_owned(), "TargetImage".to_owned()],
        user: None,
        summary: value.to_owned(),
        total: tally(count, value),
        distinct: groups.len() as u64,
        distinct_outside: groups.len() as u64,
        groups,
        sketch: None,
        comparison: None,
    }
}

fn report(streams: Vec<Stream>, value: &str) -> Report {
    Report {
        exposure: Exposure {
            events: 10,
            first: Some(START),
            last: Some(START + 3_600_000_000),
            days: 1,
            host_days: 1.0,
            ..Exposure::default()
        },
        hosts: vec![Host {
            name: value.to_owned(),
            events: 10,
            first: Some(START),
            last: Some(START),
            days: 1.0,
        }],
        boots: vec![Boot {
            host: 0,
            at: START,
            strength: Strength::Likely,
            signs: Vec::new(),
        }],
        timeline: Timeline {
            start: START,
            seconds: 3600,
            buckets: 2,
            middle: 1,
        },
        streams,
        notes: vec![value.to_owned()],
        ..Report::default()
    }
}

/// What stands between `<` and `>`, with the quoted attribute values taken out.
fn tags(page: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut tag: Option<String> = None;
    let mut quoted = false;
    for c in page.chars() {
        match (&mut tag, c) {
            (None, '<') => tag = Some(String::new()),
            (Some(_), '"') => quoted = !quoted,
            (Some(t), '>') if !quoted => {
                found.push(std::mem::take(t));
                tag = None;
            }
            (Some(t), c) if !quoted => t.push(c),
            _ => {}
        }
    }
    found
}

#[test]
fn hostile_values_stay_text() {
    let honest = html(&report(vec![stream(vec![group(4, "a.exe")], "a")], "a"));
    for value in [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "' onmouseover='alert(1)",
        "</style></title></svg></script><script>",
        "a\u{0}b\u{1b}[2Jc\r\n\u{7f}\u{85}",
        "cod.\u{202e}gpj.exe\u{2066}",
        "&lt;script&gt;",
    ] {
        let page = html(&report(vec![stream(vec![group(4, value)], value)], value));
        let shape = |page: &str| -> Vec<String> {
            let body = page.split_once("<body>").unwrap().1;
            let body = body.split_once("<script>\n\"use strict\"").unwrap().0;
            tags(body)
        };
        // A path has one element more: its folder. What an honest page has apart from that, this one has.
        let (theirs, ours) = (shape(&page), shape(&honest));
        let names = |tags: &[String]| -> std::collections::BTreeSet<String> {
            tags.iter()
                .map(|t| t.split_whitespace().next().unwrap_or("").to_owned())
                .collect()
        };
        assert!(names(&theirs).is_subset(&names(&ours)), "{value:?}");
        assert!(!theirs.iter().any(|t| t.contains(" on")), "{value:?}");
        assert!(
            page.chars()
                .all(|c| c == '\n' || !c.is_control() && !('\u{202a}'..='\u{202e}').contains(&c)),
            "{value:?}"
        );
    }
}

#[test]
fn what_is_left_out_is_said() {
    let many: Vec<Group> = (0..40_000u64)
        .map(|i| group(50_000 - i, &format!(r"C:\p{i}.exe")))
        .collect();
    let total: u64 = many.iter().map(|g| g.tally.count).sum();
    let streams = (0..MAX_STREAMS + 5)
        .map(|i| {
            let groups = if i == 0 {
                many.clone()
            } else {
                vec![group(1, "a.exe")]
            };
            stream(groups, &format!("s{i}"))
        })
        .collect();
    let page = html(&report(streams, "h"));
    assert!(page.len() < 3_000_000, "{} bytes", page.len());
    assert!(page.contains("5 event types"));
    // The drawing has twelve and eight rows; the rest stands as one.
    let drawn: u64 = many[..12]
        .iter()
        .chain(&many[39_992..])
        .map(|g| g.tally.count)
        .sum();
    let rest = format!(
        "39,980 groups between these, together {} events",
        text::number(total - drawn)
    );
    assert!(page.contains(&rest), "{rest}");
    assert!(page.contains("The JSON has all."));
}

#[test]
fn an_empty_report_is_a_page() {
    let page = html(&Report::default());
    assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
}

#[test]
fn the_page_asks_for_nothing() {
    let page = html(&report(vec![stream(vec![group(4, "a.exe")], "a")], "a"));
    for way in ["http:", "https:", "//", "src=", "@import", "url("] {
        let found = page.replace("// ", "").contains(way);
        assert!(!found, "{way}");
    }
    assert!(page.contains("default-src 'none'"));
}

proptest! {
    #[test]
    fn shown_text_is_safe_everywhere(value in any::<String>()) {
        let shown = text::shown(&value);
        prop_assert!(!shown.contains(['<', '>', '"', '\'']));
        prop_assert!(!shown.chars().any(char::is_control));
        let entities = ["&amp;", "&lt;", "&gt;", "&quot;", "&#39;"];
        let stripped = entities.iter().fold(shown, |s, e| s.replace(e, ""));
        prop_assert!(!stripped.contains('&'));
    }

    #[test]
    fn any_counts_are_drawn(
        counts in prop::collection::vec(0u64..=u64::MAX / 64, 1..40),
        buckets in 0usize..5_000,
        seconds in 0u64..100_000_000,
        start in any::<i64>(),
    ) {
        let groups = counts.iter().map(|c| group(*c, r"C:\a\b.exe")).collect();
        let mut report = report(vec![stream(groups, "s")], "h");
        report.timeline = Timeline { start, seconds, buckets, middle: 0 };
        let page = html(&report);
        prop_assert!(!page.contains("NaN") && !page.contains("inf\""));
    }
}
