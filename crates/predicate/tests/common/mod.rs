//! Random tests and predicates, small enough that they meet each other.
#![allow(clippy::unwrap_used)]
#![allow(dead_code)]

use predicate::{
    Case, Comparison, FieldPair, Glob, GlobPart, Literal, Pattern, Predicate, Relation, Test, Text,
};
use proptest::prelude::*;

/// The fields that predicates name.
pub const FIELDS: [&str; 3] = ["Image", "image2", "Absent"];

fn case() -> impl Strategy<Value = Case> {
    prop_oneof![Just(Case::Exact), Just(Case::Ascii), Just(Case::Unicode)]
}

pub fn text() -> impl Strategy<Value = Text> {
    ("[aAb\\\\é;]{0,3}", case()).prop_map(|(text, case)| Text { text, case })
}

pub fn test() -> impl Strategy<Value = Test> {
    prop_oneof![
        text().prop_map(Test::Equals),
        text().prop_map(Test::Contains),
        text().prop_map(Test::StartsWith),
        text().prop_map(Test::EndsWith),
        text().prop_map(Test::ImageIs),
        text().prop_map(|t| Test::Compare(Comparison::Less, Literal::Text(t))),
        (-3i128..4).prop_map(|n| Test::Compare(Comparison::GreaterOrEqual, Literal::Number(n))),
        (0u64..4).prop_map(Test::BitsSet),
        (
            prop::sample::select(vec!["a", "ab", "a[^b]", "^b.$", "B+"]),
            case()
        )
            .prop_map(|(e, case)| Test::Regex(Pattern::new(e, case).unwrap())),
        Just(Test::Cidr("::a/125".parse().unwrap())),
        glob().prop_map(Test::Glob),
        Just(Test::Present),
        Just(Test::NotEmpty),
    ]
}

fn glob() -> impl Strategy<Value = Glob> {
    let part = prop_oneof![
        "[aAb\\\\é]{1,2}".prop_map(GlobPart::Text),
        Just(GlobPart::One),
        Just(GlobPart::Any),
    ];
    (prop::collection::vec(part, 0..4), case()).prop_map(|(parts, case)| Glob::new(parts, case))
}

/// Comparisons of fields and keywords.
pub fn beyond_one_field() -> impl Strategy<Value = Predicate> {
    let relation = prop::sample::select(vec![
        Relation::Equals,
        Relation::Contains,
        Relation::StartsWith,
        Relation::EndsWith,
    ]);
    let pair = (0..FIELDS.len(), relation, 0..FIELDS.len(), case()).prop_map(
        |(field, relation, other, case)| {
            Predicate::Fields(FieldPair {
                field: FIELDS[field].into(),
                relation,
                other: FIELDS[other].into(),
                case,
            })
        },
    );
    prop_oneof![pair, test().prop_map(Predicate::Keyword)]
}

pub fn predicate() -> impl Strategy<Value = Predicate> {
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
