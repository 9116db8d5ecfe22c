//! What a lint sees: the kept elements with their source, and the places where filters are
//! alternatives of each other. It knows no lint.

use std::collections::{HashMap, HashSet};

use schema::FieldForm;

use super::filter_text::{FilterText, FilterTexts, Possibilities};
use crate::Config;
use crate::diagnostic::{Diagnostic, Severity, Span};
use crate::rules::{Element, Filter, Op, Relation, Unit};
use crate::xml::{Node, NodeId, Tree};

/// One configuration under the eyes of the lints.
pub(super) struct Context<'a> {
    pub config: &'a Config,
    pub tree: &'a Tree,
    pub root: NodeId,
    by_start: HashMap<usize, NodeId>,
    values: Vec<FilterTexts<'a>>,
    possibilities: Possibilities,
    /// The conditions, by place in memory, of which one match decides about an event.
    deciding: HashSet<*const Filter>,
}

impl<'a> Context<'a> {
    pub(super) fn new(config: &'a Config) -> Option<Self> {
        let (tree, root) = config.tree.as_ref()?;
        let by_start = tree
            .nodes
            .iter()
            .enumerate()
            .skip(1)
            .map(|(id, n)| (n.span.start, id))
            .collect();
        Some(Self {
            config,
            tree,
            root: *root,
            by_start,
            values: values(config),
            possibilities: Possibilities::default(),
            deciding: deciding(config),
        })
    }

    /// The conditions whose values have a known form; none in a file for Linux, where paths differ.
    pub(super) fn values(&self) -> impl Iterator<Item = &FilterTexts<'a>> {
        self.values.iter()
    }

    /// False only where it is certain that no value of the form holds the text.
    pub(super) fn possible(&self, form: &FieldForm, text: &FilterText<'_>) -> bool {
        self.possibilities.possible(form, text)
    }

    /// True where a single match of the condition decides about an event.
    pub(super) fn decides_alone(&self, f: &Filter) -> bool {
        self.deciding.contains(&std::ptr::from_ref(f))
    }

    /// Kept elements in blob order.
    pub(super) fn elements(&self) -> impl Iterator<Item = &'a Element> {
        self.config.readable_rules().kept()
    }

    /// Kept elements by tag, in the order in which Sysmon walks the tags.
    pub(super) fn by_tag(&self) -> Vec<(&'a str, Vec<&'a Element>)> {
        let mut out: Vec<(&str, Vec<&Element>)> = Vec::new();
        for element in self.elements() {
            match out.iter_mut().find(|(tag, _)| *tag == element.tag) {
                Some((_, list)) => list.push(element),
                None => out.push((&element.tag, vec![element])),
            }
        }
        out
    }

    /// Every kept filter with its element.
    pub(super) fn filters(&self) -> impl Iterator<Item = (&'a Element, &'a Filter)> {
        self.elements()
            .flat_map(|e| e.filters().map(move |f| (e, f)))
    }

    /// The source element that starts where the span does.
    pub(super) fn node_at(&self, span: Span) -> Option<(NodeId, &'a Node)> {
        let id = *self.by_start.get(&span.start)?;
        Some((id, self.tree.node(id)))
    }

    /// The name in the start tag of an element, the handiest thing to underline.
    pub(super) fn name_span(&self, span: Span) -> Span {
        self.node_at(span).map_or(span, |(_, n)| n.name_span)
    }

    /// The span of a filter's condition, or of its field name where it has none.
    pub(super) fn condition_span(&self, f: &Filter) -> Span {
        self.node_at(f.span).map_or(f.span, |(id, node)| {
            self.tree
                .attribute(id, "condition")
                .map_or(node.name_span, |a| a.value_span)
        })
    }

    /// The edit that gives a filter another condition.
    pub(super) fn set_condition(&self, f: &Filter, op: Op) -> Option<(Span, String)> {
        let (id, node) = self.node_at(f.span)?;
        Some(match self.tree.attribute(id, "condition") {
            Some(a) => (a.value_span, op.name().to_owned()),
            None => {
                let end = node.name_span.end;
                (Span::new(end, end), format!(" condition=\"{}\"", op.name()))
            }
        })
    }

    /// The edit that takes an element out, with its line where it stands alone on it.
    pub(super) fn remove(&self, span: Span) -> (Span, String) {
        let text = &self.config.source.text;
        let before = text[..span.start].rfind('\n').map_or(0, |i| i + 1);
        let after = text[span.end..]
            .find('\n')
            .map_or(text.len(), |i| span.end + i + 1);
        let alone =
            text[before..span.start].trim().is_empty() && text[span.end..after].trim().is_empty();
        let span = if alone {
            Span::new(before, after)
        } else {
            span
        };
        (span, String::new())
    }
}

