//! From a detection to a predicate.

use std::collections::HashMap;
use std::sync::LazyLock;

use predicate::{Case, Cidr, Comparison, FieldPair, Pattern, Predicate, Relation, Test};
use rsigma_parser::value::{SigmaString, SigmaValue};
use rsigma_parser::{
    ConditionExpr, Detection, DetectionItem, Detections, Modifier, Quantifier, SelectorPattern,
};

use crate::number;
use crate::pattern::{Utf16, Value};
use crate::times::{self, Part};

/// Values for the placeholders of `expand`.
pub type Placeholders = HashMap<String, Vec<String>>;

/// Tests a rule may consist of: what is written once may be named many times.
const MAX_TESTS: usize = 20_000;
/// Spellings one value may have once its placeholders are filled in.
const MAX_EXPANDED: usize = 1_000;

static PLACEHOLDER: LazyLock<regex::Regex> =
    LazyLock::new(|| regex::Regex::new(r"%[^%\s]+%").expect("a literal"));

/// Why a detection has no meaning, and the word of the rule's text it lies at.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) at: String,
    pub(crate) reason: String,
}

pub(crate) fn fault(at: &str, reason: impl Into<String>) -> Fault {
    Fault {
        at: at.to_owned(),
        reason: reason.into(),
    }
}

/// What a detection says of an event.
pub(crate) fn lower(
    detections: &Detections,
    placeholders: &Placeholders,
) -> Result<Predicate, Fault> {
    let mut lowering = Lowering {
        detections,
        placeholders,
        known: HashMap::new(),
        tests: 0,
    };
    if detections.conditions.is_empty() {
        return Err(fault("condition", "no condition"));
    }
    // A name that no condition uses must have a meaning too.
    let mut names: Vec<&String> = detections.named.keys().collect();
    names.sort();
    for name in names {
        lowering.named(name)?;
    }
    lowering.tests = 0;
    let conditions = detections.conditions.iter();
    let any = conditions
        .map(|c| lowering.condition(c))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Predicate::any(any))
}

struct Lowering<'a> {
    detections: &'a Detections,
    placeholders: &'a Placeholders,
    known: HashMap<String, (Predicate, usize)>,
    tests: usize,
}

