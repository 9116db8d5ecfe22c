//! # SC126 dead-condition
//!
//! A condition that an earlier one always anticipates.
//!
//! What it does: Among conditions of which the first match decides (an `or` group, filters on one
//! field of an `and` group, an `or` rule), reports a positive one whose every match is already a match
//! of an earlier one; and rules of an `or` group that such a condition makes pointless. Only certain
//! cases are reported: texts that contain, begin or end with the earlier text, and exact values.
//!
//! Why it matters: It changes nothing that is logged, and its rule name never appears: the earlier
//! condition's name does.
//!
//! Example: `<Image condition="contains">\Temp\</Image>` followed by
//! `<Image condition="end with">\Temp\a.exe</Image>` in an `or` group.
//!
//! Use instead: the narrow condition first where its name should show, or only the broad one.
//!
//! Source: SysmonCommon, rules.c: filters are walked in order until one matches.

use std::collections::HashMap;

use predicate::eval::Matcher;
use predicate::{Test, Text};

use super::context::{Context, alternatives, value_span, warning};
use crate::diagnostic::{Diagnostic, Safety};
use crate::rules::{Element, Filter, Op, Relation, Unit};
use crate::text;

pub(super) fn check(cx: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for element in cx.elements() {
        for group in alternatives(element) {
            let index = Index::new(&group);
            for (i, f) in group.iter().enumerate() {
                let Some(first) = index.covering(f, i) else {
                    continue;
                };
                let earlier = group[first];
                if same(earlier, f) {
                    continue; // SC125
                }
                out.push(report(cx, f, earlier, value_span(f)));
            }
        }
        dead_rules(cx, element, out);
    }
}

/// Rules of an `or` element that need a condition which already decides before them.
fn dead_rules(cx: &Context<'_>, element: &Element, out: &mut Vec<Diagnostic>) {
    if element.relation != Relation::Or {
        return;
    }
    let units = element.units();
    let singles: Vec<(usize, &Filter)> = units
        .iter()
        .enumerate()
        .filter_map(|(i, u)| match u {
            Unit::Filter(f) => Some((i, *f)),
            Unit::Rule(..) => None,
        })
        .collect();
    let filters: Vec<&Filter> = singles.iter().map(|(_, f)| *f).collect();
    let index = Index::new(&filters);
    for (i, unit) in units.iter().enumerate() {
        let Unit::Rule(id, Relation::And, parts) = unit else {
            continue;
        };
        let before = singles.partition_point(|(k, _)| *k < i);
        let covered = parts
            .iter()
            .find_map(|f| Some((*f, index.covering(f, before)?)));
        if let (Some((f, first)), Some(rule)) = (covered, element.rule(*id)) {
            out.push(report(cx, f, filters[first], cx.name_span(rule.span)));
        }
    }
}

fn report(
    cx: &Context<'_>,
    f: &Filter,
    earlier: &Filter,
    span: crate::diagnostic::Span,
) -> Diagnostic {
    let name = if f.name.is_empty() || f.name == earlier.name {
        String::new()
    } else {
        format!(" The rule name `{}` never appears because of it.", f.name)
    };
    let d = warning(
        "SC126",
        span,
        format!(
            "an earlier condition already decides whenever {} {} `{}`",
            f.field_name,
            f.op.name(),
            shorten(&f.value)
        ),
    )
    .related(value_span(earlier), "this one")
    .note(format!(
        "Conditions are tried in order and the first match decides.{name}"
    ));
    if f.rule.is_none() {
        d.fix(
            "remove the condition, which changes nothing",
            Safety::Safe,
            vec![cx.remove(f.span)],
        )
    } else {
        d
    }
}

fn shorten(value: &str) -> String {
    if value.chars().count() <= 60 {
        return value.to_owned();
    }
    value.chars().take(57).chain("...".chars()).collect()
}

/// True for the same test of the same field.
pub(super) fn same(a: &Filter, b: &Filter) -> bool {
    a.field == b.field && a.op == b.op && a.value.eq_ignore_ascii_case(&b.value)
}

/// The positive conditions of a group, ready to be asked which of them anticipates another.
struct Index {
    fields: HashMap<u32, OfField>,
}

struct OfField {
    /// Positions in the group, ascending, of the conditions behind each matcher's tests.
    positions: Vec<usize>,
    /// Everything; only beginnings and parts; only ends and parts; only parts.
    whole: Matcher,
    start: Matcher,
    end: Matcher,
    part: Matcher,
    tests_of: [Vec<usize>; 4],
}

