//! The columnar evaluation equals the plain meaning, on random predicates and batches.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use arrow::array::{ArrayRef, DictionaryArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::Int16Type;
use predicate::eval::Evaluator;
use predicate::{Case, Comparison, Literal, Pattern, Predicate, Test, Text};
use proptest::prelude::*;

const FIELDS: [&str; 3] = ["Image", "image2", "Absent"];

fn text() -> impl Strategy<Value = Text> {
    (
        "[aAb\\\\é;]{0,3}",
        prop_oneof![Just(Case::Exact), Just(Case::Ascii), Just(Case::Unicode)],
    )
        .prop_map(|(text, case)| Text { text, case })
}

fn test() -> impl Strategy<Value = Test> {
    prop_oneof![
        text().prop_map(Test::Equals),
        text().prop_map(Test::Contains),
        text().prop_map(Test::StartsWith),
        text().prop_map(Test::EndsWith),
        text().prop_map(Test::ImageIs),
        text().prop_map(|t| Test::Compare(Comparison::Less, Literal::Text(t))),
        (-3i128..4).prop_map(|n| Test::Compare(Comparison::GreaterOrEqual, Literal::Number(n))),
        (0u64..4).prop_map(Test::BitsSet),
        "[ab]{1,2}".prop_map(|e| Test::Regex(Pattern::new(&e, Case::Ascii).unwrap())),
        Just(Test::Exists),
    ]
}

fn predicate() -> impl Strategy<Value = Predicate> {
    let leaf = prop_oneof![
        4 => (0..FIELDS.len(), test()).prop_map(|(f, t)| Predicate::atom(FIELDS[f], t)),
        1 => any::<bool>().prop_map(|b| if b { Predicate::True } else { Predicate::False }),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Predicate::And),
            prop::collection::vec(inner.clone(), 0..4).prop_map(Predicate::Or),
            inner.prop_map(|p| Predicate::Not(Box::new(p))),
        ]
    })
}

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
        predicates in prop::collection::vec(predicate(), 1..5),
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
                let plain = p.holds(&|field: &str| match field {
                    "Image" => row.0.as_deref(),
                    "image2" => row.1.as_deref(),
                    _ => None,
                });
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
    let atom = || Predicate::exists("A");
    assert_eq!(Predicate::all([Predicate::True, atom()]), atom());
    assert_eq!(Predicate::any([Predicate::True, atom()]), Predicate::True);
    assert_eq!(atom().negate().negate(), atom());
    assert_eq!(Predicate::any([]).to_string(), "false");
}
