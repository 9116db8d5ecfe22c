//! What is proved agrees with what is run: a witness satisfies the predicate, and where there is said
//! to be none, trying every short value finds none.
#![allow(clippy::unwrap_used)]

use predicate::prove::{Answer, Limits, find, implies, not_among, solve, solve_unless};
use predicate::{Case, Comparison, FieldPair, Literal, Pattern, Predicate, Relation, Test, Text};
use proptest::prelude::*;

mod common;
use common::{FIELDS, predicate, test};

/// Every value of up to three letters, and an absent one.
fn values(letters: &str) -> Vec<Option<String>> {
    let mut out = vec![None, Some(String::new())];
    let mut last = vec![String::new()];
    for _ in 0..3 {
        last = last
            .iter()
            .flat_map(|v| letters.chars().map(move |c| format!("{v}{c}")))
            .collect();
        out.extend(last.iter().cloned().map(Some));
    }
    out
}

fn length(value: Option<&str>) -> usize {
    value.map_or(0, |v| v.chars().count() + 1)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn one_field_is_decided_exactly(
        tests in prop::collection::vec((test(), any::<bool>()), 1..6),
    ) {
        let p = Predicate::all(tests.into_iter().map(|(t, holds)| {
            let atom = Predicate::atom("F", t);
            if holds { atom } else { atom.negate() }
        }));
        let all = values("aAbB\\éÉ;:01-x");
        let brute = all
            .iter()
            .filter(|v| p.holds(&[("F", v.as_deref())]))
            .map(|v| length(v.as_deref()))
            .min();
        match solve(&p, &Limits::default()) {
            Answer::Holds(w) => {
                let found = w.get("F");
                prop_assert!(p.holds(&[("F", found)]), "{p} on {w}");
                if w.shortest {
                    prop_assert!(brute.is_none_or(|b| length(found) <= b), "{p}: {w}");
                }
            }
            Answer::Never => prop_assert_eq!(brute, None, "{}", p),
            Answer::Unknown(_) => {}
        }
    }

    #[test]
    fn predicates_are_decided_exactly(p in predicate()) {
        let all = values("aAb\\é;0");
        let short: Vec<_> = all.iter().filter(|v| length(v.as_deref()) <= 3).collect();
        let few: Vec<_> = all.iter().filter(|v| length(v.as_deref()) <= 2).collect();
        let mut brute: Option<usize> = None;
        for a in &short {
            for b in &few {
                for c in &few {
                    let values = [a.as_deref(), b.as_deref(), c.as_deref()];
                    let holds = p.holds(&[0, 1, 2].map(|i| (FIELDS[i], values[i])));
                    if holds {
                        let n = length(a.as_deref()) + length(b.as_deref()) + length(c.as_deref());
                        brute = Some(brute.map_or(n, |m| m.min(n)));
                    }
                }
            }
        }
        match solve(&p, &Limits::default()) {
            Answer::Holds(w) => {
                prop_assert!(p.holds(&w), "{p} on {w}");
                let n: usize = FIELDS.iter().map(|f| length(w.get(f))).sum();
                if w.shortest {
                    prop_assert!(brute.is_none_or(|b| n <= b), "{p}: {w}");
                }
            }
            Answer::Never => prop_assert_eq!(brute, None, "{}", p),
            Answer::Unknown(_) => {}
        }
    }

    #[test]
    fn any_event_will_do(p in predicate(), pairs in prop::collection::vec((0usize..3, 0usize..3, 0usize..4, any::<bool>()), 0..3)) {
        let relations = [Relation::Equals, Relation::Contains, Relation::StartsWith, Relation::EndsWith];
        let pairs = pairs.into_iter().map(|(a, b, relation, holds)| {
            let pair = pair(FIELDS[a], relations[relation], FIELDS[b], Case::Ascii);
            if holds { pair } else { pair.negate() }
        });
        let p = Predicate::all(pairs.chain([p]));
        let limits = Limits { nodes: 100, states: 2_000, steps: 300_000 };
        match (find(&p, &limits), solve(&p, &limits)) {
            (Answer::Holds(w), shortest) => {
                prop_assert!(p.holds(&w), "{p} on {w}");
                prop_assert_ne!(shortest, Answer::Never, "{}", p);
            }
            (Answer::Never, shortest) => prop_assert!(!matches!(shortest, Answer::Holds(_)), "{p}: {shortest:?}"),
            (Answer::Unknown(_), _) => {}
        }
        if find(&p, &limits) == Answer::Never {
            let few = [None, Some(""), Some("a"), Some("A"), Some("b"), Some("\\")];
            for a in &few {
                for b in &few {
                    for c in &few {
                        let values = [*a, *b, *c];
                        prop_assert!(!p.holds(&[0, 1, 2].map(|i| (FIELDS[i], values[i]))), "{}", p);
                    }
                }
            }
        }
    }

    #[test]
    fn what_was_seen_is_avoided(p in predicate(), seen in prop::collection::vec("[ab]{0,1}", 0..4)) {
        let known = |v: &[Option<&str>]| v[0].is_none() || seen.iter().any(|s| Some(s.as_str()) == v[0]);
        match solve_unless(&p, &Limits::default(), &["Image"], &known) {
            Answer::Holds(w) => {
                prop_assert!(p.holds(&w));
                prop_assert!(!known(&[w.get("Image")]));
            }
            Answer::Never => {
                let p = Predicate::all([
                    p,
                    Predicate::atom("Image", Test::Contains(Text::exact(""))),
                    not_among("Image", seen.iter().map(String::as_str)),
                ]);
                prop_assert!(!matches!(solve(&p, &Limits::default()), Answer::Holds(_)));
            }
            Answer::Unknown(_) => {}
        }
    }
}