/// The place to underline for a filter: its value, or the whole of it where it has none.
pub(super) fn value_span(f: &Filter) -> Span {
    if f.value_span.start < f.value_span.end {
        f.value_span
    } else {
        f.span
    }
}

/// The groups of filters of an element in which the first match decides, in the order of evaluation.
pub(super) fn alternatives<'a>(element: &'a Element) -> Vec<Vec<&'a Filter>> {
    let units = element.units();
    let mut out: Vec<Vec<&Filter>> = Vec::new();
    let single = |u: &Unit<'a>| match u {
        Unit::Filter(f) => Some(*f),
        Unit::Rule(..) => None,
    };
    match element.relation {
        Relation::Or => out.push(units.iter().filter_map(single).collect()),
        Relation::And => {
            for f in units.iter().filter_map(single) {
                match out.iter_mut().find(|g| g[0].field == f.field) {
                    Some(group) => group.push(f),
                    None => out.push(vec![f]),
                }
            }
        }
    }
    for unit in units {
        if let Unit::Rule(_, Relation::Or, filters) = unit {
            out.push(filters);
        }
    }
    out.retain(|g| !g.is_empty());
    out
}

fn values(config: &Config) -> Vec<FilterTexts<'_>> {
    let kept = || config.readable_rules().kept();
    let mut filters = kept().flat_map(Element::filters);
    let windows = filters.any(|f| f.value.contains('\\'));
    let linux = !windows
        && kept()
            .flat_map(Element::filters)
            .any(|f| f.value.starts_with('/'));
    if linux {
        return Vec::new();
    }
    kept()
        .flat_map(|e| e.filters().filter_map(move |f| FilterTexts::new(e, f)))
        .collect()
}

fn deciding(config: &Config) -> HashSet<*const Filter> {
    let mut out = HashSet::new();
    let elements = config.readable_rules().kept();
    for element in elements.filter(|e| e.relation == Relation::Or) {
        for unit in element.units() {
            match unit {
                Unit::Filter(f) => {
                    out.insert(std::ptr::from_ref(f));
                }
                Unit::Rule(_, relation, filters) => {
                    if relation == Relation::Or || filters.len() == 1 {
                        out.extend(filters.into_iter().map(std::ptr::from_ref));
                    }
                }
            }
        }
    }
    out
}

/// Fields that hold a file path.
pub(super) fn is_path(field: &str) -> bool {
    matches!(
        field,
        "Image"
            | "ParentImage"
            | "SourceImage"
            | "TargetImage"
            | "ImageLoaded"
            | "TargetFilename"
            | "CurrentDirectory"
    )
}

/// Fields that hold the path of a running program or loaded module.
pub(super) fn is_image(field: &str) -> bool {
    matches!(
        field,
        "Image" | "ParentImage" | "SourceImage" | "TargetImage" | "ImageLoaded"
    )
}

pub(super) fn error(code: &'static str, span: Span, message: impl Into<String>) -> Diagnostic {
    Diagnostic::new(code, Severity::Error, span, message)
}

pub(super) fn warning(code: &'static str, span: Span, message: impl Into<String>) -> Diagnostic {
    Diagnostic::new(code, Severity::Warning, span, message)
}

pub(super) fn note(code: &'static str, span: Span, message: impl Into<String>) -> Diagnostic {
    Diagnostic::new(code, Severity::Note, span, message)
}
