//! Values that may pass the tests of a field: their texts, one behind the other. It proves nothing; a caller tries the values.

use crate::{GlobPart, Test};

/// Values made by putting the texts of the tests one behind the other.
pub(super) fn joined(tests: &[(&Test, bool)]) -> Vec<String> {
    let (mut begin, mut end) = (String::new(), String::new());
    let mut parts: Vec<&str> = Vec::new();
    let longer = |kept: &mut String, text: &str| {
        if text.len() > kept.len() {
            text.clone_into(kept);
        }
    };
    for (test, _) in tests.iter().filter(|(_, holds)| *holds) {
        match test {
            Test::Equals(t) => return vec![t.text.clone()],
            Test::StartsWith(t) => longer(&mut begin, &t.text),
            Test::EndsWith(t) => longer(&mut end, &t.text),
            Test::ImageIs(t) if t.text.contains('\\') => return vec![t.text.clone()],
            Test::ImageIs(t) => longer(&mut end, &format!("\\{}", t.text)),
            Test::Contains(t) => parts.push(&t.text),
            Test::Glob(glob) => {
                let pieces: Vec<&[GlobPart]> =
                    glob.parts().split(|p| *p == GlobPart::Any).collect();
                let [first, middle @ ..] = pieces.as_slice() else {
                    continue;
                };
                longer(&mut begin, &spelt(first));
                if let [middle @ .., last] = middle {
                    longer(&mut end, &spelt(last));
                    parts.extend(
                        middle.iter().flat_map(|piece| piece.iter()).filter_map(
                            |part| match part {
                                GlobPart::Text(text) => Some(text.as_str()),
                                _ => None,
                            },
                        ),
                    );
                }
            }
            _ => {}
        }
    }
    let between = |separator: &str| {
        let mut out = begin.clone();
        for part in &parts {
            if !out.contains(part) && !end.contains(part) {
                out.push_str(part);
                out.push_str(separator);
            }
        }
        out + &end
    };
    let mut out = Vec::new();
    for text in ["", " ", "\\", "a"].map(between) {
        // Most texts that begin with a backslash are parts of paths.
        if begin.is_empty() && text.starts_with('\\') {
            out.push(format!("C:{text}"));
        }
        if text.is_empty() {
            out.push("a".to_owned());
        }
        out.push(text);
    }
    out
}

/// A text that fits a piece of a pattern.
fn spelt(piece: &[GlobPart]) -> String {
    let text = |part: &GlobPart| match part {
        GlobPart::Text(text) => text.clone(),
        _ => "a".to_owned(),
    };
    piece.iter().map(text).collect()
}
