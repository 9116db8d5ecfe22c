//! Counts, rates, shares and intervals in words and digits.

/// A number with its thousands apart: `1,234,567`.
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// `1 event`, `2 events`, `1,000 events`.
pub fn plural(n: u64, thing: &str) -> String {
    format!("{} {}", grouped(n), plural_of(n, thing))
}

/// The word without the number: `event` for one, `events` for any other count; `match` gives `matches`, `entry`
/// gives `entries`.
pub fn plural_of(n: u64, thing: &str) -> String {
    if n == 1 {
        return thing.to_owned();
    }
    let consonant_y = thing
        .strip_suffix('y')
        .filter(|stem| !stem.ends_with(['a', 'e', 'i', 'o', 'u']));
    match consonant_y {
        Some(stem) => format!("{stem}ies"),
        None if thing.ends_with(['s', 'x']) || thing.ends_with("ch") || thing.ends_with("sh") => {
            format!("{thing}es")
        }
        None => format!("{thing}s"),
    }
}

/// A rate with as many digits as say something: `1,235`, `3.1`, `0.03`, `2e-5`.
pub fn decimal(x: f64) -> String {
    match x {
        x if x.is_nan() => "?".to_owned(),
        x if x.is_infinite() => "∞".to_owned(),
        0.0 => "0".to_owned(),
        x if x >= 99.95 => grouped(x.round() as u64),
        x if x >= 0.095 => format!("{x:.1}"),
        x if x >= 0.0095 => format!("{x:.2}"),
        x if x >= 0.00095 => format!("{x:.3}"),
        x => format!("{x:.0e}"),
    }
}

/// A share between 0 and 1 as whole per cent, which is never rounded to all or nothing.
pub fn percent(share: f64) -> String {
    match share * 100.0 {
        p if p > 0.0 && p < 0.5 => "under 1 %".to_owned(),
        p if (99.5..100.0).contains(&p) => "over 99 %".to_owned(),
        p => format!("{p:.0} %"),
    }
}

/// The ends of an interval of rates: `2.1–3.4`.
pub fn interval(low: f64, high: f64) -> String {
    format!("{}–{}", decimal(low), decimal(high))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(
            [0, 999, 1000, 1234567].map(grouped),
            ["0", "999", "1,000", "1,234,567"]
        );
    }

    #[test]
    fn one_thing_and_many() {
        assert_eq!(plural(1, "event"), "1 event");
        assert_eq!(plural(0, "entry"), "0 entries");
        assert_eq!(plural(2, "match"), "2 matches");
        assert_eq!(plural(2, "fix"), "2 fixes");
        assert_eq!(plural(2000, "day"), "2,000 days");
    }

    #[test]
    fn numbers_keep_what_they_say() {
        assert_eq!(
            [3.1217, 0.0342, 1234.5, 0.0, f64::NAN].map(decimal),
            ["3.1", "0.03", "1,235", "0", "?"]
        );
        assert_eq!(
            [0.9999, 0.001, 1.0].map(percent),
            ["over 99 %", "under 1 %", "100 %"]
        );
        assert_eq!(interval(2.12, 150.0), "2.1–150");
    }
}
