//! Any predicate: a proof ends within its limits, a witness satisfies what it was found for, and no
//! form of the predicate panics.
#![no_main]

use libfuzzer_sys::fuzz_target;
use predicate::prove::{Answer, Limits, solve};
use predicate::sql::{Dialect, condition};
use predicate::{
    Case, Comparison, Glob, GlobPart, Literal, Pattern, Predicate, Test, Text, sigma_text,
};

/// Reads a predicate from bytes, from the front; what is missing is zero.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        *first
    }

    fn text(&mut self) -> Text {
        let length = usize::from(self.byte() % 8).min(self.0.len());
        let (text, rest) = self.0.split_at(length);
        self.0 = rest;
        Text {
            text: String::from_utf8_lossy(text).into_owned(),
            case: [Case::Exact, Case::Ascii, Case::Unicode][usize::from(self.byte() % 3)],
        }
    }

    fn test(&mut self) -> Test {
        let orders = [
            Comparison::Less,
            Comparison::LessOrEqual,
            Comparison::Equal,
            Comparison::GreaterOrEqual,
            Comparison::Greater,
        ];
        match self.byte() % 13 {
            0 => Test::Equals(self.text()),
            11 => Test::Present,
            12 => {
                let Text { text, case } = self.text();
                let part = |c| match c {
                    '*' => GlobPart::Any,
                    '?' => GlobPart::One,
                    c => GlobPart::Text(String::from(c)),
                };
                Glob::new(text.chars().map(part), case).into_test()
            }
            1 => Test::Contains(self.text()),
            2 => Test::StartsWith(self.text()),
            3 => Test::EndsWith(self.text()),
            4 => Test::ImageIs(self.text()),
            5 => Test::NotEmpty,
            6 => Test::BitsSet(u64::from(self.byte()) << (self.byte() % 64)),
            7 => {
                let order = orders[usize::from(self.byte() % 5)];
                let number = i128::from(self.byte().cast_signed()) << (self.byte() % 100);
                Test::Compare(order, Literal::Number(number))
            }
            8 => {
                let order = orders[usize::from(self.byte() % 5)];
                Test::Compare(order, Literal::Text(self.text()))
            }
            9 => {
                let (a, bits) = (self.byte(), self.byte() % 33);
                let block = format!("{a}.0.0.0/{bits}");
                block.parse().map_or(Test::NotEmpty, Test::Cidr)
            }
            _ => {
                let text = self.text();
                Pattern::new(&text.text, text.case).map_or(Test::NotEmpty, Test::Regex)
            }
        }
    }

    fn predicate(&mut self, depth: u8) -> Predicate {
        match self.byte() % if depth == 0 { 6 } else { 10 } {
            0..=5 => Predicate::atom(["A", "B", "C"][usize::from(self.byte() % 3)], self.test()),
            6 => self.predicate(depth - 1).negate(),
            n => {
                let count = self.byte() % 5;
                let parts = (0..count).map(|_| self.predicate(depth - 1)).collect();
                if n == 7 {
                    Predicate::And(parts)
                } else {
                    Predicate::Or(parts)
                }
            }
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let p = Bytes(data).predicate(4);
    let limits = Limits {
        nodes: 200,
        states: 5_000,
        steps: 200_000,
    };
    if let Answer::Holds(witness) = solve(&p, &limits) {
        assert!(p.holds(&witness), "{p} on {witness}");
    }
    let _ = condition(&p, Dialect::Spark);
    let _ = condition(&p, Dialect::DataFusion);
    let _ = sigma_text::detection(&p, "filter");
});
