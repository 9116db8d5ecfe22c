//! The decision over Arrow batches. Every distinct value of a field is put to all filters on the field
//! at once and becomes a class (the set of filters that it passes); rows with the same classes get the
//! same decision, so the walk over groups and rules happens once per combination that really occurs.

use std::collections::{BTreeMap, HashMap};

use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, UInt32Type};
use predicate::Test;
use predicate::eval::{Distinct, EvalError, Matcher, column};

use crate::predicates::tests;
use crate::reference::{Cause, Decision, applies};
use crate::rules::{Element, Filter, Relation, RuleSet, Unit};
use crate::schema::{self, Verdict};
use crate::text::{self, Environment};

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

/// The filters that apply to one event type.
#[derive(Debug)]
struct Program {
    fields: Vec<Field>,
    /// Per filter: whether it matches a value that passes none of its tests.
    baseline: Vec<bool>,
    /// Per filter: the position of its field in `fields`.
    field_of: Vec<usize>,
    names: Vec<String>,
    elements: Vec<Part>,
    /// The decision where nothing matches.
    otherwise: u32,
    known: HashMap<Vec<u32>, u32>,
}

/// An element, its filters as numbers.
#[derive(Debug)]
struct Part {
    element: usize,
    include: bool,
    relation: Relation,
    units: Vec<PartUnit>,
}

#[derive(Debug)]
enum PartUnit {
    /// A filter with its field index; `again` where a later one is on the same field.
    One {
        filter: Option<usize>,
        field: u32,
        again: bool,
    },
    Rule {
        relation: Relation,
        own_name: Option<String>,
        filters: Vec<Option<usize>>,
    },
}

#[derive(Debug)]
struct Field {
    name: String,
    matcher: Matcher,
    /// Per test of the matcher: the filter that it belongs to, as a position in `filters`.
    test_filter: Vec<u32>,
    filters: Vec<FilterTests>,
    classes: HashMap<Vec<u32>, u32>,
    members: Vec<Vec<u32>>,
    /// The class of an absent value.
    absent: u32,
}

#[derive(Debug)]
struct FilterTests {
    number: u32,
    needed: u32,
}

/// The class of a value whose lookup fails.
const FAILED: u32 = 0;
const UNKNOWN: u32 = u32::MAX;

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

struct Walk<'a> {
    program: &'a Program,
    bits: &'a [bool],
    failed: Vec<bool>,
    name: &'a str,
}

enum Ended {
    Match,
    NoMatch,
    Failed,
}

impl<'a> Walk<'a> {
    fn filter(&mut self, filter: Option<usize>) -> Ended {
        let Some(n) = filter else {
            return Ended::NoMatch;
        };
        if self.failed[self.program.field_of[n]] {
            return Ended::Failed;
        }
        if !self.bits[n] {
            return Ended::NoMatch;
        }
        let name = &self.program.names[n];
        if !name.is_empty() {
            self.name = name;
        }
        Ended::Match
    }

    fn rule(&mut self, relation: Relation, filters: &[Option<usize>]) -> Ended {
        for f in filters {
            match (self.filter(*f), relation) {
                (Ended::Failed, _) => return Ended::Failed,
                (Ended::Match, Relation::Or) => return Ended::Match,
                (Ended::NoMatch, Relation::And) => return Ended::NoMatch,
                _ => {}
            }
        }
        match relation {
            Relation::Or => Ended::NoMatch,
            Relation::And => Ended::Match,
        }
    }

