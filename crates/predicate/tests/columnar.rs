//! The columnar evaluation equals the plain meaning, on random predicates and batches.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use arrow::array::{ArrayRef, DictionaryArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::Int16Type;
use predicate::eval::Evaluator;
use predicate::{Predicate, Test, Text};
use proptest::prelude::*;

mod common;
use common::{beyond_one_field, predicate};

fn value() -> impl Strategy<Value = Option<String>> {
    prop_oneof![
        1 => Just(None),
        6 => "[aAbB\\\\éÉ;0-2]{0,5}".prop_map(Some),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn columnar_equals_plain(
        predicates in prop::collection::vec(prop_oneof![4 => predicate(), 1 => beyond_one_field()], 1..5),
        rows in prop::collection::vec((value(), value()), 1..20),
    ) {
        let a: DictionaryArray<Int16Type> = rows.iter().map(|r| r.0.as_deref()).collect();
        let b = StringArray::from_iter(rows.iter().map(|r| r.1.as_deref()));
        let batch = RecordBatch::try_from_iter_with_nullable([
            ("IMAGE", Arc::new(a) as ArrayRef, true),
            ("image2", Arc::new(b) as ArrayRef, true),
        ]).unwrap();
        let found = Evaluator::new(&predicates).evaluate(&batch).unwrap();
        for (p, bits) in predicates.iter().zip(&found) {
            for (i, row) in rows.iter().enumerate() {
                let plain = p.holds(&[("Image", row.0.as_deref()), ("image2", row.1.as_deref())]);
                prop_assert_eq!(bits.value(i), plain, "{} on {:?}", p, row);
            }
        }
    }
}

#[test]
fn numbers_are_read_as_text() {
    let batch = RecordBatch::try_from_iter([(
        "Port",
        Arc::new(Int64Array::from(vec![443, 80])) as ArrayRef,
    )])
    .unwrap();
    let p = Predicate::atom("port", Test::Equals(Text::ascii("443")));
    let found = Evaluator::new(&[p.clone(), p.negate()])
        .evaluate(&batch)
        .unwrap();
    assert!(found[0].value(0) && !found[0].value(1));
    assert!(!found[1].value(0) && found[1].value(1));
}

#[test]
fn constants_fold() {
    let atom = || Predicate::not_empty("A");
    assert_eq!(Predicate::all([Predicate::True, atom()]), atom());
    assert_eq!(Predicate::any([Predicate::True, atom()]), Predicate::True);
    assert_eq!(atom().negate().negate(), atom());
    assert_eq!(Predicate::any([]).to_string(), "false");
}
