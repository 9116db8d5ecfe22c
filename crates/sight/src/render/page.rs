//! The page: one row a technique, its chain as a drawn line that stops where sight stops; it opens to the story and the
//! events. Nothing is fetched and nothing runs, so that it works from a file, on a keyboard, for a screen reader and on paper.

use std::fmt::Write as _;

use super::{About, end_of, worst_of_each};
use crate::chain::{LinkKind, LinkState, TechniqueSight};

const STYLE: &str = include_str!("../../assets/sight.css");

/// The page of an answer.
pub fn html(lines: &[TechniqueSight], about: &About) -> String {
    let worst = worst_of_each(lines);
    let held = worst.iter().filter(|l| l.holds()).count();
    let through = match &about.configuration {
        Some(name) => escaped(name),
        None => "what Sysmon could log at best".to_owned(),
    };
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\">\n<title>Line of sight: {through}</title>\n<style>\n{STYLE}</style>\n\
         </head>\n<body>\n<header>\n<h1>Line of sight</h1>\n<p>Through {through}, {} hunts and {} Sigma rules. \
         <strong>{held}</strong> of {} techniques are seen in every way they are done.</p>\n",
        about.hunts,
        about.rules,
        worst.len(),
    );
    out.push_str("<ul class=\"legend\">");
    for state in [
        LinkState::Seen,
        LinkState::NotObserved,
        LinkState::Filtered,
        LinkState::NotMatched,
        LinkState::Tampered,
        LinkState::Unknown,
    ] {
        let _ = write!(
            out,
            "<li><span class=\"mark {}\" aria-hidden=\"true\">{}</span> {}</li>",
            class(Some(state)),
            sign(Some(state)),
            state.words()
        );
    }
    out.push_str("</ul>\n</header>\n<main>\n");
    let heads: Vec<&str> = about.kinds.iter().map(|k| k.name()).collect();
    let _ = writeln!(
        out,
        "<p class=\"heads\" aria-hidden=\"true\">{}</p>",
        heads
            .iter()
            .map(|h| format!("<span>{h}</span>"))
            .collect::<String>()
    );
    for line in worst {
        technique(&mut out, line, lines, about);
    }
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

fn technique(out: &mut String, worst: &TechniqueSight, all: &[TechniqueSight], about: &About) {
    let _ = write!(
        out,
        "<details>\n<summary>{}<span class=\"name\"><b>{}</b> {}</span><span class=\"end\">{}</span></summary>\n",
        drawn(worst, about),
        escaped(&worst.attack),
        escaped(&worst.name),
        escaped(&end_of(worst)),
    );
    for line in all.iter().filter(|l| l.technique == worst.technique) {
        variant(out, line);
    }
    out.push_str("</details>\n");
}

/// The chain as a line that stops where sight stops.
fn drawn(line: &TechniqueSight, about: &About) -> String {
    const STEP: usize = 44;
    let width = STEP * about.kinds.len();
    let states: Vec<Option<LinkState>> = about.kinds.iter().map(|k| line.state_of(*k)).collect();
    let words: Vec<String> = about
        .kinds
        .iter()
        .zip(&states)
        .map(|(kind, state)| {
            format!(
                "{} {}",
                kind.name(),
                state.map_or("not reached", LinkState::words)
            )
        })
        .collect();
    let mut svg = format!(
        "<svg class=\"line\" width=\"{width}\" height=\"24\" viewBox=\"0 0 {width} 24\" role=\"img\" aria-label=\"{}\">",
        escaped(&words.join(", "))
    );
    for (n, state) in states.iter().enumerate() {
        let x = STEP / 2 + n * STEP;
        if n > 0 && state.is_some() {
            let _ = write!(svg, "<path d=\"M{} 12H{}\"/>", x - STEP + 9, x - 9);
        }
        let _ = write!(
            svg,
            "<circle class=\"{}\" cx=\"{x}\" cy=\"12\" r=\"8\"/><text x=\"{x}\" y=\"16\">{}</text>",
            class(*state),
            sign(*state)
        );
    }
    svg.push_str("</svg>");
    svg
}