    /// `Some` where the element matches, with the unit that settled it.
    fn part(&mut self, part: &'a Part) -> Option<Option<usize>> {
        let mut matched: Vec<u32> = Vec::new();
        for (i, unit) in part.units.iter().enumerate() {
            let (ended, again) = match unit {
                PartUnit::One {
                    filter,
                    field,
                    again,
                } => {
                    if part.relation == Relation::And && matched.contains(field) {
                        continue;
                    }
                    let ended = self.filter(*filter);
                    if matches!(ended, Ended::Match) && part.relation == Relation::And {
                        matched.push(*field);
                    }
                    (ended, *again)
                }
                PartUnit::Rule {
                    relation,
                    own_name,
                    filters,
                } => {
                    let ended = self.rule(*relation, filters);
                    if let (Ended::Match, Some(name)) = (&ended, own_name) {
                        self.name = name;
                    }
                    (ended, false)
                }
            };
            match (ended, part.relation) {
                (Ended::Failed, _) => return None,
                (Ended::Match, Relation::Or) => return Some(Some(i)),
                (Ended::NoMatch, Relation::And) if !again => return None,
                _ => {}
            }
        }
        (part.relation == Relation::And && !part.units.is_empty()).then_some(None)
    }
}

/// The event id of each row; 0, which no event has, where it is none.
fn event_ids(batch: &RecordBatch) -> Result<Option<Vec<u32>>, EvalError> {
    if let Some(array) = batch.column_by_name("EventID")
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

/// Rows grouped by the classes of the fields seen so far.
struct Groups {
    /// Per row the number of its group.
    codes: Vec<u32>,
    /// Per group its classes.
    tuples: Vec<Vec<u32>>,
}

impl Groups {
    fn new(rows: usize) -> Self {
        Self {
            codes: vec![0; rows],
            tuples: vec![Vec::new()],
        }
    }

    fn constant(&mut self, class: u32) {
        for tuple in &mut self.tuples {
            tuple.push(class);
        }
    }

    fn split(&mut self, classes: &[u32]) {
        let Some(&first) = classes.first() else {
            return;
        };
        if classes.iter().all(|c| *c == first) {
            self.constant(first);
            return;
        }
        let highest = classes.iter().copied().max().unwrap_or(0) as usize + 1;
        let mut tuples: Vec<Vec<u32>> = Vec::new();
        let old = std::mem::take(&mut self.tuples);
        let mut add = |code: u32, class: u32| {
            let mut tuple = old[code as usize].clone();
            tuple.push(class);
            tuples.push(tuple);
            u32::try_from(tuples.len() - 1).unwrap_or(UNKNOWN)
        };
        if old.len().saturating_mul(highest) <= 1 << 20 {
            let mut table = vec![UNKNOWN; old.len() * highest];
            for (code, class) in self.codes.iter_mut().zip(classes) {
                let place = &mut table[*code as usize * highest + *class as usize];
                if *place == UNKNOWN {
                    *place = add(*code, *class);
                }
                *code = *place;
            }
        } else {
            let mut table: HashMap<(u32, u32), u32> = HashMap::new();
            for (code, class) in self.codes.iter_mut().zip(classes) {
                *code = *table
                    .entry((*code, *class))
                    .or_insert_with(|| add(*code, *class));
            }
        }
        self.tuples = tuples;
    }
}

impl Field {
    /// The class of each row, classifying each distinct value when a row first has it.
    fn row_classes(&mut self, distinct: &Distinct<'_>, rows: &[u32]) -> Vec<u32> {
        let mut known = vec![UNKNOWN; distinct.values.len()];
        let mut passed = Vec::new();
        rows.iter()
            .map(|&row| {
                let key = distinct.keys[row as usize] as usize;
                match known.get(key) {
                    None => self.absent,
                    Some(&class) if class != UNKNOWN => class,
                    Some(_) => {
                        let class = match distinct.values[key].as_deref() {
                            None | Some("") => self.absent,
                            Some(value) => self.classify(value, &mut passed),
                        };
                        known[key] = class;
                        class
                    }
                }
            })
            .collect()
    }

    fn classify(&mut self, value: &str, passed: &mut Vec<u32>) -> u32 {
        passed.clear();
        self.matcher.passes(value, passed);
        let mut filters: Vec<u32> = passed
            .iter()
            .map(|t| self.test_filter[*t as usize])
            .collect();
        filters.sort_unstable();
        let mut members = Vec::new();
        for run in filters.chunk_by(|a, b| a == b) {
            let filter = &self.filters[run[0] as usize];
            if run.len() >= filter.needed as usize {
                members.push(filter.number);
            }
        }
        if let Some(class) = self.classes.get(&members) {
            return *class;
        }
        let class = u32::try_from(self.members.len()).unwrap_or(UNKNOWN);
        self.members.push(members.clone());
        self.classes.insert(members, class);
        class
    }
}

struct Builder<'a> {
    environment: &'a Environment,
    input: Input,
    id: u32,
    own_names: bool,
    /// Per field: its tests with the filter that each belongs to.
    tests: Vec<(String, Vec<(Test, u32)>, Vec<FilterTests>)>,
    program: Program,
}

