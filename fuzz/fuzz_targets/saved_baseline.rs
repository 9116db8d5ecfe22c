//! Bytes as a saved baseline.
#![no_main]

use std::sync::Once;

use libfuzzer_sys::fuzz_target;

static QUIET: Once = Once::new();

fuzz_target!(|data: &[u8]| {
    // Panics of the Parquet library are caught and told as damage; only one that gets out is a finding.
    QUIET.call_once(|| std::panic::set_hook(Box::new(|_| {})));
    let _ = baseline::saved::parse(data.to_vec());
});
