//! Functions over numbers: arithmetic as Spark does it, hexadecimal and other bases, bits.
//! Text among the arguments has been read as a number by `convert`; nothing here fails on data.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, Float64Array, Int32Array, Int64Array,
};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::Result;

use super::convert;
use super::udf::{Args, Scalar, build_text, double, int, text, whole};

pub(crate) const FUNCTIONS: &[Scalar] = &[
    // a / b with a fraction; null where b is 0.
    Scalar::new(&["divide"], 2, 2, double, |a| {
        doubles(a, |x, y| (y != 0.0).then_some(x / y))
    })
    .internal(),
    // a div b: the whole part of the quotient; null where b is 0.
    Scalar::new(&["div"], 2, 2, whole, |a| {
        wholes(a, |x, y| (y != 0).then(|| x.wrapping_div(y)))
    }),
    // mod(a, b) and a % b: the remainder, with the sign of a; null where b is 0.
    Scalar::new(&["mod"], 2, 2, arithmetic, |a| {
        either(
            a,
            |x, y| (y != 0).then(|| x.wrapping_rem(y)),
            |x, y| (y != 0.0).then_some(x % y),
        )
    }),
    // pmod(a, b): the remainder, never negative for a positive b.
    Scalar::new(&["pmod"], 2, 2, arithmetic, |a| {
        either(
            a,
            |x, y| (y != 0).then(|| x.wrapping_rem(y).wrapping_add(y).wrapping_rem(y)),
            |x, y| (y != 0.0).then_some(((x % y) + y) % y),
        )
    }),
    // -x.
    Scalar::new(&["negative"], 1, 1, arithmetic, |a| {
        one(a, i64::wrapping_neg, |x| -x)
    }),
    // abs(x): without its sign.
    Scalar::new(&["abs"], 1, 1, arithmetic, |a| {
        one(a, i64::wrapping_abs, f64::abs)
    }),
    // ceil(x): the next whole number up.
    Scalar::new(&["ceil", "ceiling"], 1, 1, whole, |a| rounded(a, f64::ceil)),
    // floor(x): the next whole number down.
    Scalar::new(&["floor"], 1, 1, whole, |a| rounded(a, f64::floor)),
    // round(x, places): half away from zero.
    Scalar::new(&["round"], 1, 2, arithmetic_first, |a| round(a, f64::round)),
    // bround(x, places): half to even.
    Scalar::new(&["bround"], 1, 2, arithmetic_first, |a| {
        round(a, f64::round_ties_even)
    }),
    // rint(x): the nearest whole number, as a double.
    Scalar::new(&["rint"], 1, 1, double, |a| {
        double_of(a, |x| Some(x.round_ties_even()))
    }),
    // sign(x): -1.0, 0.0 or 1.0.
    Scalar::new(&["sign", "signum"], 1, 1, double, |a| {
        double_of(a, |x| Some(if x == 0.0 { 0.0 } else { x.signum() }))
    }),
    // sqrt(x): the square root.
    Scalar::new(&["sqrt"], 1, 1, double, |a| {
        double_of(a, |x| Some(x.sqrt()))
    }),
    // cbrt(x): the cube root.
    Scalar::new(&["cbrt"], 1, 1, double, |a| {
        double_of(a, |x| Some(x.cbrt()))
    }),
    // exp(x): e to the x.
    Scalar::new(&["exp"], 1, 1, double, |a| double_of(a, |x| Some(x.exp()))),
    // ln(x): the natural logarithm; null for 0 and below.
    Scalar::new(&["ln"], 1, 1, double, |a| {
        double_of(a, |x| (x > 0.0).then(|| x.ln()))
    }),
    // log2(x).
    Scalar::new(&["log2"], 1, 1, double, |a| {
        double_of(a, |x| (x > 0.0).then(|| x.log2()))
    }),
    // log10(x).
    Scalar::new(&["log10"], 1, 1, double, |a| {
        double_of(a, |x| (x > 0.0).then(|| x.log10()))
    }),
    // log(x), log(base, x).
    Scalar::new(&["log"], 1, 2, double, log),
    // power(a, b): a to the b.
    Scalar::new(&["power", "pow"], 2, 2, double, |a| {
        doubles(a, |x, y| Some(x.powf(y)))
    }),
    // ~x: every bit turned over.
    Scalar::new(&["bitwise_not"], 1, 1, whole, |a| {
        let bits = super::cast::bits(&a.values[0].array)?;
        Ok(Arc::new(
            bits.iter().map(|v| v.map(|v| !v)).collect::<Int64Array>(),
        ))
    })
    .internal(),
    // shiftleft(x, n).
    Scalar::new(&["shiftleft"], 2, 2, whole, |a| {
        wholes(a, |x, n| Some(x.wrapping_shl(shift(n))))
    }),
    // shiftright(x, n), keeping the sign.
    Scalar::new(&["shiftright"], 2, 2, whole, |a| {
        wholes(a, |x, n| Some(x.wrapping_shr(shift(n))))
    }),
    // shiftrightunsigned(x, n).
    Scalar::new(&["shiftrightunsigned"], 2, 2, whole, |a| {
        wholes(a, |x, n| {
            Some(x.cast_unsigned().wrapping_shr(shift(n)).cast_signed())
        })
    }),
    // bit_count(x): how many bits are set.
    Scalar::new(&["bit_count"], 1, 1, int, |a| {
        let value = super::cast::bits(&a.values[0].array)?;
        Ok(Arc::new(
            value
                .iter()
                .map(|v| v.map(|v| v.count_ones().cast_signed()))
                .collect::<Int32Array>(),
        ))
    }),
    // hex(x): a number in hexadecimal, or the bytes of a text.
    Scalar::new(&["hex"], 1, 1, text, hex),
    // unhex(text): the bytes that the hexadecimal digits spell.
    Scalar::new(&["unhex"], 1, 1, |_| Ok(DataType::Binary), unhex),
    // bin(x): a number in binary.
    Scalar::new(&["bin"], 1, 1, text, |a| {
        let value = a.whole(0)?;
        Ok(build_text(a.rows, |row| {
            value.get(row).map(|v| format!("{v:b}"))
        }))
    }),
    // conv(text, from, to): a number from one base to another.
    Scalar::new(&["conv"], 3, 3, text, conv),
];

