//! A configuration as predicates: which events of a type it keeps. Exact for the decision; the rule
//! name is an order of steps, not a truth, and comes from `reference` or `columnar`.

use predicate::{Comparison, Literal, Predicate, Test, Text};

use crate::reference::applies;
use crate::rules::{Element, Filter, Op, Relation, RuleSet, Unit};
use crate::schema::{self, Verdict};
use crate::text::{self, Environment};

/// The events with an id that the rules keep.
pub fn keeps(rules: &RuleSet, environment: &Environment, id: u32) -> Predicate {
    let kind = schema::newest().event(id);
    let Some(tag) = kind.and_then(|k| k.tag.as_deref()) else {
        return Predicate::True;
    };
    let of = |verdict| {
        rules
            .kept()
            .filter(move |e| e.tag == tag && e.on_match == verdict)
            .map(|e| element(e, environment, id))
            .collect::<Vec<_>>()
    };
    let (excludes, includes) = (of(Verdict::Exclude), of(Verdict::Include));
    match (excludes.len(), includes.len()) {
        (0, 0) => match kind.and_then(|k| k.default) {
            Some(Verdict::Include) => Predicate::True,
            _ => Predicate::False,
        },
        (1, 0) => Predicate::any(excludes).negate(),
        // Nothing matched and two or more elements: not logged.
        (_, 0) => Predicate::False,
        _ => Predicate::all([Predicate::any(excludes).negate(), Predicate::any(includes)]),
    }
}

/// The events with an id that an element matches.
pub fn element(element: &Element, environment: &Environment, id: u32) -> Predicate {
    let units = element.units();
    let outcome = |f: &Filter| filter_outcome(element, f, environment, id);
    if units.is_empty() {
        return Predicate::False;
    }
    let rule = |relation: Relation, filters: &[&Filter]| {
        let steps: Vec<Step> = filters.iter().map(|f| outcome(f)).collect();
        sequence(&steps, relation)
    };
    if element.relation == Relation::Or {
        let steps: Vec<Step> = units
            .iter()
            .map(|u| match u {
                Unit::Filter(f) => outcome(f),
                Unit::Rule(_, relation, filters) => rule(*relation, filters),
            })
            .collect();
        return sequence(&steps, Relation::Or).matches;
    }
    // All fields, each by any of its own filters; a failure is no match, so order does not count.
    let mut fields: Vec<(u32, Vec<Predicate>)> = Vec::new();
    let mut parts = Vec::new();
    for unit in &units {
        match unit {
            Unit::Rule(_, relation, filters) => parts.push(rule(*relation, filters).matches),
            Unit::Filter(f) => {
                let matches = outcome(f).matches;
                match fields.iter_mut().find(|(field, _)| *field == f.field) {
                    Some((_, alternatives)) => alternatives.push(matches),
                    None => fields.push((f.field, vec![matches])),
                }
            }
        }
    }
    parts.extend(fields.into_iter().map(|(_, p)| Predicate::any(p)));
    Predicate::all(parts)
}

/// How a filter or a run of them can end; neither is "no match".
#[derive(Clone)]
struct Step {
    matches: Predicate,
    fails: Predicate,
}

/// Steps one after the other, halved so that nesting stays shallow. An `or` stops at a match, an
/// `and` at a mismatch, both at a failure.
fn sequence(steps: &[Step], relation: Relation) -> Step {
    match steps {
        [] => Step {
            matches: Predicate::False,
            fails: Predicate::False,
        },
        [one] => one.clone(),
        _ => {
            let (left, right) = steps.split_at(steps.len() / 2);
            let (a, b) = (sequence(left, relation), sequence(right, relation));
            match relation {
                Relation::Or => Step {
                    matches: Predicate::any([
                        a.matches.clone(),
                        Predicate::all([a.fails.clone().negate(), b.matches]),
                    ]),
                    fails: Predicate::any([a.fails, Predicate::all([a.matches.negate(), b.fails])]),
                },
                Relation::And => Step {
                    fails: Predicate::any([a.fails, Predicate::all([a.matches.clone(), b.fails])]),
                    matches: Predicate::all([a.matches, b.matches]),
                },
            }
        }
    }
}

fn filter_outcome(element: &Element, f: &Filter, environment: &Environment, id: u32) -> Step {
    let never = Step {
        matches: Predicate::False,
        fails: Predicate::False,
    };
    if !applies(element, f, id) {
        return never;
    }
    let field = f.field_name.as_str();
    let text = schema::is_text(field);
    let fails = if text {
        Predicate::False
    } else {
        Predicate::not_empty(field).negate()
    };
    let Some(value) = text::folded_value(&f.value, environment) else {
        return Step { fails, ..never };
    };
    let tests = tests(f.op, &value);
    let parts = tests
        .literals
        .iter()
        .map(|t| Predicate::atom(field, t.clone()));
    let positive = if tests.all {
        Predicate::all(parts)
    } else {
        Predicate::any(parts)
    };
    // A literal that is not empty is never found in an absent or empty value.
    let needs_value = tests.literals.iter().all(|t| match t {
        Test::Equals(t)
        | Test::ImageIs(t)
        | Test::Contains(t)
        | Test::StartsWith(t)
        | Test::EndsWith(t) => !t.text.is_empty(),
        _ => false,
    });
    let test = if tests.negate {
        positive.negate()
    } else {
        positive
    };
    let absent = text && text::matches(f.op, "-", &value);
    let exists = Predicate::not_empty(field);
    let matches = if absent {
        Predicate::any([exists.negate(), test])
    } else if needs_value && !tests.negate {
        test
    } else {
        Predicate::all([exists, test])
    };
    Step { matches, fails }
}

/// The tests that make up a condition: any of them, or all, and then perhaps the opposite.
pub(crate) struct Tests {
    pub literals: Vec<Test>,
    pub all: bool,
    pub negate: bool,
}

/// The tests of a condition with a folded value, for field values that are not empty.
pub(crate) fn tests(op: Op, value: &str) -> Tests {
    let one = |test: fn(Text) -> Test| vec![test(Text::ascii(value))];
    let contains = |needles: Vec<&str>| {
        let tests = needles.into_iter().map(|t| Test::Contains(Text::ascii(t)));
        tests.collect()
    };
    let order = |c| vec![Test::Compare(c, Literal::Text(Text::ascii(value)))];
    let literals = match op {
        Op::Is | Op::IsNot => one(Test::Equals),
        Op::IsAny => value
            .split(';')
            .map(|t| Test::Equals(Text::ascii(t)))
            .collect(),
        Op::Contains | Op::Excludes => one(Test::Contains),
        Op::ContainsAny | Op::ExcludesAny => contains(text::needles_of_any(value)),
        Op::ContainsAll | Op::ExcludesAll => contains(text::needles_of_all(value)),
        Op::BeginWith | Op::NotBeginWith => one(Test::StartsWith),
        Op::EndWith | Op::NotEndWith => one(Test::EndsWith),
        Op::LessThan => order(Comparison::Less),
        Op::MoreThan => order(Comparison::Greater),
        Op::Image => one(Test::ImageIs),
    };
    Tests {
        literals,
        all: matches!(op, Op::ContainsAll | Op::ExcludesAll),
        negate: op.is_negative(),
    }
}
