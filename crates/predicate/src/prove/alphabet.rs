//! The letters a walk needs: one of every kind that the tests can tell apart, so that what holds for
//! these holds for all of Unicode. Readable letters stand for their kind where there is a choice.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::rc::Rc;
use std::sync::OnceLock;

use super::order::Order;
use super::pattern::Expression;
use crate::Case;

/// A letter that stands for its kind.
pub(super) struct Letter {
    pub letter: char,
    /// Its UTF-8 bytes.
    pub bytes: Vec<u8>,
    /// The bytes it folds to, per group of texts.
    pub folded: Vec<Vec<u8>>,
}

/// The texts of one case rule.
pub(super) struct Texts {
    pub case: Case,
    /// As written, for the choice of letters.
    pub written: Vec<String>,
    /// After folding.
    pub folded: Vec<String>,
}

/// The letters for tests; false where one that matters had to be left out.
pub(super) fn alphabet(
    groups: &[Texts],
    orders: &[Order],
    expressions: &[Rc<Expression>],
) -> (Vec<Letter>, bool) {
    let mut pool: Vec<char> = Vec::new();
    for group in groups {
        pool.extend(group.written.iter().flat_map(|t| t.chars()));
        pool.extend(group.folded.iter().flat_map(|t| t.chars()));
    }
    pool.extend("abcdefghijklmnopqrstuvwxyz0123456789".chars());
    pool.extend((' '..='~').filter(|c| !c.is_ascii_alphanumeric()));
    pool.extend('A'..='Z');
    let own: BTreeSet<char> = pool.iter().copied().collect();
    let mut more: BTreeSet<char> = BTreeSet::new();
    for letter in &own {
        more.extend(letter.to_uppercase());
        more.extend(letter.to_lowercase());
        more.extend(after(*letter));
    }
    let sets: Vec<HashSet<char>> = groups
        .iter()
        .map(|g| g.folded.iter().flat_map(|t| t.chars()).collect())
        .collect();
    if let Some(set) = groups
        .iter()
        .position(|g| g.case == Case::Unicode)
        .map(|i| &sets[i])
    {
        more.extend(
            folding()
                .iter()
                .filter(|(_, lower)| lower.chars().any(|c| set.contains(&c)))
                .flat_map(|(upper, _)| [Some(*upper), after(*upper)])
                .flatten(),
        );
    }
    more.extend(orders.iter().flat_map(Order::letters));
    for (first, last) in expressions.iter().flat_map(|e| e.classes.iter().flatten()) {
        more.insert(*first);
        more.extend(after(*last));
    }
    more.extend([
        '\0',
        '\n',
        'é',
        '一',
        '\u{D7FF}',
        '\u{E000}',
        '\u{FFFD}',
        '\u{10000}',
        '\u{10FFFF}',
    ]);
    pool.extend(more);

    let unicode = groups.iter().any(|g| g.case == Case::Unicode);
    let mut kinds: HashSet<Vec<u32>> = HashSet::new();
    let mut seen: HashSet<char> = HashSet::new();
    let mut out = Vec::new();
    let mut complete = true;
    for letter in pool {
        if !seen.insert(letter) {
            continue;
        }
        // What a capital sigma folds to depends on what stands around it.
        if unicode && letter == 'Σ' {
            complete &= !own.contains(&letter) && expressions.is_empty();
            continue;
        }
        let mut kind = Vec::new();
        let mut folded = Vec::new();
        for (group, set) in groups.iter().zip(&sets) {
            let text = group.case.fold(letter.encode_utf8(&mut [0; 4]));
            kind.push(u32::MAX);
            kind.extend(text.chars().map(|c| {
                if set.contains(&c) {
                    u32::from(c)
                } else {
                    u32::MAX - 1
                }
            }));
            folded.push(text.into_bytes());
        }
        for order in orders {
            let (below, equal) = order.place(letter);
            kind.push(u32::try_from(below * 2).unwrap_or(u32::MAX) + u32::from(equal));
        }
        for class in expressions.iter().flat_map(|e| &e.classes) {
            let at = class.partition_point(|(first, _)| *first <= letter);
            kind.push(u32::from(at > 0 && letter <= class[at - 1].1));
        }
        if kinds.insert(kind) {
            out.push(Letter {
                letter,
                bytes: letter.to_string().into_bytes(),
                folded,
            });
        }
    }
    (out, complete)
}

/// All letters that fold to a letter, which is folded itself. A letter that folds to several is left out: what it
/// folds to can be spelled with letters that are here.
pub(super) fn unfolded(letter: char, case: Case) -> Vec<char> {
    let mut out = vec![letter];
    match case {
        Case::Exact => {}
        Case::Ascii if letter.is_ascii_lowercase() => out.push(letter.to_ascii_uppercase()),
        Case::Ascii => {}
        Case::Unicode => {
            let folds = |lower: &String| lower.chars().eq([letter]);
            let spellings = folding().iter().filter(|(_, lower)| folds(lower));
            out.extend(spellings.map(|(upper, _)| *upper));
            out.sort_unstable();
        }
    }
    out
}

/// The letter behind one, where there is one.
fn after(letter: char) -> Option<char> {
    match letter {
        '\u{D7FF}' => Some('\u{E000}'),
        letter => char::from_u32(u32::from(letter) + 1),
    }
}

/// All letters that Unicode folding changes, with what it makes of them.
fn folding() -> &'static HashMap<char, String> {
    static TABLE: OnceLock<HashMap<char, String>> = OnceLock::new();
    TABLE.get_or_init(|| {
        ('\0'..=char::MAX)
            .filter_map(|c| {
                let lower: String = c.to_lowercase().collect();
                (!lower.chars().eq([c])).then_some((c, lower))
            })
            .collect()
    })
}
