//! One reader at a time, without files and threads around it, for benches and fuzz targets. No part of the interface.

use arrow::array::RecordBatch;

use crate::diagnostics::Diagnostics;
use crate::filter::RowFilter;
use crate::rows::{Plan, Rows};

/// Reads a block of event XML, or of a syslog with event XML in it, as the plan says.
pub fn xml(block: &[u8], plan: &Plan) -> (Option<RecordBatch>, Diagnostics) {
    let mut rows = Rows::new(plan);
    let mut diagnostics = Diagnostics::default();
    crate::xml::read(block, 0, "probe.xml", &mut rows, &mut diagnostics);
    (rows.finish(), diagnostics)
}

/// A plan for everything that this block of event XML holds.
pub fn xml_plan(block: &[u8]) -> Plan {
    let mut rows = Rows::new(&Plan::discovery());
    crate::xml::read(
        block,
        0,
        "probe.xml",
        &mut rows,
        &mut Diagnostics::default(),
    );
    let mut seen = std::collections::HashSet::new();
    let columns = crate::header::columns()
        .iter()
        .map(|c| c.name.as_str())
        .chain([crate::header::SOURCE_FILE, crate::header::SOURCE_OFFSET])
        .chain(rows.met())
        .map(str::to_lowercase)
        .filter(|c| seen.insert(c.clone()))
        .collect();
    Plan {
        columns,
        filter: RowFilter::default(),
        discover: false,
    }
}
