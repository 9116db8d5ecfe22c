//! From elements of a file to rules, in the order and with the failed attempts of Sysmon's compiler:
//! per tag in manifest order, per element in document order, per event type of a shared tag by id.

use crate::Engine;
use crate::diagnostic::{Diagnostic, Severity, Span};
use crate::options::Options;
use crate::rules::{Element, Filter, Op, Record, Relation, Rule};
use crate::schema::{self, EventType, SchemaVersion, Verdict};
use crate::xml::{Kind, NodeId, Tree};

/// Longer names are refused, in UTF-8 bytes.
const MAX_NAME: usize = 255;
/// Names of a `<Rule>` are cut to this many UTF-16 units.
const MAX_RULE_NAME: usize = 127;

struct Lowerer<'a> {
    tree: &'a Tree,
    engine: Engine,
    version: SchemaVersion,
    next_rule: u32,
    elements: Vec<Element>,
    out: &'a mut Vec<Diagnostic>,
}

/// What stands around an element.
struct Group<'a> {
    name: Option<&'a str>,
    relation: Relation,
}

/// Lowers all event elements; problems that reject the file are errors in `out`.
pub(crate) fn lower(
    tree: &Tree,
    engine: Engine,
    version: SchemaVersion,
    options: &Options,
    out: &mut Vec<Diagnostic>,
) -> Vec<Element> {
    let mut below: Vec<NodeId> = Vec::new();
    for root in tree.named(0, "Sysmon") {
        for filtering in tree.named(root, "EventFiltering") {
            below.extend(tree.descendants(filtering));
        }
    }
    let mut l = Lowerer {
        tree,
        engine,
        version,
        next_rule: 1,
        elements: Vec::new(),
        out,
    };
    let lists = ["ImageLoad", "NetworkConnect"].map(|tag| {
        let value = options.get(tag).and_then(|s| s.value.as_deref());
        (tag, value.filter(|_| engine == Engine::Lenient))
    });
    for tag in schema::newest().tags() {
        let list = lists.iter().find(|(t, _)| *t == tag).and_then(|(_, v)| *v);
        let found: Vec<NodeId> = below
            .iter()
            .copied()
            .filter(|&id| tree.node(id).name == tag)
            .collect();
        l.tag(tag, &found, list);
    }
    for (tag, list) in lists {
        if let Some(list) = list
            && !below.iter().any(|&id| tree.node(id).name == tag)
            && let Some(event) = schema::newest().series(tag).next()
        {
            let records = switch_filters(event, list).map(Record::Filter).collect();
            l.elements.push(Element {
                event_id: event.id,
                tag: tag.to_owned(),
                on_match: Verdict::Include,
                relation: Relation::Or,
                records,
                undone: false,
                span: options.get(tag).map_or(Span::default(), |s| s.span),
            });
        }
    }
    l.elements
}

/// The filters of an image list given with the option element.
fn switch_filters<'a>(event: &'a EventType, list: &'a str) -> impl Iterator<Item = Filter> + 'a {
    list.split(',')
        .filter(|e| !e.is_empty())
        .map(|entry| Filter {
            field: event.field("Image").unwrap_or(0),
            field_name: "Image".to_owned(),
            op: Op::Image,
            value: entry.to_owned(),
            name: String::new(),
            rule: None,
            span: Span::default(),
            value_span: Span::default(),
        })
}

