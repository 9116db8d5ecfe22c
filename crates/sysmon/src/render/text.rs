//! For people: each finding with its lines of source, the places underlined, remarks and fixes.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use text::{visible, visible_in_place, visible_lines};

use super::Report;
use crate::diagnostic::{Diagnostic, Safety, Severity, Span};
use crate::source::Source;

/// Longest piece of a line that is shown; a file without line ends would flood the screen.
const MAX_PIECE: usize = 400;

/// Whether to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// ASCII without escape sequences.
    Plain,
    /// With colours for a terminal.
    Coloured,
}

/// All findings of a file, lines of source cut to a width in columns where there is one.
pub fn text(report: &Report<'_>, style: Style, width: Option<u16>) -> String {
    let mut renderer = match style {
        Style::Plain => Renderer::plain(),
        Style::Coloured => Renderer::styled(),
    };
    if let Some(width) = width {
        renderer = renderer.term_width(usize::from(width));
    }
    let mut out = String::new();
    for d in report.diagnostics {
        out.push_str(&renderer.render(&[group(report.source, d)]));
        out.push_str("\n\n");
    }
    out
}

fn group<'a>(source: &'a Source, d: &'a Diagnostic) -> Group<'a> {
    let level = match d.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let mut group = Group::with_title(level.primary_title(visible_lines(&d.message)).id(d.code));
    if source.text.is_empty() {
        group = group.element(annotate_snippets::Origin::path(visible(&source.name)));
    } else {
        group = group.element(snippet(source, d.span, AnnotationKind::Primary, None));
        for (span, label) in &d.related {
            group = group.element(snippet(source, *span, AnnotationKind::Context, Some(label)));
        }
    }
    for note in &d.notes {
        group = group.element(Level::NOTE.message(visible_lines(note)));
    }
    if let Some(fix) = &d.fix {
        let safety = match fix.safety {
            Safety::Safe => "safe, applied by --fix",
            Safety::Unsafe => "changes what is logged",
        };
        group = group.element(Level::HELP.message(format!("{} ({safety})", visible(&fix.title))));
    }
    group
}

/// The first line of a span with the span underlined in it.
fn snippet<'a>(
    source: &'a Source,
    span: Span,
    kind: AnnotationKind,
    label: Option<&'a str>,
) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    let (line, _) = source.position(span.start);
    let (start, text) = source.line(line);
    let from = span.start.saturating_sub(start).min(text.len());
    let to = span.end.saturating_sub(start).clamp(from, text.len());
    // Cut long lines around the place, at character boundaries.
    let low = floor(text, from.saturating_sub(MAX_PIECE / 4));
    let to = to.min(floor(text, from + MAX_PIECE / 2).max(from));
    let high = floor(text, (to + MAX_PIECE / 4).min(text.len()));
    let piece = &text[low..high.max(to)];
    let mut annotation = kind.span(from - low..(to - low).max(from - low));
    if let Some(label) = label {
        annotation = annotation.label(visible(label));
    }
    Snippet::source(visible_in_place(piece))
        .line_start(line)
        .path(visible(&source.name))
        .annotation(annotation)
}

fn floor(text: &str, at: usize) -> usize {
    text.floor_char_boundary(at)
}
