//! What users' own configurations and bug reports showed, each with the right answer: what `check` says in
//! which line, and what it does not say.
#![allow(clippy::unwrap_used)]

use sysmon::{Config, Engine, lint};

mod common;

/// A file below `shared/cases`; codes that must be found with their lines; codes that must not.
struct Case {
    file: &'static str,
    said: &'static [(&'static str, usize)],
    silent: &'static [&'static str],
}

const CASES: &[Case] = &[
    Case {
        file: "sysmon/01_cond_empty.xml",
        said: &[],
        silent: &["SC006"],
    },
    Case {
        file: "sysmon/02_wrong_reason.xml",
        said: &[("SC014", 2), ("SC006", 3)],
        silent: &[],
    },
    Case {
        file: "sysmon/03_percent_contains.xml",
        said: &[],
        silent: &["SC120"],
    },
    Case {
        file: "sysmon/05_registry_user.xml",
        said: &[("SC115", 2)],
        silent: &[],
    },
    Case {
        file: "sysmon/06_option_off.xml",
        said: &[("SC103", 3)],
        silent: &[],
    },
    Case {
        file: "sysmon/08_impossible_values.xml",
        said: &[
            ("SC131", 6),
            ("SC131", 7),
            ("SC140", 8),
            ("SC135", 11),
            ("SC141", 14),
            ("SC137", 15),
            ("SC139", 16),
            ("SC140", 17),
            ("SC133", 20),
            ("SC144", 21),
            ("SC132", 23),
        ],
        silent: &["SC118"],
    },
    Case {
        file: "sysmon/09_exclude_kills_include.xml",
        said: &[("SC145", 2), ("SC145", 4)],
        silent: &[],
    },
    Case {
        file: "sysmon/10_negative_nearly_every.xml",
        said: &[],
        silent: &["SC113"],
    },
    Case {
        file: "field/30-begin-with-list-pipe-catchall/c.xml",
        said: &[("SC112", 5), ("SC126", 12), ("SC126", 13)],
        silent: &[],
    },
    Case {
        file: "field/33-passwd-S-two-contains/c.xml",
        said: &[("SC126", 9)],
        silent: &[],
    },
    Case {
        file: "field/37-catch-all-exclude/c.xml",
        said: &[("SC147", 10)],
        silent: &[],
    },
    Case {
        file: "field/40-registry-root-never-matches/c.xml",
        said: &[("SC131", 5), ("SC131", 6), ("SC131", 7), ("SC131", 8)],
        silent: &["SC144"],
    },
    Case {
        file: "field/42-ipv6-address-spelling/c.xml",
        said: &[("SC133", 6), ("SC133", 7), ("SC133", 9)],
        silent: &["SC144"],
    },
    Case {
        file: "field/48-excludes-in-or/c.xml",
        said: &[("SC113", 7)],
        silent: &[],
    },
    Case {
        file: "field/52-exclude-splunk-filecreate/c.xml",
        said: &[("SC134", 10)],
        silent: &[],
    },
    Case {
        file: "config/broken.xml",
        said: &[("SC008", 2), ("SC006", 6), ("SC009", 7), ("SC009", 10)],
        silent: &[],
    },
];

#[test]
fn cases_are_told_as_written() {
    let Some(root) = common::shared() else { return };
    let mut wrong = Vec::new();
    for case in CASES {
        let bytes = std::fs::read(root.join("cases").join(case.file)).unwrap();
        let config = Config::parse(case.file, &bytes, Engine::Strict);
        let found: Vec<(&str, usize)> = lint::check(&config)
            .iter()
            .map(|d| (d.code, config.source.position(d.span.start).0))
            .collect();
        let missing = case.said.iter().filter(|s| !found.contains(s));
        wrong.extend(missing.map(|s| format!("{}: {s:?} is not said: {found:?}", case.file)));
        let loud = found.iter().filter(|(code, _)| case.silent.contains(code));
        wrong.extend(loud.map(|s| format!("{}: {s:?} is said", case.file)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_rejection_names_what_rejects() {
    let Some(root) = common::shared() else { return };
    let read = |file: &str, engine| {
        let bytes = std::fs::read(root.join("cases").join(file)).unwrap();
        Config::parse(file, &bytes, engine)
    };
    let config = read("sysmon/02_wrong_reason.xml", Engine::Lenient);
    let why = config.rejection.as_ref().unwrap();
    assert_eq!(
        (why.code, config.source.position(why.span.start).0),
        ("SC006", 3)
    );
    for engine in [Engine::Strict, Engine::Lenient] {
        assert!(read("sysmon/01_cond_empty.xml", engine).accepted);
        let before = read("sysmon/07_blank_before_declaration.xml", engine);
        assert_eq!(before.accepted, engine == Engine::Lenient);
        assert_eq!(before.rejection.is_some(), engine == Engine::Strict);
    }
}

/// What never matches in published configurations, by code.
#[test]
fn published_configurations_are_told_what_never_matches() {
    let Some(root) = common::shared() else { return };
    let folder = root.join("conformance/sysmon-real/configs");
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|p| {
            p.file_name()
                .unwrap()
                .to_str()
                .unwrap()
                .starts_with("real_")
        })
        .collect();
    names.sort();
    let mut counts = std::collections::BTreeMap::new();
    for path in names.iter().step_by(6) {
        let bytes = std::fs::read(path).unwrap();
        let config = Config::parse("x", &bytes, Engine::Lenient);
        for d in lint::check(&config) {
            *counts.entry(d.code).or_insert(0) += 1;
        }
    }
    println!("{counts:?}");
    for code in ["SC131", "SC144", "SC126"] {
        assert!(
            counts.get(code).is_some_and(|n| *n > 0),
            "{code}: {counts:?}"
        );
    }
}
