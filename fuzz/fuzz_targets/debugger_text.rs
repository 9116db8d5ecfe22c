//! Any text as a debugger's log.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    for stop in research::stack::breaks(&text) {
        let reading = research::stack::read(&stop);
        assert!(reading.kept.len() <= stop.frames.len());
        let _ = research::correlate::correlations(&stop, &reading, &[]);
        for observation in &reading.observations {
            let _ = observation.call_yaml("fuzz");
            for event in &observation.events {
                let _ = observation.mapping_yaml(*event, "fuzz");
            }
        }
    }
    let _ = research::inf::altitudes(&text);
});