impl Lowerer<'_> {
    fn warn(&mut self, code: &'static str, span: Span, message: String, note: String) {
        self.out
            .push(Diagnostic::new(code, Severity::Error, span, message).note(note));
    }

    fn is_named(&self, id: NodeId, name: &str) -> bool {
        let found = &self.tree.node(id).name;
        match self.engine {
            Engine::Strict => found == name,
            Engine::Lenient => found.eq_ignore_ascii_case(name),
        }
    }

    fn tag(&mut self, tag: &str, found: &[NodeId], mut list: Option<&str>) {
        let had_list = list.is_some();
        for (i, &id) in found.iter().enumerate() {
            let span = self.tree.node(id).name_span;
            let Some(on_match) = self.on_match(id, tag) else {
                continue;
            };
            if had_list {
                if on_match == Verdict::Include && list.is_none() {
                    self.warn(
                        "SC021",
                        span,
                        format!("a second including <{tag}> beside the option <{tag}>"),
                        "Sysmon crashes on this combination; nothing is applied.".to_owned(),
                    );
                    return;
                }
                if on_match == Verdict::Exclude && list.is_some() {
                    list = None;
                    self.out.push(
                        Diagnostic::new(
                            "SC022",
                            Severity::Error,
                            span,
                            format!("an excluding <{tag}> does not go with the option <{tag}>"),
                        )
                        .note(
                            "Sysmon reports an incompatible configuration and drops the element.",
                        ),
                    );
                    continue;
                }
            }
            let prepend = list.take();
            if !self.element(id, tag, on_match, prepend) {
                if found.len() > i + 1 {
                    let rest = found.len() - i - 1;
                    if let Some(last) = self.out.last_mut() {
                        last.notes.push(format!(
                            "{rest} later <{tag}> element(s) are dropped with it."
                        ));
                    }
                }
                return;
            }
        }
    }

    /// The meaning of a match, or `None` where the element is ignored.
    fn on_match(&mut self, id: NodeId, tag: &str) -> Option<Verdict> {
        let (on_match, default) = (
            self.tree.attribute(id, "onmatch"),
            self.tree.attribute(id, "default"),
        );
        let (attribute, inverted) = match (on_match, default) {
            (Some(a), None) => (a, false),
            (None, Some(a)) => (a, true),
            (both, _) => {
                let span = self.tree.node(id).name_span;
                let what = if both.is_some() {
                    "both onmatch and default"
                } else {
                    "neither onmatch nor default"
                };
                let d = Diagnostic::new("SC014", Severity::Error, span, format!("<{tag}> has {what}"))
                    .note("Sysmon prints a line and ignores the element; the rest of the file is applied.");
                self.out.push(d);
                return None;
            }
        };
        let value = attribute.value.trim_matches([' ', '\t', '\r', '\n']);
        let value = if self.engine == Engine::Strict {
            value
        } else {
            &attribute.value
        };
        let include = value.eq_ignore_ascii_case("include");
        let exclude = value.eq_ignore_ascii_case("exclude");
        if include || exclude {
            return Some(if include != inverted {
                Verdict::Include
            } else {
                Verdict::Exclude
            });
        }
        let event = schema::newest().series(tag).next();
        let built_in = event.and_then(|e| e.default).unwrap_or(Verdict::Exclude);
        let meaning = match built_in {
            Verdict::Include => Verdict::Exclude,
            Verdict::Exclude => Verdict::Include,
        };
        let word = if meaning == Verdict::Include {
            "include"
        } else {
            "exclude"
        };
        let (span, text) = (attribute.value_span, attribute.value.clone());
        self.out.push(
            Diagnostic::new("SC011", Severity::Error, span, format!("`{text}` is neither include nor exclude"))
                .note(format!("Sysmon falls back to what {tag} does by default: this element acts as onmatch=\"{word}\".")),
        );
        Some(meaning)
    }

    fn group(&mut self, id: NodeId) -> Group<'_> {
        let parent = self.tree.node(id).parent;
        let default = if self.version.combines_with_and() {
            Relation::And
        } else {
            Relation::Or
        };
        if !self.is_named(parent, "RuleGroup") {
            return Group {
                name: None,
                relation: default,
            };
        }
        Group {
            name: self.name(parent),
            relation: self.relation(parent).unwrap_or(default),
        }
    }

    /// The relation of a group or rule that states one.
    fn relation(&self, id: NodeId) -> Option<Relation> {
        let text = self.tree.attribute(id, "groupRelation")?.value.as_str();
        if text.is_empty() && self.engine == Engine::Lenient {
            return None;
        }
        // A validating parser trims values out of a fixed choice, as a group's are; a rule's are any text.
        let text = match self.engine {
            Engine::Strict if !self.is_named(id, "Rule") => text.trim_matches(' '),
            _ => text,
        };
        Some(if text.eq_ignore_ascii_case("or") {
            Relation::Or
        } else {
            Relation::And
        })
    }

    /// A stated name; the forgiving front end takes an empty one as none.
    fn name(&self, id: NodeId) -> Option<&str> {
        let name = self.tree.attribute(id, "name")?.value.as_str();
        (self.engine == Engine::Strict || !name.is_empty()).then_some(name)
    }

    /// Lowers one element; false where it and the later ones of its tag are lost.
    fn element(&mut self, id: NodeId, tag: &str, on_match: Verdict, list: Option<&str>) -> bool {
        let group = self.group(id);
        let (group_name, relation) = (group.name.map(str::to_owned), group.relation);
        let mut missing = None;
        for event in schema::newest().series(tag) {
            let mut records: Vec<Record> = list
                .map(|l| switch_filters(event, l).map(Record::Filter).collect())
                .unwrap_or_default();
            let failed = self.records(id, event, group_name.as_deref(), &mut records);
            self.elements.push(Element {
                event_id: event.id,
                tag: tag.to_owned(),
                on_match,
                relation,
                records,
                undone: failed.is_some(),
                span: self.tree.node(id).span,
            });
            match failed {
                None => return true,
                Some(at) => missing = Some(at),
            }
        }
        if let Some(at) = missing {
            self.unknown_field(tag, at);
        }
        false
    }

    fn unknown_field(&mut self, tag: &str, at: NodeId) {
        let node = self.tree.node(at);
        let (name, span) = (node.name.clone(), node.name_span);
        let newest = schema::newest();
        let lost =
            "Sysmon drops the whole element and goes on with the next event type.".to_owned();
        if newest.series(tag).any(|e| e.field(&name).is_some()) {
            let ids: Vec<String> = newest.series(tag).map(|e| e.id.to_string()).collect();
            self.warn(
                "SC016",
                span,
                format!("no single event type of {tag} has all fields of this element"),
                format!("{tag} stands for events {}, and `{name}` is not in the one that has the others. {lost}", ids.join(", ")),
            );
            return;
        }
        let fields: Vec<&str> = newest
            .series(tag)
            .flat_map(|e| e.fields.iter().map(String::as_str))
            .collect();
        let near = ::text::meant(&name, fields).map(str::to_owned);
        self.warn("SC015", span, format!("{tag} has no field `{name}`"), lost);
        if let (Some(near), Some(last)) = (near, self.out.last_mut()) {
            last.notes.push(format!("Did you mean <{near}>?"));
        }
    }

    /// Appends the records below an element; the node of a field that the event type lacks ends it.
    fn records(
        &mut self,
        id: NodeId,
        event: &EventType,
        group: Option<&str>,
        records: &mut Vec<Record>,
    ) -> Option<NodeId> {
        let tree = self.tree;
        for child in tree.elements(id) {
            if !self.is_named(child, "Rule") {
                if let Some(lost) = self.filter(child, event, group, None, records) {
                    return Some(lost);
                }
                continue;
            }
            if self.engine == Engine::Strict
                && tree.node(child).children.is_empty()
                && !tree.node(child).has_content
            {
                self.warn(
                    "SC020",
                    tree.node(child).span,
                    "<Rule> is empty".to_owned(),
                    "The validating front end crashes on it; nothing is applied.".to_owned(),
                );
            }
            let name = self.name(child).or(group).map(str::to_owned);
            let rule = self.next_rule;
            self.next_rule += 1;
            records.push(Record::Rule(Rule {
                id: rule,
                name: cut(tree.attribute(child, "name").map_or("", |a| &a.value)),
                relation: self.relation(child).unwrap_or(Relation::Or),
                span: tree.node(child).span,
            }));
            for field in tree.elements(child) {
                if let Some(lost) = self.filter(field, event, name.as_deref(), Some(rule), records)
                {
                    return Some(lost);
                }
            }
        }
        None
    }

    fn filter(
        &mut self,
        id: NodeId,
        event: &EventType,
        inherited: Option<&str>,
        rule: Option<u32>,
        records: &mut Vec<Record>,
    ) -> Option<NodeId> {
        let node = self.tree.node(id);
        let Some(field) = event.field(&node.name) else {
            return Some(id);
        };
        let name = self.name(id).or(inherited).unwrap_or("");
        let length = name.len();
        // A longer one rejects the file, and thousands of conditions may inherit one.
        let name = name[..name.floor_char_boundary(MAX_NAME + 1)].to_owned();
        if length > MAX_NAME {
            let span = self
                .tree
                .attribute(id, "name")
                .map_or(node.name_span, |a| a.value_span);
            self.warn(
                "SC007",
                span,
                format!("the rule name has {length} bytes; at most {MAX_NAME} are allowed"),
                "Sysmon rejects the whole file; the running configuration stays as it was."
                    .to_owned(),
            );
        }
        let condition = self.tree.attribute(id, "condition");
        let text = condition.map_or("is", |a| a.value.as_str());
        // An empty one counts as none, in both front ends.
        let text = if text.is_empty() { Op::Is.name() } else { text };
        let op = Op::from_name(text).unwrap_or_else(|| {
            let span = condition.map_or(node.name_span, |a| a.value_span);
            let near = condition_meant(text.trim());
            let mut note =
                "Sysmon rejects the whole file; the running configuration stays as it was."
                    .to_owned();
            if let Some(near) = near {
                note = format!("Did you mean `{near}`? {note}");
            }
            let mut d = Diagnostic::new(
                "SC006",
                Severity::Error,
                span,
                format!("there is no condition `{text}`"),
            )
            .note(note);
            if let Some(near) = near.filter(|n| n.eq_ignore_ascii_case(text.trim())) {
                d = d.fix(
                    format!("write `{near}`"),
                    crate::diagnostic::Safety::Safe,
                    vec![(span, near.to_owned())],
                );
            }
            self.out.push(d);
            Op::Is
        });
        let (value, value_span) = self.value(id);
        records.push(Record::Filter(Filter {
            field,
            field_name: node.name.clone(),
            op,
            value,
            name,
            rule,
            span: node.span,
            value_span,
        }));
        None
    }

    /// The text that a field compares with.
    fn value(&self, id: NodeId) -> (String, Span) {
        let node = self.tree.node(id);
        let texts: Vec<&crate::xml::Node> = node
            .children
            .iter()
            .map(|&c| self.tree.node(c))
            .filter(|c| c.kind != Kind::Element)
            .collect();
        let span = match (texts.first(), texts.last()) {
            (Some(a), Some(b)) => Span::new(a.span.start, b.span.end),
            _ => Span::new(node.span.end, node.span.end),
        };
        match self.engine {
            Engine::Lenient => texts
                .first()
                .map_or((String::new(), span), |t| (t.text.clone(), t.span)),
            Engine::Strict => (texts.iter().map(|t| t.text.as_str()).collect(), span),
        }
    }
}

