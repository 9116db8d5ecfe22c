//! Records become rows: the header is settled, the filter is asked, and what passes is appended to dictionary-encoded
//! columns. Columns that nobody asked for do not exist here. This module refuses to know input formats.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Int64Builder, RecordBatch, RecordBatchOptions, StringDictionaryBuilder,
    TimestampMicrosecondBuilder,
};
use arrow::datatypes::{Int32Type, Schema, SchemaRef};
use bumpalo::Bump;

use crate::filter::{RowFilter, Test};
use crate::header::{self, Kind};
use crate::names::{Names, Node, Target, Wanted};
use crate::record::{Raw, Record};

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

enum Column {
    Text(StringDictionaryBuilder<Int32Type>),
    Int(Int64Builder),
    Time(TimestampMicrosecondBuilder),
}

impl Column {
    fn new(kind: Kind) -> Self {
        match kind {
            Kind::Text => Self::Text(StringDictionaryBuilder::new()),
            Kind::Int => Self::Int(Int64Builder::new()),
            Kind::Time => Self::Time(TimestampMicrosecondBuilder::new()),
        }
    }

    fn len(&self) -> usize {
        use arrow::array::ArrayBuilder;
        match self {
            Self::Text(b) => b.len(),
            Self::Int(b) => b.len(),
            Self::Time(b) => b.len(),
        }
    }

    /// Fills up to `rows` with nulls: a column is touched only by the rows that have it.
    fn pad(&mut self, rows: usize) {
        let missing = rows - self.len();
        if missing == 0 {
            return;
        }
        match self {
            Self::Text(b) => b.append_nulls(missing),
            Self::Int(b) => b.append_nulls(missing),
            Self::Time(b) => b.append_nulls(missing),
        }
    }

