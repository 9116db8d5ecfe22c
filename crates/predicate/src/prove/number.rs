//! Numbers and addresses that meet a field's numeric tests, by arithmetic on bounds and bits. It
//! refuses to know of text tests; a caller tries the values against them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::{Cidr, Comparison, Literal, Test};

/// Values worth trying.
pub(super) enum Candidates {
    /// No test asks for a number or an address.
    NoNumbers,
    /// No number or address meets the tests.
    None,
    /// The best texts, shortest first; `exact` where the first is the shortest of all.
    Some { texts: Vec<String>, exact: bool },
}

/// How many numbers are handed out in each direction.
const COUNT: usize = 16;
/// How many numbers are looked at before giving up.
const PATIENCE: usize = 20_000;

/// True for tests that this module settles completely.
pub(super) fn is_numeric(test: &Test) -> bool {
    matches!(
        test,
        Test::BitsSet(_) | Test::Compare(_, Literal::Number(_))
    )
}

/// Values for tests, each with the outcome it must have.
pub(super) fn candidates(tests: &[(&Test, bool)]) -> Candidates {
    let number = tests.iter().any(|(t, holds)| *holds && is_numeric(t));
    let blocks = |wanted: bool| {
        tests.iter().filter_map(move |(t, holds)| match t {
            Test::Cidr(c) if *holds == wanted => Some(*c),
            _ => None,
        })
    };
    let mut inside = blocks(true).peekable();
    match (number, inside.peek().is_some()) {
        (false, false) => Candidates::NoNumbers,
        // No address is a number.
        (true, true) => Candidates::None,
        (true, false) => numbers(tests),
        (false, true) => addresses(
            &inside.collect::<Vec<_>>(),
            &blocks(false).collect::<Vec<_>>(),
        ),
    }
}

struct Numbers {
    low: i128,
    high: i128,
    must: u64,
    never: Vec<u64>,
    not: Vec<i128>,
}

fn numbers(tests: &[(&Test, bool)]) -> Candidates {
    let mut n = Numbers {
        low: i128::MIN,
        high: i128::MAX,
        must: 0,
        never: Vec::new(),
        not: Vec::new(),
    };
    for (test, holds) in tests {
        match test {
            Test::BitsSet(mask) if *holds => {
                n.must |= mask;
                n.low = n.low.max(0);
                n.high = n.high.min(i128::from(u64::MAX));
            }
            Test::BitsSet(mask) => n.never.push(*mask),
            Test::Compare(c, Literal::Number(value)) => n.compare(*c, *value, *holds),
            _ => {}
        }
    }
    if n.never.iter().any(|m| m & n.must == *m) && n.low >= 0 && n.high <= i128::from(u64::MAX) {
        return Candidates::None;
    }
    let (mut texts, mut complete) = (Vec::new(), true);
    for up in [true, false] {
        let mut at = if up { n.low.max(0) } else { n.high.min(-1) };
        for _ in 0..COUNT {
            match n.next(at, up) {
                Next::Number(v) => {
                    texts.push(v.to_string());
                    if v >= 0 {
                        texts.push(format!("{v:#x}"));
                    }
                    match if up {
                        v.checked_add(1)
                    } else {
                        v.checked_sub(1)
                    } {
                        Some(next) => at = next,
                        None => break,
                    }
                }
                Next::End => break,
                Next::Unknown => {
                    complete = false;
                    break;
                }
            }
        }
    }
    if texts.is_empty() && complete {
        return Candidates::None;
    }
    texts.sort_by_key(String::len);
    Candidates::Some {
        texts,
        exact: complete,
    }
}

enum Next {
    Number(i128),
    End,
    Unknown,
}

