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

use crate::{Predicate, Test};

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
    fields: Vec<Field>,
    expressions: Vec<Expression>,
}

#[derive(Debug)]
struct Field {
    name: Arc<str>,
    matcher: Matcher,
    /// Number of the field's first atom; its atoms are numbered on from there.
    first: usize,
}

#[derive(Debug)]
enum Expression {
    Constant(bool),
    Atom(usize),
    And(Vec<Expression>),
    Or(Vec<Expression>),
    Not(Box<Expression>),
}

/// A bitmap, or the same answer for every row.
#[derive(Clone)]
enum Bits {
    All(bool),
    Rows(BooleanBuffer),
}

impl Evaluator {
    /// Prepares predicates; the result of [`Evaluator::evaluate`] has one bitmap for each.
    pub fn new(predicates: &[Predicate]) -> Self {
        let mut tests: Vec<(Arc<str>, Vec<&Test>)> = Vec::new();
        let mut index: HashMap<String, usize> = HashMap::new();
        for predicate in predicates {
            predicate.atoms(&mut |atom| {
                let at = *index
                    .entry(atom.field.to_ascii_lowercase())
                    .or_insert_with(|| {
                        tests.push((atom.field.clone(), Vec::new()));
                        tests.len() - 1
                    });
                tests[at].1.push(&atom.test);
            });
        }
        let (mut fields, mut first) = (Vec::new(), 0);
        for (name, tests) in tests {
            let count = tests.len();
            let matcher = Matcher::new(tests);
            fields.push(Field {
                name,
                matcher,
                first,
            });
            first += count;
        }
        let mut next: Vec<usize> = fields.iter().map(|f| f.first).collect();
        let expressions = predicates
            .iter()
            .map(|p| expression(p, &index, &mut next))
            .collect();
        Self {
            fields,
            expressions,
        }
    }

    /// One bitmap per predicate, a bit per row.
    ///
    /// # Errors
    /// Where a column's type cannot be read as text.
    pub fn evaluate(&self, batch: &RecordBatch) -> Result<Vec<BooleanBuffer>, EvalError> {
        let mut atoms: HashMap<usize, Bits> = HashMap::new();
        for field in &self.fields {
            let Some(distinct) = column(batch, &field.name)? else {
                continue;
            };
            // Rows of the table: values, plus one for an absent value, which passes nothing.
            let width = distinct.values.len() + 1;
            let mut tables: HashMap<u32, Vec<bool>> = HashMap::new();
            let mut passed = Vec::new();
            for (i, value) in distinct.values.iter().enumerate() {
                passed.clear();
                if let Some(value) = value {
                    field.matcher.passes(value, &mut passed);
                }
                for &atom in &passed {
                    tables.entry(atom).or_insert_with(|| vec![false; width])[i] = true;
                }
            }
            for (atom, table) in tables {
                let keys = &distinct.keys;
                let bits = BooleanBuffer::collect_bool(keys.len(), |row| {
                    table[(keys[row] as usize).min(width - 1)]
                });
                atoms.insert(field.first + atom as usize, Bits::Rows(bits));
            }
        }
        let rows = batch.num_rows();
        Ok(self
            .expressions
            .iter()
            .map(|e| match combine(e, &atoms) {
                Bits::Rows(bits) => bits,
                Bits::All(true) => BooleanBuffer::new_set(rows),
                Bits::All(false) => BooleanBuffer::new_unset(rows),
            })
            .collect())
    }
}

/// Numbers the atoms of a predicate in the order in which they were collected.
fn expression(p: &Predicate, index: &HashMap<String, usize>, next: &mut [usize]) -> Expression {
    let mut list = |parts: &[Predicate]| parts.iter().map(|p| expression(p, index, next)).collect();
    match p {
        Predicate::True => Expression::Constant(true),
        Predicate::False => Expression::Constant(false),
        Predicate::And(parts) => Expression::And(list(parts)),
        Predicate::Or(parts) => Expression::Or(list(parts)),
        Predicate::Not(inner) => Expression::Not(Box::new(expression(inner, index, next))),
        Predicate::Atom(atom) => {
            let field = index
                .get(&atom.field.to_ascii_lowercase())
                .copied()
                .unwrap_or(0);
            let number = next[field];
            next[field] += 1;
            Expression::Atom(number)
        }
    }
}

fn combine(e: &Expression, atoms: &HashMap<usize, Bits>) -> Bits {
    let fold = |parts: &[Expression], neutral: bool| {
        let mut out = Bits::All(neutral);
        for part in parts {
            out = match (out, combine(part, atoms)) {
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
        Expression::Atom(n) => atoms.get(n).cloned().unwrap_or(Bits::All(false)),
        Expression::And(parts) => fold(parts, true),
        Expression::Or(parts) => fold(parts, false),
        Expression::Not(inner) => match combine(inner, atoms) {
            Bits::All(b) => Bits::All(!b),
            Bits::Rows(bits) => Bits::Rows(!&bits),
        },
    }
}
