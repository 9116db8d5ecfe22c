//! Bytes as a block for the reader: it must end, what it builds must hold together, and what was read before must not
//! change what is read.
#![no_main]

use telemetry::probe;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let plan = probe::json_plan(data);
    let (batch, diagnostics) = probe::json(data, &plan);
    let Some(batch) = batch else {
        return;
    };
    assert_eq!(batch.num_columns(), plan.columns.len());
    // What breaks off goes on in what follows.
    if diagnostics.damaged > 0 {
        return;
    }
    let (twice, diagnostics) = probe::json(&[data, data].join(&b'\n'), &plan);
    let twice = twice.expect("as many rows again");
    let rows = batch.num_rows();
    assert_eq!((twice.num_rows(), diagnostics.damaged), (2 * rows, 0));
    let placeless: Vec<usize> = (0..plan.columns.len())
        .filter(|i| plan.columns[*i] != "source_offset")
        .collect();
    let batch = batch.project(&placeless).expect("its columns");
    let twice = twice.project(&placeless).expect("its columns");
    assert_eq!(twice.slice(0, rows), batch);
    assert_eq!(twice.slice(rows, rows), batch);
});
