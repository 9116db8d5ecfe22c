//! Runs predicates over Arrow record batches. Work is done per distinct value of a column, never per
//! row: all literals on a field are searched in one pass over each distinct value, and the answers are
//! gathered by key into bitmaps.

mod column;
mod matcher;

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::buffer::BooleanBuffer;

pub use column::{Distinct, column};
pub use matcher::Matcher;

use crate::{FieldPair, Predicate, Test};

/// Why a batch cannot be evaluated.
#[derive(Debug, thiserror::Error)]
pub enum EvalError {
    /// A column's type cannot be read as text.
    #[error("column {column}: {source}")]
    Column {
        /// The column.
        column: String,
        /// What Arrow says.
        source: arrow::error::ArrowError,
    },
}

/// Predicates prepared for evaluation together.
#[derive(Debug)]
pub struct Evaluator {
    fields: Vec<FieldTests>,
    pairs: Vec<FieldPair>,
    /// The tests of any field, and the columns that are no fields of an event.
    keywords: Matcher,
    keyword_count: usize,
    excluded: Vec<String>,
    expressions: Vec<Expression>,
}

/// All tests of one field; their numbers count from 0 within the field.
#[derive(Debug)]
struct FieldTests {
    name: Arc<str>,
    matcher: Matcher,
    /// How many tests there are.
    tests: usize,
}

/// A predicate over numbered leaves.
#[derive(Debug)]
enum Expression {
    Constant(bool),
    Leaf(Leaf),
    And(Vec<Expression>),
    Or(Vec<Expression>),
    Not(Box<Expression>),
}

/// What is evaluated once per batch, however many predicates ask for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Leaf {
    /// A field and one of its tests.
    Atom(u32, u32),
    Pair(u32),
    Keyword(u32),
}

/// A bitmap, or the same answer for every row.
enum Bits {
    All(bool),
    Rows(BooleanBuffer),
}

/// Leaves that are the same get the same number.
#[derive(Default)]
struct Numbering<'a> {
    fields: Vec<(&'a Arc<str>, Vec<&'a Test>)>,
    by_name: HashMap<String, u32>,
    by_test: HashMap<(u32, &'a Test), u32>,
    pairs: Vec<&'a FieldPair>,
    by_pair: HashMap<&'a FieldPair, u32>,
    keywords: Vec<&'a Test>,
    by_keyword: HashMap<&'a Test, u32>,
}

fn number<K: Eq + std::hash::Hash, V>(
    index: &mut HashMap<K, u32>,
    list: &mut Vec<V>,
    key: K,
    value: V,
) -> u32 {
    *index.entry(key).or_insert_with(|| {
        list.push(value);
        u32::try_from(list.len() - 1).unwrap_or(u32::MAX)
    })
}

impl<'a> Numbering<'a> {
    fn leaf(&mut self, leaf: &'a Predicate) -> Option<Leaf> {
        match leaf {
            Predicate::Atom(atom) => {
                let name = atom.field.to_ascii_lowercase();
                let new = (&atom.field, Vec::new());
                let field = number(&mut self.by_name, &mut self.fields, name, new);
                let tests = &mut self.fields[field as usize].1;
                let key = (field, &atom.test);
                let test = number(&mut self.by_test, tests, key, &atom.test);
                Some(Leaf::Atom(field, test))
            }
            Predicate::Fields(pair) => {
                let at = number(&mut self.by_pair, &mut self.pairs, pair, pair);
                Some(Leaf::Pair(at))
            }
            Predicate::Keyword(test) => {
                let at = number(&mut self.by_keyword, &mut self.keywords, test, test);
                Some(Leaf::Keyword(at))
            }
            _ => None,
        }
    }

    fn expression(&mut self, predicate: &'a Predicate) -> Expression {
        let mut list = |parts: &'a [Predicate]| parts.iter().map(|p| self.expression(p)).collect();
        match predicate {
            Predicate::True => Expression::Constant(true),
            Predicate::And(parts) => Expression::And(list(parts)),
            Predicate::Or(parts) => Expression::Or(list(parts)),
            Predicate::Not(inner) => Expression::Not(Box::new(self.expression(inner))),
            leaf => self
                .leaf(leaf)
                .map_or(Expression::Constant(false), Expression::Leaf),
        }
    }
}

impl Evaluator {
    /// Prepares predicates; the result of [`Evaluator::evaluate`] has one bitmap for each.
    pub fn new(predicates: &[Predicate]) -> Self {
        let mut numbering = Numbering::default();
        let expressions = predicates.iter().map(|p| numbering.expression(p)).collect();
        let fields = numbering
            .fields
            .into_iter()
            .map(|(name, tests)| FieldTests {
                name: name.clone(),
                tests: tests.len(),
                matcher: Matcher::new(tests),
            });
        Self {
            fields: fields.collect(),
            pairs: numbering.pairs.into_iter().cloned().collect(),
            keyword_count: numbering.keywords.len(),
            keywords: Matcher::new(numbering.keywords),
            excluded: Vec::new(),
            expressions,
        }
    }

    /// Names columns of the batches that are no fields of an event, so that keywords are not looked for in them.
    #[must_use]
    pub fn without_keywords_in(mut self, columns: impl IntoIterator<Item = String>) -> Self {
        self.excluded.extend(columns);
        self
    }

