//! The fields of an event from its text as Windows shows it: `Image: C:\...`, one a line or one behind the other.

use schema::sysmon::EventHistory;

/// The fields in a text, by the names that the event's schema has.
pub(super) fn fields(text: &str, history: &EventHistory) -> Vec<(String, String)> {
    if !text.contains(": ") && !text.contains(":\n") {
        return Vec::new();
    }
    let mut marks: Vec<(usize, usize, &str)> = Vec::new();
    for field in &history.fields {
        if let Some(at) = find(text, &field.name) {
            marks.push((at, at + field.name.len() + 1, &field.name));
        }
    }
    marks.sort_unstable();
    let ends = marks.iter().skip(1).map(|m| m.0).chain([text.len()]);
    let spans = marks.iter().zip(ends);
    spans
        .map(|((_, from, name), to)| {
            let value = text.get(*from..to).unwrap_or_default();
            // Several lines are one value only where the fields stand one behind the other.
            let value = value.trim_start_matches([' ', '\t']);
            let line = value.lines().next().unwrap_or_default();
            ((*name).to_owned(), line.trim_end().to_owned())
        })
        .collect()
}

/// Where `Name:` stands as a word of its own.
fn find(text: &str, name: &str) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + text.get(from..)?.find(name)?;
        let before = text[..at].chars().next_back();
        let alone = before.is_none_or(|c| c.is_whitespace());
        if alone && text[at + name.len()..].starts_with(':') {
            return Some(at);
        }
        from = at + name.len();
    }
}
