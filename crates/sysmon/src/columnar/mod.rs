//! The decision over Arrow batches. Every distinct value of a field is put to all filters on the field
//! at once and becomes a class (the set of filters that it passes); rows with the same classes get the
//! same decision, so the walk over groups and rules happens once per combination that really occurs.
//! Classes and combinations are kept from batch to batch.

mod combine;
pub(crate) mod keys;
mod program;
mod walk;

use ::schema::{Attribution, Sensor};
use arrow::array::{Array as _, ArrayRef, AsArray as _, Int64Array, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use hashbrown::HashMap;
use predicate::eval::EvalError;

use self::keys::Column;
use self::program::{Builder, FAILED, Program, UNKNOWN};
use self::walk::Walk;
use crate::reference::{Cause, Decision};
use crate::rules::{Element, Relation, RuleSet};
use crate::schema::{self, Verdict};
use crate::text::Environment;

/// Where the events of a batch come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// Recorded by a sensor: their `RuleName` is the outcome of its own filtering, and no filter sees it.
    /// Rows that [`sysmon_rows`] does not find are [`OTHER`].
    Recorded,
    /// As a filter sees them.
    Raw,
}

/// Stands for the decision of rows that are no events of Sysmon.
pub const OTHER: u32 = u32::MAX;

/// Event ids below this have a place in tables; Sysmon's largest is 255.
const IDS: usize = 256;

/// Rules prepared to decide batches.
#[derive(Debug)]
pub struct Decider {
    input: Input,
    /// By event id.
    programs: Vec<Option<Program>>,
    decisions: Vec<Decision>,
    /// Per decision the event id that it is about.
    ids: Vec<u32>,
    index: HashMap<(u32, bool, Cause, String), u32>,
    /// Per event id its rows in the batch at hand.
    rows: Vec<Vec<u32>>,
    states: Vec<u32>,
}

impl Decider {
    /// Prepares rules.
    pub fn new(rules: &RuleSet, environment: &Environment, input: Input) -> Self {
        let mut decider = Self {
            input,
            programs: (0..IDS).map(|_| None).collect(),
            decisions: Vec::new(),
            ids: Vec::new(),
            index: HashMap::new(),
            rows: vec![Vec::new(); IDS],
            states: Vec::new(),
        };
        for event in &schema::newest().events {
            if let Some(tag) = &event.tag {
                let elements: Vec<(usize, &Element)> = rules
                    .elements
                    .iter()
                    .enumerate()
                    .filter(|(_, e)| !e.undone && e.tag == *tag)
                    .collect();
                let (log, cause) = match elements.as_slice() {
                    [] => (event.default == Some(Verdict::Include), Cause::BuiltIn),
                    [(i, e)] => (e.on_match == Verdict::Exclude, Cause::OnlyElement(*i)),
                    _ => (false, Cause::SeveralElements),
                };
                let otherwise = decider.intern(event.id, log, cause, "");
                let mut builder = Builder {
                    environment,
                    input,
                    id: event.id,
                    own_names: rules.rule_reports_own_name,
                    tests: Vec::new(),
                    program: Program {
                        id: event.id,
                        fields: Vec::new(),
                        baseline: Vec::new(),
                        field_of: Vec::new(),
                        names: Vec::new(),
                        elements: Vec::new(),
                        otherwise,
                        levels: Vec::new(),
                        decided: Vec::new(),
                    },
                };
                for class in [Verdict::Exclude, Verdict::Include] {
                    for (i, e) in elements.iter().rev().filter(|(_, e)| e.on_match == class) {
                        builder.element(*i, e);
                    }
                }
                if let Some(place) = decider.programs.get_mut(event.id as usize) {
                    *place = Some(builder.finish());
                }
            }
        }
        decider
    }

    fn intern(&mut self, id: u32, log: bool, cause: Cause, rule: &str) -> u32 {
        let next = u32::try_from(self.decisions.len()).unwrap_or(OTHER - 1);
        *self
            .index
            .entry((id, log, cause, rule.to_owned()))
            .or_insert_with(|| {
                self.ids.push(id);
                self.decisions.push(Decision {
                    log,
                    rule: rule.to_owned(),
                    cause,
                });
                next
            })
    }

