//! # SC147 exclude-of-everything
//!
//! Excludes that together match every value a field can have.
//!
//! What it does: Reports the conditions of excludes on one field where no value of the field's form is
//! left over, while an include of the event type has conditions. It is proved, not guessed.
//!
//! Why it matters: Excludes are asked before includes, so no include of the event type ever logs
//! anything. "Exclude everything" is what happens anyway to events that no include matches.
//!
//! Example: an exclude of `begin with HKLM`, `HKU` and `HKCR` on TargetObject beside includes.
//!
//! Use instead: no such exclude.
//!
//! Source: SysmonCommon, rules.c; the forms of Sysmon's values. Registry paths of application hives
//! (`\REGISTRY\A`) are left aside.

use std::collections::BTreeMap;

use predicate::prove::{self, Answer, Limits};
use predicate::{Case, Pattern, Predicate, Test};
use schema::{FieldForm, ValueForm};

use super::context::{Context, value_span, warning};
use super::covers::{sufficient, units};
use crate::diagnostic::Diagnostic;
use crate::reference::applies;
use crate::rules::{Element, Filter, Relation};
use crate::schema::{self as events, Verdict};

/// More conditions on one field are not looked at together; the shortest texts match most.
const MOST: usize = 60;

const LIMITS: Limits = Limits {
    nodes: 500,
    states: 5_000,
    steps: 200_000,
};

pub(super) fn check(cx: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for (tag, elements) in cx.by_tag() {
        let mut including = elements.iter().filter(|e| e.on_match == Verdict::Include);
        if !including.any(|e| e.filters().next().is_some()) {
            continue;
        }
        let excludes = elements
            .iter()
            .copied()
            .filter(|e| e.on_match == Verdict::Exclude && e.relation == Relation::Or);
        for (field, mut filters) in alternatives(&excludes.collect::<Vec<_>>()) {
            filters.sort_by_key(|(_, f)| f.value.len());
            filters.truncate(MOST);
            let short = filters.first().is_some_and(|(_, f)| f.value.len() <= 8);
            filters.sort_by_key(|(_, f)| f.span);
            let whole = short
                && events::newest().series(tag).all(|event| {
                    let form = FieldForm::of(event.id, field);
                    nothing_left(field, event.id, &form, &filters)
                });
            let (true, Some((_, first))) = (whole, filters.first()) else {
                continue;
            };
            let mut d = warning(
                "SC147",
                value_span(first),
                format!("excludes drop every {tag} event, whatever its {field}"),
            )
            .note(format!(
                "Excludes are asked before includes, so no include of {tag} logs anything."
            ));
            for (_, f) in filters.iter().skip(1).take(5) {
                d = d.related(value_span(f), "together with this one");
            }
            out.push(d);
        }
    }
}

/// The conditions of which one match drops an event, by field.
fn alternatives<'a>(excludes: &[&'a Element]) -> BTreeMap<&'a str, Vec<(&'a Element, &'a Filter)>> {
    let mut out: BTreeMap<&str, Vec<(&Element, &Filter)>> = BTreeMap::new();
    for unit in units(excludes) {
        if let [group] = unit.groups.as_slice() {
            for f in group.iter().filter(|f| !sufficient(f).is_empty()) {
                let list = out.entry(f.field_name.as_str()).or_default();
                list.push((unit.element, f));
            }
        }
    }
    out
}

/// Whether every value of the form passes one of the conditions that can match this event.
fn nothing_left(
    field: &str,
    event: u32,
    form: &FieldForm,
    filters: &[(&Element, &Filter)],
) -> bool {
    let expression = match form.form {
        ValueForm::FreeText | ValueForm::CommandLine | ValueForm::CallTrace => return false,
        ValueForm::RegistryPath => r"^(?i-u:HKLM|HKU|HKCR)(?:\\[\s\S]*)?$".to_owned(),
        ValueForm::Word => return false,
        other => format!("^(?i:{})$", other.pattern()),
    };
    let Ok(pattern) = Pattern::new(&expression, Case::Ascii) else {
        return false;
    };
    let seen = filters.iter().filter(|(e, f)| applies(e, f, event));
    let tests = seen.flat_map(|(_, f)| sufficient(f));
    let dropped = Predicate::any(tests.map(|t| Predicate::atom(field, t)));
    let value = Predicate::atom(field, Test::Regex(pattern));
    let left = Predicate::all([value, dropped.negate()]);
    prove::solve(&left, &LIMITS) == Answer::Never
}
