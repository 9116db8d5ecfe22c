//! The alternatives of a rule: where its condition or a list of values leaves a choice, what becomes of each. It asks about
//! an alternative and refuses to know how the answer is found.

use predicate::Predicate;

/// What becomes of an alternative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Chance {
    /// An event that is kept meets it.
    Met,
    /// No event that is kept meets it, and one that is dropped does.
    Lost,
    /// No event meets it at all.
    Dead,
    /// Not decided.
    Open,
}

/// What was found out about the alternatives.
#[derive(Debug, Default)]
pub(crate) struct LostChoices<'p> {
    /// Those that are lost: what they ask for, and the rule with nothing but them.
    pub lost: Vec<(&'p Predicate, Predicate)>,
    /// How many were not decided.
    pub open: usize,
}

/// Asks about every alternative of a rule. Of one that is lost whole, its own alternatives are not asked.
pub(crate) fn choices<'p>(
    rule: &'p Predicate,
    ask: &mut dyn FnMut(&Predicate, &Predicate) -> Chance,
) -> LostChoices<'p> {
    let mut found = LostChoices::default();
    walk(rule, &Predicate::True, ask, &mut found);
    found
}

/// `around` is what must hold besides.
fn walk<'p>(
    node: &'p Predicate,
    around: &Predicate,
    ask: &mut dyn FnMut(&Predicate, &Predicate) -> Chance,
    found: &mut LostChoices<'p>,
) {
    match node {
        Predicate::And(parts) => {
            let choice = |p: &&Predicate| matches!(p, Predicate::And(_) | Predicate::Or(_));
            for (at, part) in parts.iter().enumerate().filter(|(_, p)| choice(p)) {
                let others = parts.iter().enumerate().filter(|(n, _)| *n != at);
                let others = others.map(|(_, p)| p.clone()).chain([around.clone()]);
                walk(part, &Predicate::all(others), ask, found);
            }
        }
        Predicate::Or(parts) => {
            for part in parts {
                let whole = Predicate::all([part.clone(), around.clone()]);
                match ask(part, &whole) {
                    Chance::Lost => found.lost.push((part, whole)),
                    Chance::Met => walk(part, around, ask, found),
                    Chance::Dead => {}
                    Chance::Open => found.open += 1,
                }
            }
        }
        _ => {}
    }
}