impl Lowering<'_> {
    fn condition(&mut self, condition: &ConditionExpr) -> Result<Predicate, Fault> {
        let mut each = |parts: &[ConditionExpr]| {
            parts
                .iter()
                .map(|p| self.condition(p))
                .collect::<Result<Vec<_>, _>>()
        };
        match condition {
            ConditionExpr::And(parts) => Ok(Predicate::all(each(parts)?)),
            ConditionExpr::Or(parts) => Ok(Predicate::any(each(parts)?)),
            ConditionExpr::Not(inner) => Ok(self.condition(inner)?.negate()),
            ConditionExpr::Identifier(name) => self.named(name),
            ConditionExpr::Selector {
                quantifier,
                pattern,
            } => self.selector(quantifier, pattern),
        }
    }

    fn selector(
        &mut self,
        quantifier: &Quantifier,
        pattern: &SelectorPattern,
    ) -> Result<Predicate, Fault> {
        let wanted = match pattern {
            SelectorPattern::Them => "*",
            SelectorPattern::Pattern(pattern) => pattern,
        };
        let parts = wanted
            .split('*')
            .map(|t| predicate::GlobPart::Text(t.to_owned()));
        let mut with_stars = Vec::new();
        for (n, part) in parts.enumerate() {
            if n > 0 {
                with_stars.push(predicate::GlobPart::Any);
            }
            with_stars.push(part);
        }
        let glob = predicate::Glob::new(with_stars, Case::Exact);
        let hidden = |name: &str| name.starts_with('_') && !wanted.starts_with('_');
        let names = self.detections.named.keys();
        let mut names: Vec<&String> = names.filter(|n| glob.matches(n) && !hidden(n)).collect();
        names.sort();
        if names.is_empty() {
            return Err(fault(
                "condition",
                format!("`{wanted}` fits no search identifier"),
            ));
        }
        let each = names
            .into_iter()
            .map(|n| self.named(n))
            .collect::<Result<Vec<_>, _>>()?;
        match quantifier {
            Quantifier::Any | Quantifier::Count(1) => Ok(Predicate::any(each)),
            Quantifier::All => Ok(Predicate::all(each)),
            Quantifier::Count(n) => Err(fault(
                "condition",
                format!("`{n} of` is not Sigma: `1 of` or `all of`"),
            )),
        }
    }

    fn named(&mut self, name: &str) -> Result<Predicate, Fault> {
        if !self.known.contains_key(name) {
            let Some(detection) = self.detections.named.get(name) else {
                return Err(fault("condition", format!("no search identifier `{name}`")));
            };
            let before = self.tests;
            let predicate = self.detection(detection, name)?;
            self.known
                .insert(name.to_owned(), (predicate, self.tests - before));
            self.tests = before;
        }
        let (predicate, tests) = self.known[name].clone();
        self.count(tests, name)?;
        Ok(predicate)
    }

    fn count(&mut self, tests: usize, at: &str) -> Result<(), Fault> {
        self.tests += tests;
        match self.tests > MAX_TESTS {
            true => Err(fault(at, format!("more than {MAX_TESTS} tests"))),
            false => Ok(()),
        }
    }

    fn detection(&mut self, detection: &Detection, name: &str) -> Result<Predicate, Fault> {
        match detection {
            Detection::AllOf(items) if items.is_empty() => {
                Err(fault(name, format!("`{name}` is empty")))
            }
            Detection::AllOf(items) => {
                let all = items.iter().map(|i| self.item(i, name));
                Ok(Predicate::all(all.collect::<Result<Vec<_>, _>>()?))
            }
            Detection::AnyOf(parts) => {
                let any = parts.iter().map(|p| self.detection(p, name));
                Ok(Predicate::any(any.collect::<Result<Vec<_>, _>>()?))
            }
            Detection::Keywords(values) if values.is_empty() => {
                Err(fault(name, format!("`{name}` is empty")))
            }
            Detection::Keywords(values) => {
                let any = values.iter().map(|v| self.keyword(v, name));
                Ok(Predicate::any(any.collect::<Result<Vec<_>, _>>()?))
            }
            _ => Err(fault(name, "quantifiers over arrays are not Sigma 2.1")),
        }
    }

    fn keyword(&mut self, value: &SigmaValue, name: &str) -> Result<Predicate, Fault> {
        let item = Item {
            field: None,
            at: name,
            modifiers: &[],
        };
        self.value(&item, value)
    }

    fn item(&mut self, item: &DetectionItem, name: &str) -> Result<Predicate, Fault> {
        let field = item
            .field
            .name
            .as_deref()
            .map(|f| f.replace("\\[", "[").replace("\\]", "]"));
        let modifiers = &item.field.modifiers;
        let this = Item {
            field: field.as_deref(),
            at: field.as_deref().unwrap_or(name),
            modifiers,
        };
        this.check()?;
        if item.values.is_empty() {
            let field = this
                .field
                .ok_or_else(|| fault(name, format!("`{name}` is empty")))?;
            return Ok(Predicate::present(field).negate());
        }
        let each = item.values.iter().map(|v| self.value(&this, v));
        let each = each.collect::<Result<Vec<_>, _>>()?;
        let together = match this.has(Modifier::All) {
            true => Predicate::all(each),
            false => Predicate::any(each),
        };
        Ok(match this.has(Modifier::Neq) {
            true => together.negate(),
            false => together,
        })
    }

    /// One value of an item.
    fn value(&mut self, item: &Item<'_>, value: &SigmaValue) -> Result<Predicate, Fault> {
        let bad = |reason: String| fault(item.at, reason);
        if item.has(Modifier::Exists) {
            let (Some(field), SigmaValue::Bool(exists)) = (item.field, value) else {
                return Err(bad("`exists` takes true or false".to_owned()));
            };
            self.count(1, item.at)?;
            let present = Predicate::present(field);
            return Ok(if *exists { present } else { present.negate() });
        }
        if matches!(value, SigmaValue::Null) {
            return match item.field {
                Some(field)
                    if item
                        .modifiers
                        .iter()
                        .all(|m| matches!(m, Modifier::All | Modifier::Neq)) =>
                {
                    self.count(1, item.at)?;
                    Ok(Predicate::present(field).negate())
                }
                _ => Err(bad("null has no text".to_owned())),
            };
        }
        if item.has(Modifier::FieldRef) {
            self.count(1, item.at)?;
            return item.field_reference(value).map_err(bad);
        }
        let mut any = Vec::new();
        for text in self.spellings(item, value)? {
            let tests = item.tests(&text).map_err(&bad)?;
            self.count(tests.len(), item.at)?;
            any.extend(tests.into_iter().map(|test| match item.field {
                Some(field) => Predicate::atom(field, test),
                None => Predicate::Keyword(test),
            }));
        }
        Ok(Predicate::any(any))
    }

    /// The value's text, once for each way to fill in its placeholders.
    fn spellings(&self, item: &Item<'_>, value: &SigmaValue) -> Result<Vec<SigmaString>, Fault> {
        let text = match value {
            SigmaValue::String(text) => text.clone(),
            other => SigmaString::from_raw(&other.to_string()),
        };
        if !item.has(Modifier::Expand) {
            return Ok(vec![text]);
        }
        let mut out = vec![String::new()];
        let mut from = 0;
        for found in PLACEHOLDER.find_iter(&text.original) {
            let name = found.as_str().trim_matches('%');
            let fills = self.placeholders.get(name).filter(|f| !f.is_empty());
            let fills = fills.ok_or_else(|| {
                fault(item.at, format!("no value for the placeholder `%{name}%`"))
            })?;
            if out.len() * fills.len() > MAX_EXPANDED {
                return Err(fault(
                    item.at,
                    format!("placeholders give more than {MAX_EXPANDED} values"),
                ));
            }
            let before = &text.original[from..found.start()];
            let filled = |o: &String| {
                fills
                    .iter()
                    .map(|f| format!("{o}{before}{f}"))
                    .collect::<Vec<_>>()
            };
            out = out.iter().flat_map(filled).collect();
            from = found.end();
        }
        out.iter_mut()
            .for_each(|o| o.push_str(&text.original[from..]));
        Ok(out.iter().map(|t| SigmaString::new(t)).collect())
    }
}