impl Index {
    fn new(group: &[&Filter]) -> Self {
        let mut tests: HashMap<u32, Vec<(usize, Test)>> = HashMap::new();
        for (i, f) in group.iter().enumerate() {
            let list = tests.entry(f.field).or_default();
            for test in sufficient(f) {
                list.push((i, test));
            }
        }
        let fields = tests
            .into_iter()
            .map(|(field, tests)| {
                let pick = |keep: fn(&Test) -> bool| -> (Matcher, Vec<usize>) {
                    let kept: Vec<&(usize, Test)> = tests.iter().filter(|(_, t)| keep(t)).collect();
                    (
                        Matcher::new(kept.iter().map(|(_, t)| t)),
                        kept.iter().map(|(i, _)| *i).collect(),
                    )
                };
                let (whole, a) = pick(|_| true);
                let (start, b) = pick(|t| matches!(t, Test::Contains(_) | Test::StartsWith(_)));
                let (end, c) = pick(|t| matches!(t, Test::Contains(_) | Test::EndsWith(_)));
                let (part, d) = pick(|t| matches!(t, Test::Contains(_)));
                let of = OfField {
                    positions: tests.iter().map(|(i, _)| *i).collect(),
                    whole,
                    start,
                    end,
                    part,
                    tests_of: [a, b, c, d],
                };
                (field, of)
            })
            .collect();
        Self { fields }
    }

    /// The first condition before `limit` that every match of `f` is a match of.
    fn covering(&self, f: &Filter, limit: usize) -> Option<usize> {
        let of = self.fields.get(&f.field)?;
        if f.value.contains('%') || of.positions.first().is_none_or(|p| *p >= limit) {
            return None;
        }
        let ask = |matcher: &Matcher, which: usize, value: &str| {
            let mut passed = Vec::new();
            matcher.passes(value, &mut passed);
            passed
                .into_iter()
                .map(|t| of.tests_of[which][t as usize])
                .filter(|i| *i < limit)
                .min()
        };
        let value = f.value.as_str();
        match f.op {
            _ if value.is_empty() => None,
            Op::Is => ask(&of.whole, 0, value),
            Op::IsAny => all(value.split(';').map(|t| ask(&of.whole, 0, t))),
            Op::BeginWith => ask(&of.start, 1, value),
            Op::EndWith => ask(&of.end, 2, value),
            Op::Image if value.contains('\\') => ask(&of.whole, 0, value),
            // The value is this name, alone or behind a `\`: parts of it are parts of the value.
            Op::Image => ask(&of.end, 2, value).or_else(|| self.same_image(f, limit)),
            Op::Contains => ask(&of.part, 3, value),
            Op::ContainsAny => {
                let needles = text::needles_of_any(value).into_iter();
                all(needles.map(|t| ask(&of.part, 3, t)))
            }
            _ => None,
        }
    }

    /// An earlier `image` with the same name: the only whole-value test that passes the name alone
    /// and behind any folder.
    fn same_image(&self, f: &Filter, limit: usize) -> Option<usize> {
        let of = self.fields.get(&f.field)?;
        let ask = |value: &str| {
            let mut passed = Vec::new();
            of.whole.passes(value, &mut passed);
            passed
        };
        let alone = ask(&f.value);
        let behind = ask(&format!("\u{1}\\{}", f.value));
        let both = alone.into_iter().filter(|t| behind.contains(t));
        both.map(|t| of.tests_of[0][t as usize])
            .filter(|i| *i < limit)
            .min()
    }
}

/// All entries of a list must be covered; the answer is the last of their covers.
fn all(mut covers: impl Iterator<Item = Option<usize>>) -> Option<usize> {
    covers.try_fold(0, |last, c| c.map(|c| c.max(last)))
}

/// Tests of which any one is enough for the condition.
fn sufficient(f: &Filter) -> Vec<Test> {
    let ascii = |t: &str| Text::ascii(t.to_ascii_lowercase());
    let value = f.value.as_str();
    if value.is_empty() || value.contains('%') {
        return Vec::new();
    }
    match f.op {
        Op::Is => vec![Test::Equals(ascii(value))],
        Op::IsAny => value.split(';').map(|t| Test::Equals(ascii(t))).collect(),
        Op::Contains => vec![Test::Contains(ascii(value))],
        Op::ContainsAny => text::needles_of_any(value)
            .into_iter()
            .filter(|t| !t.is_empty())
            .map(|t| Test::Contains(ascii(t)))
            .collect(),
        Op::BeginWith => vec![Test::StartsWith(ascii(value))],
        Op::EndWith => vec![Test::EndsWith(ascii(value))],
        Op::Image => vec![Test::ImageIs(ascii(value))],
        _ => Vec::new(),
    }
}
