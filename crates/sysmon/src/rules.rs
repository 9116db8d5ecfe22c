//! The rules as Sysmon holds them: event elements with filters, in the order of the rule blob.
//! Both an XML file and a blob lower to this; it knows nothing of either form's syntax.

use std::collections::HashMap;

use crate::diagnostic::Span;
use crate::schema::{self, SchemaVersion, Verdict};

/// A condition of a filter; the codes are those of a rule blob since binary version 14.0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u32)]
#[allow(missing_docs)]
pub enum Op {
    Is = 0,
    IsNot,
    Contains,
    ContainsAny,
    IsAny,
    ContainsAll,
    Excludes,
    ExcludesAny,
    ExcludesAll,
    BeginWith,
    EndWith,
    LessThan,
    MoreThan,
    Image,
    NotBeginWith,
    NotEndWith,
}

impl Op {
    /// All conditions by ascending code.
    pub const ALL: [Self; 16] = [
        Self::Is,
        Self::IsNot,
        Self::Contains,
        Self::ContainsAny,
        Self::IsAny,
        Self::ContainsAll,
        Self::Excludes,
        Self::ExcludesAny,
        Self::ExcludesAll,
        Self::BeginWith,
        Self::EndWith,
        Self::LessThan,
        Self::MoreThan,
        Self::Image,
        Self::NotBeginWith,
        Self::NotEndWith,
    ];

    /// The text of a `condition` attribute.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Is => "is",
            Self::IsNot => "is not",
            Self::Contains => "contains",
            Self::ContainsAny => "contains any",
            Self::IsAny => "is any",
            Self::ContainsAll => "contains all",
            Self::Excludes => "excludes",
            Self::ExcludesAny => "excludes any",
            Self::ExcludesAll => "excludes all",
            Self::BeginWith => "begin with",
            Self::EndWith => "end with",
            Self::LessThan => "less than",
            Self::MoreThan => "more than",
            Self::Image => "image",
            Self::NotBeginWith => "not begin with",
            Self::NotEndWith => "not end with",
        }
    }

    /// The condition of a `condition` attribute: any letter case, but no blanks around it.
    pub fn from_name(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|op| op.name().eq_ignore_ascii_case(text))
    }

    /// The condition of a code; only the low 16 bits count.
    pub fn from_code(code: u32) -> Option<Self> {
        Self::ALL.get((code & 0xFFFF) as usize).copied()
    }

    /// True where the value is a list separated by `;`.
    pub const fn takes_list(self) -> bool {
        matches!(
            self,
            Self::ContainsAny
                | Self::IsAny
                | Self::ContainsAll
                | Self::ExcludesAny
                | Self::ExcludesAll
        )
    }

    /// True where the condition holds for values that lack the text.
    pub const fn is_negative(self) -> bool {
        matches!(
            self,
            Self::IsNot
                | Self::Excludes
                | Self::ExcludesAny
                | Self::ExcludesAll
                | Self::NotBeginWith
                | Self::NotEndWith
        )
    }
}

/// How the filters of an element or a `<Rule>` are combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Relation {
    /// The first match decides.
    Or,
    /// All must match; outside a `<Rule>`, filters on the same field are alternatives.
    And,
}

/// One condition on one field.
#[derive(Clone, Debug)]
pub struct Filter {
    /// Field index in the element's event type.
    pub field: u32,
    /// The field's name in the element's event type.
    pub field_name: String,
    /// The condition.
    pub op: Op,
    /// The text it compares with, as written.
    pub value: String,
    /// The rule name that a match reports, or empty.
    pub name: String,
    /// The id of the enclosing `<Rule>`, if any.
    pub rule: Option<u32>,
    /// Where the field element stands.
    pub span: Span,
    /// Where its value stands.
    pub value_span: Span,
}

/// A `<Rule>`: filters that form one sub-result.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its number in the file, from 1; numbers used up by failed attempts are skipped.
    pub id: u32,
    /// Its own name, cut to 127 UTF-16 units.
    pub name: String,
    /// How its filters are combined.
    pub relation: Relation,
    /// Where it stands.
    pub span: Span,
}

