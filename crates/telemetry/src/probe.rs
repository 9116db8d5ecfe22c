//! One reader at a time, without files and threads around it, for benches and fuzz targets. No part of the interface.

use std::time::{Duration, Instant};

use arrow::array::RecordBatch;

use crate::diagnostics::Diagnostics;
use crate::format::evtx::{self, EvtxOptions, Templates};
use crate::input::Origin;
use crate::scan::{Options, Scan};
use crate::table::batch_builder::BatchBuilder;
use crate::table::plan::Plan;

type Read = fn(&[u8], &mut BatchBuilder, &mut Diagnostics);

fn table(read: Read, bytes: &[u8], plan: &Plan) -> (Option<RecordBatch>, Diagnostics) {
    let mut rows = BatchBuilder::new(plan);
    let mut diagnostics = Diagnostics::default();
    read(bytes, &mut rows, &mut diagnostics);
    (rows.finish(), diagnostics)
}

/// A plan for everything that these bytes hold.
fn plan(read: Read, bytes: &[u8]) -> Plan {
    let mut rows = BatchBuilder::new(&Plan::discovery());
    read(bytes, &mut rows, &mut Diagnostics::default());
    everything(&rows)
}

fn read_evtx(chunks: &[u8], rows: &mut BatchBuilder, diagnostics: &mut Diagnostics) {
    let mut templates = Templates::default();
    evtx::read(
        chunks,
        4096,
        "probe.evtx",
        EvtxOptions::default(),
        &mut templates,
        rows,
        diagnostics,
    );
}

fn read_json(block: &[u8], rows: &mut BatchBuilder, diagnostics: &mut Diagnostics) {
    crate::format::json::read(block, 0, "probe.json", rows, diagnostics);
}

fn read_xml(block: &[u8], rows: &mut BatchBuilder, diagnostics: &mut Diagnostics) {
    crate::format::xml::read(block, 0, "probe.xml", rows, diagnostics);
}

/// Reads a run of EVTX chunks as the plan says.
pub fn evtx(chunks: &[u8], plan: &Plan) -> (Option<RecordBatch>, Diagnostics) {
    table(read_evtx, chunks, plan)
}

/// Reads EVTX chunks block by block, as a scan does, and counts the rows.
pub fn evtx_blocks(chunks: &[u8], block: usize, plan: &Plan) -> (usize, Diagnostics) {
    let mut rows = BatchBuilder::new(plan);
    let mut diagnostics = Diagnostics::default();
    let mut templates = Templates::default();
    let (mut count, mut base) = (0, 4096);
    for block in chunks.chunks(block) {
        evtx::read(
            block,
            base,
            "probe.evtx",
            EvtxOptions::default(),
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
    plan(read_evtx, chunks)
}

/// Reads a block of JSON as the plan says.
pub fn json(block: &[u8], plan: &Plan) -> (Option<RecordBatch>, Diagnostics) {
    table(read_json, block, plan)
}

/// Reads JSON block by block, cut at line ends, as a scan does, and counts the rows.
pub fn json_blocks(text: &[u8], block: usize, plan: &Plan) -> (usize, Diagnostics) {
    let mut rows = BatchBuilder::new(plan);
    let mut diagnostics = Diagnostics::default();
    let (mut count, mut base) = (0, 0);
    let mut rest = text;
    while !rest.is_empty() {
        let near = rest.len().min(block);
        let end = memchr::memchr(b'\n', &rest[near..]).map_or(rest.len(), |n| near + n + 1);
        let (head, tail) = rest.split_at(end);
        crate::format::json::read(head, base, "probe.json", &mut rows, &mut diagnostics);
        count += std::hint::black_box(rows.finish()).map_or(0, |b| b.num_rows());
        base += end as u64;
        rest = tail;
    }
    (count, diagnostics)
}

/// A plan for everything that this block of JSON holds.
pub fn json_plan(block: &[u8]) -> Plan {
    plan(read_json, block)
}

/// Reads a whole file of any kind.
///
/// # Panics
/// When the system has no room for a temporary file.
pub fn file(content: &[u8], plan: Plan, options: Options) -> Scan {
    let origin = Origin::kept("probe", content).expect("a temporary file");
    Scan::new(vec![origin], plan, options)
}

/// Reads a block of event XML, or of a syslog with event XML in it, as the plan says.
pub fn xml(block: &[u8], plan: &Plan) -> (Option<RecordBatch>, Diagnostics) {
    table(read_xml, block, plan)
}

/// A plan for everything that this block of event XML holds.
pub fn xml_plan(block: &[u8]) -> Plan {
    plan(read_xml, block)
}

fn everything(rows: &BatchBuilder) -> Plan {
    let mut seen = std::collections::HashSet::new();
    let columns = crate::table::header::columns()
        .iter()
        .map(|c| c.name.as_str())
        .chain([
            crate::table::header::SOURCE_FILE,
            crate::table::header::SOURCE_OFFSET,
        ])
        .chain(rows.met())
        .map(str::to_lowercase)
        .filter(|c| seen.insert(c.clone()))
        .collect();
    Plan::of(columns)
}

/// The medians of so many runs of each, which take turns, so that a busy machine slows all of them.
pub fn medians<const N: usize>(turns: usize, runs: [&dyn Fn(); N]) -> [Duration; N] {
    let mut times = [(); N].map(|()| Vec::with_capacity(turns));
    for _ in 0..turns {
        for (run, times) in runs.iter().zip(&mut times) {
            let begin = Instant::now();
            run();
            times.push(begin.elapsed());
        }
    }
    times.map(|mut t| {
        t.sort();
        t[turns / 2]
    })
}
