//! The rows of one scan out of a reading that serves many: those of the scan's events that the plan above it would keep,
//! and which of those events there were at all. It refuses to know queries.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, DictionaryArray, Int32Array, Int64Array, RecordBatch,
    RecordBatchOptions, StringArray, new_null_array,
};
use datafusion::arrow::buffer::BooleanBuffer;
use datafusion::arrow::compute::{concat, filter_record_batch, take};
use datafusion::arrow::datatypes::{DataType, Field, Int32Type, Schema};
use datafusion::arrow::error::ArrowError;
use datafusion::common::Result;
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_expr::{PhysicalExpr, split_conjunction};
use datafusion::physical_plan::ExecutionPlan;
use telemetry::{Plan, RowFilter};

use super::provider::EventScan;
use crate::census::{BatchSources, COLUMNS, EventSource};
use crate::visibility::EventNeed;

/// Rows of kept batches that are worth a batch of their own.
const ENOUGH: usize = 4096;
/// Sources whose answer is remembered.
const MAX_REMEMBERED: usize = 1 << 12;

/// A scan in a plan, and the condition right above it.
#[derive(Clone, Debug)]
pub(crate) struct PlacedScan {
    pub(crate) scan: EventScan,
    pub(crate) condition: Option<Arc<dyn PhysicalExpr>>,
}

/// What a reading keeps for one scan.
pub(crate) struct Keeper {
    scan: EventScan,
    condition: Option<Arc<dyn PhysicalExpr>>,
    /// What makes an event one that the scan looks at, told from its source alone.
    types: RowFilter,
    known: HashMap<EventSource, bool>,
    /// Columns of the reading.
    places: Vec<usize>,
    /// For each part of the condition that no row without values meets: its columns, and what each is made of.
    required: Vec<BTreeMap<String, Vec<String>>>,
    /// Raw columns that some event had a value for, of those that are required.
    met: BTreeSet<String>,
    events: u64,
    any: bool,
    few: Few,
    batches: Vec<RecordBatch>,
    pub(crate) bytes: usize,
    given_up: bool,
}

impl Keeper {
    /// A keeper for a scan out of a reading by this plan.
    pub(crate) fn new(placed: &PlacedScan, reading: &Plan) -> Self {
        let scan = placed.scan.clone();
        let plan = scan.plan();
        let wanted = plan.columns.iter().map(String::as_str);
        let wanted: BTreeSet<&str> = wanted.chain(plan.filter.columns()).collect();
        let place = |name: &str| reading.columns.iter().position(|c| c == name);
        let of_source = |clause: &&Vec<telemetry::Atom>| {
            let mut atoms = clause.iter();
            atoms.all(|atom| COLUMNS.contains(&atom.column.as_str()))
        };
        let types = RowFilter {
            clauses: plan
                .filter
                .clauses
                .iter()
                .filter(of_source)
                .cloned()
                .collect(),
        };
        let required = placed
            .condition
            .as_ref()
            .map_or_else(Vec::new, |condition| required(&scan, condition));
        Self {
            types,
            places: wanted.into_iter().filter_map(place).collect(),
            required,
            condition: placed.condition.clone(),
            scan,
            known: HashMap::new(),
            met: BTreeSet::new(),
            events: 0,
            any: false,
            few: Few::default(),
            batches: Vec::new(),
            bytes: 0,
            given_up: false,
        }
    }

    /// Takes what is the scan's out of a batch of the reading.
    pub(crate) fn add(&mut self, batch: &RecordBatch, sources: &BatchSources) -> Result<()> {
        let own: Vec<bool> = sources.sources.iter().map(|s| self.looks_at(s)).collect();
        if !own.contains(&true) {
            return Ok(());
        }
        let mine =
            BooleanBuffer::collect_bool(batch.num_rows(), |row| own[sources.of_row[row] as usize]);
        let count = mine.count_set_bits();
        if count == 0 {
            return Ok(());
        }
        self.events += count as u64;
        if self.given_up && self.any {
            return Ok(());
        }
        let rows = batch.project(&self.places)?;
        let rows = match count == batch.num_rows() {
            true => rows,
            false => filter_record_batch(&rows, &BooleanArray::new(mine, None))?,
        };
        self.meet(&rows);
        let Some(rows) = telemetry::filter_batch(&self.scan.plan().filter, &rows) else {
            return Ok(());
        };
        let made = self.kept_of(self.scan.make(&rows)?)?;
        if made.num_rows() == 0 {
            return Ok(());
        }
        self.any = true;
        if !self.given_up {
            let whole = self.few.add(compact(&made)?);
            self.keep(whole);
        }
        Ok(())
    }

