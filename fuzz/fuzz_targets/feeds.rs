//! Any configuration with any rule, parted by a line of `%%%`: every example of a rule that is fed is kept and matched.
#![no_main]

use std::path::Path;

use coverage::{FeedVerdict, feeds};
use libfuzzer_sys::fuzz_target;
use predicate::Predicate;
use sigma::{Pack, Placeholders};
use sysmon::text::Environment;
use sysmon::{Config, Engine};

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let Some((xml, rules)) = text.split_once("\n%%%\n") else {
        return;
    };
    let config = Config::parse_text("fuzz.xml", xml, Engine::Strict);
    if !config.accepted {
        return;
    }
    let pack = Pack::parse(Path::new("fuzz.yml"), rules, &Placeholders::new());
    let environment = Environment::new();
    for (rule, answer) in pack.rules.iter().zip(feeds(&config, &environment, &pack.rules)) {
        let fed = matches!(answer.verdict, FeedVerdict::Fed | FeedVerdict::Part);
        assert_eq!(fed, answer.witness.is_some());
        if let Some(example) = answer.witness {
            let rule = Predicate::any(rule.feeds.iter().map(|f| f.predicate.clone()));
            assert!(example.proves(&config.rules, &environment, &rule));
        }
    }
});
