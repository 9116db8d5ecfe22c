//! Records become rows: the header is settled, the filter is asked, and what passes is appended to dictionary-encoded
//! columns. Columns that nobody asked for do not exist here. This module refuses to know input formats.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Schema, SchemaRef};
use bumpalo::Bump;

use crate::column::{Column, number, readable};
use crate::familiar::Familiar;
use crate::filter::{RowFilter, Test};
use crate::header::{self, Feed, Kind};
use crate::names::{Names, Node, Target, Wanted};
use crate::record::{Raw, Record};
pub(crate) use crate::route::Way;
use crate::route::{Move, Moves, Routes, Settled};
use crate::shape::Shapes;

/// What a reading is to deliver: columns by canonical name, and the rows worth building.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Canonical (lower-case) names of the columns, in the order of the batches.
    pub columns: Vec<String>,
    /// Rows that need not be built.
    pub filter: RowFilter,
    /// Whether the names of all fields are to be learnt, also of those that are no columns here.
    pub discover: bool,
}

impl Plan {
    /// A reading of these columns, every row.
    pub fn of(columns: Vec<String>) -> Self {
        Self {
            columns,
            filter: RowFilter::default(),
            discover: false,
        }
    }

    /// A reading that builds nothing and learns which fields there are.
    pub fn discovery() -> Self {
        Self {
            columns: Vec::new(),
            filter: RowFilter::default(),
            discover: true,
        }
    }

    /// The Arrow schema of the batches.
    pub fn schema(&self) -> SchemaRef {
        Arc::new(Schema::new(
            self.columns
                .iter()
                .map(|c| header::arrow_field(c))
                .collect::<Vec<_>>(),
        ))
    }
}

/// Where a record stands.
#[derive(Clone, Copy, Debug)]
pub struct Position<'a> {
    /// The file, with the archive it lies in.
    pub source: &'a str,
    /// Byte offset in the (decompressed) file.
    pub offset: u64,
}

/// How often the record at hand had a value for a column, and where that goes.
#[derive(Clone, Copy)]
struct Use {
    /// The record it was last settled for.
    settled: u32,
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
pub struct Rows {
    schema: SchemaRef,
    columns: Vec<Column>,
    header_columns: Vec<Option<u32>>,
    header_filters: Vec<Option<u32>>,
    source_file: Option<u32>,
    source_offset: Option<u32>,
    clauses: Vec<Vec<(u32, Test)>>,
    names: Names,
    rows: usize,
    // Scratch for the record at hand.
    candidates: Vec<Option<(u16, u32)>>,
    filter_values: Vec<Option<u32>>,
    settled: Settled,
    /// Where the fields stand that a route speaks of.
    order: Vec<u32>,
    /// What was read to check a route.
    read: Vec<i64>,
    /// Where values are decoded.
    space: Vec<u8>,
    feeding: Vec<(Feed, u32)>,
    uses: Vec<Use>,
    record_number: u32,
    /// Values that take no place in the header, and their columns.
    others: Vec<(Target, u32)>,
    moves: Vec<Move>,
    routes: Routes,
    /// Values that readers recognise.
    pub(crate) familiar: Familiar,
    /// Shapes of the records.
    pub(crate) shapes: Shapes,
    header_kinds: Vec<Kind>,
    /// The number given out last.
    numbers: u32,
    /// Records offered since the last batch.
    pub(crate) offered: u64,
}

impl Rows {
    /// An empty table for this plan.
    pub fn new(plan: &Plan) -> Self {
        let mut wanted = Wanted {
            all: plan.discover,
            ..Wanted::default()
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
            settled: Settled {
                filter_values: vec![None; wanted.filters.len()],
                ..Settled::default()
            },
            order: Vec::new(),
            read: Vec::new(),
            space: Vec::new(),
            feeding: Vec::new(),
            uses: Vec::new(),
            record_number: 0,
            others: Vec::new(),
            moves: Vec::new(),
            routes: Routes::default(),
            familiar: Familiar::default(),
            shapes: Shapes::default(),
            header_kinds: header::columns().iter().map(|h| h.kind).collect(),
            names: Names::new(wanted),
            numbers: 1,
            offered: 0,
        }
    }

