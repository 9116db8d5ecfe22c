//! Reading inputs in parallel, in order. A worker that has no block to parse opens the next file and cuts it into
//! blocks for everybody; batches come out in the order of the inputs, whoever made them. Memory is bounded by blocks
//! and by the batches a slow consumer leaves lying. This module refuses to know formats and queries.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io::Read;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use arrow::array::RecordBatch;
use rustc_hash::FxHashSet;

use crate::buffer::Buffer;
use crate::diagnostics::{Diagnostics, Problem};
use crate::frame::{CHUNK, Cutter, Format};
use crate::input::{Content, Limits, Origin, Stop, visit};
use crate::parquet::RowGroup;
use crate::rows::{Plan, Rows};
use crate::sniff::sniff;
use crate::{encoding, evtx, json, xml};

/// Place of a block in the order of the output: the input's number, then the block's within it.
type Place = (usize, u64);

/// What a worker is given to parse.
enum Work {
    Bytes {
        format: Format,
        bytes: Buffer,
        base: u64,
        source: Arc<str>,
    },
    RowGroup(RowGroup),
}

/// What one reading found, beside the rows.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Records read, whether or not the filter let them pass.
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
    /// Names of the fields that some record had, as first spelled, in order.
    pub fields: Vec<String>,
}

#[derive(Default)]
struct State {
    next_origin: usize,
    queue: BTreeMap<Place, Work>,
    results: BTreeMap<Place, (VecDeque<RecordBatch>, usize)>,
    buffered: usize,
    /// Number of blocks of each input that is wholly cut.
    finished: Vec<Option<u64>>,
    cursor: Place,
    feeding: usize,
    alive: usize,
    spare: Vec<Buffer>,
    report: Report,
    met: FxHashSet<String>,
    seen: BTreeMap<String, String>,
}

struct Shared {
    origins: Vec<Origin>,
    plan: Plan,
    limits: Limits,
    state: Mutex<State>,
    changed: Condvar,
    stop: AtomicBool,
    expanded: AtomicU64,
    queue_length: usize,
    progress: Arc<Progress>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A worker that panicked leaves the state usable: every change to it is complete when the lock is let go.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'s>(&self, guard: MutexGuard<'s, State>) -> MutexGuard<'s, State> {
        self.changed
            .wait(guard)
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

impl State {
    /// Whether work on this input must wait until the consumer has taken what it can take.
    fn must_wait(&self, origin: usize, limits: Limits) -> bool {
        self.buffered > limits.buffered
            && (origin != self.cursor.0 || self.results.contains_key(&self.cursor))
    }
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
    /// Counters to keep up to date.
    pub progress: Arc<Progress>,
}

/// A reading in progress: an iterator over batches in the order of the inputs.
///
/// Dropping it stops the workers.
pub struct Scan {
    shared: Arc<Shared>,
    workers: Vec<thread::JoinHandle<()>>,
    pending: VecDeque<RecordBatch>,
}

impl Scan {
    /// Begins to read.
    pub fn new(origins: Vec<Origin>, plan: Plan, options: Options) -> Self {
        let threads = match options.threads {
            0 => thread::available_parallelism().map_or(1, usize::from),
            n => n,
        };
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                finished: vec![None; origins.len()],
                alive: threads,
                ..State::default()
            }),
            origins,
            plan,
            limits: options.limits,
            changed: Condvar::new(),
            stop: AtomicBool::new(false),
            expanded: AtomicU64::new(0),
            progress: options.progress,
            queue_length: threads,
        });
        let workers = (0..threads)
            .map(|_| {
                let shared = Arc::clone(&shared);
                thread::spawn(move || Worker::new(&shared).run())
            })
            .collect();
        Self {
            shared,
            workers,
            pending: VecDeque::new(),
        }
    }

    /// What was read so far; whole once the iterator has ended.
    pub fn report(&self) -> Report {
        let state = self.shared.lock();
        let mut report = state.report.clone();
        report.expanded = self.shared.expanded.load(Ordering::Relaxed);
        report.fields = state.seen.values().cloned().collect();
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
        self.shared.stop.store(true, Ordering::Relaxed);
        self.shared.changed.notify_all();
        self.join();
    }
}

struct Worker<'s> {
    shared: &'s Shared,
    rows: Rows,
    templates: evtx::Templates,
    diagnostics: Diagnostics,
}

impl<'s> Worker<'s> {
    fn new(shared: &'s Shared) -> Self {
        Self {
            shared,
            rows: Rows::new(&shared.plan),
            templates: evtx::Templates::default(),
            diagnostics: Diagnostics::default(),
        }
    }

