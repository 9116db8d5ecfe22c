//! What the workers of one reading share: the blocks to parse, the batches that wait, and how far everything has come.
//! It refuses to read or parse.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use arrow::array::RecordBatch;
use rustc_hash::FxHashSet;

use super::ecs::Restoration;
use super::{Options, Progress, Report};
use crate::diagnostics::Diagnostics;
use crate::format::csv::Header;
use crate::format::evtx::EvtxOptions;
use crate::format::parquet::RowGroup;
use crate::format::record_splitter::Format;
use crate::input::Buffer;
use crate::input::{Limits, Origin};
use crate::table::plan::Plan;
use crate::value::time_rules::{DayOrder, TimeRules};

/// Place of a block in the order of the output: the input's number, then the block's within it.
pub(super) type Place = (usize, u64);

/// What a worker is given to parse.
pub(super) enum Work {
    Bytes {
        format: Format,
        bytes: Buffer,
        base: u64,
        source: Arc<str>,
        /// The names of its columns, where it is a table of text.
        table: Option<Arc<Header>>,
        /// Which number of its dates is the day, as far as the file tells.
        order: Option<DayOrder>,
    },
    RowGroup(RowGroup),
}

#[derive(Default)]
pub(super) struct State {
    pub(super) next_origin: usize,
    pub(super) queue: BTreeMap<Place, Work>,
    pub(super) results: BTreeMap<Place, (VecDeque<RecordBatch>, usize)>,
    pub(super) buffered: usize,
    /// Number of blocks of each input that is wholly cut.
    pub(super) finished: Vec<Option<u64>>,
    pub(super) cursor: Place,
    pub(super) feeding: usize,
    pub(super) alive: usize,
    pub(super) spare: Vec<Buffer>,
    pub(super) report: Report,
    pub(super) met: FxHashSet<String>,
    pub(super) seen: BTreeMap<String, String>,
}

/// What all workers and the consumer of a reading see.
pub(super) struct Shared {
    pub(super) origins: Vec<Origin>,
    /// What to read.
    pub(super) plan: Plan,
    /// What to make of that before it is delivered.
    pub(super) restoration: Option<Restoration>,
    pub(super) limits: Limits,
    /// What the user said of times.
    pub(super) times: TimeRules,
    pub(super) passwords: Arc<[Vec<u8>]>,
    pub(super) evtx: EvtxOptions,
    pub(super) state: Mutex<State>,
    pub(super) changed: Condvar,
    pub(super) stop: AtomicBool,
    pub(super) expanded: AtomicU64,
    pub(super) queue_length: usize,
    pub(super) progress: Arc<Progress>,
}

impl Shared {
    pub(super) fn new(origins: Vec<Origin>, plan: Plan, options: Options, threads: usize) -> Self {
        let restoration = Restoration::of(&plan);
        Self {
            state: Mutex::new(State {
                finished: vec![None; origins.len()],
                report: Report {
                    diagnostics: Diagnostics::listing(options.limits.problems),
                    ..Report::default()
                },
                ..State::default()
            }),
            origins,
            plan: restoration.as_ref().map_or(plan, |r| r.read.clone()),
            restoration,
            limits: options.limits,
            times: TimeRules {
                zone: options.zone,
                order: options.day_order,
            },
            passwords: options.passwords,
            evtx: EvtxOptions {
                recover: options.recover,
                ..EvtxOptions::default()
            },
            changed: Condvar::new(),
            stop: AtomicBool::new(false),
            expanded: AtomicU64::new(0),
            progress: options.progress,
            queue_length: threads,
        }
    }

    /// Tells the workers to go.
    pub(super) fn end(&self) {
        // Under the lock, or a worker that has just looked would sleep through it.
        let _state = self.lock();
        self.stop.store(true, Ordering::Relaxed);
        self.changed.notify_all();
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // A worker that panicked leaves the state usable: every change to it is complete when the lock is let go.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn wait<'s>(&self, guard: MutexGuard<'s, State>) -> MutexGuard<'s, State> {
        self.changed
            .wait(guard)
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

impl State {
    /// Notes a field, in the least of its spellings: which thread comes first is chance.
    pub(super) fn see(&mut self, name: &str) {
        let known = self.seen.entry(name.to_lowercase());
        let known = known.or_insert_with(|| name.to_owned());
        if name < known.as_str() {
            name.clone_into(known);
        }
    }

    /// Whether work on this input must wait until the consumer has taken what it can take.
    pub(super) fn must_wait(&self, origin: usize, limits: Limits) -> bool {
        self.buffered > limits.buffered
            && (origin != self.cursor.0 || self.results.contains_key(&self.cursor))
    }

    /// The first block in order that may be parsed now.
    pub(super) fn ready(&self, limits: Limits) -> Option<Place> {
        let first = self.queue.keys().next().copied();
        first.filter(|place| !self.must_wait(place.0, limits))
    }
}
