//! Validation against the document type that Sysmon generates for a file's schema version.
//! This is what the validating front end refuses; the forgiving one never comes here.

use crate::diagnostic::{Diagnostic, Safety, Severity, Span};
use crate::schema::{self, Argument, Schema, SchemaVersion};
use crate::xml::{Kind, NodeId, Tree};

/// What an element is, by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Root,
    Filtering,
    Group,
    Event,
    Rule,
    Text,
    Empty,
}

struct Validator<'a> {
    tree: &'a Tree,
    schema: &'a Schema,
    version: SchemaVersion,
    out: Vec<Diagnostic>,
}

/// All violations in document order; empty means valid.
pub(crate) fn validate(tree: &Tree, root: NodeId, version: SchemaVersion) -> Vec<Diagnostic> {
    let Some(schema) = schema::for_validation(version) else {
        return Vec::new();
    };
    let mut v = Validator {
        tree,
        schema,
        version,
        out: Vec::new(),
    };
    v.attributes(root, Place::Root);
    let mut stack = vec![(root, Place::Root)];
    while let Some((id, place)) = stack.pop() {
        let mut below = Vec::new();
        v.content(id, place);
        for child in tree.elements(id) {
            if let Some(p) = v.child(id, place, child) {
                v.attributes(child, p);
                below.push((child, p));
            }
        }
        below.reverse();
        stack.extend(below);
    }
    v.out
}

