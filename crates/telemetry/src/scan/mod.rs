//! Reading inputs in parallel, in order. A worker that has no block to parse opens the next file and cuts it into
//! blocks for everybody; batches come out in the order of the inputs, whoever made them. Memory is bounded by blocks and
//! by the batches a slow consumer leaves lying. This module refuses to know formats and queries.

mod ecs;
mod feed;
mod state;
mod worker;

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use arrow::array::RecordBatch;

use crate::diagnostics::Diagnostics;
use crate::input::{Limits, Origin};
use crate::table::plan::Plan;
use crate::value::time_rules::{DayOrder, LocalZone};
use state::Shared;
use worker::Worker;

/// What one reading found, beside the rows.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Events read, whether or not the filter let them pass. What was read and not understood is in the diagnostics.
    pub records: u64,
    /// Rows delivered.
    pub rows: u64,
    /// Files read, those inside archives each for itself.
    pub files: u64,
    /// Bytes as they lie on disk.
    pub bytes: u64,
    /// Bytes after unpacking.
    pub expanded: u64,
    /// What went wrong.
    pub diagnostics: Diagnostics,
    /// Names of the fields that some record had, each in the least of its spellings, in order.
    pub fields: Vec<String>,
}

/// How far readings have come, for whoever watches.
#[derive(Debug, Default)]
pub struct Progress {
    /// Records read.
    pub records: AtomicU64,
    /// Bytes read, after unpacking.
    pub bytes: AtomicU64,
}

/// How to read.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Bounds on hostile input.
    pub limits: Limits,
    /// Worker threads; 0 takes what the machine has.
    pub threads: usize,
    /// The zone of times that name none; without it they are in UTC.
    pub zone: Option<LocalZone>,
    /// Which number is the day in dates such as `07/10/2026`; without it the file decides, if it does.
    pub day_order: Option<DayOrder>,
    /// What may open encrypted archives.
    pub passwords: Arc<[Vec<u8>]>,
    /// Whether deleted records are read where they are still there, with ` (recovered)` behind the name of their file.
    pub recover: bool,
    /// Counters to keep up to date.
    pub progress: Arc<Progress>,
}

/// A reading in progress: an iterator over batches in the order of the inputs.
///
/// Dropping it stops the workers.
pub struct Scan {
    shared: Arc<Shared>,
    workers: Vec<thread::JoinHandle<()>>,
    /// Threads that are not at work yet.
    resting: usize,
    pending: VecDeque<RecordBatch>,
}

impl Scan {
    /// Begins to read.
    pub fn new(origins: Vec<Origin>, plan: Plan, options: Options) -> Self {
        let mut scan = Self::unhurried(origins, plan, options);
        scan.hurry();
        scan
    }

    /// Begins to read with half of the threads, for a caller who has work of its own to do before [`Scan::hurry`].
    pub fn unhurried(origins: Vec<Origin>, plan: Plan, options: Options) -> Self {
        let threads = match options.threads {
            0 => thread::available_parallelism().map_or(1, usize::from),
            n => n,
        };
        let mut scan = Self {
            shared: Arc::new(Shared::new(origins, plan, options, threads)),
            workers: Vec::new(),
            resting: threads,
            pending: VecDeque::new(),
        };
        scan.employ(threads.div_ceil(2));
        scan
    }

    /// Goes on with all threads.
    pub fn hurry(&mut self) {
        self.employ(self.resting);
    }

    fn employ(&mut self, threads: usize) {
        self.resting -= threads;
        self.shared.lock().alive += threads;
        self.workers.extend((0..threads).map(|_| {
            let shared = Arc::clone(&self.shared);
            thread::spawn(move || Worker::new(&shared).run())
        }));
    }

    /// What was read so far; whole once the iterator has ended.
    pub fn report(&self) -> Report {
        let state = self.shared.lock();
        let mut report = state.report.clone();
        report.expanded = self.shared.expanded.load(Ordering::Relaxed);
        let restorable = ecs::restorable(|name| state.seen.contains_key(name));
        let restored = restorable.filter(|f| !state.seen.contains_key(&f.to_lowercase()));
        let mut fields: BTreeSet<String> = restored.map(str::to_owned).collect();
        fields.extend(state.seen.values().cloned());
        report.fields = fields.into_iter().collect();
        report.fields.sort_by_key(|f| f.to_lowercase());
        report
    }

    /// Whether some record had a field of this canonical (lower-case) name, as far as was read.
    pub fn met(&self, canonical: &str) -> bool {
        self.shared.lock().met.contains(canonical)
    }
}

impl Iterator for Scan {
    type Item = RecordBatch;

    fn next(&mut self) -> Option<RecordBatch> {
        if let Some(batch) = self.pending.pop_front() {
            return Some(batch);
        }
        let shared = Arc::clone(&self.shared);
        let mut state = shared.lock();
        loop {
            let cursor = state.cursor;
            if let Some((batches, bytes)) = state.results.remove(&cursor) {
                state.buffered -= bytes;
                state.cursor.1 += 1;
                shared.changed.notify_all();
                self.pending = batches;
                if let Some(batch) = self.pending.pop_front() {
                    return Some(batch);
                }
            } else if cursor.0 >= shared.origins.len() {
                break;
            } else if state.finished[cursor.0] == Some(cursor.1) {
                state.cursor = (cursor.0 + 1, 0);
                shared.changed.notify_all();
            } else if state.alive == 0 {
                // A worker died on the way; what it held is lost and named in the report.
                state.cursor = (cursor.0 + 1, 0);
            } else {
                state = shared.wait(state);
            }
        }
        drop(state);
        self.join();
        None
    }
}

impl Scan {
    fn join(&mut self) {
        for worker in self.workers.drain(..) {
            // The worker's own guard has already told of a panic.
            let _ = worker.join();
        }
    }
}

impl Drop for Scan {
    fn drop(&mut self) {
        self.shared.end();
        self.join();
    }
}
