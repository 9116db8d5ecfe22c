//! What the forgiving front end passes over without a word: elements and attributes that it does not know, text where
//! none belongs, and the rest of a value behind its first piece of text. The file is accepted all the same; what the
//! validating front end refuses is told by `dtd`.

use crate::diagnostic::{Diagnostic, Severity, Span};
use crate::schema;
use crate::source::Source;
use crate::xml::{Kind, Node, NodeId, Tree};

/// More than these are counted, not shown: a file that is no configuration at all would have no end of them.
const MAX_SHOWN: usize = 100;

/// What an element is to the front end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Filtering,
    Group,
    Event,
    Rule,
    Field,
    /// Unknown; what is inside is looked through for event elements.
    Wrapper,
    /// Unknown, inside of what was already told of.
    Inside,
}

struct Search<'a> {
    tree: &'a Tree,
    out: Vec<Diagnostic>,
    more: usize,
}

/// Everything that has no effect, in document order.
pub(crate) fn find(tree: &Tree, source: &Source) -> Vec<Diagnostic> {
    let mut search = Search {
        tree,
        out: Vec::new(),
        more: 0,
    };
    let before = source.text.get(..source.start).unwrap_or("");
    let before = before.trim_start_matches('\u{feff}');
    if !before.trim().is_empty() {
        let span = Span::new(source.start - before.len(), source.start);
        search.report("SC013", span, "text before the first `<`", None);
    }
    let mut stack: Vec<(NodeId, Place)> = vec![];
    for root in tree.named(0, "Sysmon") {
        search.attributes(root, &["schemaversion"]);
        search.texts(root);
        stack.extend(
            tree.named(root, "EventFiltering")
                .map(|f| (f, Place::Filtering)),
        );
    }
    stack.reverse();
    while let Some((id, place)) = stack.pop() {
        search.element(id, place);
        let at = stack.len();
        stack.extend(tree.elements(id).map(|c| (c, search.place(place, c))));
        stack[at..].reverse();
    }
    if search.more > 0
        && let Some(last) = search.out.last_mut()
    {
        let more = format!("{} more such places are not shown.", search.more);
        last.notes.push(more);
    }
    search.out
}

impl Search<'_> {
    fn report(&mut self, code: &'static str, span: Span, what: &str, note: Option<String>) {
        if self.out.len() >= MAX_SHOWN {
            self.more += 1;
            return;
        }
        let message = format!("{what} is passed over");
        let mut d = Diagnostic::new(code, Severity::Warning, span, message)
            .note("The forgiving front end does so without a word.");
        d.notes.extend(note);
        self.out.push(d);
    }

    fn place(&self, parent: Place, id: NodeId) -> Place {
        let name = self.tree.node(id).name.as_str();
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        match parent {
            Place::Event if is("Rule") => Place::Rule,
            Place::Event | Place::Rule | Place::Field => Place::Field,
            _ if schema::newest().series(name).next().is_some() => Place::Event,
            _ if is("RuleGroup") => Place::Group,
            Place::Wrapper | Place::Inside => Place::Inside,
            _ => Place::Wrapper,
        }
    }

    fn element(&mut self, id: NodeId, place: Place) {
        let tree = self.tree;
        let node = tree.node(id);
        match place {
            Place::Inside => return,
            Place::Wrapper => {
                let near = ::text::meant(&node.name, schema::newest().tags());
                let note = near.map(|n| format!("Did you mean <{n}>?"));
                let what = format!("<{}>, which is no event type,", node.name);
                self.report("SC009", node.name_span, &what, note);
                return;
            }
            Place::Field => {
                self.attributes(id, &["condition", "name"]);
                self.rest_of_value(node);
                return;
            }
            Place::Group | Place::Rule => self.attributes(id, &["groupRelation", "name"]),
            Place::Event => self.attributes(id, &["onmatch", "default"]),
            Place::Filtering => self.attributes(id, &[]),
        }
        self.texts(id);
    }

    fn attributes(&mut self, id: NodeId, known: &[&str]) {
        let tree = self.tree;
        let node = tree.node(id);
        for (i, a) in node.attributes.iter().enumerate() {
            if !known.contains(&a.name.as_str()) {
                let near = ::text::meant(&a.name, known.iter().copied());
                let note = near.map(|n| format!("Did you mean `{n}`?"));
                let what = format!("the attribute `{}` of <{}>", a.name, node.name);
                self.report("SC010", a.span, &what, note);
            } else if node.attributes[..i].iter().any(|b| b.name == a.name) {
                let what = format!("the second `{}` of <{}>", a.name, node.name);
                self.report("SC010", a.span, &what, None);
            }
        }
    }

    fn texts(&mut self, id: NodeId) {
        let tree = self.tree;
        let node = tree.node(id);
        let texts = node.children.iter().map(|&c| tree.node(c));
        for text in texts.filter(|c| c.kind != Kind::Element) {
            let what = format!("text directly inside <{}>", node.name);
            self.report("SC013", text.span, &what, None);
        }
    }

    /// A value is the first piece of text; comments and elements end it.
    fn rest_of_value(&mut self, node: &Node) {
        let children = || node.children.iter().map(|&c| self.tree.node(c));
        let texts: Vec<Span> = children()
            .filter(|c| c.kind != Kind::Element)
            .map(|c| c.span)
            .collect();
        if let [_, second, ..] = texts.as_slice()
            && let Some(last) = texts.last()
        {
            let span = Span::new(second.start, last.end);
            let note = "Its value is its first piece of text: a comment, a CDATA section or an element ends it.";
            let what = format!("the rest of the value of <{}>", node.name);
            self.report("SC005", span, &what, Some(note.to_owned()));
        }
    }
}
