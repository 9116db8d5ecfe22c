//! From rules back to a configuration file that compiles to the same rules. The original's comments,
//! grouping and layout are not in the rules and do not come back.

use std::fmt::Write as _;

use crate::rules::{Element, Filter, Op, Record, Relation, Rule, RuleSet};
use crate::schema::Verdict;

/// A configuration file made from rules.
#[derive(Debug)]
pub struct Decompiled {
    /// The file.
    pub xml: String,
    /// What no configuration file can express.
    pub problems: Vec<String>,
}

/// Writes rules, with option elements (name and value; an empty value makes an empty element).
pub fn decompile(rules: &RuleSet, options: &[(String, String)]) -> Decompiled {
    let mut w = Writer {
        out: String::new(),
        problems: Vec::new(),
    };
    let _ = writeln!(w.out, "<Sysmon schemaversion=\"{}\">", rules.version);
    let (elements, lists) = by_switch(rules);
    for (name, value) in &lists {
        w.problems.push(format!("the rules for {name} came from a command-line switch; only the lenient front end reads them back from a file"));
        let value = w.escape(value, false);
        let _ = writeln!(w.out, "  <{name}>{value}</{name}>");
    }
    for (name, value) in options {
        if value.is_empty() {
            let _ = writeln!(w.out, "  <{name}/>");
        } else {
            let value = w.escape(value, false);
            let _ = writeln!(w.out, "  <{name}>{value}</{name}>");
        }
    }
    w.out.push_str("  <EventFiltering>\n");
    for element in elements {
        w.element(element);
    }
    w.out.push_str("  </EventFiltering>\n</Sysmon>\n");
    Decompiled {
        xml: w.out,
        problems: w.problems,
    }
}

/// Elements that stand behind one of a later event type, which only the image lists of the switches
/// `-l` and `-n` bring about, taken out as those lists.
fn by_switch(rules: &RuleSet) -> (Vec<&Element>, Vec<(String, String)>) {
    let (mut elements, mut lists) = (Vec::new(), Vec::new());
    let mut last = 0;
    for element in rules.kept() {
        let plain = element.on_match == Verdict::Include
            && element.relation == Relation::Or
            && matches!(element.tag.as_str(), "ImageLoad" | "NetworkConnect")
            && element.records.iter().all(|r| {
                matches!(r, Record::Filter(f) if f.op == Op::Image && f.field_name == "Image"
                    && f.name.is_empty() && !f.value.is_empty() && !f.value.contains(','))
            });
        if element.event_id < last && plain && !element.records.is_empty() {
            let values: Vec<&str> = element.filters().map(|f| f.value.as_str()).collect();
            lists.push((element.tag.clone(), values.join(",")));
        } else {
            last = last.max(element.event_id);
            elements.push(element);
        }
    }
    (elements, lists)
}

struct Writer {
    out: String,
    problems: Vec<String>,
}

impl Writer {
    fn element(&mut self, element: &Element) {
        let verdict = match element.on_match {
            Verdict::Include => "include",
            Verdict::Exclude => "exclude",
        };
        let tag = &element.tag;
        let _ = writeln!(
            self.out,
            "    <RuleGroup groupRelation=\"{}\">",
            word(element.relation)
        );
        if element.records.is_empty() {
            let _ = writeln!(self.out, "      <{tag} onmatch=\"{verdict}\"/>");
        } else {
            let _ = writeln!(self.out, "      <{tag} onmatch=\"{verdict}\">");
            let mut i = 0;
            while i < element.records.len() {
                i += self.record(&element.records[i..]);
            }
            let _ = writeln!(self.out, "      </{tag}>");
        }
        self.out.push_str("    </RuleGroup>\n");
    }

    /// Writes the first record, for a `<Rule>` with its filters; returns how many were written.
    fn record(&mut self, records: &[Record]) -> usize {
        match records {
            [Record::Rule(rule), rest @ ..] => {
                let filters: Vec<&Filter> = rest
                    .iter()
                    .map_while(|r| match r {
                        Record::Filter(f) if f.rule == Some(rule.id) => Some(f),
                        _ => None,
                    })
                    .collect();
                self.rule(rule, &filters);
                1 + filters.len()
            }
            [Record::Filter(filter), ..] => {
                self.filter(filter, "", "        ");
                1
            }
            [] => 1,
        }
    }

    fn rule(&mut self, rule: &Rule, filters: &[&Filter]) {
        // The record's name may be cut; a filter that inherited it has the whole one.
        let name = filters
            .iter()
            .map(|f| f.name.as_str())
            .find(|name| is_cut(&rule.name, name))
            .unwrap_or(&rule.name)
            .to_owned();
        self.out.push_str("        <Rule");
        if !name.is_empty() {
            let text = self.escape(&name, true);
            let _ = write!(self.out, " name=\"{text}\"");
        }
        let _ = writeln!(self.out, " groupRelation=\"{}\">", word(rule.relation));
        for filter in filters {
            self.filter(filter, &name, "          ");
        }
        self.out.push_str("        </Rule>\n");
    }

    fn filter(&mut self, filter: &Filter, inherited: &str, indent: &str) {
        let field = &filter.field_name;
        let _ = write!(self.out, "{indent}<{field}");
        if filter.name != inherited {
            let name = self.escape(&filter.name, true);
            let _ = write!(self.out, " name=\"{name}\"");
        }
        if filter.op != Op::Is {
            let _ = write!(self.out, " condition=\"{}\"", filter.op.name());
        }
        let value = self.escape(&filter.value, false);
        let _ = writeln!(self.out, ">{value}</{field}>");
    }

    /// Text for an attribute or for content. Blanks that a reader would lose become references.
    fn escape(&mut self, text: &str, attribute: bool) -> String {
        let blank = !attribute && text.chars().all(|c| matches!(c, ' ' | '\t' | '\n'));
        let mut out = String::with_capacity(text.len() + 8);
        for c in text.chars() {
            match c {
                '&' => out.push_str("&amp;"),
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                '"' if attribute => out.push_str("&quot;"),
                '\r' => out.push_str("&#13;"),
                '\n' | '\t' | ' ' if blank || (attribute && c != ' ') => {
                    let _ = write!(out, "&#{};", u32::from(c));
                }
                '\u{FFFE}' | '\u{FFFF}' | '\0'..='\x08' | '\x0B' | '\x0C' | '\x0E'..='\x1F' => {
                    let problem = format!(
                        "the character U+{:04X} cannot stand in an XML file; the strict front end rejects it",
                        u32::from(c)
                    );
                    if !self.problems.contains(&problem) {
                        self.problems.push(problem);
                    }
                    let _ = write!(out, "&#{};", u32::from(c));
                }
                c => out.push(c),
            }
        }
        out
    }
}

const fn word(relation: Relation) -> &'static str {
    match relation {
        Relation::Or => "or",
        Relation::And => "and",
    }
}

/// Whether a record's name can be the beginning of this one, cut where a record ends: at 127 UTF-16 units, or one before
/// that in the middle of a character of two.
fn is_cut(record: &str, whole: &str) -> bool {
    let next = whole
        .strip_prefix(record)
        .and_then(|rest| rest.chars().next());
    next.is_some_and(|next| match record.encode_utf16().count() {
        127 => true,
        126 => next.len_utf16() == 2,
        _ => false,
    })
}