/// Analytics that do not fire and are listed one by one.
const MOST_SILENT: usize = 12;

fn variant(out: &mut String, line: &TechniqueSight) {
    let _ = write!(
        out,
        "<section>\n<h2>{}: {}</h2>\n<table>\n<thead><tr><th scope=\"col\">link</th><th scope=\"col\">state</th>\
         <th scope=\"col\">what</th><th scope=\"col\">why</th></tr></thead>\n<tbody>\n",
        escaped(&line.variant),
        escaped(&end_of(line)),
    );
    let mut silent = 0;
    for (place, link) in line.links.iter().enumerate() {
        if link.kind == LinkKind::Analytic && link.state > LinkState::Filtered {
            silent += 1;
            if silent > MOST_SILENT {
                continue;
            }
        }
        let _ = writeln!(
            out,
            "<tr{}><td>{}</td><td><span class=\"mark {}\" aria-hidden=\"true\">{}</span> {}</td><td>{}</td><td>{}{}</td></tr>",
            if line.broken == Some(place) {
                " class=\"break\""
            } else {
                ""
            },
            link.kind.name(),
            class(Some(link.state)),
            sign(Some(link.state)),
            link.state.words(),
            escaped(&link.name),
            escaped(&link.why),
            link.line
                .map_or_else(String::new, |n| format!(" (line {n})")),
        );
    }
    out.push_str("</tbody>\n</table>\n");
    if silent > MOST_SILENT {
        let _ = writeln!(
            out,
            "<p>And {} more that do not match.</p>",
            silent - MOST_SILENT
        );
    }
    example(out, line);
    remedies(out, line);
    out.push_str("</section>\n");
}

fn example(out: &mut String, line: &TechniqueSight) {
    if let Some(event) = &line.event {
        let title = match line.holds() {
            true => "An event that is seen",
            false => "What passes unseen",
        };
        let _ = write!(out, "<h3>{title}: event {}</h3>\n<dl>\n", event.id);
        for (name, value) in &event.fields {
            let _ = writeln!(
                out,
                "<dt>{}</dt><dd>{}</dd>",
                escaped(name),
                escaped(value.as_str().unwrap_or_default())
            );
        }
        out.push_str("</dl>\n");
    }
}

fn remedies(out: &mut String, line: &TechniqueSight) {
    if !line.remedies.is_empty() {
        out.push_str("<h3>What would mend it</h3>\n<ul>\n");
        for remedy in &line.remedies {
            let _ = write!(
                out,
                "<li>{} ({})",
                escaped(&remedy.what),
                if remedy.verified {
                    "tried"
                } else {
                    "not tried"
                }
            );
            if !remedy.catches.is_empty() {
                let _ = write!(out, "; then fires: {}", escaped(&remedy.catches.join(", ")));
            }
            if !remedy.change.is_empty() {
                let _ = write!(out, "<pre>{}</pre>", escaped(&remedy.change));
            }
            out.push_str("</li>\n");
        }
        out.push_str("</ul>\n");
    }
}

fn class(state: Option<LinkState>) -> &'static str {
    match state {
        None => "beyond",
        Some(LinkState::Seen) => "seen",
        Some(LinkState::Unknown) => "unknown",
        Some(_) => "broken",
    }
}

fn sign(state: Option<LinkState>) -> &'static str {
    match state {
        None => "",
        Some(LinkState::Seen) => "✓",
        Some(LinkState::NotObserved) => "O",
        Some(LinkState::Filtered) => "F",
        Some(LinkState::NotMatched) => "N",
        Some(LinkState::Tampered) => "T",
        Some(LinkState::Unknown) => "?",
    }
}

/// Text inside HTML; control characters are made visible.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text::visible(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}
