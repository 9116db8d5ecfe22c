//! The filters of one event type, numbered and sorted by field, and the classes that values fall into.

use std::collections::HashMap;

use predicate::Test;
use predicate::eval::{Distinct, Matcher};

use super::Input;
use crate::predicates::tests;
use crate::reference::applies;
use crate::rules::{Element, Filter, Relation, Unit};
use crate::schema::{self, Verdict};
use crate::text::{self, Environment};

/// The filters that apply to one event type.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) fields: Vec<Field>,
    /// Per filter: whether it matches a value that passes none of its tests.
    pub(super) baseline: Vec<bool>,
    /// Per filter: the position of its field in `fields`.
    pub(super) field_of: Vec<usize>,
    pub(super) names: Vec<String>,
    pub(super) elements: Vec<Part>,
    /// The decision where nothing matches.
    pub(super) otherwise: u32,
    pub(super) known: HashMap<Vec<u32>, u32>,
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
}

#[derive(Debug)]
pub(super) struct FilterTests {
    pub(super) number: u32,
    pub(super) needed: u32,
}

/// The class of a value whose lookup fails.
pub(super) const FAILED: u32 = 0;
pub(super) const UNKNOWN: u32 = u32::MAX;

impl Field {
    /// The class of each row, classifying each distinct value when a row first has it.
    pub(super) fn row_classes(&mut self, distinct: &Distinct<'_>, rows: &[u32]) -> Vec<u32> {
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

    pub(super) fn classify(&mut self, value: &str, passed: &mut Vec<u32>) -> u32 {
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