fn witness(p: &Predicate, field: &str) -> String {
    match solve(p, &Limits::default()) {
        Answer::Holds(w) => w.get(field).unwrap_or("(absent)").to_owned(),
        other => format!("{other:?}"),
    }
}

#[test]
fn witnesses_are_short_and_readable() {
    let t = |test: fn(Text) -> Test, text: &str| Predicate::atom("Image", test(Text::ascii(text)));
    let p = Predicate::all([
        t(Test::StartsWith, "C:\\Program Files\\"),
        t(Test::EndsWith, "\\MsMpEng.exe"),
    ]);
    assert_eq!(witness(&p, "image"), "C:\\Program Files\\MsMpEng.exe");
    let p = Predicate::all([
        t(Test::ImageIs, "svchost.exe"),
        t(Test::StartsWith, "C:\\Windows\\System32\\").negate(),
        Predicate::atom(
            "Image",
            Test::Regex(Pattern::new("^[A-Z]:\\\\", Case::Exact).unwrap()),
        ),
        not_among("Image", ["C:\\svchost.exe"]),
    ]);
    let found = witness(&p, "Image");
    assert_eq!(found.len(), "C:\\svchost.exe".len(), "{found}");
    assert!(!found.eq_ignore_ascii_case("C:\\svchost.exe"), "{found}");
    assert!(found.ends_with("\\svchost.exe"));
    let p = Predicate::all([
        Predicate::atom("GrantedAccess", Test::BitsSet(0x1410)),
        Predicate::atom("GrantedAccess", Test::BitsSet(0x20)).negate(),
        Predicate::atom(
            "GrantedAccess",
            Test::Compare(Comparison::Greater, Literal::Number(0x1410)),
        ),
    ]);
    assert_eq!(witness(&p, "GrantedAccess"), "5137");
    let p = Predicate::all([
        Predicate::atom("Ip", Test::Cidr("10.0.0.0/8".parse().unwrap())),
        Predicate::atom("Ip", Test::Cidr("10.0.0.0/9".parse().unwrap())).negate(),
    ]);
    assert_eq!(witness(&p, "Ip"), "10.128.0.0");
}

#[test]
fn shadowed_rules_and_contradictions_are_proved() {
    let t = |test: fn(Text) -> Test, text: &str| Predicate::atom("Image", test(Text::ascii(text)));
    let never = |p: &Predicate| solve(p, &Limits::default()) == Answer::Never;
    assert!(never(&Predicate::all([
        t(Test::EndsWith, "\\cmd.exe"),
        t(Test::Contains, "D.E").negate(),
    ])));
    assert_eq!(
        implies(
            &t(Test::Equals, "c:\\a\\b.exe"),
            &t(Test::ImageIs, "B.EXE"),
            &Limits::default()
        ),
        Answer::Never
    );
    // Either word may come first, and they may overlap.
    let p = Predicate::all([t(Test::Contains, "abc"), t(Test::Contains, "cda")]);
    assert_eq!(witness(&p, "Image"), "abcda");
    let regex =
        |e: &str| Predicate::atom("Image", Test::Regex(Pattern::new(e, Case::Exact).unwrap()));
    assert!(never(&Predicate::all([regex("^[a-f]+$"), regex("[^a-f]")])));
    assert!(!never(&Predicate::all([regex("^\\w+$"), regex("[^a-z]")])));
}

