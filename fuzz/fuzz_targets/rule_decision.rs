//! Any rule text: it loads or is refused with a line, is asked of an event, and what is proved of it holds.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use predicate::prove::{Answer, Limits, find};
use sigma::{Pack, Placeholders};

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let pack = Pack::parse(Path::new("fuzz.yml"), &text, &Placeholders::new());
    assert!(pack.refused.iter().all(|r| r.line >= 1 && !r.reason.is_empty()));
    let event = [
        ("EventID", Some("1")),
        ("Image", Some("C:\\Windows\\System32\\cmd.exe")),
        ("CommandLine", Some("cmd /c whoami")),
    ];
    let limits = Limits {
        nodes: 200,
        states: 5_000,
        steps: 200_000,
    };
    for rule in &pack.rules {
        for feed in &rule.feeds {
            let matches = feed.predicate.holds(&event);
            match find(&feed.predicate, &limits) {
                Answer::Holds(witness) => assert!(feed.predicate.holds(&witness)),
                Answer::Never => assert!(!matches, "{}", feed.predicate),
                Answer::Unknown(_) => {}
            }
        }
    }
});