impl Validator<'_> {
    fn error(&mut self, code: &'static str, span: Span, message: String) -> &mut Diagnostic {
        self.out.push(
            Diagnostic::new(code, Severity::Error, span, message)
                .note("The validating front end rejects the whole file; the running configuration stays as it was."),
        );
        let last = self.out.len() - 1;
        &mut self.out[last]
    }

    fn is_tag(&self, name: &str) -> bool {
        self.schema.series(name).next().is_some()
    }

    fn has_field(&self, tag: Option<&str>, field: &str) -> bool {
        self.schema.events.iter().any(|e| {
            e.tag.is_some()
                && tag.is_none_or(|t| e.tag.as_deref() == Some(t))
                && e.field(field).is_some()
        })
    }

    /// Text where only elements may stand, and anything in what must be empty.
    fn content(&mut self, id: NodeId, place: Place) {
        let node = self.tree.node(id);
        let name = node.name.clone();
        if place == Place::Empty && node.has_content {
            self.error("SC013", node.span, format!("<{name}> must be empty"));
            return;
        }
        if matches!(place, Place::Text | Place::Empty) {
            return;
        }
        for &child in &node.children {
            let c = self.tree.node(child);
            let blank = c
                .text
                .chars()
                .all(|c| matches!(c, ' ' | '\t' | '\r' | '\n'));
            if c.kind == Kind::CData || (c.kind == Kind::Text && !blank) {
                let lead = c.text.len() - c.text.trim_start().len();
                let span = Span::new((c.span.start + lead).min(c.span.end), c.span.end);
                self.error("SC013", span, format!("text directly inside <{name}>"));
            }
        }
    }

    /// Whether a child may stand here, and as what.
    fn child(&mut self, parent: NodeId, place: Place, id: NodeId) -> Option<Place> {
        let node = self.tree.node(id);
        let (name, span) = (node.name.clone(), node.name_span);
        let outer = self.tree.node(parent).name.clone();
        let known = match place {
            Place::Root if name == "EventFiltering" => Some(Place::Filtering),
            Place::Root => self.option(&name),
            Place::Filtering if name == "RuleGroup" => Some(Place::Group),
            Place::Filtering | Place::Group if self.is_tag(&name) => Some(Place::Event),
            Place::Event if name == "Rule" => Some(Place::Rule),
            Place::Event if self.has_field(Some(&outer), &name) => Some(Place::Text),
            Place::Rule if self.has_field(None, &name) => Some(Place::Text),
            _ => None,
        };
        if known.is_none() {
            self.misplaced(place, &outer, &name, span);
        }
        known
    }

    fn option(&self, name: &str) -> Option<Place> {
        let option = self.schema.options.iter().find(|o| {
            !o.internal
                && if o.config_only {
                    name.strip_suffix("Config") == Some(&o.name)
                } else {
                    !o.rule && o.name == name
                }
        })?;
        Some(if option.argument == Argument::None {
            Place::Empty
        } else {
            Place::Text
        })
    }

    fn candidates(&self, place: Place, outer: &str) -> Vec<String> {
        let tags = || self.schema.tags().into_iter().map(str::to_owned);
        match place {
            Place::Root => std::iter::once("EventFiltering".to_owned())
                .chain(
                    self.schema
                        .options
                        .iter()
                        .filter(|o| !o.internal && !o.rule)
                        .map(|o| o.name.clone()),
                )
                .collect(),
            Place::Filtering => tags().chain(["RuleGroup".to_owned()]).collect(),
            Place::Group => tags().collect(),
            Place::Event => self
                .schema
                .series(outer)
                .flat_map(|e| e.fields.clone())
                .chain(["Rule".to_owned()])
                .collect(),
            Place::Rule => self
                .schema
                .events
                .iter()
                .flat_map(|e| e.fields.clone())
                .collect(),
            Place::Text | Place::Empty => Vec::new(),
        }
    }

    fn misplaced(&mut self, place: Place, outer: &str, name: &str, span: Span) {
        let version = self.version;
        let candidates = self.candidates(place, outer);
        let near = ::text::meant(name, candidates.iter().map(String::as_str));
        let newest = schema::newest();
        let later = match place {
            Place::Event if newest.series(outer).any(|e| e.field(name).is_some()) => {
                schema::since(outer, Some(name))
            }
            Place::Filtering | Place::Group if newest.series(name).next().is_some() => {
                schema::since(name, None)
            }
            _ => None,
        };
        let diagnostic = self.error(
            "SC009",
            span,
            format!("<{name}> is not allowed in <{outer}>"),
        );
        if let Some(since) = later.filter(|s| *s > version) {
            diagnostic.notes.push(format!(
                "It exists since schema {since}; the file says {version}."
            ));
        } else if let Some(near) = near {
            diagnostic.notes.push(format!("Did you mean <{near}>?"));
            if near.eq_ignore_ascii_case(name) {
                diagnostic.fix = Some(crate::diagnostic::Fix {
                    title: format!("write <{near}>"),
                    safety: Safety::Unsafe,
                    edits: vec![(span, near.to_owned())],
                });
            }
        }
    }

    fn attributes(&mut self, id: NodeId, place: Place) {
        let node = self.tree.node(id);
        let name = node.name.clone();
        const CHOICE: &[&str] = &["include", "exclude"];
        const RELATION: &[&str] = &["and", "or"];
        let allowed: &[(&str, Option<&[&str]>)] = match place {
            Place::Root => &[("schemaversion", None)],
            Place::Group => &[("groupRelation", Some(RELATION)), ("name", None)],
            Place::Event => &[("onmatch", Some(CHOICE)), ("default", Some(CHOICE))],
            Place::Rule => &[("groupRelation", None), ("name", None)],
            Place::Text if self.is_field_place(id) => &[("condition", None), ("name", None)],
            _ => &[],
        };
        for a in node.attributes.clone() {
            let Some((_, values)) = allowed.iter().find(|(n, _)| *n == a.name) else {
                let near = ::text::meant(&a.name, allowed.iter().map(|(n, _)| *n));
                let d = self.error(
                    "SC010",
                    a.span,
                    format!("<{name}> has no attribute `{}`", a.name),
                );
                if let Some(near) = near {
                    d.notes.push(format!("Did you mean `{near}`?"));
                }
                continue;
            };
            // An enumerated value is trimmed by the parser before it is compared.
            let value = a.value.trim_matches([' ', '\t', '\r', '\n']);
            if let Some(values) = values
                && !values.contains(&value)
            {
                let near = values.iter().find(|v| v.eq_ignore_ascii_case(value));
                let d = self.error(
                    "SC011",
                    a.value_span,
                    format!(
                        "`{}` must be {}, not `{}`",
                        a.name,
                        values.join(" or "),
                        a.value
                    ),
                );
                if let Some(near) = near {
                    d.fix = Some(crate::diagnostic::Fix {
                        title: format!("write `{near}`"),
                        safety: Safety::Safe,
                        edits: vec![(a.value_span, (*near).to_owned())],
                    });
                }
            }
        }
        if place == Place::Group && self.tree.attribute(id, "groupRelation").is_none() {
            let span = node.name_span;
            let relation = if self.version.combines_with_and() {
                "and"
            } else {
                "or"
            };
            let d = self.error(
                "SC012",
                span,
                "<RuleGroup> needs the attribute `groupRelation`".to_owned(),
            );
            d.fix = Some(crate::diagnostic::Fix {
                title: format!("add groupRelation=\"{relation}\", which is what its absence means"),
                safety: Safety::Safe,
                edits: vec![(
                    Span::new(span.end, span.end),
                    format!(" groupRelation=\"{relation}\""),
                )],
            });
        }
    }

    /// Fields take attributes; options do not.
    fn is_field_place(&self, id: NodeId) -> bool {
        let parent = self.tree.node(id).parent;
        self.tree.node(parent).name != "Sysmon" || self.tree.node(parent).parent != 0
    }
}
