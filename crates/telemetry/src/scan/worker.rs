//! One thread of a reading: it parses blocks, and cuts inputs into blocks where there are none. It refuses to know what
//! the blocks hold; the readers do.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::thread;

use arrow::array::RecordBatch;

use super::feed::{feed_parquet, feed_stream};
use super::state::{Place, Shared, Work};
use crate::diagnostics::{Diagnostics, Part, Problem};
use crate::format::record_splitter::Format;
use crate::format::{csv, evtx, json, lines, xml};
use crate::input::{Content, Stop, visit};
use crate::table::batch_builder::BatchBuilder;

pub(super) struct Worker<'s> {
    shared: &'s Shared,
    rows: BatchBuilder,
    templates: evtx::Templates,
    diagnostics: Diagnostics,
}

impl<'s> Worker<'s> {
    pub(super) fn new(shared: &'s Shared) -> Self {
        Self {
            shared,
            rows: BatchBuilder::new(&shared.plan),
            templates: evtx::Templates::default(),
            diagnostics: Diagnostics::listing(shared.limits.problems),
        }
    }

    pub(super) fn run(mut self) {
        let mut state = self.shared.lock();
        loop {
            if self.shared.stopped() {
                break;
            }
            if let Some(place) = state.ready(self.shared.limits) {
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
        let mut diagnostics = Diagnostics::listing(shared.limits.problems);
        // Between the blocks before and after.
        let part = |block: u64| (origin, 2 * block);
        diagnostics.enter(part(0));
        let mut files = 0;
        let bytes = visit(
            &shared.origins[origin],
            shared.limits,
            &shared.passwords,
            &mut diagnostics,
            &mut |name, content, diagnostics| {
                files += 1;
                let mut give = |work: Work| -> Result<Part, Stop> {
                    self.give((origin, block), work)?;
                    block += 1;
                    Ok(part(block))
                };
                match content {
                    Content::Stream { head, rest } => {
                        feed_stream(name, head, rest, shared, diagnostics, &mut give)
                    }
                    Content::Parquet(file) => feed_parquet(name, file, diagnostics, &mut give),
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

    /// Hands a block to whoever is free, and parses one here when nobody is.
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
            let earlier = state.ready(self.shared.limits);
            match earlier.and_then(|p| state.queue.remove(&p).map(|w| (p, w))) {
                Some((p, w)) => {
                    drop(state);
                    self.parse(p, w);
                    state = self.shared.lock();
                }
                None => state = self.shared.wait(state),
            }
        }
        state.queue.insert(place, work);
        self.shared.changed.notify_all();
        if state.queue.len() > self.shared.queue_length {
            // The earliest, because it is what the consumer waits for: results of later ones would pile up.
            let first = state.queue.pop_first();
            drop(state);
            if let Some((place, work)) = first {
                self.parse(place, work);
            }
        }
        Ok(())
    }

    /// The rows to deliver, with what Elastic's pipelines renamed under its own names.
    fn restored(&self, batches: VecDeque<RecordBatch>) -> VecDeque<RecordBatch> {
        let Some(restoration) = &self.shared.restoration else {
            return batches;
        };
        let whole = batches.into_iter().filter_map(|batch| {
            let (batch, fields) = restoration.restore(&batch);
            if !fields.is_empty() {
                let mut state = self.shared.lock();
                state.met.extend(fields.iter().map(|f| f.to_lowercase()));
            }
            batch
        });
        whole.filter(|b| b.num_rows() > 0).collect()
    }

    fn parse(&mut self, place: Place, work: Work) {
        let rows = &mut self.rows;
        self.diagnostics.enter((place.0, 2 * place.1 + 1));
        let mut batches = VecDeque::new();
        match work {
            Work::Bytes {
                format,
                bytes,
                base,
                source,
                table,
                order,
            } => {
                let mut times = self.shared.times.clone();
                times.order = times.order.or(order);
                times.apply();
                let diagnostics = &mut self.diagnostics;
                match format {
                    Format::JsonLines | Format::JsonObjects => {
                        json::read(bytes.bytes(), base, &source, rows, diagnostics)
                    }
                    Format::Syslog => {
                        lines::read(bytes.bytes(), base, &source, rows, diagnostics);
                    }
                    Format::Csv => {
                        if let Some(table) = &table {
                            csv::read(bytes.bytes(), base, &source, table, rows, diagnostics);
                        }
                    }
                    // Objects may stand on lines between the events.
                    Format::Xml if lines::has_objects(bytes.bytes()) => {
                        lines::read(bytes.bytes(), base, &source, rows, diagnostics);
                    }
                    Format::Xml => xml::read(bytes.bytes(), base, &source, rows, diagnostics),
                    Format::Evtx => {
                        let (bytes, templates) = (bytes.bytes(), &mut self.templates);
                        let options = self.shared.evtx;
                        evtx::read(bytes, base, &source, options, templates, rows, diagnostics)
                    }
                }
                batches.extend(rows.finish());
                let mut state = self.shared.lock();
                // A buffer that grew for one long record is not worth keeping.
                let usual = bytes.size() <= self.shared.limits.block * 2;
                if usual && state.spare.len() < self.shared.queue_length * 3 {
                    state.spare.push(bytes);
                }
            }
            Work::RowGroup(group) => match group.read(&self.shared.plan) {
                Ok((read, records)) => {
                    rows.pushed += records;
                    batches.extend(read);
                    let mut state = self.shared.lock();
                    for name in group.columns() {
                        state.met.insert(name.to_lowercase());
                        state.see(name);
                    }
                }
                Err(problem) => self.diagnostics.report(group.source(), None, problem),
            },
        }
        let records = std::mem::take(&mut rows.pushed);
        let batches = self.restored(batches);
        let bytes = batches.iter().map(RecordBatch::get_array_memory_size).sum();
        let delivered: usize = batches.iter().map(RecordBatch::num_rows).sum();
        let mut state = self.shared.lock();
        state.report.rows += delivered as u64;
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
        self.diagnostics.unread_times += self.rows.unread_times;
        self.diagnostics.unread_time = self.rows.unread_time.take();
        let overflow = self.rows.names().overflow;
        self.diagnostics.enter((usize::MAX, 0));
        if overflow > 0 {
            self.diagnostics
                .report("input", None, Problem::TooManyFields(overflow));
        }
        for name in self.rows.seen() {
            state.see(name);
        }
        state.met.extend(self.rows.met().map(str::to_lowercase));
        state
            .report
            .diagnostics
            .merge(std::mem::take(&mut self.diagnostics));
        state.alive -= 1;
        self.shared.changed.notify_all();
    }
}
