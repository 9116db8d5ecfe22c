//! Comparisons of decimal numbers as regular expressions over their text: `5.5` and `-7` are numbers, `0x10` is none.

use std::fmt::Write as _;

use predicate::{Case, Comparison, Pattern, Test};

/// The digits behind the point a value may have and still be compared.
const FRACTION: &str = r"(?:\.[0-9]+)?";

/// A test for values that stand so to a number, which is written in decimal.
pub(crate) fn compare(comparison: Comparison, number: &str) -> Result<Test, String> {
    let no_number = || format!("`{number}` is no number");
    let (negative, magnitude) = match number.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, number),
    };
    let (whole, fraction) = magnitude.split_once('.').unwrap_or((magnitude, ""));
    let digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) || number.len() > 40 {
        return Err(no_number());
    }
    let whole = whole.trim_start_matches('0');
    let fraction = fraction.trim_end_matches('0');
    let zero = whole.is_empty() && fraction.is_empty();
    let (greater, equal) = match comparison {
        Comparison::Less => (false, false),
        Comparison::LessOrEqual => (false, true),
        Comparison::Equal => return Err("equality is a test of text".to_owned()),
        Comparison::GreaterOrEqual => (true, true),
        Comparison::Greater => (true, false),
    };
    let any = format!("[0-9]+{FRACTION}");
    // Of the numbers of the same sign, those further from zero or nearer; of the other sign, all or none.
    let further = greater != (negative && !zero);
    let mut same = vec![if further {
        beyond(whole, fraction)
    } else {
        within(whole, fraction)
    }];
    if equal {
        same.push(exactly(whole, fraction));
    }
    let same = same
        .into_iter()
        .filter(|e| !e.is_empty())
        .collect::<Vec<_>>()
        .join("|");
    let (positive_side, negative_side) = match (negative && !zero, greater) {
        (false, true) => (same, String::new()),
        (false, false) => (same, any),
        (true, true) => (any, same),
        (true, false) => (String::new(), same),
    };
    let mut sides = Vec::new();
    if !positive_side.is_empty() {
        sides.push(format!(r"\+?(?:{positive_side})"));
    }
    if !negative_side.is_empty() {
        sides.push(format!("-(?:{negative_side})"));
    }
    let expression = match sides.is_empty() {
        true => r"[^\s\S]".to_owned(),
        false => format!(r"\A(?:{})\z", sides.join("|")),
    };
    let pattern = Pattern::new(&expression, Case::Exact).map_err(|e| e.to_string())?;
    Ok(Test::Regex(pattern))
}

/// Numbers without sign that are this one.
fn exactly(whole: &str, fraction: &str) -> String {
    let whole = if whole.is_empty() {
        "0+".to_owned()
    } else {
        format!("0*{whole}")
    };
    match fraction {
        "" => format!(r"{whole}(?:\.0+)?"),
        _ => format!(r"{whole}\.{fraction}0*"),
    }
}

/// Numbers without sign that are greater.
fn beyond(whole: &str, fraction: &str) -> String {
    let mut out = vec![format!("0*[1-9][0-9]{{{},}}{FRACTION}", whole.len())];
    if let Some(e) = differing(whole, true) {
        out.push(format!("0*(?:{e}){FRACTION}"));
    }
    let same = if whole.is_empty() {
        "0+".to_owned()
    } else {
        format!("0*{whole}")
    };
    let mut more = vec![format!("{fraction}0*[1-9][0-9]*")];
    more.extend(differing_prefix(fraction, true));
    out.push(format!(r"{same}\.(?:{})", more.join("|")));
    out.join("|")
}

/// Numbers without sign that are less.
fn within(whole: &str, fraction: &str) -> String {
    let mut out = Vec::new();
    if !whole.is_empty() {
        if whole.len() > 1 {
            out.push(format!("0*[0-9]{{1,{}}}{FRACTION}", whole.len() - 1));
        }
        if let Some(e) = differing(whole, false) {
            out.push(format!("0*(?:{e}){FRACTION}"));
        }
    }
    if !fraction.is_empty() {
        let same = if whole.is_empty() {
            "0+".to_owned()
        } else {
            format!("0*{whole}")
        };
        out.push(same.clone());
        let mut less: Vec<String> = (1..fraction.len())
            .map(|n| fraction[..n].to_owned())
            .collect();
        less.extend(differing_prefix(fraction, false));
        out.push(format!(
            r"{same}\.(?:{})",
            less.iter()
                .map(|l| format!("{l}0*"))
                .collect::<Vec<_>>()
                .join("|")
        ));
    }
    out.join("|")
}

/// As many digits, greater or less.
fn differing(digits: &str, greater: bool) -> Option<String> {
    let mut out = Vec::new();
    for (at, d) in digits.bytes().enumerate() {
        if let Some(class) = class(d, greater) {
            out.push(format!(
                "{}{class}[0-9]{{{}}}",
                &digits[..at],
                digits.len() - at - 1
            ));
        }
    }
    (!out.is_empty()).then(|| out.join("|"))
}

/// Fractions that differ in a digit, and may go on.
fn differing_prefix(digits: &str, greater: bool) -> Vec<String> {
    let mut out = Vec::new();
    for (at, d) in digits.bytes().enumerate() {
        if let Some(class) = class(d, greater) {
            let mut e = String::new();
            let _ = write!(e, "{}{class}[0-9]*", &digits[..at]);
            out.push(e);
        }
    }
    out
}

/// The digits greater or less than one.
fn class(digit: u8, greater: bool) -> Option<String> {
    let (low, high) = match greater {
        true => (digit + 1, b'9'),
        false => (b'0', digit.saturating_sub(1)),
    };
    (low <= high && (greater || digit != b'0'))
        .then(|| format!("[{}-{}]", char::from(low), char::from(high)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn texts_compare_as_the_numbers_they_are(value in -1200i32..1200, literal in -1200i32..1200, tenths: bool) {
            let shown = |n: i32| match tenths {
                true => format!("{}{}.{}", if n < 0 { "-" } else { "" }, n.abs() / 100, format_args!("{:02}", n.abs() % 100)),
                false => n.to_string(),
            };
            for (comparison, holds) in [
                (Comparison::Less, value < literal),
                (Comparison::LessOrEqual, value <= literal),
                (Comparison::Greater, value > literal),
                (Comparison::GreaterOrEqual, value >= literal),
            ] {
                let test = compare(comparison, &shown(literal)).unwrap();
                prop_assert_eq!(test.matches(&shown(value)), holds, "{} {:?} {} {}", shown(value), comparison, shown(literal), test);
            }
        }
    }

    #[test]
    fn other_texts_are_no_numbers() {
        let test = compare(Comparison::Greater, "4").unwrap();
        assert!(test.matches("5.5") && test.matches("010") && test.matches("4.01"));
        assert!(
            !test.matches("0x10")
                && !test.matches("")
                && !test.matches("abc")
                && !test.matches("4.0")
        );
        assert!(compare(Comparison::Greater, "many").is_err());
    }
}
