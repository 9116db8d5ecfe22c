//! Bytes as a block for the reader: it must end, and what it builds must hold together.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let plan = telemetry::probe::evtx_plan(data);
    let (batch, _) = telemetry::probe::evtx(data, &plan);
    if let Some(batch) = batch {
        assert_eq!(batch.num_columns(), plan.columns.len());
    }
});