/// One record below an event element, in order.
#[derive(Clone, Debug)]
pub enum Record {
    /// A `<Rule>` begins here; its filters follow.
    Rule(Rule),
    /// A filter.
    Filter(Filter),
}

/// One event element: `<ProcessCreate onmatch="include">` and what is in it.
#[derive(Clone, Debug)]
pub struct Element {
    /// The event type it is stored under; for a shared tag, the first that has all its fields.
    pub event_id: u32,
    /// The element name.
    pub tag: String,
    /// What a match means.
    pub on_match: Verdict,
    /// How its filters are combined.
    pub relation: Relation,
    /// Rules and filters in document order.
    pub records: Vec<Record>,
    /// True for an attempt that Sysmon began to write and took back; it leaves traces in the blob
    /// but takes part in no decision.
    pub undone: bool,
    /// Where the element stands.
    pub span: Span,
}

impl Element {
    /// The filters in order.
    pub fn filters(&self) -> impl DoubleEndedIterator<Item = &Filter> {
        self.records.iter().filter_map(|r| match r {
            Record::Filter(f) => Some(f),
            Record::Rule(_) => None,
        })
    }

    /// The `<Rule>` with an id.
    pub fn rule(&self, id: u32) -> Option<&Rule> {
        self.records.iter().find_map(|r| match r {
            Record::Rule(rule) if rule.id == id => Some(rule),
            _ => None,
        })
    }

    /// The filters grouped as they are judged: single filters, and runs of one `<Rule>`.
    pub fn units(&self) -> Vec<Unit<'_>> {
        let mut units: Vec<Unit<'_>> = Vec::new();
        let relations: HashMap<u32, Relation> = self
            .records
            .iter()
            .rev()
            .filter_map(|r| match r {
                Record::Rule(rule) => Some((rule.id, rule.relation)),
                Record::Filter(_) => None,
            })
            .collect();
        for filter in self.filters() {
            match filter.rule {
                None => units.push(Unit::Filter(filter)),
                Some(id) => {
                    if let Some(Unit::Rule(last, _, filters)) = units.last_mut()
                        && *last == id
                    {
                        filters.push(filter);
                        continue;
                    }
                    let relation = relations.get(&id).copied().unwrap_or(Relation::Or);
                    units.push(Unit::Rule(id, relation, vec![filter]));
                }
            }
        }
        units
    }
}

/// What an element's combination works on.
#[derive(Clone, Debug)]
pub enum Unit<'a> {
    /// A filter directly below the element.
    Filter(&'a Filter),
    /// The filters of one `<Rule>`: its id, its relation, its filters.
    Rule(u32, Relation, Vec<&'a Filter>),
}

/// All rules of a configuration.
#[derive(Clone, Debug)]
pub struct RuleSet {
    /// The version that the file names.
    pub version: SchemaVersion,
    /// Event elements in blob order, attempts that were taken back included.
    pub elements: Vec<Element>,
    /// True for rules read from a blob of binary version 14.1 or older, where a matching `<Rule>`
    /// reports its own name instead of its filters'.
    pub rule_reports_own_name: bool,
}

impl RuleSet {
    /// The empty include that switches off the collection of a tag whose other elements have filters:
    /// for some tags the last element decides whether Sysmon collects its events at all.
    pub fn switched_off(&self, tag: &str) -> Option<&Element> {
        let option = schema::newest().option(tag).is_some_and(|o| o.rule);
        let mut elements = self.kept().filter(|e| e.tag == tag).rev();
        let last = elements.next().filter(|_| option)?;
        let empty = |e: &Element| e.filters().next().is_none();
        let off = last.on_match == Verdict::Include && empty(last);
        (off && elements.any(|e| !empty(e))).then_some(last)
    }

    /// The elements that Sysmon keeps.
    pub fn kept(&self) -> impl DoubleEndedIterator<Item = &Element> {
        self.elements.iter().filter(|e| !e.undone)
    }
}
