//! The conforming parser: well-formed XML 1.0 without a document type, with the size limits of the
//! libxml2 library that the validating front end uses. Validation is in `dtd`.

use roxmltree::{Document, NodeType, ParsingOptions};

use super::{Attribute, Kind, MAX_NODES, SyntaxError, Tree};
use crate::diagnostic::Span;
use crate::source::Source;

/// Elements nested deeper are refused.
const MAX_DEPTH: usize = 256;
/// Longer texts and attribute values are refused.
const MAX_TEXT: usize = 10_000_000;

/// Parses the whole text; an XML declaration is tolerated behind blanks, as Sysmon skips it.
pub(crate) fn parse(source: &Source) -> Result<Tree, SyntaxError> {
    let text = &source.text[source.start..];
    let base = source.start;
    limits(text).map_err(|(message, at)| SyntaxError {
        message,
        at: at + base,
    })?;
    let options = ParsingOptions {
        allow_dtd: false,
        nodes_limit: u32::try_from(MAX_NODES).unwrap_or(u32::MAX),
        ..ParsingOptions::default()
    };
    let document = Document::parse_with_options(text, options).map_err(|e| {
        let at = offset(text, e.pos().row as usize, e.pos().col as usize);
        let message = match e {
            roxmltree::Error::DtdDetected => {
                "a DOCTYPE: Sysmon puts its own document type before the file".to_owned()
            }
            roxmltree::Error::NodesLimitReached => {
                format!("more than {MAX_NODES} elements, texts and attributes")
            }
            e => e.to_string(),
        };
        SyntaxError {
            message,
            at: at + base,
        }
    })?;
    let shift = |r: std::ops::Range<usize>| Span::new(r.start + base, r.end + base);
    let mut tree = Tree::new();
    let mut stack = vec![(document.root(), 0)];
    while let Some((node, id)) = stack.pop() {
        let mut below = Vec::new();
        for child in node.children() {
            tree.nodes[id].has_content = true;
            let span = shift(child.range());
            match child.node_type() {
                NodeType::Element => {
                    let new = tree.push(id, Kind::Element, span);
                    let name = text
                        .get(child.range().start + 1..)
                        .and_then(|t| t.split([' ', '\t', '\r', '\n', '/', '>']).next())
                        .unwrap_or("");
                    let at = span.start + 1;
                    tree.nodes[new].name_span = Span::new(at, at + name.len());
                    tree.nodes[new].name = name.to_owned();
                    tree.nodes[new].attributes = attributes(&child, text, base);
                    below.push((child, new));
                }
                NodeType::Text => {
                    let kind = if text[child.range()].starts_with("<![CDATA[") {
                        Kind::CData
                    } else {
                        Kind::Text
                    };
                    let new = tree.push(id, kind, span);
                    tree.nodes[new].text = child.text().unwrap_or("").to_owned();
                }
                NodeType::Comment | NodeType::PI | NodeType::Root => {}
            }
        }
        below.reverse();
        stack.extend(below);
    }
    Ok(tree)
}

fn attributes(node: &roxmltree::Node<'_, '_>, text: &str, base: usize) -> Vec<Attribute> {
    let mut out: Vec<Attribute> = node
        .attributes()
        .map(|a| {
            let name = &text[a.range_qname()];
            let (all, value) = (a.range(), a.range_value());
            Attribute {
                name: name.to_owned(),
                value: a.value().to_owned(),
                span: Span::new(all.start + base, all.end + base),
                value_span: Span::new(value.start + base, value.end + base),
            }
        })
        .collect();
    // Namespace declarations are attributes to a document type; the parser keeps them elsewhere.
    let own = |n: &roxmltree::Namespace<'_>| {
        !node
            .parent()
            .is_some_and(|p| p.namespaces().any(|m| m == n))
    };
    for ns in node
        .namespaces()
        .filter(|n| n.name() != Some("xml") && own(n))
    {
        let at = node.range().start + base;
        out.push(Attribute {
            name: ns
                .name()
                .map_or("xmlns".to_owned(), |p| format!("xmlns:{p}")),
            value: ns.uri().to_owned(),
            span: Span::new(at, at + 1),
            value_span: Span::new(at, at + 1),
        });
    }
    out
}

/// Checks depth and lengths in one pass before anything is built.
fn limits(text: &str) -> Result<(), (String, usize)> {
    let bytes = text.as_bytes();
    let (mut at, mut depth) = (0, 0usize);
    let find = |from: usize, what: &[u8]| {
        bytes[from..]
            .windows(what.len())
            .position(|w| w == what)
            .map_or(bytes.len(), |i| from + i + what.len())
    };
    while let Some(i) = bytes[at..].iter().position(|&b| b == b'<') {
        if i > MAX_TEXT {
            return Err((format!("a text longer than {MAX_TEXT} bytes"), at));
        }
        let open = at + i;
        let rest = &bytes[open..];
        if rest.starts_with(b"<!--") {
            at = find(open + 4, b"-->");
        } else if rest.starts_with(b"<![CDATA[") {
            at = find(open + 9, b"]]>");
        } else if rest.starts_with(b"<?") {
            at = find(open + 2, b"?>");
        } else {
            let (mut j, mut quote, mut since) = (open + 1, None, 0);
            while let Some(&b) = bytes.get(j) {
                match quote {
                    None if b == b'>' => break,
                    None if b == b'"' || b == b'\'' => (quote, since) = (Some(b), j),
                    Some(q) if q == b => quote = None,
                    Some(_) if j - since > MAX_TEXT => {
                        return Err((
                            format!("an attribute value longer than {MAX_TEXT} bytes"),
                            since,
                        ));
                    }
                    _ => {}
                }
                j += 1;
            }
            if rest.starts_with(b"</") {
                depth = depth.saturating_sub(1);
            } else if bytes.get(j.wrapping_sub(1)) != Some(&b'/') {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Err((format!("elements nested deeper than {MAX_DEPTH}"), open));
                }
            }
            at = j;
        }
    }
    Ok(())
}

/// Byte offset of a one-based row and column (in characters).
fn offset(text: &str, row: usize, column: usize) -> usize {
    let mut start = 0;
    for _ in 1..row {
        match text[start..].find('\n') {
            Some(i) => start += i + 1,
            None => return text.len(),
        }
    }
    text[start..]
        .char_indices()
        .nth(column.saturating_sub(1))
        .map_or(text.len(), |(i, _)| start + i)
}