impl Numbers {
    fn compare(&mut self, comparison: Comparison, value: i128, holds: bool) {
        use Comparison::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual};
        let (low, high) = match (comparison, holds) {
            (Equal, true) => (Some(value), Some(value)),
            (Equal, false) => {
                self.not.push(value);
                (None, None)
            }
            (Less, true) | (GreaterOrEqual, false) => match value.checked_sub(1) {
                Some(v) => (None, Some(v)),
                None => (Some(1), Some(0)),
            },
            (LessOrEqual, true) | (Greater, false) => (None, Some(value)),
            (Greater, true) | (LessOrEqual, false) => match value.checked_add(1) {
                Some(v) => (Some(v), None),
                None => (Some(1), Some(0)),
            },
            (GreaterOrEqual, true) | (Less, false) => (Some(value), None),
        };
        self.low = low.map_or(self.low, |v| self.low.max(v));
        self.high = high.map_or(self.high, |v| self.high.min(v));
    }

    /// The next number from `at` on, upwards or downwards, that meets everything.
    fn next(&self, mut at: i128, up: bool) -> Next {
        for _ in 0..PATIENCE {
            if at < self.low || at > self.high {
                return Next::End;
            }
            // Negative numbers and those beyond 64 bits have no bits to test.
            let Ok(bits) = u64::try_from(at) else {
                if !self.not.contains(&at) {
                    return Next::Number(at);
                }
                match if up {
                    at.checked_add(1)
                } else {
                    at.checked_sub(1)
                } {
                    Some(next) => at = next,
                    None => return Next::End,
                }
                continue;
            };
            if bits & self.must != self.must {
                at = i128::from(superset(bits, self.must));
                continue;
            }
            if let Some(mask) = self.never.iter().find(|m| bits & **m == **m) {
                // All numbers up to the next change of the mask's lowest bit have the mask too.
                let low = mask.checked_sub(1).map_or(u64::MAX, |m| !mask & m);
                at = i128::from(bits | low) + 1;
                continue;
            }
            if self.not.contains(&at) {
                at += 1;
                continue;
            }
            return Next::Number(at);
        }
        Next::Unknown
    }
}

/// The smallest number from `from` on that has all bits of `must`; `from` lacks one of them.
fn superset(from: u64, must: u64) -> u64 {
    let missing = must & !from;
    let bit = 63 - missing.leading_zeros();
    let low = (1u64 << bit) - 1;
    (from & !low) | (1 << bit) | (must & low)
}

/// Addresses in all blocks of `inside` and none of `outside`.
fn addresses(inside: &[Cidr], outside: &[Cidr]) -> Candidates {
    // Blocks contain each other or have nothing in common: the smallest decides.
    let Some(smallest) = inside.iter().max_by_key(|c| c.bits()) else {
        return Candidates::NoNumbers;
    };
    let (first, last, v4) = smallest.range();
    let mut texts = Vec::new();
    let mut at = first;
    for _ in 0..PATIENCE {
        let address = if v4 {
            IpAddr::V4(Ipv4Addr::from(u32::try_from(at).unwrap_or(u32::MAX)))
        } else {
            IpAddr::V6(Ipv6Addr::from(at))
        };
        let text = address.to_string();
        if inside.iter().any(|c| !c.contains(&text)) {
            return Candidates::None;
        }
        let next = match outside.iter().find(|c| c.contains(&text)) {
            Some(block) => block.range().1,
            None => {
                if !v4 {
                    // Sysmon writes all eight groups.
                    let groups = Ipv6Addr::from(at).segments();
                    texts.push(groups.map(|g| format!("{g:x}")).join(":"));
                }
                texts.push(text);
                at
            }
        };
        match next.checked_add(1) {
            Some(next) if next <= last && texts.len() < 2 * COUNT => at = next,
            _ if texts.is_empty() => return Candidates::None,
            _ => break,
        }
    }
    texts.sort_by_key(String::len);
    Candidates::Some {
        texts,
        exact: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn supersets_are_the_next() {
        for from in 0..300u64 {
            for must in [1u64, 4, 5, 0x18, 0x81, 0x100] {
                if from & must == must {
                    continue;
                }
                let plain = (from..).find(|v| v & must == must);
                assert_eq!(Some(superset(from, must)), plain, "{from} {must}");
            }
        }
    }

    #[test]
    fn bits_and_bounds_meet() {
        let tests = [
            (Test::BitsSet(0x10), true),
            (Test::BitsSet(0x8), false),
            (
                Test::Compare(Comparison::Greater, Literal::Number(0x17)),
                true,
            ),
        ];
        let tests: Vec<_> = tests.iter().map(|(t, h)| (t, *h)).collect();
        let Candidates::Some { texts, exact } = candidates(&tests) else {
            unreachable!("there are such numbers");
        };
        assert!(exact);
        assert_eq!(texts[0], "48");
    }
}
