//! Texts of one field that no value can meet together, told by looking at them two by two: what spares most walks. It may
//! miss a contradiction and never sees one that is not there.

use crate::{Case, Test, Text};

/// Where in the value a test wants its text.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Whole,
    Begin,
    End,
    Anywhere,
}

/// Whether two of the tests contradict each other.
pub(super) fn clash(tests: &[(&Test, bool)]) -> bool {
    let wanted: Vec<(Place, &Text)> = texts(tests, true).collect();
    let forbidden: Vec<(Place, &Text)> = texts(tests, false).collect();
    let apart = |at: usize, (place, text): (Place, &Text)| {
        let others = wanted[at + 1..].iter();
        others
            .filter(|(other, _)| *other == place && place != Place::Anywhere)
            .any(|(_, other)| {
                let (a, b) = folded(text, other);
                !match place {
                    Place::Begin => a.starts_with(&b) || b.starts_with(&a),
                    Place::End => a.ends_with(&b) || b.ends_with(&a),
                    Place::Whole => a == b,
                    Place::Anywhere => true,
                }
            })
    };
    if wanted.iter().enumerate().any(|(at, w)| apart(at, *w)) {
        return true;
    }
    // Whatever has the wanted text there has the forbidden one too.
    wanted.iter().any(|(place, text)| {
        forbidden.iter().any(|(other, no)| {
            if !implied(text.case, no.case) {
                return false;
            }
            let (has, no) = (no.case.fold(&text.text), no.folded());
            match other {
                Place::Anywhere => has.contains(&no),
                Place::Begin => {
                    matches!(place, Place::Begin | Place::Whole) && has.starts_with(&no)
                }
                Place::End => matches!(place, Place::End | Place::Whole) && has.ends_with(&no),
                Place::Whole => *place == Place::Whole && has == no,
            }
        })
    })
}

fn texts<'t>(
    tests: &'t [(&'t Test, bool)],
    wanted: bool,
) -> impl Iterator<Item = (Place, &'t Text)> + 't {
    tests
        .iter()
        .filter(move |(_, holds)| *holds == wanted)
        .filter_map(move |(test, _)| match test {
            Test::Equals(t) => Some((Place::Whole, t)),
            Test::StartsWith(t) => Some((Place::Begin, t)),
            Test::EndsWith(t) => Some((Place::End, t)),
            Test::Contains(t) => Some((Place::Anywhere, t)),
            // It asks for more than this end, so that only what is wanted can be told by it.
            Test::ImageIs(t) if wanted => Some((Place::End, t)),
            _ => None,
        })
        // What a capital sigma folds to depends on what stands around it.
        .filter(|(_, text)| !text.text.contains('Σ'))
}

/// Both texts under the coarser of their rules: what differs there differs under both.
fn folded(a: &Text, b: &Text) -> (String, String) {
    let case = a.case.max(b.case);
    (case.fold(&a.text), case.fold(&b.text))
}

/// Whether texts that are equal under the first rule are equal under the second.
fn implied(first: Case, second: Case) -> bool {
    first <= second
}
