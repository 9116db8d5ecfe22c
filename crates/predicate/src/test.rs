//! The tests that a field's value can be put to, with their exact meaning on text.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::IpAddr;
use std::str::FromStr;

use crate::Glob;

/// How letters are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Case {
    /// As they are.
    Exact,
    /// A-Z equal a-z; no other letters fold (the rule of Sysmon's filters).
    #[default]
    Ascii,
    /// Unicode lower case (the rule of Sigma).
    Unicode,
}

impl Case {
    /// The text in the form in which two texts are compared.
    pub fn fold(self, text: &str) -> String {
        match self {
            Self::Exact => text.to_owned(),
            Self::Ascii => text.to_ascii_lowercase(),
            Self::Unicode => text.to_lowercase(),
        }
    }
}

/// A literal text with its case rule.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Text {
    /// The text as written.
    pub text: String,
    /// How letters are compared.
    pub case: Case,
}

impl Text {
    /// A text compared with ASCII letters folded.
    pub fn ascii(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            case: Case::Ascii,
        }
    }

    /// A text compared exactly.
    pub fn exact(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            case: Case::Exact,
        }
    }

    pub(crate) fn folded(&self) -> String {
        self.case.fold(&self.text)
    }
}

/// Which way a comparison goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Comparison {
    Less,
    LessOrEqual,
    Equal,
    GreaterOrEqual,
    Greater,
}

impl Comparison {
    pub(crate) fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Less => order == Ordering::Less,
            Self::LessOrEqual => order != Ordering::Greater,
            Self::Equal => order == Ordering::Equal,
            Self::GreaterOrEqual => order != Ordering::Less,
            Self::Greater => order == Ordering::Greater,
        }
    }

    pub(crate) const fn symbol(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Equal => "=",
            Self::GreaterOrEqual => ">=",
            Self::Greater => ">",
        }
    }
}

/// What a comparison compares with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Literal {
    /// A whole number; values are read as decimal or `0x` hexadecimal, and others never compare.
    Number(i128),
    /// A text, by UTF-16 units after folding.
    Text(Text),
}

/// A regular expression, compiled.
#[derive(Clone, Debug)]
pub struct Pattern {
    regex: regex::Regex,
    case: Case,
}

impl Pattern {
    /// Compiles an expression of Rust's `regex` syntax; `Case::Ascii` and `Case::Unicode` both
    /// ignore case.
    ///
    /// # Errors
    /// Where it is none, or compiles to more than four megabytes.
    pub fn new(expression: &str, case: Case) -> Result<Self, InvalidLiteral> {
        regex::RegexBuilder::new(expression)
            .case_insensitive(case != Case::Exact)
            .size_limit(1 << 22)
            .build()
            .map(|regex| Self { regex, case })
            .map_err(|e| InvalidLiteral(e.to_string()))
    }

    /// The expression.
    pub fn as_str(&self) -> &str {
        self.regex.as_str()
    }

    /// The case rule it was compiled with.
    pub fn case(&self) -> Case {
        self.case
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str() && self.case == other.case
    }
}

impl Eq for Pattern {}

impl Hash for Pattern {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
        self.case.hash(state);
    }
}

/// A block of IP addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cidr {
    address: IpAddr,
    bits: u8,
}

impl FromStr for Cidr {
    type Err = InvalidLiteral;

    fn from_str(text: &str) -> Result<Self, InvalidLiteral> {
        let invalid = || InvalidLiteral(format!("`{text}` is no CIDR block"));
        let (address, bits) = text.split_once('/').ok_or_else(invalid)?;
        let address: IpAddr = address.parse().map_err(|_| invalid())?;
        let bits: u8 = bits.parse().map_err(|_| invalid())?;
        if bits > if address.is_ipv4() { 32 } else { 128 } {
            return Err(invalid());
        }
        Ok(Self { address, bits })
    }
}

impl Cidr {
    /// How many leading bits of an address count.
    pub(crate) fn bits(self) -> u8 {
        self.bits
    }

    /// First and last address as numbers, and whether they are of version 4.
    pub(crate) fn range(self) -> (u128, u128, bool) {
        let (address, width) = match self.address {
            IpAddr::V4(a) => (u128::from(u32::from(a)), 32),
            IpAddr::V6(a) => (u128::from(a), 128u32),
        };
        let all = u128::MAX >> (128 - width);
        let free = all.checked_shr(u32::from(self.bits)).unwrap_or(0);
        (address & !free, address | free, width == 32)
    }

