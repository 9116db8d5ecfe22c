//! Whether a condition can hold for a value of which only a part is known. It knows conditions and texts, and neither
//! rules nor events.

use catalog::{KnownField, KnownTest};
use serde::Serialize;

use crate::rules::Op;
use crate::text;

/// What can be said of a condition before the event is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Holds {
    /// It holds for no such event.
    Never,
    /// It depends on what is not known.
    Perhaps,
    /// It holds for every such event.
    Always,
}

impl Holds {
    fn of(holds: bool) -> Self {
        if holds { Self::Always } else { Self::Never }
    }

    /// `Perhaps` where it could hold, else `Never`.
    fn possible(possible: bool) -> Self {
        if possible { Self::Perhaps } else { Self::Never }
    }

    pub(super) fn not(self) -> Self {
        match self {
            Self::Never => Self::Always,
            Self::Perhaps => Self::Perhaps,
            Self::Always => Self::Never,
        }
    }

    pub(super) fn any(parts: impl IntoIterator<Item = Self>) -> Self {
        parts.into_iter().max().unwrap_or(Self::Never)
    }

    pub(super) fn all(parts: impl IntoIterator<Item = Self>) -> Self {
        parts.into_iter().min().unwrap_or(Self::Always)
    }
}

/// Whether a condition with a folded value holds for a field of which `known` is known.
pub(super) fn judge(op: Op, value: &str, known: &KnownField) -> Holds {
    let part = known.value.to_ascii_lowercase();
    if known.test == KnownTest::Is {
        return Holds::of(text::matches(op, &part, value));
    }
    let one = |op: Op, value: &str| match known.test {
        KnownTest::EndsWith => with_end(op, value, &part),
        KnownTest::Contains => with_part(op, value, &part),
        _ => with_bits(op, value, mask(&part).unwrap_or(0)),
    };
    match op {
        Op::IsNot => one(Op::Is, value).not(),
        Op::NotBeginWith => one(Op::BeginWith, value).not(),
        Op::NotEndWith => one(Op::EndWith, value).not(),
        Op::IsAny => Holds::any(value.split(';').map(|v| one(Op::Is, v))),
        Op::ContainsAny => Holds::any(text::tokens(value).map(|v| one(Op::Contains, v))),
        Op::ContainsAll => Holds::all(text::tokens(value).map(|v| one(Op::Contains, v))),
        Op::Excludes => one(Op::Contains, value).not(),
        Op::ExcludesAny => Holds::any(text::tokens(value).map(|v| one(Op::Contains, v))).not(),
        Op::ExcludesAll => Holds::all(text::tokens(value).map(|v| one(Op::Contains, v))).not(),
        op => one(op, value),
    }
}

/// For a field that ends with `end`.
fn with_end(op: Op, value: &str, end: &str) -> Holds {
    match op {
        Op::Is => Holds::possible(value.ends_with(end)),
        Op::Contains if end.contains(value) => Holds::Always,
        Op::EndWith if end.ends_with(value) => Holds::Always,
        Op::EndWith => Holds::possible(value.ends_with(end)),
        Op::Image if value.contains('\\') => Holds::possible(value.ends_with(end)),
        // The name alone is compared; it is known where a backslash begins it.
        Op::Image => match end.rsplit_once('\\') {
            Some((_, name)) => Holds::of(name == value),
            None => Holds::possible(value.ends_with(end)),
        },
        _ => Holds::Perhaps,
    }
}

/// For a field that contains `part`.
fn with_part(op: Op, value: &str, part: &str) -> Holds {
    match op {
        Op::Is => Holds::possible(value.contains(part)),
        Op::Contains if part.contains(value) => Holds::Always,
        Op::Image if value.contains('\\') => Holds::possible(value.contains(part)),
        _ => Holds::Perhaps,
    }
}

/// For a field that holds a mask with at least `bits`, in hexadecimal.
fn with_bits(op: Op, value: &str, bits: u32) -> Holds {
    match op {
        // Text is compared: `0x001F0FFF` is no mask that Sysmon writes.
        Op::Is | Op::Image => {
            let written = mask(value).filter(|m| value == format!("{m:#x}"));
            Holds::possible(written.is_some_and(|m| m & bits == bits))
        }
        Op::Contains | Op::BeginWith if "0x".starts_with(value) => Holds::Always,
        _ => Holds::Perhaps,
    }
}

fn mask(text: &str) -> Option<u32> {
    u32::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(test: KnownTest, value: &'static str) -> KnownField {
        KnownField {
            field: "TargetImage",
            test,
            value,
        }
    }

    #[test]
    fn an_end_decides_about_names_and_not_about_folders() {
        let lsass = known(KnownTest::EndsWith, r"\lsass.exe");
        for (op, value, holds) in [
            (Op::Image, "lsass.exe", Holds::Always),
            (Op::Image, "svchost.exe", Holds::Never),
            (Op::EndWith, r"\lsass.exe", Holds::Always),
            (Op::EndWith, "exe", Holds::Always),
            (Op::EndWith, r"\system32\lsass.exe", Holds::Perhaps),
            (Op::EndWith, r"\csrss.exe", Holds::Never),
            (Op::Is, r"c:\windows\system32\lsass.exe", Holds::Perhaps),
            (Op::Is, "lsass.exe", Holds::Never),
            (Op::Contains, "lsass", Holds::Always),
            (Op::Contains, "windows", Holds::Perhaps),
            (Op::BeginWith, r"c:\", Holds::Perhaps),
            (Op::Excludes, "lsass", Holds::Never),
            (Op::IsAny, "a.exe;c:\\lsass.exe", Holds::Perhaps),
            (Op::ContainsAll, "lsass;windows", Holds::Perhaps),
            (Op::NotEndWith, r"\csrss.exe", Holds::Always),
        ] {
            assert_eq!(judge(op, value, &lsass), holds, "{op:?} {value}");
        }
    }

    #[test]
    fn a_mask_is_compared_as_text_and_must_have_the_bits() {
        let ready = known(KnownTest::Holds, "0x1410");
        for (value, holds) in [
            ("0x1410", Holds::Perhaps),
            ("0x1fffff", Holds::Perhaps),
            ("0x1400", Holds::Never),
            ("0x001fffff", Holds::Never),
            ("5136", Holds::Never),
        ] {
            assert_eq!(judge(Op::Is, value, &ready), holds, "{value}");
        }
        assert_eq!(judge(Op::BeginWith, "0x", &ready), Holds::Always);
        assert_eq!(judge(Op::Contains, "fff", &ready), Holds::Perhaps);
        let all = known(KnownTest::Is, "0x1fffff");
        assert_eq!(judge(Op::Contains, "fff", &all), Holds::Always);
    }
}
