//! The texts that a condition looks for, with the ends of the value that they are bound to, and whether
//! a form of values can ever hold them. It knows no lint.

use std::cell::RefCell;
use std::collections::HashMap;

use predicate::prove::{self, Answer, Limits};
use predicate::{Case, Pattern, Predicate, Test, Text};
use schema::{FieldForm, ValueForm};

use super::context::{Context, value_span, warning};
use crate::diagnostic::{Diagnostic, Safety, Span};
use crate::reference::applies;
use crate::rules::{Element, Filter, Op};
use crate::text;

/// One text that a condition looks for.
#[derive(Clone, Copy, Debug)]
pub(super) struct FilterText<'a> {
    /// The text as written.
    pub text: &'a str,
    /// Where it begins in the condition's value.
    pub at: usize,
    /// It must be the beginning of the field's value.
    pub start: bool,
    /// It must be the end of the field's value.
    pub end: bool,
}

impl FilterText<'_> {
    /// How the field has to hold it, in words.
    pub(super) fn verb(&self) -> &'static str {
        match (self.start, self.end) {
            (true, true) => "is",
            (true, false) => "begins with",
            (false, true) => "ends with",
            (false, false) => "contains",
        }
    }
}

/// A condition with its texts and the forms of the values that it sees.
pub(super) struct FilterTexts<'a> {
    pub filter: &'a Filter,
    pub texts: Vec<FilterText<'a>>,
    /// One for each event of a shared tag in which the condition can match.
    pub forms: Vec<FieldForm>,
}

impl<'a> FilterTexts<'a> {
    /// Nothing where the condition compares with what is expanded at match time, orders texts, or is
    /// empty.
    pub(super) fn new(element: &'a Element, filter: &'a Filter) -> Option<Self> {
        if filter.value.contains('%') || filter.value.trim().is_empty() {
            return None;
        }
        let forms: Vec<FieldForm> = crate::schema::newest()
            .series(&element.tag)
            .filter(|event| applies(element, filter, event.id))
            .map(|event| FieldForm::of(event.id, &filter.field_name))
            .collect();
        let texts = texts(filter);
        (!forms.is_empty() && !texts.is_empty()).then_some(Self {
            filter,
            texts,
            forms,
        })
    }

    /// The kind of value.
    pub(super) fn form(&self) -> ValueForm {
        self.forms.first().map_or(ValueForm::FreeText, |f| f.form)
    }

    /// Whether it holds the path of a file.
    pub(super) fn is_file(&self) -> bool {
        matches!(self.form(), ValueForm::Path | ValueForm::Program)
    }

    /// A finding about one of its texts: that hardly any value, or none, holds it.
    pub(super) fn never(
        &self,
        code: &'static str,
        text: &FilterText<'_>,
        certain: bool,
        why: impl Into<String>,
    ) -> Diagnostic {
        let f = self.filter;
        let subject = if certain { "no" } else { "hardly any" };
        let what = format!(
            "{subject} {} {} `{}`",
            f.field_name,
            text.verb(),
            shorten(text.text)
        );
        let likely = if certain { "" } else { "most likely " };
        let effect = match (f.op.is_negative(), self.texts.len()) {
            (false, 1) => format!("The condition {likely}never matches."),
            (true, 1) => format!("The condition {likely}holds for every event."),
            _ => format!("The entry of the list {likely}has no effect."),
        };
        warning(code, value_span(f), what).note(why).note(effect)
    }

    /// The edit that writes one of its texts in another way; nothing where the file spells the value with
    /// entities.
    pub(super) fn rewrite(
        &self,
        cx: &Context<'_>,
        text: &FilterText<'_>,
        with: &str,
    ) -> Option<(Span, String)> {
        let f = self.filter;
        let plain = cx.config.source.slice(f.value_span) == f.value && !with.contains(['&', '<']);
        let start = f.value_span.start + text.at;
        plain.then(|| {
            let span = Span::new(start, start + text.text.len());
            (span, with.to_owned())
        })
    }

    /// The finding with a fix that writes the text in another way.
    pub(super) fn with_rewrite(
        &self,
        cx: &Context<'_>,
        d: Diagnostic,
        text: &FilterText<'_>,
        with: &str,
    ) -> Diagnostic {
        match self.rewrite(cx, text, with) {
            Some(edit) => d.fix(
                format!("write `{}`", shorten(with)),
                Safety::Unsafe,
                vec![edit],
            ),
            None => d,
        }
    }