    fn run(mut self) {
        let mut state = self.shared.lock();
        loop {
            if self.shared.stopped() {
                break;
            }
            let ready = state
                .queue
                .keys()
                .next()
                .copied()
                .filter(|place| !state.must_wait(place.0, self.shared.limits));
            if let Some(place) = ready {
                let work = state.queue.remove(&place);
                self.shared.changed.notify_all();
                drop(state);
                if let Some(work) = work {
                    self.parse(place, work);
                }
                state = self.shared.lock();
            } else if state.next_origin < self.shared.origins.len()
                && !state.must_wait(state.next_origin, self.shared.limits)
            {
                let origin = state.next_origin;
                state.next_origin += 1;
                state.feeding += 1;
                drop(state);
                self.feed(origin);
                state = self.shared.lock();
                state.feeding -= 1;
                self.shared.changed.notify_all();
            } else if state.feeding == 0
                && state.queue.is_empty()
                && state.next_origin >= self.shared.origins.len()
            {
                break;
            } else {
                state = self.shared.wait(state);
            }
        }
    }

    /// Cuts one input into blocks.
    fn feed(&mut self, origin: usize) {
        let shared = self.shared;
        let mut block = 0;
        let mut diagnostics = Diagnostics::default();
        let mut files = 0;
        let bytes = visit(
            &shared.origins[origin],
            shared.limits,
            &mut diagnostics,
            &mut |name, content, diagnostics| {
                files += 1;
                let mut give = |work: Work| -> Result<(), Stop> {
                    self.give((origin, block), work)?;
                    block += 1;
                    Ok(())
                };
                match content {
                    Content::Stream { head, rest } => {
                        feed_stream(name, head, rest, shared, diagnostics, &mut give)
                    }
                    Content::Parquet(file) => feed_parquet(name, file, &mut give),
                }
            },
        );
        self.diagnostics.merge(diagnostics);
        let mut state = shared.lock();
        state.report.bytes += bytes;
        state.report.files += files;
        state.finished[origin] = Some(block);
        shared.changed.notify_all();
    }

    /// Hands a block to whoever is free, or parses it here when nobody is.
    fn give(&mut self, place: Place, work: Work) -> Result<(), Stop> {
        let mut state = self.shared.lock();
        loop {
            if self.shared.stopped() {
                return Err(Stop::Done);
            }
            if !state.must_wait(place.0, self.shared.limits) {
                break;
            }
            // While this input must wait, help with an earlier one.
            let earlier = state
                .queue
                .keys()
                .next()
                .copied()
                .filter(|p| !state.must_wait(p.0, self.shared.limits));
            match earlier.and_then(|p| state.queue.remove(&p).map(|w| (p, w))) {
                Some((p, w)) => {
                    drop(state);
                    self.parse(p, w);
                    state = self.shared.lock();
                }
                None => state = self.shared.wait(state),
            }
        }
        if state.queue.len() < self.shared.queue_length {
            state.queue.insert(place, work);
            self.shared.changed.notify_all();
            return Ok(());
        }
        drop(state);
        self.parse(place, work);
        Ok(())
    }

    fn parse(&mut self, place: Place, work: Work) {
        let mut batches = VecDeque::new();
        match work {
            Work::Bytes {
                format,
                bytes,
                base,
                source,
            } => {
                let (rows, diagnostics) = (&mut self.rows, &mut self.diagnostics);
                match format {
                    Format::JsonLines | Format::JsonObjects => {
                        json::read(bytes.bytes(), base, &source, rows, diagnostics)
                    }
                    Format::Xml | Format::Syslog => {
                        xml::read(bytes.bytes(), base, &source, rows, diagnostics)
                    }
                    Format::Evtx => {
                        let (bytes, templates) = (bytes.bytes(), &mut self.templates);
                        evtx::read(bytes, base, &source, templates, rows, diagnostics)
                    }
                }
                batches.extend(self.rows.finish());
                let mut state = self.shared.lock();
                // A buffer that grew for one long record is not worth keeping.
                let usual = bytes.size() <= self.shared.limits.block * 2;
                if usual && state.spare.len() < self.shared.queue_length * 3 {
                    state.spare.push(bytes);
                }
            }
            Work::RowGroup(group) => match group.read(&self.shared.plan) {
                Ok((read, records)) => {
                    self.rows.offered += records;
                    batches.extend(read);
                    let mut state = self.shared.lock();
                    for name in group.columns() {
                        state.met.insert(name.to_lowercase());
                        state
                            .seen
                            .entry(name.to_lowercase())
                            .or_insert_with(|| name.to_owned());
                    }
                }
                Err(problem) => self.diagnostics.report(group.source(), None, problem),
            },
        }
        let bytes = batches.iter().map(RecordBatch::get_array_memory_size).sum();
        let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
        let mut state = self.shared.lock();
        state.report.rows += rows as u64;
        let records = std::mem::take(&mut self.rows.offered);
        self.shared
            .progress
            .records
            .fetch_add(records, Ordering::Relaxed);
        state.report.records += records;
        state.buffered += bytes;
        state.results.insert(place, (batches, bytes));
        self.shared.changed.notify_all();
    }
}

