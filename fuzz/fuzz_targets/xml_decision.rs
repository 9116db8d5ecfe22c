//! Bytes as a configuration, read by both front ends, linted, compiled and decided.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sysmon::blob::{self, BinaryVersion};
use sysmon::event::Event;
use sysmon::text::Environment;
use sysmon::{Config, Engine, lint, reference};

fuzz_target!(|data: &[u8]| {
    for engine in [Engine::Strict, Engine::Lenient] {
        let config = Config::parse("fuzz", data, engine);
        let _ = lint::check(&config);
        let made = blob::encode(&config.rules, BinaryVersion::NEWEST);
        if !made.is_empty() {
            assert!(blob::decode(&made).is_ok());
        }
        for id in [1, 3, 5, 12, 13, 19] {
            let fields = [("Image".to_owned(), "C:\\a.exe".to_owned())].into();
            let event = Event { id, fields };
            let _ = reference::decide(&config.rules, &Environment::new(), &event);
        }
    }
});