    fn keep(&mut self, whole: Vec<RecordBatch>) {
        let bytes = whole.iter().map(RecordBatch::get_array_memory_size);
        self.bytes += bytes.sum::<usize>();
        self.batches.extend(whole);
    }

    /// What the condition above the scan leaves of these rows. Where it cannot be decided here it is the plan's to say so.
    fn kept_of(&mut self, made: RecordBatch) -> Result<RecordBatch> {
        let Some(condition) = &self.condition else {
            return Ok(made);
        };
        let holds = condition
            .evaluate(&made)
            .and_then(|value| value.into_array(made.num_rows()));
        match holds {
            Ok(holds) if *holds.data_type() == DataType::Boolean => {
                Ok(filter_record_batch(&made, holds.as_boolean())?)
            }
            _ => {
                self.condition = None;
                Ok(made)
            }
        }
    }

    /// Whether the scan looks at events of this source.
    fn looks_at(&mut self, source: &EventSource) -> bool {
        if let Some(known) = self.known.get(source) {
            return *known;
        }
        let looks =
            one_row(source).is_none_or(|row| telemetry::filter_batch(&self.types, &row).is_some());
        if self.known.len() < MAX_REMEMBERED {
            self.known.insert(source.clone(), looks);
        }
        looks
    }

    fn meet(&mut self, rows: &RecordBatch) {
        for name in self.required.iter().flat_map(BTreeMap::values).flatten() {
            let has = |c: &ArrayRef| c.null_count() < c.len();
            if !self.met.contains(name) && rows.column_by_name(name).is_some_and(has) {
                self.met.insert(name.clone());
            }
        }
    }

    /// Keeps nothing more: the scan will read for itself.
    pub(crate) fn give_up(&mut self) {
        self.given_up = true;
        self.bytes = 0;
        self.batches = Vec::new();
        self.few = Few::default();
    }

    /// Bytes of what is kept and of what waits to be.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes + self.few.bytes
    }

    /// Hands what was kept to the scan; says what there was for it.
    pub(crate) fn finish(mut self) -> EventNeed {
        if !self.given_up {
            let rest = self.few.take();
            self.keep(rest);
            self.scan.serve(std::mem::take(&mut self.batches));
        }
        let lacks =
            |raw: &Vec<String>| !raw.is_empty() && raw.iter().all(|c| !self.met.contains(c));
        let mut lacking = BTreeSet::new();
        for columns in &self.required {
            if !self.any && self.events > 0 && columns.values().all(lacks) {
                lacking.extend(columns.keys().cloned());
            }
        }
        EventNeed {
            events: self.events,
            lacking: lacking.into_iter().map(|c| as_declared(&c)).collect(),
            ..self.scan.need()
        }
    }
}

/// A field as its sensor spells it, where that is known.
fn as_declared(column: &str) -> String {
    let fields = schema::sysmon::events().iter().flat_map(|e| &e.fields);
    let named = fields
        .map(|f| &f.name)
        .find(|n| n.eq_ignore_ascii_case(column));
    named.cloned().unwrap_or_else(|| column.to_owned())
}

/// The parts of a condition that no row meets in which their columns have no value.
fn required(
    scan: &EventScan,
    condition: &Arc<dyn PhysicalExpr>,
) -> Vec<BTreeMap<String, Vec<String>>> {
    let schema = scan.schema();
    let columns = schema.fields().iter();
    let nothing = columns.map(|f| new_null_array(f.data_type(), 1)).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(1));
    let Ok(nothing) = RecordBatch::try_new_with_options(Arc::clone(&schema), nothing, &options)
    else {
        return Vec::new();
    };
    let holds = |part: &Arc<dyn PhysicalExpr>| {
        let value = part.evaluate(&nothing).and_then(|v| v.into_array(1));
        value.map_or(true, |v| {
            v.as_boolean_opt()
                .is_none_or(|b| b.is_valid(0) && b.value(0))
        })
    };
    split_conjunction(condition)
        .into_iter()
        .filter(|part| !holds(part))
        .map(|part| {
            let named = collect_columns(part).into_iter();
            named
                .map(|c| (c.name().to_owned(), scan.made_of(c.name())))
                .collect::<BTreeMap<_, _>>()
        })
        .filter(|columns| !columns.is_empty())
        .collect()
}

