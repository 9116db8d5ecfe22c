//! What `keeps` says of an expected event holds for every event that is as expected: `Never` is never logged, `Kept` always.
#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;

use catalog::{BehaviourId, KnownField, KnownTest};
use proptest::prelude::*;
use sysmon::event::Event;
use sysmon::keeps::{Fate, Holds, Why, expected, keeps};
use sysmon::text::Environment;
use sysmon::{Config, Engine, reference};

const LSASS: KnownField = KnownField {
    field: "TargetImage",
    test: KnownTest::EndsWith,
    value: r"\lsass.exe",
};
const READY: KnownField = KnownField {
    field: "GrantedAccess",
    test: KnownTest::Holds,
    value: "0x1410",
};
const TRACE: KnownField = KnownField {
    field: "CallTrace",
    test: KnownTest::Contains,
    value: "dbgcore",
};

fn config(filtering: &str) -> Config {
    let xml = format!(
        "<Sysmon schemaversion=\"4.90\"><EventFiltering>\n{filtering}\n</EventFiltering></Sysmon>"
    );
    let config = Config::parse_text("c.xml", &xml, Engine::Strict);
    assert!(config.accepted, "{xml}\n{:?}", config.diagnostics);
    config
}

fn group(elements: &str) -> String {
    format!("<RuleGroup groupRelation=\"or\">\n{elements}\n</RuleGroup>")
}

fn access(on_match: &str, filters: &str) -> String {
    group(&format!(
        "<ProcessAccess onmatch=\"{on_match}\">\n{filters}\n</ProcessAccess>"
    ))
}

#[test]
fn by_event_type() {
    let nothing = config("");
    let answer = keeps(&nothing, 10, &[]);
    assert_eq!((answer.fate, answer.why), (Fate::Never, Why::Default));
    let answer = keeps(&nothing, 1, &[]);
    assert_eq!((answer.fate, answer.why), (Fate::KeptWhole, Why::Default));
    let answer = keeps(&nothing, 255, &[]);
    assert_eq!(
        (answer.fate, answer.why),
        (Fate::KeptWhole, Why::Unfiltered)
    );
    let all = config(&access("exclude", ""));
    let answer = keeps(&all, 10, &[]);
    assert_eq!(
        (answer.fate, answer.why),
        (Fate::KeptWhole, Why::EmptyExclude)
    );
    let empty = config(&access("include", ""));
    assert_eq!(keeps(&empty, 10, &[]).fate, Fate::Never);
    let one = "<SourceImage>a</SourceImage>";
    let two = config(&(access("exclude", one) + &access("exclude", one)));
    let answer = keeps(&two, 10, &[]);
    assert_eq!((answer.fate, answer.why), (Fate::Never, Why::OnlyExcludes));
    let stopped = config(&(access("include", one) + &access("include", "")));
    let answer = keeps(&stopped, 10, &[]);
    assert_eq!((answer.fate, answer.why), (Fate::Never, Why::NotCollected));
    let clipboard = group("<ClipboardChange onmatch=\"exclude\"/>");
    let answer = keeps(&config(&clipboard), 24, &[]);
    assert_eq!((answer.fate, answer.why), (Fate::Never, Why::OptionMissing));
}

#[test]
fn by_rules_with_their_lines() {
    let c = config(&access(
        "include",
        "<GrantedAccess>0x1400</GrantedAccess>\n<GrantedAccess>0x1fffff</GrantedAccess>\n\
         <TargetImage condition=\"image\">lsass.exe</TargetImage>\n<SourceImage>x</SourceImage>",
    ));
    let answer = keeps(&c, 10, &[LSASS, READY]);
    assert_eq!((answer.fate, answer.why), (Fate::Kept, Why::Rules));
    let said: Vec<_> = answer
        .includes
        .iter()
        .map(|r| (r.line, r.holds, r.on_known))
        .collect();
    assert_eq!(
        said,
        [
            (4, Holds::Never, true),
            (5, Holds::Perhaps, true),
            (6, Holds::Always, true),
            (7, Holds::Perhaps, false)
        ]
    );
    assert_eq!(answer.includes[2].words, "TargetImage image \"lsass.exe\"");
    // Only the mask is known: it depends.
    assert_eq!(keeps(&c, 10, &[READY]).fate, Fate::Perhaps);
    let dropped = config(&access(
        "exclude",
        "<TargetImage condition=\"end with\">lsass.exe</TargetImage>",
    ));
    assert_eq!(keeps(&dropped, 10, &[LSASS]).fate, Fate::Never);
    assert_eq!(keeps(&dropped, 10, &[READY]).fate, Fate::Perhaps);
}

