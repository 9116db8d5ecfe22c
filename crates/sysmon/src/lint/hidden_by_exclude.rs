//! # SC145 hidden-by-exclude
//!
//! An include of which every match is dropped by an exclude.
//!
//! What it does: Reports conditions and rules of an include whose every match is also a match of one
//! exclude of the same event type. Certain cases alone are reported: texts that contain, begin or end
//! with the exclude's text, exact values, and equal conditions.
//!
//! Why it matters: Excludes are asked first and win. The include never logs anything, and its rule name
//! never appears.
//!
//! Example: an include of `<PipeName condition="contains">\lsassw</PipeName>` beside an exclude of
//! `<PipeName condition="contains">lsass</PipeName>`.
//!
//! Use instead: a narrower exclude, such as one that names the program too.
//!
//! Source: SysmonCommon, rules.c: excludes are asked before includes; 60 such includes in published
//! configurations.

use super::context::{Context, value_span, warning};
use super::covers::{MatchUnit, earlier_covers, units};
use crate::diagnostic::{Diagnostic, Span};
use crate::rules::Element;
use crate::schema::Verdict;

pub(super) fn check(cx: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for (tag, elements) in cx.by_tag() {
        let of = |verdict| {
            let those = elements
                .iter()
                .copied()
                .filter(move |e: &&Element| e.on_match == verdict);
            units(&those.collect::<Vec<_>>())
        };
        let mut all = of(Verdict::Exclude);
        let excludes = all.len();
        if excludes == 0 {
            continue;
        }
        all.extend(of(Verdict::Include));
        let covers = earlier_covers(&all);
        for (unit, cover) in all.iter().zip(&covers).skip(excludes) {
            let Some(exclude) = cover.filter(|c| *c < excludes).map(|c| &all[c]) else {
                continue;
            };
            let name = unit.filters().last().map_or("", |f| &f.name);
            let named = match name {
                "" => String::new(),
                name => format!(" The rule name `{name}` never appears."),
            };
            let line = cx.config.source.position(place(cx, exclude).start).0;
            out.push(
                warning(
                    "SC145",
                    place(cx, unit),
                    format!(
                        "an exclude in line {line} drops every {tag} event that this would log"
                    ),
                )
                .related(place(cx, exclude), "this exclude")
                .note(format!("Excludes are asked before includes.{named}")),
            );
        }
    }
}

/// Where a unit is best underlined.
pub(super) fn place(cx: &Context<'_>, unit: &MatchUnit<'_>) -> Span {
    match (unit.rule, unit.single()) {
        (Some(rule), _) => cx.name_span(rule.span),
        (None, Some(f)) => value_span(f),
        (None, None) => cx.name_span(unit.element.span),
    }
}