    /// Appends a value; `false` if the column cannot hold it.
    fn append<'a>(&mut self, value: Raw<'a>, arena: &'a Bump) -> bool {
        match self {
            Self::Text(b) => b.append(value.text(arena)).is_ok(),
            Self::Int(b) => value.int(arena).map(|i| b.append_value(i)).is_some(),
            Self::Time(b) => value.time(arena).map(|t| b.append_value(t)).is_some(),
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Text(b) => Arc::new(b.finish()),
            Self::Int(b) => Arc::new(b.finish()),
            Self::Time(b) => Arc::new(b.finish().with_timezone("UTC")),
        }
    }
}

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
    stamps: Vec<(u32, u32)>,
    record_number: u32,
    losers: Vec<(Target, u32)>,
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
        let clauses = plan
            .filter
            .clauses
            .iter()
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
            filter_values: vec![None; wanted.filters.len()],
            stamps: Vec::new(),
            record_number: 0,
            losers: Vec::new(),
            names: Names::new(wanted),
            offered: 0,
        }
    }

    /// The keys met so far, for the reader to tell its keys apart.
    pub fn names(&mut self) -> &mut Names {
        &mut self.names
    }

    /// Rows in the batch being built.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether no row is being held.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Takes a record: settles its header, asks the filter, and appends it if it passes.
    pub fn offer<'a>(&mut self, record: &Record<'a>, at: Position<'_>, arena: &'a Bump) {
        self.offered += 1;
        self.settle(record, arena);
        if self.passes(record, arena) {
            self.append(record, at, arena);
        }
    }

    /// Decides which candidate fills each header column, and notes where the others go.
    fn settle<'a>(&mut self, record: &Record<'a>, arena: &'a Bump) {
        self.candidates.fill(None);
        self.filter_values.fill(None);
        self.losers.clear();
        self.record_number = self.record_number.wrapping_add(1);
        let beat = record.fields.iter().any(|(n, _)| self.names.info(*n).beat);
        for (i, (node, value)) in (0u32..).zip(&record.fields) {
            let info = self.names.info(*node);
            let Some(feed) = info.feed else {
                let target = self.names.target_info(info.target);
                if let Some(f) = target.filter {
                    self.filter_values[f as usize].get_or_insert(i);
                }
                continue;
            };
            let kind = header::columns()[feed.column].kind;
            let usable = (beat || !feed.beat_only)
                && match kind {
                    Kind::Text => true,
                    Kind::Int => value.int(arena).is_some(),
                    Kind::Time => value.time(arena).is_some(),
                };
            let best = self.candidates[feed.column];
            let wins = usable && best.is_none_or(|(priority, _)| feed.priority < priority);
            if wins {
                self.candidates[feed.column] = Some((feed.priority, i));
            }
        }
        // Whoever neither won nor says the same as the winner keeps a column of its own.
        for (i, (node, value)) in (0u32..).zip(&record.fields) {
            let Some(feed) = self.names.info(*node).feed else {
                continue;
            };
            if feed.keeps_column {
                let target = self.names.info(*node).target;
                self.lose(target, i);
                continue;
            }
            let Some((_, winner)) = self.candidates[feed.column] else {
                let raw = self.names.raw(*node);
                self.lose(raw, i);
                continue;
            };
            if winner == i {
                continue;
            }
            let winner = record.fields[winner as usize].1;
            let same = match header::columns()[feed.column].kind {
                Kind::Text => winner.text(arena) == value.text(arena),
                Kind::Int => value
                    .int(arena)
                    .is_some_and(|v| winner.int(arena) == Some(v)),
                Kind::Time => value
                    .time(arena)
                    .is_some_and(|v| winner.time(arena) == Some(v)),
            };
            if !same {
                let raw = self.names.raw(*node);
                self.lose(raw, i);
            }
        }
        for (column, filter) in self.header_filters.iter().enumerate() {
            if let Some(f) = filter {
                self.filter_values[*f as usize] = self.candidates[column].map(|(_, i)| i);
            }
        }
    }

    fn lose(&mut self, target: Target, field: u32) {
        if let Some(f) = self.names.target_info(target).filter {
            self.filter_values[f as usize].get_or_insert(field);
        }
        self.losers.push((target, field));
    }

    fn passes<'a>(&self, record: &Record<'a>, arena: &'a Bump) -> bool {
        self.clauses.iter().all(|clause| {
            clause.iter().any(|(slot, test)| {
                let value = self.filter_values[*slot as usize].map(|i| record.fields[i as usize].1);
                let value = value.unwrap_or(Raw::Int(0));
                let present = self.filter_values[*slot as usize].is_some();
                test.passes(
                    present,
                    || value.text(arena),
                    || value.int(arena).or_else(|| value.time(arena)),
                )
            })
        })
    }

    fn append<'a>(&mut self, record: &Record<'a>, at: Position<'_>, arena: &'a Bump) {
        for (column, candidate) in self.candidates.iter().enumerate() {
            if let (Some((_, i)), Some(c)) = (candidate, self.header_columns[column]) {
                let c = &mut self.columns[c as usize];
                c.pad(self.rows);
                c.append(record.fields[*i as usize].1, arena);
            }
        }
        for i in 0..record.fields.len() {
            let (node, value) = record.fields[i];
            let info = self.names.info(node);
            if info.feed.is_none() {
                let target = info.target;
                self.fill(target, value, arena);
            }
        }
        for i in 0..self.losers.len() {
            let (target, field) = self.losers[i];
            self.fill(target, record.fields[field as usize].1, arena);
        }
        if let Some(c) = self.source_file {
            let c = &mut self.columns[c as usize];
            c.pad(self.rows);
            c.append(Raw::Text(arena.alloc_str(at.source)), arena);
        }
        if let Some(c) = self.source_offset {
            let c = &mut self.columns[c as usize];
            c.pad(self.rows);
            c.append(
                Raw::Int(i64::try_from(at.offset).unwrap_or(i64::MAX)),
                arena,
            );
        }
        self.rows += 1;
    }

    /// Puts a value into its column, or into the column of its repetition.
    fn fill<'a>(&mut self, target: Target, value: Raw<'a>, arena: &'a Bump) {
        let target = self.occurrence(target);
        if let Some(c) = self.names.target_info(target).column {
            let c = &mut self.columns[c as usize];
            c.pad(self.rows);
            c.append(value, arena);
        }
    }

    /// The column for this record's next value of `target`.
    fn occurrence(&mut self, target: Target) -> Target {
        if self.stamps.len() < self.names.target_count() {
            self.stamps.resize(self.names.target_count() + 64, (0, 0));
        }
        let (stamp, count) = &mut self.stamps[target.0 as usize];
        if *stamp != self.record_number {
            *stamp = self.record_number;
            *count = 1;
            self.names.see(target);
            return target;
        }
        *count += 1;
        let n = *count;
        let repeat = self.names.repeat(target, n);
        self.names.see(repeat);
        repeat
    }

    /// The rows since the last call, if there are any.
    pub fn finish(&mut self) -> Option<RecordBatch> {
        if self.rows == 0 {
            return None;
        }
        let rows = std::mem::take(&mut self.rows);
        let columns: Vec<ArrayRef> = self
            .columns
            .iter_mut()
            .map(|c| {
                c.pad(rows);
                c.finish()
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