fn arithmetic(types: &[DataType]) -> Result<DataType> {
    Ok(
        if types.iter().all(|t| t.is_integer() || *t == DataType::Null) {
            DataType::Int64
        } else {
            DataType::Float64
        },
    )
}

fn arithmetic_first(types: &[DataType]) -> Result<DataType> {
    arithmetic(&types[..types.len().min(1)])
}

fn shift(n: i64) -> u32 {
    u32::try_from(n & 63).unwrap_or(0)
}

fn doubles(args: &Args<'_>, of: impl Fn(f64, f64) -> Option<f64>) -> Result<ArrayRef> {
    let (a, b) = (args.double(0)?, args.double(1)?);
    let out: Float64Array = (0..args.rows)
        .map(|row| of(a.get(row)?, b.get(row)?))
        .collect();
    Ok(Arc::new(out))
}

fn wholes(args: &Args<'_>, of: impl Fn(i64, i64) -> Option<i64>) -> Result<ArrayRef> {
    let (a, b) = (args.whole(0)?, args.whole(1)?);
    let out: Int64Array = (0..args.rows)
        .map(|row| of(a.get(row)?, b.get(row)?))
        .collect();
    Ok(Arc::new(out))
}

fn either(
    args: &Args<'_>,
    whole: impl Fn(i64, i64) -> Option<i64>,
    fractional: impl Fn(f64, f64) -> Option<f64>,
) -> Result<ArrayRef> {
    if args.returns == DataType::Int64 {
        wholes(args, whole)
    } else {
        doubles(args, fractional)
    }
}

fn one(
    args: &Args<'_>,
    whole: impl Fn(i64) -> i64,
    fractional: impl Fn(f64) -> f64,
) -> Result<ArrayRef> {
    if args.returns == DataType::Int64 {
        let value = args.whole(0)?;
        return Ok(Arc::new(
            (0..args.rows)
                .map(|row| value.get(row).map(&whole))
                .collect::<Int64Array>(),
        ));
    }
    double_of(args, |x| Some(fractional(x)))
}