    pub(crate) fn contains(self, text: &str) -> bool {
        let number = |a: IpAddr| match a {
            IpAddr::V4(a) => (u128::from(u32::from(a)), 32),
            IpAddr::V6(a) => (u128::from(a), 128),
        };
        let Ok(other) = text.parse::<IpAddr>() else {
            return false;
        };
        let ((a, width), (b, other_width)) = (number(self.address), number(other));
        width == other_width
            && (a ^ b)
                .checked_shr(width - u32::from(self.bits))
                .unwrap_or(0)
                == 0
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

/// Why a literal is not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidLiteral(String);

/// A test of one value. Values are never absent here; see [`crate::Predicate`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Test {
    /// The whole value.
    Equals(Text),
    /// A part of it; an empty text is part of every value.
    Contains(Text),
    /// Its beginning.
    StartsWith(Text),
    /// Its end.
    EndsWith(Text),
    /// The whole value, with wildcards.
    Glob(Glob),
    /// A match anywhere in it.
    Regex(Pattern),
    /// An IP address in a block.
    Cidr(Cidr),
    /// An order.
    Compare(Comparison, Literal),
    /// A number with all these bits set.
    BitsSet(u64),
    /// A path: the whole of it where the text has a `\`, else what is behind its last `\`.
    ImageIs(Text),
    /// Any value, even an empty one.
    Present,
    /// A value that is not empty.
    NotEmpty,
}

impl Test {
    /// Whether a value passes.
    pub fn matches(&self, value: &str) -> bool {
        match self {
            Self::Equals(t) => t.case.fold(value) == t.folded(),
            Self::Contains(t) => t.case.fold(value).contains(&t.folded()),
            Self::StartsWith(t) => t.case.fold(value).starts_with(&t.folded()),
            Self::EndsWith(t) => t.case.fold(value).ends_with(&t.folded()),
            Self::Glob(g) => g.matches(value),
            Self::Regex(p) => p.regex.is_match(value),
            Self::Cidr(block) => block.contains(value),
            Self::Compare(c, Literal::Number(n)) => {
                number(value).is_some_and(|v| c.holds(v.cmp(n)))
            }
            Self::Compare(c, Literal::Text(t)) => {
                let (a, b) = (t.case.fold(value), t.folded());
                c.holds(a.encode_utf16().cmp(b.encode_utf16()))
            }
            Self::BitsSet(mask) => number(value)
                .and_then(|v| u64::try_from(v).ok())
                .is_some_and(|v| v & mask == *mask),
            Self::ImageIs(t) => {
                let value = if t.text.contains('\\') {
                    value
                } else {
                    last_component(value)
                };
                t.case.fold(value) == t.folded()
            }
            Self::Present => true,
            Self::NotEmpty => !value.is_empty(),
        }
    }
}

/// What is behind the last `\`.
pub(crate) fn last_component(path: &str) -> &str {
    path.rsplit('\\').next().unwrap_or(path)
}

/// A decimal or `0x` hexadecimal number.
fn number(text: &str) -> Option<i128> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => i128::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Equals(t) => write!(f, "= {:?}", t.text),
            Self::Contains(t) => write!(f, "contains {:?}", t.text),
            Self::StartsWith(t) => write!(f, "starts with {:?}", t.text),
            Self::EndsWith(t) => write!(f, "ends with {:?}", t.text),
            Self::Glob(g) => write!(f, "like \"{g}\""),
            Self::Regex(p) => write!(f, "matches /{}/", p.as_str()),
            Self::Cidr(block) => write!(f, "in {block}"),
            Self::Compare(c, Literal::Number(n)) => write!(f, "{} {n}", c.symbol()),
            Self::Compare(c, Literal::Text(t)) => write!(f, "{} {:?}", c.symbol(), t.text),
            Self::BitsSet(mask) => write!(f, "has bits {mask:#x}"),
            Self::ImageIs(t) => write!(f, "is image {:?}", t.text),
            Self::Present => f.write_str("is present"),
            Self::NotEmpty => f.write_str("is not empty"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn case_rules_differ() {
        let t = |case| {
            Test::Equals(Text {
                text: "ÄB".into(),
                case,
            })
        };
        assert!(t(Case::Ascii).matches("Äb") && !t(Case::Ascii).matches("äb"));
        assert!(t(Case::Unicode).matches("äb") && !t(Case::Exact).matches("Äb"));
    }

    #[test]
    fn blocks_and_numbers() {
        let block: Cidr = "10.0.0.0/8".parse().unwrap();
        assert!(Test::Cidr(block).matches("10.1.2.3") && !Test::Cidr(block).matches("11.0.0.1"));
        let all: Cidr = "::/0".parse().unwrap();
        assert!(Test::Cidr(all).matches("fe80::1") && !Test::Cidr(all).matches("1.2.3.4"));
        assert!("10.0.0.0/33".parse::<Cidr>().is_err());
        assert!(Test::BitsSet(0x18).matches("0x1018") && !Test::BitsSet(0x18).matches("0x10"));
        let more = Test::Compare(Comparison::Greater, Literal::Number(1024));
        assert!(more.matches("0x401") && !more.matches("9"));
        let text = Test::Compare(Comparison::Greater, Literal::Text(Text::ascii("1024")));
        assert!(text.matches("9"));
    }

    #[test]
    fn images() {
        let name = Test::ImageIs(Text::ascii("cmd.exe"));
        assert!(name.matches("C:\\x\\CMD.EXE") && name.matches("cmd.exe"));
        assert!(!Test::ImageIs(Text::ascii("\\cmd.exe")).matches("C:\\cmd.exe"));
    }
}