#[test]
fn tests_of_every_kind_stand_together() {
    let t = |test: fn(Text) -> Test, text: &str| Predicate::atom("Ip", test(Text::ascii(text)));
    let block = |block: &str| Predicate::atom("Ip", Test::Cidr(block.parse().unwrap()));
    let never = |p: &Predicate| solve(p, &Limits::default()) == Answer::Never;
    // A text among addresses, and addresses among texts.
    let p = Predicate::all([block("10.0.0.0/8"), t(Test::EndsWith, ".77.200")]);
    let found = witness(&p, "Ip");
    assert!(
        found.starts_with("10.") && found.ends_with(".77.200"),
        "{found}"
    );
    assert!(never(&Predicate::all([
        block("10.0.0.0/8"),
        t(Test::StartsWith, "192.168.")
    ])));
    assert!(never(&Predicate::all([
        t(Test::Equals, "10.1.2.3"),
        block("10.0.0.0/8").negate(),
    ])));
    let outside = Predicate::all([
        t(Test::StartsWith, "10."),
        block("10.0.0.0/8").negate(),
        Predicate::atom(
            "Ip",
            Test::Regex(Pattern::new(r"^\d+(\.\d+){3}$", Case::Exact).unwrap()),
        ),
    ]);
    // What begins like an address of the block and is none.
    let found = witness(&outside, "Ip");
    assert!(found.parse::<std::net::Ipv4Addr>().is_err(), "{found}");
}

fn pair(field: &str, relation: Relation, other: &str, case: Case) -> Predicate {
    Predicate::Fields(FieldPair {
        field: field.into(),
        relation,
        other: other.into(),
        case,
    })
}

#[test]
fn fields_are_compared_with_each_other() {
    let t = |field: &str, test: fn(Text) -> Test, text: &str| {
        let text = Text {
            text: text.to_owned(),
            case: Case::Unicode,
        };
        Predicate::atom(field, test(text))
    };
    let same = pair("A", Relation::Equals, "B", Case::Unicode);
    let p = Predicate::all([
        same.clone(),
        t("A", Test::EndsWith, ".exe"),
        t("B", Test::StartsWith, "C:\\"),
    ]);
    assert_eq!(witness(&p, "A"), "C:\\.exe");
    let p = Predicate::all([
        same.clone(),
        t("A", Test::Equals, "x"),
        t("B", Test::Equals, "y"),
    ]);
    assert_eq!(solve(&p, &Limits::default()), Answer::Never);
    let p = Predicate::all([
        same.negate(),
        t("A", Test::Equals, "x"),
        t("B", Test::Equals, "X"),
    ]);
    assert_eq!(solve(&p, &Limits::default()), Answer::Never);
    let p = Predicate::all([
        pair("A", Relation::Contains, "B", Case::Unicode),
        t("A", Test::StartsWith, "ab"),
        t("B", Test::Equals, "xy"),
    ]);
    assert_eq!(witness(&p, "A"), "abxy");
    let p = Predicate::all([
        pair("A", Relation::StartsWith, "B", Case::Exact).negate(),
        Predicate::present("A"),
        Predicate::present("B"),
    ]);
    assert!(matches!(solve(&p, &Limits::default()), Answer::Holds(_)));
}

#[test]
fn hundreds_of_texts_of_one_field_are_decided() {
    let many = |test: fn(Text) -> Test| {
        Predicate::all((0..300).map(|i| Predicate::atom("F", test(Text::ascii(format!("<{i}>"))))))
    };
    assert!(matches!(
        find(&many(Test::Contains), &Limits::default()),
        Answer::Holds(_)
    ));
    let none = Predicate::all(
        (0..300)
            .map(|i| Predicate::atom("F", Test::Contains(Text::ascii(format!("<{i}>")))).negate()),
    );
    let both = Predicate::all([none.clone(), Predicate::present("F")]);
    assert_eq!(witness(&both, "F"), "");
    let against = Predicate::all([
        none,
        Predicate::atom("F", Test::EndsWith(Text::ascii("a<77>"))),
    ]);
    assert_eq!(solve(&against, &Limits::default()), Answer::Never);
}

#[test]
fn limits_are_said() {
    let apart = Predicate::atom("F", Test::Contains(Text::exact("><"))).negate();
    let texts =
        (0..70).map(|i| Predicate::atom("F", Test::Contains(Text::exact(format!("<{i}>")))));
    let spaced = Predicate::atom("F", Test::Contains(Text::exact("> <"))).negate();
    let others = ["\\", "a"]
        .map(|s| Predicate::atom("F", Test::Contains(Text::exact(format!(">{s}<")))).negate());
    let many = Predicate::all(texts.chain([apart, spaced]).chain(others));
    assert!(matches!(
        solve(&many, &Limits::default()),
        Answer::Unknown(_)
    ));
    let some = Predicate::all(
        (0..8)
            .map(|i| Predicate::atom("F", Test::Contains(Text::exact(format!("<{i}>")))))
            .chain([Predicate::atom("F", Test::Contains(Text::exact("> <"))).negate()])
            .chain(["", "\\", "a"].map(|s| {
                Predicate::atom("F", Test::Contains(Text::exact(format!(">{s}<")))).negate()
            })),
    );
    let tight = Limits {
        states: 500,
        ..Limits::default()
    };
    assert!(matches!(solve(&some, &tight), Answer::Unknown(_)));
}
