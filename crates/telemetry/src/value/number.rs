//! Integers as logs spell them.

/// The integer that a text spells; tools that keep all numbers as floating-point write `1.0`.
pub(crate) fn integer(text: &str) -> Option<i64> {
    let text = text.trim();
    let whole = match text.split_once('.') {
        Some((whole, zeros)) if !zeros.is_empty() && zeros.bytes().all(|b| b == b'0') => whole,
        _ => text,
    };
    whole.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_and_no_others() {
        for (text, number) in [
            ("1", Some(1)),
            (" 10 ", Some(10)),
            ("1.0", Some(1)),
            ("-4.00", Some(-4)),
            ("1.", None),
            ("1.5", None),
            (".0", None),
            ("", None),
            ("1e3", None),
        ] {
            assert_eq!(integer(text), number, "{text}");
        }
    }
}
