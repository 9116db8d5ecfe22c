//! Which of a record's values fills each header column, and where the others go.

use bumpalo::Bump;

use crate::table::batch_builder::BatchBuilder;
use crate::table::column::{number, readable};
use crate::table::header::{self, Kind};
use crate::table::key_tree::ColumnId;
use crate::table::record::Record;
use crate::value::RawValue;

/// Where among the header's columns stands what makes a record an event.
#[derive(Clone, Copy, Debug)]
pub(super) struct Identity {
    event_id: usize,
    channel: usize,
    provider: usize,
    time: usize,
    writer: usize,
    thread: usize,
    /// How good the path `Source` is for the provider: too many things have one.
    source: Option<u16>,
}

impl Identity {
    pub(super) fn new() -> Self {
        let column = |name| header::by_name(name).unwrap_or_default();
        Self {
            event_id: column("eventid"),
            channel: column("channel"),
            provider: column("provider"),
            time: column("timecreated"),
            writer: column("executionprocessid"),
            thread: column("executionthreadid"),
            source: header::feed("source").map(|feed| feed.priority),
        }
    }
}

impl BatchBuilder {
    /// Whether the record that was resolved last is an event: it has an event id, and a channel or a provider.
    pub(super) fn understood(&self) -> bool {
        let Identity {
            event_id,
            channel,
            provider,
            source,
            ..
        } = self.identity;
        let provider = self.candidates[provider].map(|(priority, _)| priority);
        self.candidates[event_id].is_some()
            && (self.candidates[channel].is_some() || provider.is_some() && provider != source)
    }

    /// Counts a time that could not be read.
    pub(super) fn note_time<'a>(&mut self, record: &Record<'a>, arena: &'a Bump) {
        let Some(at) = self.bad_time.take() else {
            return;
        };
        let text = record.fields[at as usize].1.text(arena);
        if text.trim().is_empty() {
            return;
        }
        self.unread_times += 1;
        if self.unread_time.is_none() {
            self.unread_time = Some(text.chars().take(64).collect());
        }
    }

    /// Decides which candidate fills each header column, and notes where the others go. `true` if all records with these
    /// keys settle so whose values are readable as `checks` says.
    pub(super) fn resolve_header<'a>(&mut self, record: &Record<'a>, arena: &'a Bump) -> bool {
        self.candidates.fill(None);
        self.bad_time = None;
        self.settled.filter_values.fill(None);
        self.settled.ordered = false;
        self.feeding.clear();
        self.others.clear();
        self.record_number = self.record_number.wrapping_add(1);
        let beat = record.beat;
        let (mut mixed, mut data) = (false, false);
        for (i, (node, value)) in (0u32..).zip(&record.fields) {
            let brief = self.names.brief(*node);
            let Some(feed) = brief.feed else {
                self.others.push((brief.target, i));
                mixed |= brief.data != data;
                data = brief.data;
                continue;
            };
            self.feeding.push((feed, i));
            let column = usize::from(feed.column);
            // Whether a value can be used may cost reading it: ask only about those that could win.
            if self.candidates[column].is_some_and(|(priority, _)| feed.priority >= priority) {
                continue;
            }
            if (beat || !feed.beat_only) && readable(*value, self.header_kinds[column], arena) {
                self.candidates[column] = Some((feed.priority, i));
            }
        }
        // `ProcessID` is the writer's where its thread stands beside it, and else a field of the event.
        let alone = self.candidates[self.identity.thread].is_none();
        let writer = &mut self.candidates[self.identity.writer];
        let exact = |i: u32| self.names.brief(record.fields[i as usize].0).feed;
        if alone && writer.is_some_and(|(_, i)| exact(i).is_some_and(|f| f.exact)) {
            *writer = None;
        }
        let mut settled = true;
        self.settled.checks.clear();
        self.settled.same.clear();
        for (kind, candidate) in self.header_kinds.iter().zip(&self.candidates) {
            if let (Kind::Int | Kind::Time, Some((_, i))) = (kind, candidate) {
                self.settled.checks.push((*i, *kind));
            }
        }
        // Whoever neither won nor says the same as the winner keeps a column of its own.
        for n in 0..self.feeding.len() {
            let (feed, i) = self.feeding[n];
            let (node, value) = record.fields[i as usize];
            let winner = self.candidates[usize::from(feed.column)];
            // Not if it would have won with another value or in another place.
            settled &= (feed.beat_only && !beat)
                || (feed.exact && alone)
                || winner.is_some_and(|(best, w)| best < feed.priority || w == i);
            let beaten = winner.is_none_or(|(best, _)| best > feed.priority);
            if beaten && !feed.keeps_column && usize::from(feed.column) == self.identity.time {
                self.bad_time = Some(i);
            }
            if feed.keeps_column {
                let target = self.names.brief(node).target;
                self.discard_value(target, i);
                continue;
            }
            let Some((_, winner)) = winner else {
                let raw = self.names.raw(node);
                self.discard_value(raw, i);
                continue;
            };
            if winner == i {
                continue;
            }
            if feed.exact {
                let target = self.names.brief(node).target;
                self.discard_value(target, i);
                continue;
            }
            let kind = self.header_kinds[usize::from(feed.column)];
            if agree(record.fields[winner as usize].1, value, kind, arena) {
                self.settled.same.push((winner, i, kind));
            } else {
                settled = false;
                let raw = self.names.raw(node);
                self.discard_value(raw, i);
            }
        }
        // A field of the event has its name before what a shipper put beside the event under the same name.
        if mixed {
            let names = &self.names;
            self.others
                .sort_by_key(|(_, i)| !names.brief(record.fields[*i as usize].0).data);
        }
        for n in 0..self.others.len() {
            let (target, i) = self.others[n];
            let record = self.record_number;
            let known = self.used(target);
            let again = std::mem::replace(&mut known.settled, record) == record;
            self.settled.ordered |= again;
            if let Some(f) = self.names.target_info(target).filter {
                self.settled.filter_values[f as usize].get_or_insert(i);
            }
        }
        for (column, filter) in self.header_filters.iter().enumerate() {
            if let Some(f) = filter {
                self.settled.filter_values[*f as usize] = self.candidates[column].map(|(_, i)| i);
            }
        }
        settled
    }

    fn discard_value(&mut self, target: ColumnId, field: u32) {
        self.others.push((target, field));
    }
}

/// Whether a value says the same in a header column of this kind as one that the column can hold.
pub(super) fn agree<'a>(
    held: RawValue<'a>,
    other: RawValue<'a>,
    kind: Kind,
    arena: &'a Bump,
) -> bool {
    match kind {
        Kind::Text => held.text(arena) == other.text(arena),
        // Exporters write the same instant twice; what is spelled the same need not be read.
        _ => {
            held.as_text()
                .is_some_and(|text| other.as_text() == Some(text))
                || number(other, kind, arena)
                    .is_some_and(|other| number(held, kind, arena) == Some(other))
        }
    }
}
