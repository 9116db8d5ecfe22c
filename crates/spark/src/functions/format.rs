//! `format_string`: Java's `String.format`, for the conversions that values of a query can have; and `format_number`.
//! A conversion it does not know is an error that names it.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, StringBuilder};
use datafusion::common::{Result, exec_err};

use super::convert;
use super::number::round_decimal;
use super::text::LONGEST;
use super::udf::{Args, Scalar, build_text, text};

pub(crate) const FUNCTIONS: &[Scalar] = &[
    // format_string(format, a, ...): as Java's String.format, for %s %d %x %X %o %c %f %e %b %%.
    Scalar::new(
        &["format_string", "printf"],
        1,
        usize::MAX,
        text,
        format_string,
    )
    .sees_nulls(),
    // format_number(x, places): with a comma before each three digits, halves to the even digit.
    Scalar::new(&["format_number"], 2, 2, text, format_number),
];

fn format_number(args: &Args<'_>) -> Result<ArrayRef> {
    if !args.data_type(1).is_integer() {
        return exec_err!(
            "format_number: a number of places is needed, patterns are not known here"
        );
    }
    let (value, places) = (args.double(0)?, args.whole(1)?);
    Ok(build_text(args.rows, |row| {
        let (value, places) = (value.get(row)?, places.get(row)?);
        let places = usize::try_from(places.min(100)).ok()?;
        if !value.is_finite() {
            let sign = if value.is_sign_negative() { "-" } else { "" };
            return Some(if value.is_nan() {
                "NaN".to_owned()
            } else {
                format!("{sign}\u{221e}")
            });
        }
        let rounded = round_decimal(value, i32::try_from(places).ok()?, true)?;
        let digits = format!("{:.places$}", rounded.abs());
        let (whole, rest) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
        let mut out = String::new();
        if value.is_sign_negative() && digits.bytes().any(|b| (b'1'..=b'9').contains(&b)) {
            out.push('-');
        }
        for (i, digit) in whole.chars().enumerate() {
            if i > 0 && (whole.len() - i).is_multiple_of(3) {
                out.push(',');
            }
            out.push(digit);
        }
        Some(out + rest)
    }))
}

/// One `%...` of a format: the argument it names, its flags, width, precision and conversion.
struct Spec {
    argument: Option<usize>,
    flags: String,
    width: usize,
    precision: Option<usize>,
    conversion: char,
}

fn format_string(args: &Args<'_>) -> Result<ArrayRef> {
    let format = args.text(0)?;
    let texts = (1..args.len())
        .map(|n| args.text(n))
        .collect::<Result<Vec<_>>>()?;
    let mut out = StringBuilder::new();
    for row in 0..args.rows {
        let Some(format) = format.get(row) else {
            out.append_null();
            continue;
        };
        let mut made = String::new();
        let mut next = 0;
        let mut rest = format;
        while let Some((head, tail)) = rest.split_once('%') {
            made.push_str(head);
            let (spec, tail) = parse_spec(tail)?;
            rest = tail;
            match spec.conversion {
                '%' => made.push('%'),
                'n' => made.push('\n'),
                _ => {
                    let n = spec.argument.unwrap_or_else(|| {
                        next += 1;
                        next - 1
                    });
                    let Some(column) = texts.get(n) else {
                        return exec_err!(
                            "format_string: {format:?} asks for more than the {} arguments given",
                            texts.len()
                        );
                    };
                    made.push_str(&formatted(&spec, column.get(row))?);
                }
            }
        }
        made.push_str(rest);
        out.append_value(made);
    }
    Ok(Arc::new(out.finish()))
}

