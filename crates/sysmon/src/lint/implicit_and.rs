//! # SC105 implicit-and
//!
//! Conditions on different fields are combined with `and` because nothing says otherwise.
//!
//! What it does: Reports event elements outside a group relation, in files newer than schema 4.1,
//! whose direct filters are on more than one field.
//!
//! Why it matters: Guides and Microsoft's page say that conditions of a rule combine with `or`.
//! That held up to schema 4.1; since then different fields must all match (several filters on one
//! field stay alternatives).
//!
//! Example: `<ProcessCreate onmatch="include"><Image
//! condition="image">a.exe</Image><User>me</User></ProcessCreate>` logs a.exe only when `me` runs
//! it.
//!
//! Use instead: `<RuleGroup groupRelation="or">` around the element, or `and` to say that it is
//! meant.
//!
//! Source: SysmonCommon, xml.cpp; conformance vectors hand_combine_default_*.

use super::context::{Context, warning};
use crate::diagnostic::{Diagnostic, Safety, Span};
use crate::rules::Relation;
pub(super) fn check(cx: &Context<'_>, out: &mut Vec<Diagnostic>) {
    if !cx.config.version.combines_with_and() {
        return;
    }
    for element in cx.elements() {
        let Some((_, node)) = cx.node_at(element.span) else {
            continue;
        };
        let parent = cx.tree.node(node.parent);
        let stated = parent.name.eq_ignore_ascii_case("RuleGroup")
            && cx
                .tree
                .attribute(node.parent, "groupRelation")
                .is_some_and(|a| !a.value.is_empty());
        let mut direct = element.filters().filter(|f| f.rule.is_none());
        let Some(first) = direct.next() else { continue };
        let Some(other) = direct.find(|f| f.field != first.field) else {
            continue;
        };
        if stated || element.relation == Relation::Or {
            continue;
        }
        let d = warning("SC105", node.name_span, format!("{} and {} must both match here", first.field_name, other.field_name))
            .related(other.span, "a filter on another field")
            .note(format!("Since schema 4.2, an element without a group relation combines different fields with `and`; this file names {}.", cx.config.version));
        let (start, end) = (element.span.start, element.span.end);
        out.push(if parent.name == "EventFiltering" {
            d.fix(
                "wrap the element in a RuleGroup with groupRelation=\"or\"",
                Safety::Unsafe,
                vec![
                    (
                        Span::new(start, start),
                        "<RuleGroup groupRelation=\"or\">".to_owned(),
                    ),
                    (Span::new(end, end), "</RuleGroup>".to_owned()),
                ],
            )
        } else {
            d
        });
    }
}