fn double_of(args: &Args<'_>, of: impl Fn(f64) -> Option<f64>) -> Result<ArrayRef> {
    let value = args.double(0)?;
    Ok(Arc::new(
        (0..args.rows)
            .map(|row| value.get(row).and_then(&of))
            .collect::<Float64Array>(),
    ))
}

fn rounded(args: &Args<'_>, of: impl Fn(f64) -> f64) -> Result<ArrayRef> {
    if args.data_type(0).is_integer() {
        let value = args.whole(0)?;
        return Ok(Arc::new(
            (0..args.rows)
                .map(|row| value.get(row))
                .collect::<Int64Array>(),
        ));
    }
    let value = args.double(0)?;
    Ok(Arc::new(
        (0..args.rows)
            .map(|row| value.get(row).map(|v| of(v) as i64))
            .collect::<Int64Array>(),
    ))
}

fn round(args: &Args<'_>, of: fn(f64) -> f64) -> Result<ArrayRef> {
    let places = if args.len() > 1 {
        Some(args.whole(1)?)
    } else {
        None
    };
    let places = |row: usize| match &places {
        Some(p) => p
            .get(row)
            .and_then(|p| i32::try_from(p.clamp(-30, 30)).ok()),
        None => Some(0),
    };
    if args.returns == DataType::Int64 {
        let value = args.whole(0)?;
        let out: Int64Array = (0..args.rows)
            .map(|row| {
                let (v, p) = (value.get(row)?, places(row)?);
                if p >= 0 {
                    return Some(v);
                }
                let unit = 10_f64.powi(-p);
                Some((of(v as f64 / unit) * unit) as i64)
            })
            .collect();
        return Ok(Arc::new(out));
    }
    let value = args.double(0)?;
    let out: Float64Array = (0..args.rows)
        .map(|row| {
            let (v, p) = (value.get(row)?, places(row)?);
            if !v.is_finite() {
                return Some(v);
            }
            // Java rounds the decimal the number prints as, not its binary value.
            let even = of(0.5) == 0.0;
            round_decimal(v, p, even).or_else(|| Some(of(v * 10_f64.powi(p)) / 10_f64.powi(p)))
        })
        .collect();
    Ok(Arc::new(out))
}

/// Rounds the shortest decimal form of `value` to `places`.
pub(super) fn round_decimal(value: f64, places: i32, even: bool) -> Option<f64> {
    let text = format!("{:e}", value.abs());
    let (mantissa, exponent) = text.split_once('e')?;
    let exponent: i32 = exponent.parse().ok()?;
    let digits: Vec<u8> = mantissa
        .bytes()
        .filter(u8::is_ascii_digit)
        .map(|b| b - b'0')
        .collect();
    // The digit at index i stands for 10^(exponent - i); keep those down to 10^-places.
    let keep = exponent + places + 1;
    if keep >= i32::try_from(digits.len()).ok()? {
        return Some(value);
    }
    if keep < 0 {
        return Some(0.0);
    }
    let keep = usize::try_from(keep).ok()?;
    let mut number: u128 = digits[..keep]
        .iter()
        .fold(0, |n, d| n * 10 + u128::from(*d));
    let half = digits[keep] == 5 && digits[keep + 1..].iter().all(|d| *d == 0);
    let up = if half && even {
        number % 2 == 1
    } else {
        digits[keep] >= 5
    };
    number += u128::from(up);
    let rounded: f64 = format!("{number}e{}", -places).parse().ok()?;
    Some(rounded.copysign(value))
}

fn log(args: &Args<'_>) -> Result<ArrayRef> {
    if args.len() == 1 {
        return double_of(args, |x| (x > 0.0).then(|| x.ln()));
    }
    doubles(args, |base, x| {
        (base > 0.0 && x > 0.0).then(|| x.ln() / base.ln())
    })
}

fn hex(args: &Args<'_>) -> Result<ArrayRef> {
    let array = convert::flatten(&args.values[0].array)?;
    let bytes_text = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02X}")).collect::<String>();
    match array.data_type() {
        DataType::Utf8 => {
            let value = args.text(0)?;
            Ok(build_text(args.rows, |row| {
                value.get(row).map(|v| bytes_text(v.as_bytes()))
            }))
        }
        DataType::Binary => {
            let value = array.as_binary::<i32>();
            Ok(build_text(args.rows, |row| {
                value.is_valid(row).then(|| bytes_text(value.value(row)))
            }))
        }
        _ => {
            let value = args.whole(0)?;
            Ok(build_text(args.rows, |row| {
                value.get(row).map(|v| format!("{v:X}"))
            }))
        }
    }
}

