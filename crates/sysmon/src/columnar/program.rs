//! The filters of one event type, numbered and sorted by field, and the classes that values fall into.

use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _, StringArray};
use hashbrown::HashMap;
use predicate::Test;
use predicate::eval::Matcher;

use super::Input;
use super::combine::Level;
use super::keys::{Column, text};
use crate::predicates::tests;
use crate::reference::applies;
use crate::rules::{Element, Filter, Relation, Unit};
use crate::schema::{self, Verdict};
use crate::text::Environment;

/// The filters that apply to one event type.
#[derive(Debug)]
pub(super) struct Program {
    /// The event id.
    pub(super) id: u32,
    pub(super) fields: Vec<Field>,
    /// Per filter: whether it matches a value that passes none of its tests.
    pub(super) baseline: Vec<bool>,
    /// Per filter: the position of its field in `fields`.
    pub(super) field_of: Vec<usize>,
    pub(super) names: Vec<String>,
    pub(super) elements: Vec<Part>,
    /// The decision where nothing matches.
    pub(super) otherwise: u32,
    /// Per field the combinations of classes up to it.
    pub(super) levels: Vec<Level>,
    /// Per combination of all fields the decision, where one was made.
    pub(super) decided: Vec<u32>,
}

/// An element, its filters as numbers.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) element: usize,
    pub(super) include: bool,
    pub(super) relation: Relation,
    pub(super) units: Vec<PartUnit>,
}

#[derive(Debug)]
pub(super) enum PartUnit {
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
pub(super) struct Field {
    pub(super) name: String,
    pub(super) matcher: Matcher,
    /// Per test of the matcher: the filter that it belongs to, as a position in `filters`.
    pub(super) test_filter: Vec<u32>,
    pub(super) filters: Vec<FilterTests>,
    pub(super) classes: HashMap<Vec<u32>, u32>,
    pub(super) members: Vec<Vec<u32>>,
    /// The class of an absent value.
    pub(super) absent: u32,
    pub(super) memory: Memory,
}

/// Classes of values met before.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// The distinct values of the batch before, and per value its class where a row had it: batches of
    /// one source often share them.
    shared: Option<ArrayRef>,
    known: Vec<u32>,
    /// Values of any batch before.
    values: HashMap<Box<str>, u32>,
    bytes: usize,
}

/// Longer values are not remembered.
const MAX_VALUE: usize = 4 << 10;
/// How much text is remembered for a field of one event type.
const MAX_MEMORY: usize = 2 << 20;
/// A program with more classes or combinations than this starts anew: only hostile input has so many.
const MAX_LEARNT: usize = 1 << 18;

#[derive(Debug)]
pub(super) struct FilterTests {
    pub(super) number: u32,
    pub(super) needed: u32,
}

/// The class of a value whose lookup fails.
pub(super) const FAILED: u32 = 0;
pub(super) const UNKNOWN: u32 = u32::MAX;

impl Program {
    /// Adds to each row's combination the class of its value in one field.
    pub(super) fn step(
        &mut self,
        level: usize,
        column: Option<&Column<'_>>,
        rows: &[u32],
        states: &mut [u32],
    ) {
        let (field, next) = (&mut self.fields[level], &mut self.levels[level]);
        let Some(column) = column.filter(|c| !c.empty) else {
            let absent = field.absent;
            for state in states {
                *state = next.step(*state, absent);
            }
            return;
        };
        field.memory.share(&column.values);
        let values = column.texts();
        for (row, state) in rows.iter().zip(states) {
            let key = column.key(*row as usize);
            let class = match field.memory.known.get(key) {
                None => field.absent,
                Some(&class) if class != UNKNOWN => class,
                Some(_) => field.learn(values, key),
            };
            *state = next.step(*state, class);
        }
    }

    /// The classes of a combination, field by field.
    pub(super) fn classes(&self, mut state: u32) -> Vec<u32> {
        let mut classes: Vec<u32> = self
            .levels
            .iter()
            .rev()
            .map(|level| {
                let (from, class) = level.origins[state as usize];
                state = from;
                class
            })
            .collect();
        classes.reverse();
        classes
    }

    /// Forgets what was learnt where it has become too much.
    pub(super) fn tidy(&mut self) {
        let learnt = |l: &Level| l.origins.len();
        let classes = |f: &Field| f.members.len();
        if self.levels.iter().map(learnt).sum::<usize>() > MAX_LEARNT
            || self.fields.iter().map(classes).sum::<usize>() > MAX_LEARNT
        {
            self.levels = self.fields.iter().map(|_| Level::default()).collect();
            self.decided.clear();
            for field in &mut self.fields {
                field.forget();
            }
        }
    }
}