    /// The decisions met so far; [`Decider::decide`] returns positions in it.
    pub fn decisions(&self) -> &[Decision] {
        &self.decisions
    }

    /// The event id of each decision.
    pub fn event_ids(&self) -> &[u32] {
        &self.ids
    }

    /// Decides every row of a batch: per row a position in [`Decider::decisions`], or [`OTHER`]. The batch
    /// has the column `EventID` and the fields under their raw names; rows without an id have 0, which no
    /// event of Sysmon has.
    ///
    /// # Errors
    /// Where a column's type cannot be read as text.
    pub fn decide(&mut self, batch: &RecordBatch) -> Result<Vec<u32>, EvalError> {
        let mut out = vec![OTHER; batch.num_rows()];
        self.sort_rows(batch, &mut out)?;
        let mut columns: HashMap<String, Option<Column<'_>>> = HashMap::new();
        for id in 0..IDS {
            let rows = std::mem::take(&mut self.rows[id]);
            if !rows.is_empty() {
                let result = match self.programs[id].take() {
                    Some(mut program) => {
                        let result = self.run(&mut program, batch, &rows, &mut columns, &mut out);
                        self.programs[id] = Some(program);
                        result
                    }
                    None => {
                        let decision = self.unfiltered(id as u32);
                        for row in &rows {
                            out[*row as usize] = decision;
                        }
                        Ok(())
                    }
                };
                if let Err(error) = result {
                    self.rows.iter_mut().for_each(Vec::clear);
                    return Err(error);
                }
            }
            self.rows[id] = rows;
            self.rows[id].clear();
        }
        Ok(out)
    }

    fn unfiltered(&mut self, id: u32) -> u32 {
        self.intern(id, true, Cause::Unfiltered, "")
    }

    /// Sorts the rows by event id.
    fn sort_rows(&mut self, batch: &RecordBatch, out: &mut [u32]) -> Result<(), EvalError> {
        let ids = event_ids(batch)?;
        let ours = match self.input {
            Input::Recorded => Ours::of(batch)?,
            Input::Raw => Ours::All,
        };
        let count = u32::try_from(out.len()).unwrap_or(u32::MAX);
        for row in (0..count).filter(|row| ours.has(*row as usize)) {
            let id = ids.as_ref().map_or(0, |ids| ids[row as usize]);
            match self.rows.get_mut(id as usize) {
                Some(rows) => rows.push(row),
                None => out[row as usize] = self.unfiltered(id),
            }
        }
        Ok(())
    }

    fn run<'a>(
        &mut self,
        program: &mut Program,
        batch: &'a RecordBatch,
        rows: &[u32],
        columns: &mut HashMap<String, Option<Column<'a>>>,
        out: &mut [u32],
    ) -> Result<(), EvalError> {
        program.tidy();
        let mut states = std::mem::take(&mut self.states);
        states.clear();
        states.resize(rows.len(), 0);
        for level in 0..program.fields.len() {
            let name = &program.fields[level].name;
            if !name.is_empty() && !columns.contains_key(name) {
                columns.insert(name.clone(), Column::find(batch, name)?);
            }
            let column = columns.get(name).and_then(Option::as_ref);
            program.step(level, column, rows, &mut states);
        }
        for (row, state) in rows.iter().zip(&states) {
            let at = *state as usize;
            if at >= program.decided.len() {
                program.decided.resize(at + 1, UNKNOWN);
            }
            if program.decided[at] == UNKNOWN {
                let classes = program.classes(*state);
                program.decided[at] = self.walk(program, &classes);
            }
            out[*row as usize] = program.decided[at];
        }
        self.states = states;
        Ok(())
    }

    /// The walk over elements, for one combination of classes.
    fn walk(&mut self, program: &Program, classes: &[u32]) -> u32 {
        let mut bits = program.baseline.clone();
        for (field, class) in program.fields.iter().zip(classes) {
            if let Some(members) = field.members.get(*class as usize) {
                for &filter in members {
                    bits[filter as usize] = !bits[filter as usize];
                }
            }
        }
        let mut walk = Walk {
            program,
            bits: &bits,
            failed: classes.iter().map(|c| *c == FAILED).collect(),
            name: "",
        };
        for part in &program.elements {
            if let Some(unit) = walk.part(part) {
                let name = walk.name.to_owned();
                let cause = Cause::Element {
                    element: part.element,
                    unit: if part.relation == Relation::Or {
                        unit
                    } else {
                        None
                    },
                };
                return self.intern(program.id, part.include, cause, &name);
            }
        }
        program.otherwise
    }
}

