//! For machines. Lines and columns are one-based; columns count characters.

use serde_json::{Value, json};

use super::Report;
use crate::diagnostic::{Diagnostic, Safety, Severity, Span};
use crate::lint;
use crate::source::Source;

fn place(source: &Source, span: Span) -> (usize, usize, usize, usize) {
    let (line, column) = source.position(span.start);
    let (end_line, end_column) = source.position(span.end);
    (line, column, end_line, end_column)
}

fn safety(s: Safety) -> &'static str {
    match s {
        Safety::Safe => "safe",
        Safety::Unsafe => "unsafe",
    }
}

/// An array with one object per finding.
pub fn json(reports: &[Report<'_>]) -> Value {
    let one = |s: &Source, d: &Diagnostic| {
        let (line, column, end_line, end_column) = place(s, d.span);
        let spot = |span: Span| {
            let (line, column, ..) = place(s, span);
            json!({"line": line, "column": column})
        };
        json!({
            "file": s.name,
            "code": d.code,
            "name": lint::find(d.code).map(|l| l.name),
            "severity": d.severity.name(),
            "message": d.message,
            "line": line,
            "column": column,
            "end_line": end_line,
            "end_column": end_column,
            "notes": d.notes,
            "related": d.related.iter().map(|(span, label)| json!({"at": spot(*span), "message": label})).collect::<Vec<_>>(),
            "fix": d.fix.as_ref().map(|f| json!({
                "title": f.title,
                "safety": safety(f.safety),
                "edits": f.edits.iter().map(|(span, text)| json!({"start": span.start, "end": span.end, "text": text})).collect::<Vec<_>>(),
            })),
        })
    };
    let all = reports
        .iter()
        .flat_map(|r| r.diagnostics.iter().map(|d| one(r.source, d)));
    Value::Array(all.collect())
}

/// A SARIF 2.1.0 log with one run.
pub fn sarif(reports: &[Report<'_>]) -> Value {
    let rules: Vec<Value> = lint::all()
        .into_iter()
        .map(|l| {
            json!({
                "id": l.code,
                "name": l.name,
                "shortDescription": {"text": l.summary},
                "help": {"text": l.text, "markdown": l.text},
            })
        })
        .collect();
    let location = |s: &Source, span: Span| {
        let (line, column, end_line, end_column) = place(s, span);
        json!({"physicalLocation": {
            "artifactLocation": {"uri": uri(&s.name)},
            "region": {"startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column},
        }})
    };
    let result = |s: &Source, d: &Diagnostic| {
        let mut text = d.message.clone();
        for note in &d.notes {
            text.push(' ');
            text.push_str(note);
        }
        let related: Vec<Value> = d
            .related
            .iter()
            .map(|(span, label)| {
                let mut l = location(s, *span);
                l["message"] = json!({"text": label});
                l
            })
            .collect();
        let mut value = json!({
            "ruleId": d.code,
            "ruleIndex": lint::all().iter().position(|l| l.code == d.code),
            "level": d.severity.name(),
            "message": {"text": text},
            "locations": [location(s, d.span)],
        });
        if !related.is_empty() {
            value["relatedLocations"] = Value::Array(related);
        }
        if let Some(fix) = &d.fix {
            let replacements: Vec<Value> = fix
                .edits
                .iter()
                .map(|(span, text)| {
                    let region = location(s, *span)["physicalLocation"]["region"].clone();
                    json!({"deletedRegion": region, "insertedContent": {"text": text}})
                })
                .collect();
            value["fixes"] = json!([{
                "description": {"text": format!("{} ({})", fix.title, safety(fix.safety))},
                "artifactChanges": [{"artifactLocation": {"uri": uri(&s.name)}, "replacements": replacements}],
            }]);
        }
        value
    };
    let results: Vec<Value> = reports
        .iter()
        .flat_map(|r| r.diagnostics.iter().map(|d| result(r.source, d)))
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "scotoma", "version": env!("CARGO_PKG_VERSION"), "rules": rules}},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

/// A path as a URI: a relative one, or `file:` for one that starts at a root or drive.
fn uri(path: &str) -> String {
    let drive = path.as_bytes().get(1) == Some(&b':');
    let mut out = String::from(match (drive, path.starts_with('/')) {
        (true, _) => "file:///",
        (false, true) => "file://",
        (false, false) => "",
    });
    for b in path.bytes() {
        match b {
            b'\\' => out.push('/'),
            b'/' | b'.' | b'-' | b'_' | b'~' | b':' => out.push(b as char),
            b if b.is_ascii_alphanumeric() => out.push(b as char),
            b => out.push_str(&format!("%{b:02X}")),
        }
    }
    out
}

/// One workflow command per finding.
pub fn github(report: &Report<'_>) -> String {
    let mut out = String::new();
    for d in report.diagnostics {
        let (line, column, end_line, end_column) = place(report.source, d.span);
        let word = match d.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "notice",
        };
        let mut text = d.message.clone();
        for note in &d.notes {
            text.push('\n');
            text.push_str(note);
        }
        // A column range is understood only within one line.
        let columns = if end_line == line {
            format!(",col={column},endColumn={end_column}")
        } else {
            String::new()
        };
        out.push_str(&format!(
            "::{word} file={},line={line},endLine={end_line}{columns},title={}::{}\n",
            escape(&report.source.name, true),
            d.code,
            escape(&text, false)
        ));
    }
    out
}

fn escape(text: &str, property: bool) -> String {
    let text = text
        .replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A");
    if property {
        text.replace(':', "%3A").replace(',', "%2C")
    } else {
        text
    }
}
