//! Bytes as a deployed configuration: a blob, an export or a hive, read back into a file.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sysmon::{Config, Engine, deployed};

fuzz_target!(|data: &[u8]| {
    if let Ok(found) = deployed::read(data) {
        let made = found.to_xml();
        let _ = Config::parse_text("fuzz", &made.xml, Engine::Lenient);
    }
});
