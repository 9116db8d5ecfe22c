//! Records become rows: the header is settled, the filter is asked, and what passes is appended to dictionary-encoded
//! columns. Columns that nobody asked for do not exist here. This module refuses to know input formats.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use bumpalo::Bump;

use crate::filter::Test;
use crate::table::column::{Column, number, readable};
use crate::table::header::{self, Feed, Kind};
use crate::table::header_resolution::{Identity, agree};
use crate::table::key_id::KeyId;
use crate::table::key_tree::{ColumnId, KeyTree, Projection};
pub(crate) use crate::table::layout_plan::FastPath;
use crate::table::layout_plan::{ColumnWrite, ColumnWrites, LayoutPlans, ResolvedHeader};
pub(crate) use crate::table::plan::{Plan, Position};
use crate::table::record::Record;
use crate::table::record_layout::Layouts;
use crate::table::value_cache::ValueCache;
use crate::value::RawValue;

/// How often the record at hand had a value for a column, and where that goes.
#[derive(Clone, Copy)]
pub(super) struct Use {
    /// The record it was last settled for.
    pub(super) settled: u32,
    /// The record whose row it last had a value in.
    record: u32,
    count: u32,
    /// Index among the columns asked for, or [`NOWHERE`].
    column: u32,
    seen: bool,
}

const NOWHERE: u32 = u32::MAX;
/// What one long value needed is not kept for good.
const MAX_SPACE: usize = 1 << 20;

/// One worker's table in the making.
pub struct BatchBuilder {
    pub(super) schema: SchemaRef,
    pub(super) columns: Vec<Column>,
    pub(super) header_columns: Vec<Option<u32>>,
    pub(super) header_filters: Vec<Option<u32>>,
    pub(super) source_file: Option<u32>,
    pub(super) source_offset: Option<u32>,
    pub(super) clauses: Vec<Vec<(u32, Test)>>,
    pub(super) names: KeyTree,
    pub(super) rows: usize,
    // Scratch for the record at hand.
    pub(super) candidates: Vec<Option<(u16, u32)>>,
    pub(super) filter_values: Vec<Option<u32>>,
    pub(super) settled: ResolvedHeader,
    /// Where the fields stand that a route speaks of.
    pub(super) order: Vec<u32>,
    /// What was read to check a route.
    pub(super) read: Vec<i64>,
    /// Where values are decoded.
    pub(super) space: Vec<u8>,
    pub(super) feeding: Vec<(Feed, u32)>,
    pub(super) uses: Vec<Use>,
    pub(super) record_number: u32,
    /// Values that take no place in the header, and their columns.
    pub(super) others: Vec<(ColumnId, u32)>,
    pub(super) moves: Vec<ColumnWrite>,
    pub(super) routes: LayoutPlans,
    /// Values that readers recognise.
    pub(crate) value_cache: ValueCache,
    /// Layouts of the records.
    pub(crate) shapes: Layouts,
    pub(super) header_kinds: Vec<Kind>,
    pub(super) identity: Identity,
    /// The field of the record at hand that should be its time and cannot be read.
    pub(super) bad_time: Option<u32>,
    /// Times that were there and could not be read, and one of them.
    pub(crate) unread_times: u64,
    pub(crate) unread_time: Option<String>,
    /// The number given out last.
    pub(super) numbers: u32,
    /// Records pushed since the last batch.
    pub(crate) pushed: u64,
}