    /// One bitmap per predicate, a bit per row.
    ///
    /// # Errors
    /// Where a column's type cannot be read as text.
    pub fn evaluate(&self, batch: &RecordBatch) -> Result<Vec<BooleanBuffer>, EvalError> {
        let mut leaves = Leaves {
            atoms: Vec::with_capacity(self.fields.len()),
            pairs: Vec::with_capacity(self.pairs.len()),
            keywords: vec![None; self.keyword_count],
        };
        for field in &self.fields {
            let mut passing = Vec::new();
            if let Some(distinct) = column(batch, &field.name)? {
                passing.resize(field.tests, None);
                for (test, rows) in rows_passing(&field.matcher, &distinct) {
                    passing[test as usize] = Some(rows);
                }
            }
            leaves.atoms.push(passing);
        }
        for pair in &self.pairs {
            leaves.pairs.push(compare(batch, pair)?);
        }
        if self.keyword_count > 0 {
            self.find_keywords(batch, &mut leaves)?;
        }
        let rows = batch.num_rows();
        Ok(self
            .expressions
            .iter()
            .map(|e| match combine(e, &leaves) {
                Bits::Rows(bits) => bits,
                Bits::All(true) => BooleanBuffer::new_set(rows),
                Bits::All(false) => BooleanBuffer::new_unset(rows),
            })
            .collect())
    }

    fn find_keywords(&self, batch: &RecordBatch, leaves: &mut Leaves) -> Result<(), EvalError> {
        for field in batch.schema_ref().fields() {
            if self.excluded.contains(field.name()) {
                continue;
            }
            let Some(distinct) = column(batch, field.name())? else {
                continue;
            };
            for (test, rows) in rows_passing(&self.keywords, &distinct) {
                let found = &mut leaves.keywords[test as usize];
                *found = Some(match found.take() {
                    Some(before) => &before | &rows,
                    None => rows,
                });
            }
        }
        Ok(())
    }
}

/// The rows in which each leaf holds; none where it holds in no row.
struct Leaves {
    /// By field, then by test.
    atoms: Vec<Vec<Option<BooleanBuffer>>>,
    pairs: Vec<Option<BooleanBuffer>>,
    keywords: Vec<Option<BooleanBuffer>>,
}

impl Leaves {
    fn get(&self, leaf: Leaf) -> Option<&BooleanBuffer> {
        let found = match leaf {
            Leaf::Atom(field, test) => self.atoms.get(field as usize)?.get(test as usize),
            Leaf::Pair(number) => self.pairs.get(number as usize),
            Leaf::Keyword(number) => self.keywords.get(number as usize),
        };
        found?.as_ref()
    }
}

/// The rows whose value passes, for each test that any value passes.
fn rows_passing(matcher: &Matcher, distinct: &Distinct<'_>) -> HashMap<u32, BooleanBuffer> {
    // One more than there are values: an absent value, which passes nothing.
    let width = distinct.values.len() + 1;
    let mut tables: HashMap<u32, Vec<bool>> = HashMap::new();
    let mut passed = Vec::new();
    // A part of a batch has the dictionary of the whole.
    let mut used = vec![false; width];
    for key in &distinct.keys {
        used[(*key as usize).min(width - 1)] = true;
    }
    for (i, value) in distinct.values.iter().enumerate() {
        passed.clear();
        if let Some(value) = value.as_ref().filter(|_| used[i]) {
            matcher.passes(value, &mut passed);
        }
        for &test in &passed {
            tables.entry(test).or_insert_with(|| vec![false; width])[i] = true;
        }
    }
    let keys = &distinct.keys;
    let gather = |table: &[bool]| {
        BooleanBuffer::collect_bool(keys.len(), |row| table[(keys[row] as usize).min(width - 1)])
    };
    tables
        .into_iter()
        .map(|(test, table)| (test, gather(&table)))
        .collect()
}

/// The rows on which two fields stand as asked, decided once per combination of values.
fn compare(batch: &RecordBatch, pair: &FieldPair) -> Result<Option<BooleanBuffer>, EvalError> {
    let (Some(a), Some(b)) = (column(batch, &pair.field)?, column(batch, &pair.other)?) else {
        return Ok(None);
    };
    let value = |d: &'_ Distinct<'_>, key: u32| -> Option<String> {
        d.values.get(key as usize)?.as_deref().map(str::to_owned)
    };
    let mut known: HashMap<(u32, u32), bool> = HashMap::new();
    Ok(Some(BooleanBuffer::collect_bool(a.keys.len(), |row| {
        let keys = (a.keys[row], b.keys[row]);
        *known
            .entry(keys)
            .or_insert_with(|| match (value(&a, keys.0), value(&b, keys.1)) {
                (Some(a), Some(b)) => pair.matches(&a, &b),
                _ => false,
            })
    })))
}

fn combine(e: &Expression, leaves: &Leaves) -> Bits {
    let fold = |parts: &[Expression], neutral: bool| {
        let mut out = Bits::All(neutral);
        for part in parts {
            out = match (out, combine(part, leaves)) {
                (Bits::All(b), other) | (other, Bits::All(b)) if b == neutral => other,
                (Bits::All(b), _) | (_, Bits::All(b)) => Bits::All(b),
                (Bits::Rows(a), Bits::Rows(b)) if neutral => Bits::Rows(&a & &b),
                (Bits::Rows(a), Bits::Rows(b)) => Bits::Rows(&a | &b),
            };
            if matches!(out, Bits::All(b) if b != neutral) {
                break;
            }
        }
        out
    };
    match e {
        Expression::Constant(b) => Bits::All(*b),
        Expression::Leaf(leaf) => match leaves.get(*leaf) {
            Some(rows) => Bits::Rows(rows.clone()),
            None => Bits::All(false),
        },
        Expression::And(parts) => fold(parts, true),
        Expression::Or(parts) => fold(parts, false),
        Expression::Not(inner) => match combine(inner, leaves) {
            Bits::All(b) => Bits::All(!b),
            Bits::Rows(bits) => Bits::Rows(!&bits),
        },
    }
}
