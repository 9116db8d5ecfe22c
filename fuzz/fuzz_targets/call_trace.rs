//! Any text as a `CallTrace`, and as a name or a mask asked of the catalog.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let _ = research::call_trace::Chain::of(&text);
    let _ = catalog::rights::parse_mask(&text);
    for found in catalog::find(&text) {
        let _ = catalog::map::line(found.subject);
    }
    let _ = catalog::nearest(&text, 3);
});