impl BatchBuilder {
    /// An empty table for this plan.
    pub fn new(plan: &Plan) -> Self {
        let mut wanted = Projection {
            all: plan.discover,
            ..Projection::default()
        };
        for (i, name) in (0u32..).zip(&plan.columns) {
            wanted.columns.insert(name.clone(), i);
        }
        for (i, name) in (0u32..).zip(plan.filter.columns()) {
            wanted.filters.insert(name.to_owned(), i);
        }
        let asked = wanted.columns.keys().chain(wanted.filters.keys());
        // `Name#2#3` may be filled by a key spelled so, or by the repetition of one of either name before it.
        let befores = |name: &'_ String| {
            let ends = name.match_indices('#').map(|(at, _)| at);
            ends.map(|at| name[..at].to_owned()).collect::<Vec<_>>()
        };
        wanted.repeated = asked.flat_map(befores).collect();
        let clauses = plan
            .filter
            .clauses
            .iter()
            // Which value is the second of its name is not known here; the engine looks at the row again anyway.
            .filter(|c| !c.iter().any(|a| a.column.contains('#')))
            .map(|c| {
                c.iter()
                    .map(|a| (wanted.filters[&a.column], a.test.clone()))
                    .collect()
            })
            .collect();
        let of_header = |map: &rustc_hash::FxHashMap<String, u32>| {
            header::columns()
                .iter()
                .map(|h| map.get(&h.name.to_lowercase()).copied())
                .collect::<Vec<_>>()
        };
        Self {
            schema: plan.schema(),
            columns: plan
                .columns
                .iter()
                .map(|c| Column::new(header::kind(c)))
                .collect(),
            header_columns: of_header(&wanted.columns),
            header_filters: of_header(&wanted.filters),
            source_file: wanted.columns.get(header::SOURCE_FILE).copied(),
            source_offset: wanted.columns.get(header::SOURCE_OFFSET).copied(),
            clauses,
            rows: 0,
            candidates: vec![None; header::columns().len()],
            filter_values: Vec::new(),
            settled: ResolvedHeader {
                filter_values: vec![None; wanted.filters.len()],
                ..ResolvedHeader::default()
            },
            order: Vec::new(),
            read: Vec::new(),
            space: Vec::new(),
            feeding: Vec::new(),
            uses: Vec::new(),
            record_number: 0,
            others: Vec::new(),
            moves: Vec::new(),
            routes: LayoutPlans::default(),
            value_cache: ValueCache::default(),
            shapes: Layouts::default(),
            header_kinds: header::columns().iter().map(|h| h.kind).collect(),
            identity: Identity::new(),
            bad_time: None,
            unread_times: 0,
            unread_time: None,
            names: KeyTree::new(wanted),
            numbers: 1,
            pushed: 0,
        }
    }

    /// The keys met so far, for the reader to tell its keys apart.
    pub fn names(&mut self) -> &mut KeyTree {
        &mut self.names
    }

    /// A number for a value that the reader will recognise; 0, which is none, when there are no more.
    pub fn number(&mut self) -> u32 {
        self.numbers = match self.numbers {
            0 | u32::MAX => 0,
            n => n + 1,
        };
        self.numbers
    }

    /// Takes a record: resolves its header, asks the filter, and appends it if it passes. `false` if it is no event, as
    /// it has no event id, or neither channel nor provider, and then nothing was done.
    pub fn push<'a>(&mut self, record: &Record<'a>, at: Position<'_>, arena: &'a Bump) -> bool {
        self.take(record, at, arena, false)
    }

    /// Takes a record, whether or not it is an event.
    pub fn push_any<'a>(&mut self, record: &Record<'a>, at: Position<'_>, arena: &'a Bump) {
        self.take(record, at, arena, true);
    }

    fn take<'a>(
        &mut self,
        record: &Record<'a>,
        at: Position<'_>,
        arena: &'a Bump,
        any: bool,
    ) -> bool {
        let known = self.routes.find(record, &mut self.order);
        let known = known.filter(|n| self.follows(*n, record, arena));
        if let Some(n) = known {
            let route = self.routes.get(n);
            let order = &self.order;
            let values = route.settled.filter_values.iter();
            self.filter_values.clear();
            self.filter_values
                .extend(values.map(|v| v.map(|i| order[i as usize])));
            let value = |i: u32| record.fields[i as usize].1;
            if !passes(&self.clauses, &self.filter_values, value, arena) {
                self.pushed += 1;
                return true;
            }
            if let Some(moves) = &route.moves {
                for (field, column) in &moves.text {
                    let value = record.fields[order[*field as usize] as usize].1;
                    let column = &mut self.columns[*column as usize];
                    column.put(self.rows, value, arena, &mut self.space);
                }
                for (number, column) in &moves.numbers {
                    let number = self.read[*number as usize];
                    self.columns[*column as usize].put_number(self.rows, number);
                }
                self.append_position(at, arena);
                self.pushed += 1;
                return true;
            }
        }
        let settled = self.resolve_header(record, arena);
        let understood = self.understood();
        if !understood && !any {
            return false;
        }
        self.pushed += u64::from(understood);
        self.note_time(record, arena);
        let settled = settled && understood;
        // The route that is known speaks of the fields in another order.
        let route = settled.then(|| match known {
            Some(n) if self.order.is_sorted() => n,
            _ => self.routes.add(record, &self.settled),
        });
        let value = |i: u32| record.fields[i as usize].1;
        if passes(&self.clauses, &self.settled.filter_values, value, arena) {
            self.append(record, at, arena);
            if let Some(n) = route {
                let moves = self.ways();
                self.routes.learn_moves(n, moves);
            }
        }
        understood
    }

    /// Takes a record, and tells how all go that have the same keys in the same order, if `FastPath::checks` and `FastPath::same` hold
    /// for them.
    pub(crate) fn push_and_plan<'a>(
        &mut self,
        record: &Record<'a>,
        at: Position<'_>,
        arena: &'a Bump,
    ) -> Option<FastPath<u32>> {
        self.pushed += 1;
        let settled = self.resolve_header(record, arena);
        let value = |i: u32| record.fields[i as usize].1;
        let passes = passes(&self.clauses, &self.settled.filter_values, value, arena);
        if passes {
            self.append(record, at, arena);
        }
        settled.then(|| FastPath {
            checks: self.settled.checks.as_slice().into(),
            same: self.settled.same.as_slice().into(),
            filter_values: self.settled.filter_values.as_slice().into(),
            moves: passes.then(|| self.moves.as_slice().into()),
        })
    }

    /// Takes a record whose way is known. `false` if it has to be pushed as any other, since it does not go this way or
    /// because the way is not known whole.
    #[inline]
    pub(crate) fn push_with_plan<'a, F: Copy>(
        &mut self,
        way: &FastPath<F>,
        value: impl Fn(F) -> RawValue<'a>,
        at: Position<'_>,
        arena: &'a Bump,
    ) -> bool {
        let mut checks = way.checks.iter();
        if !checks.all(|(field, kind)| readable(value(*field), *kind, arena)) {
            return false;
        }
        let mut same = way.same.iter();
        if !same.all(|(a, b, kind)| agree(value(*a), value(*b), *kind, arena)) {
            return false;
        }
        if passes(&self.clauses, &way.filter_values, &value, arena) {
            let Some(moves) = &way.moves else {
                return false;
            };
            for (field, column) in moves {
                self.columns[*column as usize].put(
                    self.rows,
                    value(*field),
                    arena,
                    &mut self.space,
                );
            }
            self.append_position(at, arena);
        }
        self.pushed += 1;
        true
    }

    /// Whether the values of this record are such that it goes the way of this route, and reads the numbers for it.
    fn follows<'a>(&mut self, n: usize, record: &Record<'a>, arena: &'a Bump) -> bool {
        let settled = &self.routes.get(n).settled;
        let value = |i: u32| record.fields[self.order[i as usize] as usize].1;
        self.read.clear();
        for (i, kind) in &settled.checks {
            let Some(number) = number(value(*i), *kind, arena) else {
                return false;
            };
            self.read.push(number);
        }
        let mut same = settled.same.iter();
        same.all(|(a, b, kind)| agree(value(*a), value(*b), *kind, arena))
    }

    /// The moves of the record appended last, those of numbers that were checked apart.
    fn ways(&self) -> ColumnWrites {
        let number = |(field, column): &ColumnWrite| {
            let kind = self.columns[*column as usize].kind();
            let mut checks = (0..).zip(&self.settled.checks);
            let check = checks.find(|(_, check)| **check == (*field, kind))?;
            Some((check.0, *column))
        };
        let (moves, texts) = (self.moves.iter(), self.moves.iter());
        ColumnWrites {
            numbers: moves.filter_map(number).collect(),
            text: texts.filter(|m| number(m).is_none()).copied().collect(),
        }
    }

    fn append<'a>(&mut self, record: &Record<'a>, at: Position<'_>, arena: &'a Bump) {
        self.moves.clear();
        for (candidate, column) in self.candidates.iter().zip(&self.header_columns) {
            if let (Some((_, i)), Some(c)) = (candidate, column) {
                self.moves.push((*i, *c));
            }
        }
        for i in 0..self.others.len() {
            let (target, field) = self.others[i];
            let column = self.occurrence(target);
            if column != NOWHERE {
                self.moves.push((field, column));
            }
        }
        for (field, column) in &self.moves {
            let value = record.fields[*field as usize].1;
            self.columns[*column as usize].put(self.rows, value, arena, &mut self.space);
        }
        self.append_position(at, arena);
    }

    fn append_position(&mut self, at: Position<'_>, arena: &Bump) {
        if let Some(c) = self.source_file {
            let source = RawValue::Text(at.source);
            self.columns[c as usize].put(self.rows, source, arena, &mut self.space);
        }
        if let Some(c) = self.source_offset {
            let offset = i64::try_from(at.offset).unwrap_or(i64::MAX);
            self.columns[c as usize].put_number(self.rows, offset);
        }
        self.rows += 1;
    }

    /// The column for this record's next value of `target`.
    fn occurrence(&mut self, target: ColumnId) -> u32 {
        let mut free = target;
        // A key may be spelled like another's repetition, and have taken its column.
        while !self.occupy(free) {
            let known = self.used(target);
            known.count += 1;
            let n = known.count;
            free = self.names.repeat(target, n);
        }
        self.used(free).column
    }

    /// Takes the column for this record's value; `false` if it has one.
    fn occupy(&mut self, target: ColumnId) -> bool {
        let record = self.record_number;
        let known = self.used(target);
        if known.record == record {
            return false;
        }
        (known.record, known.count) = (record, 1);
        if !std::mem::replace(&mut known.seen, true) {
            self.names.see(target);
        }
        true
    }

    pub(super) fn used(&mut self, target: ColumnId) -> &mut Use {
        for n in self.uses.len()..self.names.target_count() {
            let target = ColumnId(u32::try_from(n).unwrap_or(u32::MAX));
            self.uses.push(Use {
                settled: 0,
                record: 0,
                count: 0,
                column: self.names.target_info(target).column.unwrap_or(NOWHERE),
                seen: false,
            });
        }
        &mut self.uses[target.0 as usize]
    }

    /// The rows since the last call, if there are any.
    pub fn finish(&mut self) -> Option<RecordBatch> {
        if self.rows == 0 {
            return None;
        }
        let rows = std::mem::take(&mut self.rows);
        if self.space.len() > MAX_SPACE {
            self.space = Vec::new();
        }
        // A column for all that nobody had a value for.
        let mut nothing: [Option<ArrayRef>; 3] = [const { None }; 3];
        let columns: Vec<ArrayRef> = self
            .columns
            .iter_mut()
            .map(|c| {
                let empty = c.is_empty();
                if empty && let Some(nulls) = &nothing[c.kind() as usize] {
                    return Arc::clone(nulls);
                }
                let array = c.finish(rows);
                if empty {
                    nothing[c.kind() as usize] = Some(Arc::clone(&array));
                }
                array
            })
            .collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        // Lengths and types follow from the plan, so this cannot fail; an empty answer would be a lie.
        Some(
            RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
                .expect("columns as planned"),
        )
    }

    /// Names of all fields met, whether or not a row was built from them.
    pub(crate) fn met(&self) -> impl Iterator<Item = &str> {
        self.names.met()
    }

    /// Names of the fields that rows were built from.
    pub fn seen(&self) -> impl Iterator<Item = &str> {
        self.names.seen()
    }

    /// Whether a reader should look at this node's value.
    pub fn wants(&self, node: KeyId) -> bool {
        self.names.wanted(node)
    }
}

/// Whether the values pass the filter's clauses.
fn passes<'a, F: Copy>(
    clauses: &[Vec<(u32, Test)>],
    fields: &[Option<F>],
    value: impl Fn(F) -> RawValue<'a>,
    arena: &'a Bump,
) -> bool {
    clauses.iter().all(|clause| {
        clause.iter().any(|(slot, test)| {
            let value = fields[*slot as usize].map(&value);
            let present = value.is_some();
            let value = value.unwrap_or(RawValue::Int(0));
            test.passes(
                present,
                || value.text(arena),
                || value.int(arena).or_else(|| value.time(arena)),
            )
        })
    })
}