/// A row of a source, for filters that ask for nothing else.
fn one_row(source: &EventSource) -> Option<RecordBatch> {
    let text = |value: &Option<String>| -> ArrayRef {
        let keys = Int32Array::from(vec![value.as_ref().map(|_| 0)]);
        let values = StringArray::from(vec![value.as_deref()]);
        Arc::new(DictionaryArray::new(keys, Arc::new(values)))
    };
    let columns: Vec<ArrayRef> = vec![
        text(&source.channel),
        text(&source.provider),
        Arc::new(Int64Array::from(vec![source.event_id])),
    ];
    let field =
        |(name, column): (&&str, &ArrayRef)| Field::new(*name, column.data_type().clone(), true);
    let fields: Vec<Field> = COLUMNS.iter().zip(&columns).map(field).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).ok()
}

/// The same rows, with dictionaries that hold no more than they use: a few rows must not keep the texts of thousands.
fn compact(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let columns = batch.columns().iter().map(|column| {
        let Some(dictionary) = column.as_dictionary_opt::<Int32Type>() else {
            return Ok(Arc::clone(column));
        };
        if dictionary.values().len() <= batch.num_rows() {
            return Ok(Arc::clone(column));
        }
        let mut new = vec![-1; dictionary.values().len()];
        let mut used: Vec<i32> = Vec::new();
        let keys: Int32Array = dictionary
            .keys()
            .iter()
            .map(|key| {
                let key = key?;
                let place = new.get_mut(usize::try_from(key).ok()?)?;
                if *place < 0 {
                    *place = i32::try_from(used.len()).ok()?;
                    used.push(key);
                }
                Some(*place)
            })
            .collect();
        let values = take(dictionary.values(), &Int32Array::from(used), None)?;
        Ok(Arc::new(DictionaryArray::try_new(keys, values)?) as ArrayRef)
    });
    let columns = columns.collect::<Result<Vec<_>, ArrowError>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(batch.schema(), columns, &options)
}

/// Small batches on their way to becoming one: every scan of the kept rows pays for each batch, whatever it holds.
#[derive(Default)]
struct Few {
    batches: Vec<RecordBatch>,
    rows: usize,
    bytes: usize,
}

impl Few {
    fn add(&mut self, batch: RecordBatch) -> Vec<RecordBatch> {
        self.rows += batch.num_rows();
        self.bytes += batch.get_array_memory_size();
        self.batches.push(batch);
        match self.rows < ENOUGH {
            true => Vec::new(),
            false => self.take(),
        }
    }

    fn take(&mut self) -> Vec<RecordBatch> {
        let batches = std::mem::take(self).batches;
        match batches.as_slice() {
            // Where their texts do not fit into one dictionary they stay as they are.
            [_, _, ..] => match one_of(&batches) {
                Ok(one) => vec![one],
                Err(_) => batches,
            },
            _ => batches,
        }
    }
}

/// One batch of several with the same columns. Most hold nothing: what nobody wrote need not be put together.
fn one_of(batches: &[RecordBatch]) -> Result<RecordBatch, ArrowError> {
    let schema = batches[0].schema();
    let rows = batches.iter().map(RecordBatch::num_rows).sum();
    let column = |i: usize| {
        let parts: Vec<&dyn Array> = batches.iter().map(|b| b.column(i).as_ref()).collect();
        match parts.iter().all(|p| p.null_count() == p.len()) {
            true => Ok(new_null_array(schema.field(i).data_type(), rows)),
            false => concat(&parts),
        }
    };
    let columns = (0..schema.fields().len()).map(column);
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(
        Arc::clone(&schema),
        columns.collect::<Result<_, _>>()?,
        &options,
    )
}
