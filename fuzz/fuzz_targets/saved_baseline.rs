//! Bytes as a saved baseline.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = baseline::saved::parse(data.to_vec());
});