fn unhex(args: &Args<'_>) -> Result<ArrayRef> {
    let value = args.text(0)?;
    let out: BinaryArray = (0..args.rows)
        .map(|row| {
            let text = value.get(row)?;
            // An odd number of digits stands for one with a 0 before it.
            let padded = if text.len() % 2 == 1 {
                format!("0{text}")
            } else {
                text.to_owned()
            };
            let bytes = padded.as_bytes();
            let digit = |b: u8| {
                char::from(b)
                    .to_digit(16)
                    .and_then(|d| u8::try_from(d).ok())
            };
            bytes
                .chunks(2)
                .map(|pair| Some(digit(pair[0])? * 16 + digit(pair[1])?))
                .collect::<Option<Vec<u8>>>()
        })
        .collect();
    Ok(Arc::new(out))
}

fn conv(args: &Args<'_>) -> Result<ArrayRef> {
    let (value, from, to) = (args.text(0)?, args.whole(1)?, args.whole(2)?);
    Ok(build_text(args.rows, |row| {
        convert_base(value.get(row)?, from.get(row)?, to.get(row)?)
    }))
}

/// Spark's `conv`: reads as many digits as are valid, in 64 bits, and stops at the largest number on overflow. A negative
/// target base prints with a sign.
fn convert_base(text: &str, from: i64, to: i64) -> Option<String> {
    let radix = u32::try_from(from).ok().filter(|b| (2..=36).contains(b))?;
    let target = u64::try_from(to.abs())
        .ok()
        .filter(|b| (2..=36).contains(b))?;
    let text = text.trim_matches(' ');
    if text.is_empty() {
        return None;
    }
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let mut number: u64 = 0;
    for c in digits.chars() {
        let Some(d) = c.to_digit(radix) else {
            break;
        };
        number = match number
            .checked_mul(u64::from(radix))
            .and_then(|n| n.checked_add(u64::from(d)))
        {
            Some(n) => n,
            None => {
                number = u64::MAX;
                break;
            }
        };
    }
    let mut sign = false;
    if negative && to > 0 {
        number = if number.cast_signed() < 0 {
            u64::MAX
        } else {
            number.wrapping_neg()
        };
    } else if to < 0 {
        let signed = if negative {
            number.cast_signed().wrapping_neg()
        } else {
            number.cast_signed()
        };
        sign = signed < 0;
        number = signed.unsigned_abs();
    }
    let mut out = Vec::new();
    loop {
        let digit = u32::try_from(number % target).unwrap_or(0);
        out.extend(char::from_digit(digit, 36).map(|c| c.to_ascii_uppercase()));
        number /= target;
        if number == 0 {
            break;
        }
    }
    if sign {
        out.push('-');
    }
    Some(out.into_iter().rev().collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn bases_are_sparks() {
        for (text, from, to, expected) in [
            ("100", 2, 10, Some("4")),
            ("-10", 16, -10, Some("-16")),
            ("3cc", 16, 10, Some("972")),
            ("0x3cc", 16, 10, Some("0")),
            ("zz", 10, 16, Some("0")),
            ("-1", 10, 16, Some("FFFFFFFFFFFFFFFF")),
            ("99999999999999999999", 10, 16, Some("FFFFFFFFFFFFFFFF")),
            ("", 10, 16, None),
            ("1", 1, 10, None),
        ] {
            assert_eq!(
                convert_base(text, from, to).as_deref(),
                expected,
                "{text} {from} {to}"
            );
        }
    }

    #[test]
    fn rounding_is_decimal() {
        assert_eq!(round_decimal(2.5, 0, false), Some(3.0));
        assert_eq!(round_decimal(2.5, 0, true), Some(2.0));
        assert_eq!(round_decimal(1.005, 2, false), Some(1.01));
        assert_eq!(round_decimal(-1.45, 1, false), Some(-1.5));
        assert_eq!(round_decimal(0.04, 1, false), Some(0.0));
        assert_eq!(round_decimal(123.4, -1, false), Some(120.0));
    }
}
