//! Bytes as a file of any kind: unpacking, telling formats apart and cutting, through to the rows.
#![no_main]

use telemetry::{Limits, Options, Plan};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let limits = Limits { record: 256 << 10, block: 16 << 10, expansion_floor: 1 << 20, expansion: 50, ..Limits::default() };
    let passwords = [b"infected".to_vec()].into();
    let options = Options { limits, passwords, recover: true, threads: 1, ..Options::default() };
    let mut scan = telemetry::probe::file(data, Plan::discovery(), options);
    let rows: usize = (&mut scan).map(|b| b.num_rows()).sum();
    assert_eq!(rows as u64, scan.report().rows);
});