impl Memory {
    /// Keeps what is known of the values only where they are those of the batch before.
    fn share(&mut self, values: &ArrayRef) {
        let before = self.shared.as_ref().map(|b| b.as_string::<i32>());
        if !before.is_some_and(|before| same(before, values.as_string())) {
            self.known.clear();
            self.known.resize(values.len(), UNKNOWN);
            self.shared = Some(Arc::clone(values));
        }
    }
}

/// Whether two arrays are views of one memory, which a reader hands out anew with every batch.
fn same(a: &StringArray, b: &StringArray) -> bool {
    a.len() == b.len()
        && a.null_count() == b.null_count()
        && a.values().as_ptr() == b.values().as_ptr()
        && a.offsets().as_ptr() == b.offsets().as_ptr()
}

impl Field {
    /// The class of a value that a row of this batch has for the first time.
    #[cold]
    fn learn(&mut self, values: &StringArray, key: usize) -> u32 {
        let class = match text(values, key) {
            None | Some("") => self.absent,
            Some(value) => match self.memory.values.get(value) {
                Some(&class) => class,
                None => {
                    let class = self.classify(value);
                    self.remember(value, class);
                    class
                }
            },
        };
        self.memory.known[key] = class;
        class
    }

    fn remember(&mut self, value: &str, class: u32) {
        if value.len() > MAX_VALUE {
            return;
        }
        if self.memory.bytes + value.len() > MAX_MEMORY {
            self.memory.values.clear();
            self.memory.bytes = 0;
        }
        self.memory.bytes += value.len() + 16;
        self.memory.values.insert(value.into(), class);
    }

    fn forget(&mut self) {
        self.memory = Memory::default();
        self.classes.clear();
        // Class 0 is a failed lookup; no filter passes it.
        self.members = vec![Vec::new()];
        self.absent = if schema::is_text(&self.name) || self.name.is_empty() {
            self.classify("-")
        } else {
            FAILED
        };
    }

    fn classify(&mut self, value: &str) -> u32 {
        let mut passed = Vec::new();
        self.matcher.passes(value, &mut passed);
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

/// The tests of one field on the way into a [`Field`].
pub(super) struct FieldTests {
    name: String,
    /// Each with the filter that it belongs to.
    tests: Vec<(Test, u32)>,
    filters: Vec<FilterTests>,
}

pub(super) struct Builder<'a> {
    pub(super) environment: &'a Environment,
    pub(super) input: Input,
    pub(super) id: u32,
    pub(super) own_names: bool,
    /// Per field: its tests with the filter that each belongs to.
    pub(super) tests: Vec<FieldTests>,
    pub(super) program: Program,
}

impl Builder<'_> {
    pub(super) fn element(&mut self, index: usize, element: &Element) {
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
    pub(super) fn filter(&mut self, element: &Element, f: &Filter) -> Option<usize> {
        if !applies(element, f, self.id) {
            return None;
        }
        let at = self
            .tests
            .iter()
            .position(|t| t.name == f.field_name)
            .unwrap_or_else(|| {
                self.tests.push(FieldTests {
                    name: f.field_name.clone(),
                    tests: Vec::new(),
                    filters: Vec::new(),
                });
                self.tests.len() - 1
            });
        let number = self.program.baseline.len();
        let FieldTests {
            tests: tests_of_field,
            filters,
            ..
        } = &mut self.tests[at];
        let mut negate = false;
        if let Some(value) = crate::text::folded_value(&f.value, self.environment) {
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

    pub(super) fn finish(mut self) -> Program {
        for FieldTests {
            name,
            tests,
            filters,
        } in self.tests
        {
            let mut field = Field {
                matcher: Matcher::new(tests.iter().map(|(t, _)| t)),
                test_filter: tests.iter().map(|(_, f)| *f).collect(),
                filters,
                classes: HashMap::new(),
                members: Vec::new(),
                absent: FAILED,
                memory: Memory::default(),
                name,
            };
            if field.name == "RuleName" && self.input == Input::Recorded {
                // No column has this name, so every row has the class of an absent value.
                field.name.clear();
            }
            field.forget();
            self.program.levels.push(Level::default());
            self.program.fields.push(field);
        }
        self.program
    }
}
