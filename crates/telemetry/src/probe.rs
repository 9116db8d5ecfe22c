//! One reader at a time, without files and threads around it, for benches and fuzz targets. No part of the interface.

use arrow::array::RecordBatch;

use crate::diagnostics::Diagnostics;
use crate::evtx::{self, Templates};
use crate::filter::RowFilter;
use crate::input::Origin;
use crate::rows::{Plan, Rows};
use crate::scan::{Options, Scan};

/// Reads a run of EVTX chunks as the plan says.
pub fn evtx(chunks: &[u8], plan: &Plan) -> (Option<RecordBatch>, Diagnostics) {
    let mut rows = Rows::new(plan);
    let mut diagnostics = Diagnostics::default();
    evtx::read(
        chunks,
        4096,
        "probe.evtx",
        &mut Templates::default(),
        &mut rows,
        &mut diagnostics,
    );
    (rows.finish(), diagnostics)
}

/// Reads EVTX chunks block by block, as a scan does, and counts the rows.
pub fn evtx_blocks(chunks: &[u8], block: usize, plan: &Plan) -> (usize, Diagnostics) {
    let mut rows = Rows::new(plan);
    let mut diagnostics = Diagnostics::default();
    let mut templates = Templates::default();
    let (mut count, mut base) = (0, 4096);
    for block in chunks.chunks(block) {
        evtx::read(
            block,
            base,
            "probe.evtx",
            &mut templates,
            &mut rows,
            &mut diagnostics,
        );
        count += std::hint::black_box(rows.finish()).map_or(0, |b| b.num_rows());
        base += block.len() as u64;
    }
    (count, diagnostics)
}

/// A plan for everything that these EVTX chunks hold.
pub fn evtx_plan(chunks: &[u8]) -> Plan {
    let mut rows = Rows::new(&Plan::discovery());
    let mut diagnostics = Diagnostics::default();
    evtx::read(
        chunks,
        4096,
        "probe.evtx",
        &mut Templates::default(),
        &mut rows,
        &mut diagnostics,
    );
    everything(&rows)
}

/// Reads a block of JSON as the plan says.
pub fn json(block: &[u8], plan: &Plan) -> (Option<RecordBatch>, Diagnostics) {
    let mut rows = Rows::new(plan);
    let mut diagnostics = Diagnostics::default();
    crate::json::read(block, 0, "probe.json", &mut rows, &mut diagnostics);
    (rows.finish(), diagnostics)
}

/// Reads JSON block by block, cut at line ends, as a scan does, and counts the rows.
pub fn json_blocks(text: &[u8], block: usize, plan: &Plan) -> (usize, Diagnostics) {
    let mut rows = Rows::new(plan);
    let mut diagnostics = Diagnostics::default();
    let (mut count, mut base) = (0, 0);
    let mut rest = text;
    while !rest.is_empty() {
        let near = rest.len().min(block);
        let end = memchr::memchr(b'\n', &rest[near..]).map_or(rest.len(), |n| near + n + 1);
        let (head, tail) = rest.split_at(end);
        crate::json::read(head, base, "probe.json", &mut rows, &mut diagnostics);
        count += std::hint::black_box(rows.finish()).map_or(0, |b| b.num_rows());
        base += end as u64;
        rest = tail;
    }
    (count, diagnostics)
}

/// A plan for everything that this block of JSON holds.
pub fn json_plan(block: &[u8]) -> Plan {
    let mut rows = Rows::new(&Plan::discovery());
    let mut diagnostics = Diagnostics::default();
    crate::json::read(block, 0, "probe.json", &mut rows, &mut diagnostics);
    everything(&rows)
}

/// Reads a whole file of any kind.
///
/// # Panics
/// When the system has no room for a temporary file.
pub fn file(content: &[u8], plan: Plan, options: Options) -> Scan {
    let origin = Origin::kept(content).expect("a temporary file");
    Scan::new(vec![origin], plan, options)
}

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
    let mut diagnostics = Diagnostics::default();
    crate::xml::read(block, 0, "probe.xml", &mut rows, &mut diagnostics);
    everything(&rows)
}

fn everything(rows: &Rows) -> Plan {
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