/// The column with a name, without regard to letter case.
pub(crate) fn find<'a>(batch: &'a RecordBatch, name: &str) -> Option<&'a ArrayRef> {
    let fields = batch.schema_ref().fields();
    let at = fields
        .iter()
        .position(|f| f.name().eq_ignore_ascii_case(name))?;
    Some(batch.column(at))
}

/// The event id of each row; 0 where it has none.
fn event_ids(batch: &RecordBatch) -> Result<Option<Vec<u32>>, EvalError> {
    let narrow = |id: i64| u16::try_from(id).map_or(0, u32::from);
    if let Some(array) = find(batch, "EventID")
        && array.data_type().is_integer()
    {
        let ids = int64(array, "EventID")?;
        let id = |row: usize| match ids.is_valid(row) {
            true => narrow(ids.value(row)),
            false => 0,
        };
        return Ok(Some((0..ids.len()).map(id).collect()));
    }
    let Some(column) = Column::find(batch, "EventID")? else {
        return Ok(None);
    };
    let parse = |v: Option<&str>| narrow(v.and_then(|v| v.parse().ok()).unwrap_or(0));
    let parsed: Vec<u32> = column.texts().iter().map(parse).collect();
    let id = |row: usize| parsed.get(column.key(row)).copied().unwrap_or(0);
    Ok(Some((0..batch.num_rows()).map(id).collect()))
}

/// A column as 64-bit integers.
pub(crate) fn int64(array: &ArrayRef, name: &str) -> Result<Int64Array, EvalError> {
    let cast = cast(array, &DataType::Int64).map_err(|source| EvalError::Column {
        column: name.to_owned(),
        source,
    })?;
    Ok(cast.as_primitive::<Int64Type>().clone())
}

/// Which rows are Sysmon's, as [`::schema::LogSource`] tells; all of them where the batch has neither the column
/// `Channel` nor `Provider`.
///
/// # Errors
/// Where a column that is needed cannot be read.
pub fn sysmon_rows(batch: &RecordBatch) -> Result<Vec<bool>, EvalError> {
    let ours = Ours::of(batch)?;
    Ok((0..batch.num_rows()).map(|row| ours.has(row)).collect())
}

/// Which rows are Sysmon's.
enum Ours<'a> {
    All,
    Some(Names<'a>, Names<'a>),
}

/// The channels or the providers of a batch, and what each name says.
struct Names<'a> {
    column: Option<Column<'a>>,
    said: Vec<Attribution>,
}

impl<'a> Names<'a> {
    fn of(
        batch: &'a RecordBatch,
        name: &str,
        says: fn(&str) -> Attribution,
    ) -> Result<Self, EvalError> {
        let column = Column::find(batch, name)?;
        let said = column.iter().flat_map(|c| c.texts().iter());
        let said = said.map(|v| v.map_or(Attribution::Unknown, says)).collect();
        Ok(Self { column, said })
    }

    #[inline]
    fn origin(&self, row: usize) -> Attribution {
        let said = self.column.as_ref().and_then(|c| self.said.get(c.key(row)));
        said.copied().unwrap_or(Attribution::Unknown)
    }
}

impl<'a> Ours<'a> {
    fn of(batch: &'a RecordBatch) -> Result<Self, EvalError> {
        let channel = Names::of(batch, "Channel", Attribution::of_channel)?;
        let provider = Names::of(batch, "Provider", Attribution::of_provider)?;
        if channel.column.is_none() && provider.column.is_none() {
            return Ok(Self::All);
        }
        Ok(Self::Some(channel, provider))
    }

    #[inline]
    fn has(&self, row: usize) -> bool {
        match self {
            Self::All => true,
            Self::Some(channel, provider) => {
                channel.origin(row).sensor(provider.origin(row)) == Some(Sensor::Sysmon)
            }
        }
    }
}