    /// The finding with a fix that writes another condition and text; only where there is one text.
    pub(super) fn with_condition(
        &self,
        cx: &Context<'_>,
        d: Diagnostic,
        op: Op,
        with: &str,
    ) -> Diagnostic {
        let [only] = self.texts.as_slice() else {
            return d;
        };
        let edits = self
            .rewrite(cx, only, with)
            .and_then(|edit| Some(vec![cx.set_condition(self.filter, op)?, edit]));
        match edits {
            Some(edits) if !self.filter.op.is_negative() => d.fix(
                format!("use `{}` with `{}`", op.name(), shorten(with)),
                Safety::Unsafe,
                edits,
            ),
            _ => d,
        }
    }
}

fn texts(filter: &Filter) -> Vec<FilterText<'_>> {
    let value = filter.value.as_str();
    let (start, end) = match filter.op {
        Op::Is | Op::IsNot | Op::IsAny => (true, true),
        Op::BeginWith | Op::NotBeginWith => (true, false),
        Op::EndWith | Op::NotEndWith => (false, true),
        // A bare name may stand behind a `\`.
        Op::Image => (value.contains('\\'), true),
        Op::LessThan | Op::MoreThan => return Vec::new(),
        _ => (false, false),
    };
    let parts: Vec<&str> = match filter.op {
        Op::IsAny => value.split(';').collect(),
        Op::ContainsAny | Op::ExcludesAny => text::needles_of_any(value),
        Op::ContainsAll | Op::ExcludesAll => text::needles_of_all(value),
        _ => vec![value],
    };
    let text = |text: &'_ str| {
        let at = text.as_ptr() as usize - value.as_ptr() as usize;
        (at, text.len())
    };
    let places = parts.into_iter().filter(|t| !t.trim().is_empty()).map(text);
    places
        .map(|(at, length)| FilterText {
            text: &value[at..at + length],
            at,
            start,
            end,
        })
        .collect()
}

/// A text that fits into a line.
pub(super) fn shorten(value: &str) -> String {
    if value.chars().count() <= 60 {
        return value.to_owned();
    }
    value.chars().take(57).chain("...".chars()).collect()
}

/// Whether values of a form can hold texts; what was found out once is remembered.
#[derive(Default)]
pub(super) struct Possibilities {
    expressions: RefCell<HashMap<String, Option<Pattern>>>,
    known: RefCell<HashMap<(String, bool, bool, String), bool>>,
}

/// A proof here has one field with one text and one expression.
const LIMITS: Limits = Limits {
    nodes: 100,
    states: 2_000,
    steps: 50_000,
};

/// More proofs are not tried in one file.
const MOST: usize = 500;

impl Possibilities {
    /// False only where it is certain that no value of the form holds the text.
    pub(super) fn possible(&self, form: &FieldForm, text: &FilterText<'_>) -> bool {
        use ValueForm::{CallTrace, CommandLine, FreeText, Word};
        if matches!(form.form, FreeText | CommandLine | CallTrace)
            || (form.form == Word && !form.closed)
        {
            return true;
        }
        let expression = form.expression();
        let pattern = self.pattern(&expression);
        let Some(pattern) = pattern else { return true };
        let whole = Test::Regex(pattern);
        // What is a value itself begins, ends and is part of one.
        if whole.matches(text.text) {
            return true;
        }
        if text.start && text.end {
            return false;
        }
        if inside_of_a_path(form.form, text) || text.text.len() > 200 {
            return true;
        }
        let folded = text.text.to_ascii_lowercase();
        let key = (expression, text.start, text.end, folded);
        if let Some(known) = self.known.borrow().get(&key) {
            return *known;
        }
        if self.known.borrow().len() >= MOST {
            return true;
        }
        let sought = Text::ascii(text.text);
        let test = match (text.start, text.end) {
            (true, _) => Test::StartsWith(sought),
            (_, true) => Test::EndsWith(sought),
            _ => Test::Contains(sought),
        };
        let both = [whole, test].map(|t| Predicate::atom("value", t));
        let possible = prove::solve(&Predicate::all(both), &LIMITS) != Answer::Never;
        self.known.borrow_mut().insert(key, possible);
        possible
    }

    fn pattern(&self, expression: &str) -> Option<Pattern> {
        let mut known = self.expressions.borrow_mut();
        let made = known
            .entry(expression.to_owned())
            .or_insert_with(|| Pattern::new(expression, Case::Ascii).ok());
        made.clone()
    }
}

/// Whether the text needs no proof: paths hold anything but a few signs behind their beginning.
fn inside_of_a_path(form: ValueForm, text: &FilterText<'_>) -> bool {
    match form {
        ValueForm::RegistryPath | ValueForm::Pipe => !text.start,
        ValueForm::Path | ValueForm::Program | ValueForm::Device => {
            let barred = ['"', '<', '>', '|', '*', '?', '\r', '\n', '\t'];
            !text.start && !text.text.contains(barred)
        }
        _ => false,
    }
}
