//! Every recorded decision of the published engine, replayed with the row-wise reference.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use serde::Deserialize;
use sysmon::event::Event;
use sysmon::text::Environment;
use sysmon::{Config, Engine};

mod common;

#[derive(Deserialize)]
struct Head {
    config: String,
    env: Environment,
    dtd_frontend_accepts: Option<bool>,
}

#[derive(Deserialize)]
struct Line {
    #[serde(flatten)]
    event: Event,
    expect: Expect,
}

#[derive(Deserialize)]
struct Expect {
    log: bool,
    rule: String,
}

fn each(dir: &Path, mut f: impl FnMut(&str, Head, Vec<Line>)) {
    let mut names: Vec<_> = std::fs::read_dir(dir)
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == "jsonl"))
        .collect();
    names.sort();
    for path in names {
        let text = std::fs::read_to_string(&path).unwrap();
        let mut lines = text.lines();
        let head = serde_json::from_str(lines.next().unwrap()).unwrap();
        let rows = lines.map(|l| serde_json::from_str(l).unwrap()).collect();
        f(path.file_stem().unwrap().to_str().unwrap(), head, rows);
    }
}

#[test]
fn reference_decides_as_the_engine_did() {
    for dir in common::all_vectors() {
        decides_as_recorded(&dir);
    }
}

fn decides_as_recorded(dir: &Path) {
    let (mut count, mut wrong) = (0, Vec::new());
    each(dir, |name, head, rows| {
        let bytes = std::fs::read(dir.join("configs").join(&head.config)).unwrap();
        let config = Config::parse(&head.config, &bytes, Engine::Lenient);
        assert!(config.accepted, "{name}: {:?}", config.diagnostics);
        if let Some(accepts) = head.dtd_frontend_accepts {
            let strict = Config::parse(&head.config, &bytes, Engine::Strict);
            assert_eq!(strict.accepted, accepts, "{name}: {:?}", strict.diagnostics);
        }
        for (i, row) in rows.iter().enumerate() {
            count += 1;
            let d = sysmon::reference::decide(&config.rules, &head.env, &row.event);
            if d.log != row.expect.log || (d.log && d.rule != row.expect.rule) {
                wrong.push(format!(
                    "{name}:{} {d:?} expected {} {:?}",
                    i + 2,
                    row.expect.log,
                    row.expect.rule
                ));
            }
        }
    });
    println!("{count} decisions, {} wrong", wrong.len());
    assert!(
        wrong.is_empty(),
        "{} of {count}:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(100)].join("\n")
    );
    assert!(count > 0);
}
