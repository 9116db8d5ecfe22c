//! The decision over Arrow batches. Every distinct value of a field is put to all filters on the field
//! at once and becomes a class (the set of filters that it passes); rows with the same classes get the
//! same decision, so the walk over groups and rules happens once per combination that really occurs.

mod groups;
mod program;
mod walk;

use std::collections::{BTreeMap, HashMap};

use arrow::array::{Array as _, ArrayRef, AsArray as _, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, UInt32Type};
use predicate::eval::{Distinct, EvalError, column};

use self::groups::Groups;
use self::program::{Builder, FAILED, Program};
use self::walk::Walk;
use crate::reference::{Cause, Decision};
use crate::rules::{Element, Relation, RuleSet};
use crate::schema::{self, Verdict};
use crate::text::Environment;

/// Where the events of a batch come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// Recorded by a sensor: their `RuleName` is the outcome of its own filtering, and no filter sees it.
    Recorded,
    /// As a filter sees them.
    Raw,
}

/// Rules prepared to decide batches.
#[derive(Debug)]
pub struct Decider {
    programs: HashMap<u32, Program>,
    decisions: Vec<Decision>,
    index: HashMap<(bool, Cause, String), u32>,
}

impl Decider {
    /// Prepares rules.
    pub fn new(rules: &RuleSet, environment: &Environment, input: Input) -> Self {
        let mut decider = Self {
            programs: HashMap::new(),
            decisions: Vec::new(),
            index: HashMap::new(),
        };
        decider.intern(true, Cause::Unfiltered, "");
        for event in &schema::newest().events {
            if let Some(tag) = &event.tag {
                let elements: Vec<(usize, &Element)> = rules
                    .elements
                    .iter()
                    .enumerate()
                    .filter(|(_, e)| !e.undone && e.tag == *tag)
                    .collect();
                let otherwise = match elements.as_slice() {
                    [] => {
                        decider.intern(event.default == Some(Verdict::Include), Cause::BuiltIn, "")
                    }
                    [(i, e)] => {
                        decider.intern(e.on_match == Verdict::Exclude, Cause::OnlyElement(*i), "")
                    }
                    _ => decider.intern(false, Cause::SeveralElements, ""),
                };
                let mut builder = Builder {
                    environment,
                    input,
                    id: event.id,
                    own_names: rules.rule_reports_own_name,
                    tests: Vec::new(),
                    program: Program {
                        fields: Vec::new(),
                        baseline: Vec::new(),
                        field_of: Vec::new(),
                        names: Vec::new(),
                        elements: Vec::new(),
                        otherwise,
                        known: HashMap::new(),
                    },
                };
                for class in [Verdict::Exclude, Verdict::Include] {
                    for (i, e) in elements.iter().rev().filter(|(_, e)| e.on_match == class) {
                        builder.element(*i, e);
                    }
                }
                decider.programs.insert(event.id, builder.finish());
            }
        }
        decider
    }

    fn intern(&mut self, log: bool, cause: Cause, rule: &str) -> u32 {
        let next = u32::try_from(self.decisions.len()).unwrap_or(u32::MAX);
        *self
            .index
            .entry((log, cause, rule.to_owned()))
            .or_insert_with(|| {
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

    /// Decides every row of a batch: per row a position in [`Decider::decisions`]. The batch has the
    /// column `EventID` and the fields under their raw names; all rows are taken for Sysmon events.
    ///
    /// # Errors
    /// Where a column's type cannot be read as text.
    pub fn decide(&mut self, batch: &RecordBatch) -> Result<Vec<u32>, EvalError> {
        let mut out = vec![0; batch.num_rows()];
        let Some(ids) = event_ids(batch)? else {
            return Ok(out);
        };
        let mut rows: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        let mut runs = ids.iter().zip(0u32..).peekable();
        while let Some((&id, first)) = runs.next() {
            let group = rows.entry(id).or_default();
            group.push(first);
            while let Some((_, row)) = runs.next_if(|(next, _)| **next == id) {
                group.push(row);
            }
        }
        let mut columns: HashMap<String, Option<Distinct<'_>>> = HashMap::new();
        for (id, rows) in rows {
            let Some(mut program) = self.programs.remove(&id) else {
                continue;
            };
            let result = self.run(&mut program, batch, &rows, &mut columns, &mut out);
            self.programs.insert(id, program);
            result?;
        }
        Ok(out)
    }

    fn run<'a>(
        &mut self,
        program: &mut Program,
        batch: &'a RecordBatch,
        rows: &[u32],
        columns: &mut HashMap<String, Option<Distinct<'a>>>,
        out: &mut [u32],
    ) -> Result<(), EvalError> {
        let mut groups = Groups::new(rows.len());
        for field in &mut program.fields {
            let distinct = match columns.get(&field.name) {
                Some(found) => found,
                None => {
                    let found = if field.name.is_empty() {
                        None
                    } else {
                        column(batch, &field.name)?
                    };
                    columns.entry(field.name.clone()).or_insert(found)
                }
            };
            match distinct {
                None => groups.constant(field.absent),
                Some(distinct) => groups.split(&field.row_classes(distinct, rows)),
            }
        }
        let decided: Vec<u32> = groups
            .tuples
            .iter()
            .map(|classes| match program.known.get(classes) {
                Some(found) => *found,
                None => {
                    let found = self.walk(program, classes);
                    program.known.insert(classes.clone(), found);
                    found
                }
            })
            .collect();
        for (row, code) in rows.iter().zip(&groups.codes) {
            out[*row as usize] = decided[*code as usize];
        }
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
                return self.intern(part.include, cause, &name);
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

/// The event id of each row; 0, which no event has, where it is none.
pub(crate) fn event_ids(batch: &RecordBatch) -> Result<Option<Vec<u32>>, EvalError> {
    if let Some(array) = find(batch, "EventID")
        && array.data_type().is_integer()
    {
        let error = |source| EvalError::Column {
            column: "EventID".to_owned(),
            source,
        };
        let ids = cast(array, &DataType::UInt32).map_err(error)?;
        let ids = ids.as_primitive::<UInt32Type>();
        return Ok(Some(ids.iter().map(Option::unwrap_or_default).collect()));
    }
    let Some(ids) = column(batch, "EventID")? else {
        return Ok(None);
    };
    let parse = |v: &Option<_>| v.as_deref().and_then(|v: &str| v.parse().ok());
    let parsed: Vec<u32> = ids.values.iter().map(|v| parse(v).unwrap_or(0)).collect();
    let id = |key: &u32| parsed.get(*key as usize).copied().unwrap_or(0);
    Ok(Some(ids.keys.iter().map(id).collect()))
}
