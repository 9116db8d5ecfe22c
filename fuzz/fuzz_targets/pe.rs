//! Any bytes as a PE file: an answer or an error, in bounded time and memory.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Ok(image) = research::image::parse("fuzz", data) {
        assert!(image.imports.functions.len() + image.imports.by_ordinal <= 1 << 16);
        let report = research::sensor::report(image, Vec::new());
        let _ = research::sensor::compare(&report, &report);
    }
});