#[test]
fn every_technique_can_be_asked_about() {
    let c = config("");
    let mut asked = 0;
    for behaviour in BehaviourId::all() {
        for event in behaviour.expected {
            let sysmon = event.event.sensor.slug() == "sysmon";
            assert_eq!(expected(&c, event).is_some(), sysmon);
            asked += usize::from(sysmon && !event.fields.is_empty());
        }
    }
    assert!(asked >= 70, "{asked}");
}

const VALUES: [&str; 14] = [
    "lsass.exe",
    r"\lsass.exe",
    r"C:\Windows\lsass.exe",
    "0x1410",
    "0x1fffff",
    "0x1400",
    "0x",
    "0x001FFFFF",
    "dbgcore",
    "core",
    r"C:\a.exe;C:\Windows\lsass.exe",
    "dbg;core;unknown",
    "-",
    "1410;",
];
const FIELDS: [&str; 4] = ["TargetImage", "GrantedAccess", "CallTrace", "SourceImage"];
const CONDITIONS: [&str; 16] = [
    "is",
    "is not",
    "contains",
    "contains any",
    "is any",
    "contains all",
    "excludes",
    "excludes any",
    "excludes all",
    "begin with",
    "end with",
    "less than",
    "more than",
    "image",
    "not begin with",
    "not end with",
];

fn filter() -> impl Strategy<Value = String> {
    (0..FIELDS.len(), 0..CONDITIONS.len(), 0..VALUES.len()).prop_map(|(f, c, v)| {
        let (field, condition, value) = (FIELDS[f], CONDITIONS[c], VALUES[v]);
        format!("<{field} condition=\"{condition}\">{value}</{field}>\n")
    })
}

fn elements() -> impl Strategy<Value = String> {
    let rule = (any::<bool>(), prop::collection::vec(filter(), 1..4)).prop_map(|(and, filters)| {
        let relation = if and { "and" } else { "or" };
        format!(
            "<Rule groupRelation=\"{relation}\">\n{}</Rule>\n",
            filters.concat()
        )
    });
    let unit = prop_oneof![3 => filter(), 1 => rule];
    let element = (
        any::<bool>(),
        any::<bool>(),
        prop::collection::vec(unit, 0..4),
    );
    prop::collection::vec(element, 0..4).prop_map(|elements| {
        let mut out = String::new();
        for (include, and, units) in elements {
            let on_match = if include { "include" } else { "exclude" };
            let relation = if and { "and" } else { "or" };
            let _ = writeln!(
                out,
                "<RuleGroup groupRelation=\"{relation}\">\n<ProcessAccess onmatch=\"{on_match}\">\n{}</ProcessAccess></RuleGroup>",
                units.concat()
            );
        }
        out
    })
}

fn event() -> impl Strategy<Value = Event> {
    let image = prop_oneof![Just(r"C:\Windows"), Just(""), Just(r"C:\a;b")];
    let trace = ("[a-d|]{0,3}", "[a-d|]{0,3}");
    let source = prop_oneof![
        Just(""),
        Just(r"C:\a.exe"),
        Just("lsass.exe"),
        Just("0x1410")
    ];
    (image, any::<u32>(), trace, source).prop_map(|(folder, mask, (before, after), source)| {
        let value = [
            ("TargetImage", format!(r"{folder}\LSASS.exe")),
            (
                "GrantedAccess",
                format!("{:#x}", mask & 0x001f_ffff | 0x1410),
            ),
            ("CallTrace", format!("{before}dbgcore{after}")),
            ("SourceImage", source.to_owned()),
        ];
        Event {
            id: 10,
            fields: value.into_iter().map(|(k, v)| (k.to_owned(), v)).collect(),
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn what_is_said_of_an_expected_event_holds(
        elements in elements(),
        events in prop::collection::vec(event(), 1..12),
        which in 0usize..8,
    ) {
        let all = [LSASS, READY, TRACE];
        let fields: Vec<KnownField> = all.iter().enumerate().filter(|(i, _)| which >> i & 1 == 1).map(|(_, k)| *k).collect();
        let c = config(&elements);
        let answer = keeps(&c, 10, &fields);
        for event in &events {
            let logged = reference::decide(&c.rules, &Environment::new(), event).log;
            match answer.fate {
                // The collection is stopped before the rules are asked.
                Fate::Never if answer.why == Why::NotCollected => {}
                Fate::Never => prop_assert!(!logged, "{elements}\n{event:?}"),
                Fate::Kept | Fate::KeptWhole => prop_assert!(logged, "{elements}\n{event:?}"),
                Fate::Perhaps => {}
            }
        }
    }
}