impl Drop for Worker<'_> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        if thread::panicking() {
            self.diagnostics.report(
                "scotoma",
                None,
                Problem::BadRecord("a reader failed; rows are missing".to_owned()),
            );
            // Without this the consumer would wait for a block that never comes.
            self.shared.stop.store(true, Ordering::Relaxed);
        }
        let overflow = self.rows.names().overflow;
        if overflow > 0 {
            self.diagnostics
                .report("input", None, Problem::TooManyFields(overflow));
        }
        state
            .report
            .diagnostics
            .merge(std::mem::take(&mut self.diagnostics));
        for name in self.rows.seen() {
            state
                .seen
                .entry(name.to_lowercase())
                .or_insert_with(|| name.to_owned());
        }
        state.met.extend(self.rows.met().map(str::to_lowercase));
        state.alive -= 1;
        self.shared.changed.notify_all();
    }
}

type Give<'g> = dyn FnMut(Work) -> Result<(), Stop> + 'g;

fn feed_parquet(name: &str, file: File, give: &mut Give<'_>) -> Result<(), Stop> {
    for group in RowGroup::all(name, file).map_err(Stop::Failed)? {
        give(Work::RowGroup(group))?;
    }
    Ok(())
}

fn feed_stream(
    name: &str,
    head: &[u8],
    rest: &mut dyn Read,
    shared: &Shared,
    diagnostics: &mut Diagnostics,
    give: &mut Give<'_>,
) -> Result<(), Stop> {
    if head.is_empty() {
        return Ok(());
    }
    let mut reader = encoding::utf8(head, rest);
    let source: Arc<str> = name.into();
    let mut buffer = spare(shared);
    let mut ended = buffer.fill(&mut *reader, head.len().max(CHUNK))?;
    let format = sniff(buffer.bytes()).ok_or(Stop::Failed(Problem::UnknownFormat))?;
    let mut cutter = Cutter::new(format);
    let mut base = 0;
    if format == Format::Evtx {
        let header = evtx_header(buffer.bytes());
        if ended && buffer.bytes().starts_with(b"ElfFile\0") && buffer.bytes().len() < 4096 {
            diagnostics.report(name, None, Problem::CutOff);
        }
        buffer.skip(header);
        base = header as u64;
    }
    shared.expanded.fetch_add(base, Ordering::Relaxed);
    // Text has two bytes for each character there, and chunks are seldom full.
    let block = match format {
        Format::Evtx => 2 * shared.limits.block,
        _ => shared.limits.block,
    };
    let mut goal = block;
    loop {
        // What a failing decompressor gave before it failed is read like the rest.
        let failure = match ended {
            true => None,
            false => buffer.fill(&mut *reader, goal).map(|e| ended = e).err(),
        };
        ended |= failure.is_some();
        let n = cutter.cut(buffer.bytes(), ended);
        let held = buffer.bytes().len();
        if n == 0 && !ended {
            if held >= shared.limits.record {
                return Err(Stop::Failed(Problem::TooLong(shared.limits.record)));
            }
            goal = (held * 2).min(shared.limits.record);
            continue;
        }
        let mut next = spare(shared);
        buffer.split(n, &mut next);
        shared.expanded.fetch_add(n as u64, Ordering::Relaxed);
        shared.progress.bytes.fetch_add(n as u64, Ordering::Relaxed);
        if n > 0 {
            give(Work::Bytes {
                format,
                bytes: buffer,
                base,
                source: Arc::clone(&source),
            })?;
        }
        base += n as u64;
        buffer = next;
        goal = block;
        if let Some(error) = failure {
            diagnostics.report(name, Some(base), problem(error));
        }
        if ended {
            return Ok(());
        }
    }
}

/// A buffer that was used before, or a new one.
fn spare(shared: &Shared) -> Buffer {
    let mut buffer = shared.lock().spare.pop().unwrap_or_default();
    buffer.clear();
    buffer
}

fn problem(error: std::io::Error) -> Problem {
    match Stop::from(error) {
        Stop::Failed(problem) => problem,
        Stop::Done => Problem::CutOff,
    }
}

/// Bytes before the first chunk: the file header, unless the file begins with a chunk.
fn evtx_header(head: &[u8]) -> usize {
    if head.starts_with(b"ElfChnk\0") {
        0
    } else {
        head.len().min(4096)
    }
}