fn parse_spec(text: &str) -> Result<(Spec, &str)> {
    let number = |t: &str| t.bytes().take_while(u8::is_ascii_digit).count();
    let mut rest = text;
    let mut argument = None;
    let digits = number(rest);
    if digits > 0 && rest[digits..].starts_with('$') {
        argument = rest[..digits]
            .parse::<usize>()
            .ok()
            .and_then(|n| n.checked_sub(1));
        rest = &rest[digits + 1..];
    }
    let count = rest.bytes().take_while(|b| b"-#+ 0,(".contains(b)).count();
    let (flags, after) = rest.split_at(count);
    let digits = number(after);
    let width = after[..digits].parse().unwrap_or(0_usize).min(LONGEST);
    rest = &after[digits..];
    let mut precision = None;
    if let Some(after) = rest.strip_prefix('.') {
        let digits = number(after);
        precision = after[..digits].parse().ok();
        rest = &after[digits..];
    }
    let Some(conversion) = rest.chars().next() else {
        return exec_err!("format_string: an unfinished % at the end");
    };
    let spec = Spec {
        argument,
        flags: flags.to_owned(),
        width,
        precision,
        conversion,
    };
    Ok((spec, &rest[conversion.len_utf8()..]))
}

fn formatted(spec: &Spec, value: Option<&str>) -> Result<String> {
    let bad = |what: &str| exec_err!("format_string: %{} cannot print {what:?}", spec.conversion);
    let plus = |n: bool| {
        if n && spec.flags.contains('+') {
            "+"
        } else {
            ""
        }
    };
    let mut made = match (spec.conversion, value) {
        (_, None) => "null".to_owned(),
        ('s', Some(v)) => v.to_owned(),
        ('S', Some(v)) => v.to_uppercase(),
        ('b', Some(v)) => (v != "false").to_string(),
        ('c', Some(v)) => v.chars().next().map(String::from).unwrap_or_default(),
        ('d', Some(v)) => match convert::whole(v) {
            Some(n) => {
                let digits = n.unsigned_abs().to_string();
                let digits = if spec.flags.contains(',') {
                    grouped(&digits)
                } else {
                    digits
                };
                format!("{}{digits}", if n < 0 { "-" } else { plus(true) })
            }
            None => return bad(v),
        },
        ('x' | 'X' | 'o', Some(v)) => match (convert::whole(v), spec.conversion) {
            (Some(n), 'x') => format!("{n:x}"),
            (Some(n), 'X') => format!("{n:X}"),
            (Some(n), _) => format!("{n:o}"),
            (None, _) => return bad(v),
        },
        ('f', Some(v)) => match convert::fractional(v) {
            Some(n) => format!(
                "{}{n:.*}",
                plus(n >= 0.0),
                spec.precision.unwrap_or(6).min(100)
            ),
            None => return bad(v),
        },
        ('e', Some(v)) => match convert::fractional(v) {
            Some(n) => {
                let text = format!("{n:.*e}", spec.precision.unwrap_or(6).min(100));
                match text.split_once('e') {
                    Some((m, e)) => {
                        let e: i32 = e.parse().unwrap_or(0);
                        format!("{m}e{}{:02}", if e < 0 { '-' } else { '+' }, e.abs())
                    }
                    None => text,
                }
            }
            None => return bad(v),
        },
        (other, _) => return exec_err!("format_string: %{other} is not supported"),
    };
    if let (Some(p), 's' | 'S' | 'b') = (spec.precision, spec.conversion) {
        made = made.chars().take(p).collect();
    }
    let count = made.chars().count();
    if count < spec.width {
        let fill = spec.width - count;
        made = if spec.flags.contains('-') {
            made + &" ".repeat(fill)
        } else if spec.flags.contains('0')
            && value.is_some()
            && !matches!(spec.conversion, 's' | 'S' | 'b' | 'c')
        {
            let sign = usize::from(made.starts_with(['-', '+']));
            format!("{}{}{}", &made[..sign], "0".repeat(fill), &made[sign..])
        } else {
            " ".repeat(fill) + &made
        };
    }
    Ok(made)
}

fn grouped(digits: &str) -> String {
    let mut out = String::new();
    for (n, c) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}
