//! The element tree of a configuration with byte positions, filled by one of two parsers:
//! `strict` reads what an XML 1.0 parser reads, `lenient` what the forgiving front end reads.
//! It knows nothing of Sysmon's vocabulary.

pub(crate) mod lenient;
pub(crate) mod strict;

use crate::diagnostic::Span;

/// More nodes than this (elements, texts, attributes) are not read: far beyond any configuration,
/// and it bounds memory.
pub(crate) const MAX_NODES: usize = 1_000_000;

/// Index of a node in its tree.
pub(crate) type NodeId = usize;

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Document,
    Element,
    Text,
    CData,
}

/// An attribute.
#[derive(Clone, Debug)]
pub(crate) struct Attribute {
    pub name: String,
    pub value: String,
    /// Name to closing quote.
    pub span: Span,
    /// Between the quotes.
    pub value_span: Span,
}

/// A node; which fields mean something depends on its kind.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub kind: Kind,
    pub name: String,
    pub name_span: Span,
    pub attributes: Vec<Attribute>,
    pub children: Vec<NodeId>,
    pub parent: NodeId,
    /// The whole node.
    pub span: Span,
    /// Decoded text of text nodes.
    pub text: String,
    /// True for an element that holds anything at all, comments included.
    pub has_content: bool,
}

/// A document; node 0 is the document itself.
#[derive(Debug)]
pub(crate) struct Tree {
    pub nodes: Vec<Node>,
}

impl Tree {
    fn new() -> Self {
        let mut tree = Self { nodes: Vec::new() };
        tree.push(0, Kind::Document, Span::default());
        tree
    }

    fn push(&mut self, parent: NodeId, kind: Kind, span: Span) -> NodeId {
        let id = self.nodes.len();
        self.nodes.push(Node {
            kind,
            name: String::new(),
            name_span: span,
            attributes: Vec::new(),
            children: Vec::new(),
            parent,
            span,
            text: String::new(),
            has_content: false,
        });
        if id != 0 {
            self.nodes[parent].children.push(id);
        }
        id
    }

    pub(crate) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id]
    }

    /// Element children.
    pub(crate) fn elements(&self, id: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        self.nodes[id]
            .children
            .iter()
            .copied()
            .filter(|&c| self.nodes[c].kind == Kind::Element)
    }

    /// Element children with an exact name.
    pub(crate) fn named<'a>(
        &'a self,
        id: NodeId,
        name: &'a str,
    ) -> impl Iterator<Item = NodeId> + 'a {
        self.elements(id)
            .filter(move |&c| self.nodes[c].name == name)
    }

    /// All elements below a node in document order, without recursion.
    pub(crate) fn descendants(&self, id: NodeId) -> Vec<NodeId> {
        let mut out = Vec::new();
        let mut stack: Vec<NodeId> = self.elements(id).collect();
        stack.reverse();
        while let Some(n) = stack.pop() {
            out.push(n);
            let at = stack.len();
            stack.extend(self.elements(n));
            stack[at..].reverse();
        }
        out
    }

    /// The first attribute with an exact name.
    pub(crate) fn attribute(&self, id: NodeId, name: &str) -> Option<&Attribute> {
        self.nodes[id].attributes.iter().find(|a| a.name == name)
    }
}

/// Why a text is not well-formed.
#[derive(Debug)]
pub(crate) struct SyntaxError {
    pub message: String,
    pub at: usize,
}
