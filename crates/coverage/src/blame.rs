//! Why a configuration keeps none of the events that a rule matches, in a sentence.

use predicate::Predicate;
use predicate::prove::{Answer, Limits, find, implies};
use schema::sysmon::Verdict;
use sysmon::keeps::Why;

use crate::ground::{Clause, KeptType};

/// How many clauses are asked for a proof of their own.
const ASKED: usize = 6;

/// Why no event of the type that meets the predicate is kept.
pub(crate) fn dropped(kept: &KeptType, wanted: &Predicate, limits: &Limits) -> String {
    let name = format!("event {} ({})", kept.kind.id, kept.name());
    if let Some(why) = kept.none {
        return format!("{name} is not kept: {}", none(why));
    }
    let includes: Vec<&Clause> = kept.of(Verdict::Include).collect();
    let included = Predicate::any(includes.iter().map(|c| c.matches.clone()));
    let question = match includes.is_empty() {
        true => wanted.clone(),
        false => Predicate::all([wanted.clone(), included]),
    };
    let witness = match find(&question, limits) {
        Answer::Holds(witness) => witness,
        Answer::Never => {
            let lines = lines(&includes);
            return format!("no filter that includes {name} fits it ({lines})");
        }
        Answer::Unknown(_) => return format!("the filters of {name} drop it"),
    };
    let excludes: Vec<&Clause> = kept
        .of(Verdict::Exclude)
        .filter(|c| c.matches.holds(&witness))
        .collect();
    let whole = excludes
        .iter()
        .take(ASKED)
        .find(|c| implies(&question, &c.matches, limits) == Answer::Never);
    match whole {
        Some(clause) => format!(
            "{name} is excluded in line {}: {}",
            clause.line,
            short(&clause.words)
        ),
        None => format!(
            "{name} is excluded by several filters together ({})",
            lines(&excludes)
        ),
    }
}

/// Where clauses stand.
fn lines(clauses: &[&Clause]) -> String {
    let first: Vec<String> = clauses.iter().take(3).map(|c| c.line.to_string()).collect();
    let more = clauses.len().saturating_sub(3);
    match (first.is_empty(), more) {
        (true, _) => "there is none".to_owned(),
        (false, 0) => format!("line {}", first.join(", ")),
        (false, more) => format!("line {} and {more} more", first.join(", ")),
    }
}

fn none(why: Why) -> &'static str {
    match why {
        Why::Default => "the configuration does not mention it, and Sysmon drops it then",
        Why::OnlyExcludes => "several elements exclude and none includes",
        Why::EmptyInclude => "its include has no filters",
        Why::NotCollected => {
            "its last element is an include without filters, which ends the collection"
        }
        Why::OptionMissing => "the option that turns its collection on is not set",
        _ => "its filters contradict each other",
    }
}

/// The first words of a text.
pub(crate) fn short(text: &str) -> String {
    const MOST: usize = 100;
    match text.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}...", &text[..at]),
        None => text.to_owned(),
    }
}