    /// The keys met so far, for the reader to tell its keys apart.
    pub fn names(&mut self) -> &mut Names {
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

    /// Takes a record: settles its header, asks the filter, and appends it if it passes.
    pub fn offer<'a>(&mut self, record: &Record<'a>, at: Position<'_>, arena: &'a Bump) {
        self.offered += 1;
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
                return;
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
                return;
            }
        }
        let settled = self.settle(record, arena);
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
    }

    /// Takes a record, and tells how all go that have the same keys in the same order, if `Way::checks` and `Way::same` hold
    /// for them.
    pub(crate) fn offer_and_tell<'a>(
        &mut self,
        record: &Record<'a>,
        at: Position<'_>,
        arena: &'a Bump,
    ) -> Option<Way<u32>> {
        self.offered += 1;
        let settled = self.settle(record, arena);
        let value = |i: u32| record.fields[i as usize].1;
        let passes = passes(&self.clauses, &self.settled.filter_values, value, arena);
        if passes {
            self.append(record, at, arena);
        }
        settled.then(|| Way {
            checks: self.settled.checks.as_slice().into(),
            same: self.settled.same.as_slice().into(),
            filter_values: self.settled.filter_values.as_slice().into(),
            moves: passes.then(|| self.moves.as_slice().into()),
        })
    }

    /// Takes a record whose way is known. `false` if it has to be offered as any other, since it does not go this way or
    /// because the way is not known whole.
    #[inline]
    pub(crate) fn follow<'a, F: Copy>(
        &mut self,
        way: &Way<F>,
        value: impl Fn(F) -> Raw<'a>,
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
        self.offered += 1;
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
    fn ways(&self) -> Moves {
        let number = |(field, column): &Move| {
            let kind = self.columns[*column as usize].kind();
            let mut checks = (0..).zip(&self.settled.checks);
            let check = checks.find(|(_, check)| **check == (*field, kind))?;
            Some((check.0, *column))
        };
        let (moves, texts) = (self.moves.iter(), self.moves.iter());
        Moves {
            numbers: moves.filter_map(number).collect(),
            text: texts.filter(|m| number(m).is_none()).copied().collect(),
        }
    }

    /// Decides which candidate fills each header column, and notes where the others go. `true` if all records with these
    /// keys settle so whose values are readable as `checks` says.
    fn settle<'a>(&mut self, record: &Record<'a>, arena: &'a Bump) -> bool {
        self.candidates.fill(None);
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
                || winner.is_some_and(|(best, w)| best < feed.priority || w == i);
            if feed.keeps_column {
                let target = self.names.brief(node).target;
                self.lose(target, i);
                continue;
            }
            let Some((_, winner)) = winner else {
                let raw = self.names.raw(node);
                self.lose(raw, i);
                continue;
            };
            if winner == i {
                continue;
            }
            let kind = self.header_kinds[usize::from(feed.column)];
            if agree(record.fields[winner as usize].1, value, kind, arena) {
                self.settled.same.push((winner, i, kind));
            } else {
                settled = false;
                let raw = self.names.raw(node);
                self.lose(raw, i);
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

    fn lose(&mut self, target: Target, field: u32) {
        self.others.push((target, field));
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
            let source = Raw::Text(at.source);
            self.columns[c as usize].put(self.rows, source, arena, &mut self.space);
        }
        if let Some(c) = self.source_offset {
            let offset = i64::try_from(at.offset).unwrap_or(i64::MAX);
            self.columns[c as usize].put_number(self.rows, offset);
        }
        self.rows += 1;
    }

    /// The column for this record's next value of `target`.
    fn occurrence(&mut self, target: Target) -> u32 {
        let mut free = target;
        // A key may be spelled like another's repetition, and have taken its column.
        while !self.take(free) {
            let known = self.used(target);
            known.count += 1;
            let n = known.count;
            free = self.names.repeat(target, n);
        }
        self.used(free).column
    }

    /// Takes the column for this record's value; `false` if it has one.
    fn take(&mut self, target: Target) -> bool {
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

    fn used(&mut self, target: Target) -> &mut Use {
        for n in self.uses.len()..self.names.target_count() {
            let target = Target(u32::try_from(n).unwrap_or(u32::MAX));
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
    pub fn wants(&self, node: Node) -> bool {
        self.names.wanted(node)
    }
}

/// Whether a value says the same in a header column of this kind as one that the column can hold.
fn agree<'a>(held: Raw<'a>, other: Raw<'a>, kind: Kind, arena: &'a Bump) -> bool {
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

/// Whether the values pass the filter's clauses.
fn passes<'a, F: Copy>(
    clauses: &[Vec<(u32, Test)>],
    fields: &[Option<F>],
    value: impl Fn(F) -> Raw<'a>,
    arena: &'a Bump,
) -> bool {
    clauses.iter().all(|clause| {
        clause.iter().any(|(slot, test)| {
            let value = fields[*slot as usize].map(&value);
            let present = value.is_some();
            let value = value.unwrap_or(Raw::Int(0));
            test.passes(
                present,
                || value.text(arena),
                || value.int(arena).or_else(|| value.time(arena)),
            )
        })
    })
}
