//! # SC126 dead-condition
//!
//! A condition that an earlier one always anticipates.
//!
//! What it does: Among conditions of which the first match decides (an `or` group, filters on one
//! field of an `and` group, an `or` rule), reports one whose every match is already a match of an earlier
//! one; likewise rules and whole elements that are asked later than one that matches whenever they do.
//! Only certain cases are reported: texts that contain, begin or end with the earlier text, exact values,
//! and equal conditions.
//!
//! Why it matters: It changes nothing that is logged, and its rule name never appears: the earlier
//! condition's name does.
//!
//! Example: `<Image condition="contains">\Temp\</Image>` followed by
//! `<Image condition="end with">\Temp\a.exe</Image>` in an `or` group.
//!
//! Use instead: the narrow condition first where its name should show, or only the broad one.
//!
//! Source: SysmonCommon, rules.c: elements of one verdict are asked from the last in the file to the
//! first, filters in order until one matches.

use std::collections::HashMap;

use super::context::{Context, alternatives, value_span, warning};
use super::covers::{FieldTests, MatchUnit, earlier_covers, units};
use super::duplicate_rule;
use super::filter_text::shorten;
use super::hidden_by_exclude::place;
use crate::diagnostic::{Diagnostic, Safety};
use crate::rules::{Element, Filter, Relation};
use crate::schema::Verdict;

pub(super) fn check(cx: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for element in cx.elements() {
        for group in alternatives(element) {
            let covers = Alternatives::new(&group);
            for (i, f) in group.iter().enumerate() {
                let Some(first) = covers.before(f, i) else {
                    continue;
                };
                let earlier = group[first];
                if !same(earlier, f) {
                    out.push(condition(cx, element, f, earlier)); // else SC125
                }
            }
        }
    }
    for (_, elements) in cx.by_tag() {
        for verdict in [Verdict::Exclude, Verdict::Include] {
            let those = elements.iter().copied().filter(|e| e.on_match == verdict);
            let all = units(&those.collect::<Vec<_>>());
            for (unit, cover) in all.iter().zip(earlier_covers(&all)) {
                let Some(earlier) = cover.map(|c| &all[c]) else {
                    continue;
                };
                // Conditions of one element are told above, equal rules by SC146.
                let told = std::ptr::eq(unit.element, earlier.element)
                    && unit.single().is_some()
                    && earlier.single().is_some();
                let key = duplicate_rule::key(unit);
                if !told && (key.is_none() || key != duplicate_rule::key(earlier)) {
                    out.push(whole(cx, unit, earlier));
                }
            }
        }
    }
}

/// A rule, an element, or a condition of another element, that is asked too late.
fn whole(cx: &Context<'_>, unit: &MatchUnit<'_>, earlier: &MatchUnit<'_>) -> Diagnostic {
    let name = |u: &MatchUnit<'_>| u.filters().last().map_or("", |f| &f.name).to_owned();
    let (lost, shown) = (name(unit), name(earlier));
    let included = unit.element.on_match == Verdict::Include;
    let named = match lost.is_empty() || lost == shown || !included {
        true => String::new(),
        false => format!(" The rule name `{lost}` never appears because of it."),
    };
    let order = match std::ptr::eq(unit.element, earlier.element) {
        true => "Conditions are tried in order and the first match decides.",
        false => "Elements of one verdict are asked from the last in the file to the first.",
    };
    let line = cx.config.source.position(place(cx, earlier).start).0;
    let what = match (unit.single(), unit.rule) {
        (Some(_), _) => "this condition",
        (None, Some(_)) => "this rule",
        (None, None) => "this element",
    };
    warning(
        "SC126",
        place(cx, unit),
        format!("what is asked before, in line {line}, decides whenever {what} matches"),
    )
    .related(place(cx, earlier), "this one")
    .note(format!("{order}{named}"))
}

fn condition(cx: &Context<'_>, element: &Element, f: &Filter, earlier: &Filter) -> Diagnostic {
    let name = if f.name.is_empty() || f.name == earlier.name {
        String::new()
    } else {
        format!(" The rule name `{}` never appears because of it.", f.name)
    };
    let d = warning(
        "SC126",
        value_span(f),
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
    removal(cx, element, f, d)
}

/// The finding with a fix that takes the condition out. That changes nothing for certain only where it
/// has no name and stands by itself in an `or`: an `and` asks on after one of several conditions on a
/// field has failed, and each match on the way leaves its name.
pub(super) fn removal(
    cx: &Context<'_>,
    element: &Element,
    f: &Filter,
    d: Diagnostic,
) -> Diagnostic {
    if f.rule.is_some() || !f.name.is_empty() {
        return d;
    }
    let (title, safety) = match element.relation {
        Relation::Or => ("remove the condition, which changes nothing", Safety::Safe),
        Relation::And => ("remove the condition", Safety::Unsafe),
    };
    d.fix(title, safety, vec![cx.remove(f.span)])
}

/// True for the same test of the same field.
fn same(a: &Filter, b: &Filter) -> bool {
    a.field == b.field && a.op == b.op && a.value.eq_ignore_ascii_case(&b.value)
}

/// The conditions of which the first match decides, ready to be asked which anticipates another.
struct Alternatives {
    fields: HashMap<u32, FieldTests>,
}

impl Alternatives {
    fn new(group: &[&Filter]) -> Self {
        let mut fields: HashMap<u32, Vec<(usize, &Filter)>> = HashMap::new();
        for (i, f) in group.iter().enumerate() {
            fields.entry(f.field).or_default().push((i, f));
        }
        let fields = fields.into_iter();
        Self {
            fields: fields
                .map(|(n, list)| (n, FieldTests::new(&list)))
                .collect(),
        }
    }

    /// The condition before `limit` with which, at the latest, every match of `f` has been matched.
    fn before(&self, f: &Filter, limit: usize) -> Option<usize> {
        let texts = self.fields.get(&f.field)?.covering(f);
        texts.first()?;
        texts.into_iter().try_fold(0, |last, numbers| {
            let first = numbers.into_iter().filter(|n| *n < limit).min()?;
            Some(last.max(first))
        })
    }
}