/// A field with its modifiers; without a field, any value of the event.
struct Item<'a> {
    field: Option<&'a str>,
    at: &'a str,
    modifiers: &'a [Modifier],
}

impl Item<'_> {
    fn has(&self, modifier: Modifier) -> bool {
        self.modifiers.contains(&modifier)
    }

    fn check(&self) -> Result<(), Fault> {
        use Modifier::{
            Cidr, Contains, EndsWith, Exists, FieldRef, Gt, Gte, Lt, Lte, Re, StartsWith,
        };
        let kinds = [Re, Cidr, Exists, Gt, Gte, Lt, Lte];
        let kinds = kinds.iter().filter(|m| self.has(**m)).count();
        let places = [Contains, StartsWith, EndsWith]
            .iter()
            .filter(|m| self.has(**m))
            .count();
        if kinds > 1 || (kinds == 1 && (places > 0 || self.has(FieldRef))) {
            return Err(fault(self.at, "these modifiers exclude each other"));
        }
        if self.field.is_none() && (self.has(FieldRef) || self.has(Exists)) {
            return Err(fault(self.at, "this modifier needs a field"));
        }
        Ok(())
    }

    fn case(&self) -> Case {
        match self.has(Modifier::Cased) {
            true => Case::Exact,
            false => Case::Unicode,
        }
    }

    fn field_reference(&self, value: &SigmaValue) -> Result<Predicate, String> {
        let (Some(field), SigmaValue::String(other)) = (self.field, value) else {
            return Err("`fieldref` takes the name of a field".to_owned());
        };
        let relation = match self.modifiers {
            m if m.contains(&Modifier::Contains) => Relation::Contains,
            m if m.contains(&Modifier::StartsWith) => Relation::StartsWith,
            m if m.contains(&Modifier::EndsWith) => Relation::EndsWith,
            _ => Relation::Equals,
        };
        Ok(Predicate::Fields(FieldPair {
            field: field.into(),
            relation,
            other: other.original.as_str().into(),
            case: self.case(),
        }))
    }

    fn comparison(&self) -> Option<Comparison> {
        self.modifiers.iter().find_map(|m| match m {
            Modifier::Lt => Some(Comparison::Less),
            Modifier::Lte => Some(Comparison::LessOrEqual),
            Modifier::Gt => Some(Comparison::Greater),
            Modifier::Gte => Some(Comparison::GreaterOrEqual),
            _ => None,
        })
    }

    fn part(&self) -> Option<Part> {
        self.modifiers.iter().find_map(|m| match m {
            Modifier::Minute => Some(Part::Minute),
            Modifier::Hour => Some(Part::Hour),
            Modifier::Day => Some(Part::Day),
            Modifier::Week => Some(Part::Week),
            Modifier::Month => Some(Part::Month),
            Modifier::Year => Some(Part::Year),
            _ => None,
        })
    }

    /// The tests of which a value must pass one.
    fn tests(&self, text: &SigmaString) -> Result<Vec<Test>, String> {
        if let Some(part) = self.part() {
            let number: u32 = text
                .original
                .parse()
                .map_err(|_| format!("`{text}` is no part of a time"))?;
            let comparison = self.comparison();
            return Ok(vec![times::part(part, &|n| match comparison {
                None => n == number,
                Some(Comparison::Less) => n < number,
                Some(Comparison::LessOrEqual) => n <= number,
                Some(Comparison::Greater) => n > number,
                Some(_) => n >= number,
            })?]);
        }
        if let Some(comparison) = self.comparison() {
            return Ok(vec![number::compare(comparison, &text.original)?]);
        }
        if self.has(Modifier::Cidr) {
            let block: Cidr = text
                .original
                .parse()
                .map_err(|e: predicate::InvalidLiteral| e.to_string())?;
            return Ok(vec![Test::Cidr(block)]);
        }
        if self.has(Modifier::Re) {
            return self.expression(&text.original).map(|t| vec![t]);
        }
        self.patterns(text)
    }

    fn expression(&self, expression: &str) -> Result<Test, String> {
        let flags: String = [(Modifier::Multiline, 'm'), (Modifier::DotAll, 's')]
            .into_iter()
            .filter(|(m, _)| self.has(*m))
            .map(|(_, flag)| flag)
            .collect();
        let expression = match flags.is_empty() {
            true => expression.to_owned(),
            false => format!("(?{flags}:{expression})"),
        };
        let case = match self.has(Modifier::IgnoreCase) {
            true => Case::Unicode,
            false => Case::Exact,
        };
        let pattern = Pattern::new(&expression, case).map_err(|e| e.to_string())?;
        Ok(Test::Regex(pattern))
    }

    /// Patterns with the modifiers applied in order.
    fn patterns(&self, text: &SigmaString) -> Result<Vec<Test>, String> {
        let mut values = vec![Value::new(text)];
        if self.field.is_none() {
            values[0].begin_anywhere();
            values[0].end_anywhere();
        }
        for modifier in self.modifiers {
            match modifier {
                Modifier::Base64 => {
                    values = values.iter().map(Value::base64).collect::<Result<_, _>>()?
                }
                Modifier::Base64Offset => {
                    let each = values
                        .iter()
                        .map(Value::base64_offset)
                        .collect::<Result<Vec<_>, _>>()?;
                    values = each.into_iter().flatten().collect();
                }
                _ => values.iter_mut().for_each(|value| match modifier {
                    Modifier::Contains => {
                        value.begin_anywhere();
                        value.end_anywhere();
                    }
                    Modifier::StartsWith => value.end_anywhere(),
                    Modifier::EndsWith => value.begin_anywhere(),
                    Modifier::Wide => value.utf16(Utf16::LittleEndian),
                    Modifier::Utf16be => value.utf16(Utf16::BigEndian),
                    Modifier::Utf16 => value.utf16(Utf16::Marked),
                    Modifier::WindAsh => value.windash(),
                    _ => {}
                }),
            }
        }
        let tests = values
            .iter()
            .map(|v| v.tests(self.case()))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(tests.into_iter().flatten().collect())
    }
}