impl Builder<'_> {
    fn element(&mut self, index: usize, element: &Element) {
        let units = element.units();
        let numbered = units
            .iter()
            .enumerate()
            .map(|(i, unit)| match unit {
                Unit::Filter(f) => PartUnit::One {
                    filter: self.filter(element, f),
                    field: f.field,
                    again: units[i + 1..]
                        .iter()
                        .any(|u| matches!(u, Unit::Filter(g) if g.field == f.field)),
                },
                Unit::Rule(id, relation, filters) => PartUnit::Rule {
                    relation: *relation,
                    own_name: element
                        .rule(*id)
                        .filter(|r| self.own_names && !r.name.is_empty())
                        .map(|r| r.name.clone()),
                    filters: filters.iter().map(|f| self.filter(element, f)).collect(),
                },
            })
            .collect();
        self.program.elements.push(Part {
            element: index,
            include: element.on_match == Verdict::Include,
            relation: element.relation,
            units: numbered,
        });
    }

    /// The number of a filter; `None` where it never matches this event type.
    fn filter(&mut self, element: &Element, f: &Filter) -> Option<usize> {
        if !applies(element, f, self.id) {
            return None;
        }
        let at = self
            .tests
            .iter()
            .position(|(name, ..)| *name == f.field_name)
            .unwrap_or_else(|| {
                self.tests
                    .push((f.field_name.clone(), Vec::new(), Vec::new()));
                self.tests.len() - 1
            });
        let number = self.program.baseline.len();
        let (_, tests_of_field, filters) = &mut self.tests[at];
        let mut negate = false;
        if let Some(value) = text::folded_value(&f.value, self.environment) {
            let mut made = tests(f.op, &value);
            made.literals.sort_by_key(ToString::to_string);
            made.literals.dedup();
            let position = u32::try_from(filters.len()).unwrap_or(UNKNOWN);
            let all = u32::try_from(made.literals.len()).unwrap_or(UNKNOWN);
            filters.push(FilterTests {
                number: u32::try_from(number).unwrap_or(UNKNOWN),
                needed: if made.all { all } else { 1 },
            });
            tests_of_field.extend(made.literals.into_iter().map(|t| (t, position)));
            negate = made.negate;
        }
        self.program.baseline.push(negate);
        self.program.field_of.push(at);
        self.program.names.push(f.name.clone());
        Some(number)
    }

    fn finish(mut self) -> Program {
        for (name, tests, filters) in self.tests {
            let mut field = Field {
                matcher: Matcher::new(tests.iter().map(|(t, _)| t)),
                test_filter: tests.iter().map(|(_, f)| *f).collect(),
                filters,
                classes: HashMap::new(),
                // Class 0 is a failed lookup; no filter passes it.
                members: vec![Vec::new()],
                absent: FAILED,
                name,
            };
            if schema::is_text(&field.name) {
                field.absent = field.classify("-", &mut Vec::new());
            }
            if field.name == "RuleName" && self.input == Input::Recorded {
                // No column has this name, so every row has the class of an absent value.
                field.name.clear();
            }
            self.program.fields.push(field);
        }
        self.program
    }
}