/// The condition that was perhaps meant: other languages' words first, then the nearest name.
fn condition_meant(text: &str) -> Option<&'static str> {
    const WORDS: &[(&str, Op)] = &[
        ("equals", Op::Is),
        ("startswith", Op::BeginWith),
        ("starts with", Op::BeginWith),
        ("start with", Op::BeginWith),
        ("beginswith", Op::BeginWith),
        ("endswith", Op::EndWith),
        ("not equals", Op::IsNot),
        ("isnot", Op::IsNot),
        ("not contains", Op::Excludes),
        ("does not contain", Op::Excludes),
        ("not start with", Op::NotBeginWith),
        ("exclude", Op::Excludes),
        ("contain", Op::Contains),
        ("in", Op::IsAny),
        ("greater than", Op::MoreThan),
    ];
    let known = WORDS.iter().find(|(w, _)| w.eq_ignore_ascii_case(text));
    let near = || ::text::meant(text, Op::ALL.iter().map(|op| op.name()));
    known.map(|(_, op)| op.name()).or_else(near)
}

/// A name cut to the room that a blob has for it.
fn cut(name: &str) -> String {
    let mut units = 0;
    name.chars()
        .take_while(|c| {
            units += c.len_utf16();
            units <= MAX_RULE_NAME
        })
        .collect()
}
