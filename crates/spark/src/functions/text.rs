//! Functions over text, counting in characters as Spark does.
//! Patterns are not its business (`regex`), nor is what text means (`convert`).

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, BooleanArray, Int32Array, StringBuilder};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, exec_err};

use super::convert;
use super::udf::{Args, Scalar, boolean, build_text, dictionary, int, text};

/// The longest text a function makes out of a shorter one.
pub(super) const LONGEST: usize = 1 << 24;

pub(crate) const FUNCTIONS: &[Scalar] = &[
    // lower(text): in lower case.
    Scalar::new(&["lower", "lcase"], 1, 1, text, |a| {
        each(a, str::to_lowercase)
    }),
    // upper(text): in upper case.
    Scalar::new(&["upper", "ucase"], 1, 1, text, |a| {
        each(a, str::to_uppercase)
    }),
    // initcap(text): every word, set off by blanks, with a capital and the rest small.
    Scalar::new(&["initcap"], 1, 1, text, |a| each(a, initcap)),
    // reverse(text or array): back to front.
    Scalar::new(&["reverse"], 1, 1, same_or_text, reverse),
    // length(text): how many characters.
    Scalar::new(
        &["length", "len", "char_length", "character_length"],
        1,
        1,
        int,
        |a| each_int(a, |v| v.chars().count()),
    ),
    // octet_length(text): how many bytes in UTF-8.
    Scalar::new(&["octet_length"], 1, 1, int, |a| each_int(a, str::len)),
    // bit_length(text): how many bits in UTF-8.
    Scalar::new(&["bit_length"], 1, 1, int, |a| each_int(a, |v| v.len() * 8)),
    // ascii(text): the code point of the first character.
    Scalar::new(&["ascii"], 1, 1, int, |a| {
        each_int(a, |v| v.chars().next().map_or(0, |c| c as usize))
    }),
    // chr(number): the character with this code (modulo 256).
    Scalar::new(&["chr", "char"], 1, 1, text, chr),
    // space(number): so many blanks.
    Scalar::new(&["space"], 1, 1, text, space),
    // substring(text, from, length): counted from 1, from the end where negative.
    Scalar::new(&["substring", "substr", "mid"], 2, 3, text, substring),
    // left(text, length): the first characters.
    Scalar::new(&["left"], 2, 2, text, |a| ends(a, true)),
    // right(text, length): the last characters.
    Scalar::new(&["right"], 2, 2, text, |a| ends(a, false)),
    // substring_index(text, delimiter, count): what stands before the count-th delimiter (after it, from the end, if negative).
    Scalar::new(&["substring_index"], 3, 3, text, substring_index),
    // split_part(text, delimiter, n): the n-th part, empty where there is none.
    Scalar::new(&["split_part"], 3, 3, text, split_part),
    // concat(a, b, ...): one after the other; null where one is null.
    Scalar::new(&["concat"], 0, usize::MAX, concat_type, concat),
    // concat_ws(separator, a, b, ...): joined, nulls left out, arrays spread.
    Scalar::new(&["concat_ws"], 1, usize::MAX, text, concat_ws).sees_nulls(),
    // instr(text, part): where the part begins, 0 where it does not.
    Scalar::new(&["instr", "charindex_of"], 2, 2, int, |a| position(a, 0, 1)),
    // locate(part, text, from): where the part begins at or after `from`.
    Scalar::new(&["locate", "position", "charindex"], 2, 3, int, |a| {
        position(a, 1, 0)
    }),
    // contains(text, part): whether the part is in it.
    Scalar::new(&["contains"], 2, 2, boolean, |a| {
        test(a, |v, p| v.contains(p))
    }),
    // startswith(text, part): whether it begins so.
    Scalar::new(&["startswith"], 2, 2, boolean, |a| {
        test(a, |v, p| v.starts_with(p))
    }),
    // endswith(text, part): whether it ends so.
    Scalar::new(&["endswith"], 2, 2, boolean, |a| {
        test(a, |v, p| v.ends_with(p))
    }),
    // TRIM(LEADING|TRAILING|BOTH chars FROM text).
    Scalar::new(&["trim_chars"], 3, 3, text, trim_chars).internal(),
    // trim(text), trim(chars, text): without blanks, or these characters, at both ends.
    Scalar::new(&["trim"], 1, 2, text, |a| trim(a, true, true)),
    // btrim(text, chars): the same, the characters last.
    Scalar::new(&["btrim"], 1, 2, text, btrim),
    // ltrim(text), ltrim(chars, text): at the beginning.
    Scalar::new(&["ltrim"], 1, 2, text, |a| trim(a, true, false)),
    // rtrim(text), rtrim(chars, text): at the end.
    Scalar::new(&["rtrim"], 1, 2, text, |a| trim(a, false, true)),
    // lpad(text, length, pad): filled or cut to the length at the beginning.
    Scalar::new(&["lpad"], 2, 3, text, |a| pad(a, true)),
    // rpad(text, length, pad): filled or cut to the length at the end.
    Scalar::new(&["rpad"], 2, 3, text, |a| pad(a, false)),
    // repeat(text, n): n times.
    Scalar::new(&["repeat"], 2, 2, text, repeat),
    // replace(text, search, with): every occurrence replaced.
    Scalar::new(&["replace"], 2, 3, text, replace),
    // translate(text, from, to): character by character; those without a partner fall away.
    Scalar::new(&["translate"], 3, 3, text, translate),
    // overlay(text, with, from, length): a stretch replaced.
    Scalar::new(&["overlay"], 3, 4, text, overlay),
    // find_in_set(text, list): its place in a list separated by commas, 0 where it is not.
    Scalar::new(&["find_in_set"], 2, 2, int, find_in_set),
    // soundex(text): how it sounds in English, as a letter and three digits; other text as it is.
    Scalar::new(&["soundex"], 1, 1, text, |a| each(a, soundex)),
    // levenshtein(a, b): the least number of changes from one to the other.
    Scalar::new(&["levenshtein"], 2, 2, int, levenshtein),
];

fn same_or_text(types: &[DataType]) -> Result<DataType> {
    match types.first() {
        Some(list @ DataType::List(_)) => Ok(list.clone()),
        _ => text(types),
    }
}

fn concat_type(types: &[DataType]) -> Result<DataType> {
    match types.iter().find(|t| matches!(t, DataType::List(_))) {
        Some(list) => Ok(list.clone()),
        None if types.iter().any(|t| *t == dictionary()) => Ok(dictionary()),
        None => Ok(DataType::Utf8),
    }
}

fn each(args: &Args<'_>, of: impl Fn(&str) -> String) -> Result<ArrayRef> {
    let value = args.text(0)?;
    Ok(build_text(args.rows, |row| value.get(row).map(&of)))
}

fn each_int(args: &Args<'_>, of: impl Fn(&str) -> usize) -> Result<ArrayRef> {
    let value = args.text(0)?;
    let out: Int32Array = (0..args.rows)
        .map(|row| value.get(row).map(|v| clamp(of(v))))
        .collect();
    Ok(Arc::new(out))
}

fn clamp(n: usize) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}

fn test(args: &Args<'_>, of: impl Fn(&str, &str) -> bool) -> Result<ArrayRef> {
    let (value, part) = (args.text(0)?, args.text(1)?);
    let out: BooleanArray = (0..args.rows)
        .map(|row| Some(of(value.get(row)?, part.get(row)?)))
        .collect();
    Ok(Arc::new(out))
}

fn soundex(value: &str) -> String {
    // By letter: the digit of its sound, 0 for vowels, and for H and W, which sounds are told apart across, 7.
    const SOUNDS: &[u8; 26] = b"01230127022455012623017202";
    let sound = |b: u8| {
        let letter = b.to_ascii_uppercase().checked_sub(b'A');
        letter.and_then(|at| SOUNDS.get(usize::from(at)).copied())
    };
    let Some((first, rest)) = value.as_bytes().split_first() else {
        return String::new();
    };
    let Some(mut last) = sound(*first) else {
        return value.to_owned();
    };
    let mut out = String::from(char::from(first.to_ascii_uppercase()));
    for byte in rest {
        // What is no letter tells sounds apart as a vowel does.
        let code = sound(*byte).unwrap_or(b'0');
        match code {
            b'7' => {}
            b'0' => last = code,
            _ if code == last => {}
            _ => {
                out.push(code.into());
                last = code;
            }
        }
        if out.len() == 4 {
            break;
        }
    }
    format!("{out:0<4}")
}

fn initcap(value: &str) -> String {
    let mut start = true;
    value
        .chars()
        .flat_map(|c| {
            let changed: String = if start {
                c.to_uppercase().collect()
            } else {
                c.to_lowercase().collect()
            };
            start = c == ' ';
            changed.chars().collect::<Vec<_>>()
        })
        .collect()
}

fn reverse(args: &Args<'_>) -> Result<ArrayRef> {
    if matches!(args.data_type(0), DataType::List(_)) {
        return super::array::reversed(args);
    }
    each(args, |v| v.chars().rev().collect())
}

fn chr(args: &Args<'_>) -> Result<ArrayRef> {
    let code = args.whole(0)?;
    Ok(build_text(args.rows, |row| {
        let code = code.get(row)?;
        if code < 0 {
            return Some(String::new());
        }
        u8::try_from(code % 256)
            .ok()
            .map(|b| char::from(b).to_string())
    }))
}

fn space(args: &Args<'_>) -> Result<ArrayRef> {
    let count = args.whole(0)?;
    Ok(build_text(args.rows, |row| {
        Some(" ".repeat(usize::try_from(count.get(row)?).unwrap_or(0).min(LONGEST)))
    }))
}

/// The stretch of `value` that Spark's `substring(value, from, length)` names.
fn slice(value: &str, from: i64, length: i64) -> &str {
    let count = i64::try_from(value.chars().count()).unwrap_or(i64::MAX);
    let start = match from {
        f if f > 0 => f - 1,
        f if f < 0 => count + f,
        _ => 0,
    };
    let end = start.saturating_add(length).clamp(0, count);
    let start = start.clamp(0, count);
    if start >= end {
        return "";
    }
    let at = |n: i64| {
        value
            .char_indices()
            .nth(usize::try_from(n).unwrap_or(usize::MAX))
            .map_or(value.len(), |(i, _)| i)
    };
    &value[at(start)..at(end)]
}

fn substring(args: &Args<'_>) -> Result<ArrayRef> {
    let (value, from) = (args.text(0)?, args.whole(1)?);
    let length = if args.len() > 2 {
        Some(args.whole(2)?)
    } else {
        None
    };
    Ok(build_text(args.rows, |row| {
        let length = match &length {
            Some(l) => l.get(row)?,
            None => i64::from(i32::MAX),
        };
        Some(slice(value.get(row)?, from.get(row)?, length).to_owned())
    }))
}

fn ends(args: &Args<'_>, left: bool) -> Result<ArrayRef> {
    let (value, length) = (args.text(0)?, args.whole(1)?);
    Ok(build_text(args.rows, |row| {
        let (v, n) = (value.get(row)?, length.get(row)?);
        Some(if n <= 0 {
            String::new()
        } else if left {
            slice(v, 1, n).to_owned()
        } else {
            let count = i64::try_from(v.chars().count()).unwrap_or(i64::MAX);
            slice(v, -n.min(count), n).to_owned()
        })
    }))
}

fn substring_index(args: &Args<'_>) -> Result<ArrayRef> {
    let (value, delimiter, count) = (args.text(0)?, args.text(1)?, args.whole(2)?);
    Ok(build_text(args.rows, |row| {
        let (v, d, n) = (value.get(row)?, delimiter.get(row)?, count.get(row)?);
        if d.is_empty() || n == 0 {
            return Some(String::new());
        }
        let nth = usize::try_from(n.unsigned_abs()).unwrap_or(usize::MAX) - 1;
        Some(if n > 0 {
            v.match_indices(d)
                .nth(nth)
                .map_or(v, |(i, _)| &v[..i])
                .to_owned()
        } else {
            v.rmatch_indices(d)
                .nth(nth)
                .map_or(v, |(i, _)| &v[i + d.len()..])
                .to_owned()
        })
    }))
}

fn split_part(args: &Args<'_>) -> Result<ArrayRef> {
    let (value, delimiter, index) = (args.text(0)?, args.text(1)?, args.whole(2)?);
    if (0..args.rows).any(|row| index.get(row) == Some(0)) {
        return exec_err!("split_part: parts are counted from 1");
    }
    Ok(build_text(args.rows, |row| {
        let (v, d, n) = (value.get(row)?, delimiter.get(row)?, index.get(row)?);
        let parts: Vec<&str> = if d.is_empty() {
            vec![v]
        } else {
            v.split(d).collect()
        };
        let at = if n > 0 {
            usize::try_from(n - 1).ok()
        } else {
            parts
                .len()
                .checked_sub(usize::try_from(-n).unwrap_or(usize::MAX))
        };
        Some(
            at.and_then(|at| parts.get(at))
                .map_or(String::new(), |p| (*p).to_owned()),
        )
    }))
}

fn concat(args: &Args<'_>) -> Result<ArrayRef> {
    if matches!(args.returns, DataType::List(_)) {
        return super::array::concatenated(args);
    }
    let parts = (0..args.len())
        .map(|n| args.text(n))
        .collect::<Result<Vec<_>>>()?;
    Ok(build_text(args.rows, |row| {
        parts.iter().map(|p| p.get(row)).collect::<Option<String>>()
    }))
}

fn concat_ws(args: &Args<'_>) -> Result<ArrayRef> {
    let separator = args.text(0)?;
    let mut texts = Vec::new();
    for n in 1..args.len() {
        texts.push(match args.data_type(n) {
            DataType::List(_) => Err(args.list(n)?),
            _ => Ok(args.text(n)?),
        });
    }
    let mut out = StringBuilder::new();
    for row in 0..args.rows {
        let Some(separator) = separator.get(row) else {
            out.append_null();
            continue;
        };
        let mut parts: Vec<String> = Vec::new();
        for column in &texts {
            match column {
                Ok(text) => parts.extend(text.get(row).map(str::to_owned)),
                Err(list) => {
                    if let Some(items) = list.get(row) {
                        parts.extend(
                            convert::to_text(&items)?
                                .iter()
                                .flatten()
                                .map(str::to_owned),
                        );
                    }
                }
            }
        }
        out.append_value(parts.join(separator));
    }
    Ok(Arc::new(out.finish()))
}

fn position(args: &Args<'_>, value: usize, part: usize) -> Result<ArrayRef> {
    let (value, part) = (args.text(value)?, args.text(part)?);
    let from = if args.len() > 2 {
        Some(args.whole(2)?)
    } else {
        None
    };
    let out: Int32Array = (0..args.rows)
        .map(|row| {
            let (v, p) = (value.get(row)?, part.get(row)?);
            // Spark answers 0 for a null start.
            let from = from.as_ref().map_or(1, |f| f.get(row).unwrap_or(0));
            let Some(skip) = usize::try_from(from).ok().and_then(|f| f.checked_sub(1)) else {
                return Some(0);
            };
            let Some((start, _)) = v.char_indices().chain([(v.len(), ' ')]).nth(skip) else {
                return Some(0);
            };
            Some(
                v[start..]
                    .find(p)
                    .map_or(0, |at| clamp(v[..start + at].chars().count() + 1)),
            )
        })
        .collect();
    Ok(Arc::new(out))
}

fn trimmed<'v>(value: &'v str, chars: &str, left: bool, right: bool) -> &'v str {
    let value = if left {
        value.trim_start_matches(|c| chars.contains(c))
    } else {
        value
    };
    if right {
        value.trim_end_matches(|c| chars.contains(c))
    } else {
        value
    }
}

fn trim(args: &Args<'_>, left: bool, right: bool) -> Result<ArrayRef> {
    let value = args.text(args.len() - 1)?;
    let chars = if args.len() > 1 {
        Some(args.text(0)?)
    } else {
        None
    };
    Ok(build_text(args.rows, |row| {
        let chars = match &chars {
            Some(c) => c.get(row)?,
            None => " ",
        };
        Some(trimmed(value.get(row)?, chars, left, right).to_owned())
    }))
}

fn btrim(args: &Args<'_>) -> Result<ArrayRef> {
    if args.len() == 1 {
        return trim(args, true, true);
    }
    let (value, chars) = (args.text(0)?, args.text(1)?);
    Ok(build_text(args.rows, |row| {
        Some(trimmed(value.get(row)?, chars.get(row)?, true, true).to_owned())
    }))
}

fn trim_chars(args: &Args<'_>) -> Result<ArrayRef> {
    let (value, chars) = (args.text(1)?, args.text(2)?);
    let side = args.constant(0, "side")?;
    let (left, right) = (
        side.as_deref() != Some("rtrim"),
        side.as_deref() != Some("ltrim"),
    );
    Ok(build_text(args.rows, |row| {
        Some(trimmed(value.get(row)?, chars.get(row)?, left, right).to_owned())
    }))
}

fn pad(args: &Args<'_>, left: bool) -> Result<ArrayRef> {
    let (value, length) = (args.text(0)?, args.whole(1)?);
    let with = if args.len() > 2 {
        Some(args.text(2)?)
    } else {
        None
    };
    Ok(build_text(args.rows, |row| {
        let v = value.get(row)?;
        let length = usize::try_from(length.get(row)?).unwrap_or(0).min(LONGEST);
        let with = match &with {
            Some(w) => w.get(row)?,
            None => " ",
        };
        let count = v.chars().count();
        if count >= length || with.is_empty() {
            return Some(v.chars().take(length).collect());
        }
        let fill: String = with.chars().cycle().take(length - count).collect();
        Some(if left { fill + v } else { v.to_owned() + &fill })
    }))
}

fn repeat(args: &Args<'_>) -> Result<ArrayRef> {
    let (value, times) = (args.text(0)?, args.whole(1)?);
    let mut out = StringBuilder::new();
    for row in 0..args.rows {
        match (value.get(row), times.get(row)) {
            (Some(v), Some(n)) => {
                let n = usize::try_from(n).unwrap_or(0);
                if v.len().saturating_mul(n) > LONGEST {
                    return exec_err!("repeat: the result would be longer than {LONGEST} bytes");
                }
                out.append_value(v.repeat(n));
            }
            _ => out.append_null(),
        }
    }
    Ok(Arc::new(out.finish()))
}

fn replace(args: &Args<'_>) -> Result<ArrayRef> {
    let (value, search) = (args.text(0)?, args.text(1)?);
    let with = if args.len() > 2 {
        Some(args.text(2)?)
    } else {
        None
    };
    Ok(build_text(args.rows, |row| {
        let (v, s) = (value.get(row)?, search.get(row)?);
        let with = match &with {
            Some(w) => w.get(row)?,
            None => "",
        };
        Some(if s.is_empty() {
            v.to_owned()
        } else {
            v.replace(s, with)
        })
    }))
}

fn translate(args: &Args<'_>) -> Result<ArrayRef> {
    let (value, from, to) = (args.text(0)?, args.text(1)?, args.text(2)?);
    Ok(build_text(args.rows, |row| {
        let (v, from, to) = (value.get(row)?, from.get(row)?, to.get(row)?);
        Some(
            v.chars()
                .filter_map(|c| match from.chars().position(|f| f == c) {
                    Some(n) => to.chars().nth(n),
                    None => Some(c),
                })
                .collect(),
        )
    }))
}

fn overlay(args: &Args<'_>) -> Result<ArrayRef> {
    let (value, with, from) = (args.text(0)?, args.text(1)?, args.whole(2)?);
    let length = if args.len() > 3 {
        Some(args.whole(3)?)
    } else {
        None
    };
    Ok(build_text(args.rows, |row| {
        let (v, w, from) = (value.get(row)?, with.get(row)?, from.get(row)?);
        let given = match &length {
            Some(l) => l.get(row)?,
            None => -1,
        };
        let length = if given < 0 {
            i64::try_from(w.chars().count()).unwrap_or(i64::MAX)
        } else {
            given
        };
        Some(format!(
            "{}{w}{}",
            slice(v, 1, from - 1),
            slice(v, from.saturating_add(length), i64::MAX)
        ))
    }))
}

fn find_in_set(args: &Args<'_>) -> Result<ArrayRef> {
    let (value, set) = (args.text(0)?, args.text(1)?);
    let out: Int32Array = (0..args.rows)
        .map(|row| {
            let (v, s) = (value.get(row)?, set.get(row)?);
            Some(if v.contains(',') {
                0
            } else {
                s.split(',')
                    .position(|item| item == v)
                    .map_or(0, |n| clamp(n + 1))
            })
        })
        .collect();
    Ok(Arc::new(out))
}

fn levenshtein(args: &Args<'_>) -> Result<ArrayRef> {
    let (a, b) = (args.text(0)?, args.text(1)?);
    let out: Int32Array = (0..args.rows)
        .map(|row| {
            Some(clamp(
                datafusion::common::utils::datafusion_strsim::levenshtein(a.get(row)?, b.get(row)?),
            ))
        })
        .collect();
    Ok(Arc::new(out))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn substring_counts_as_spark() {
        for (from, length, expected) in [
            (5, 100, "k SQL"),
            (-3, 100, "SQL"),
            (5, 1, "k"),
            (0, 3, "Spa"),
            (1, 0, ""),
            (-100, 3, ""),
            (-9, 2, "Sp"),
            (20, 1, ""),
        ] {
            assert_eq!(
                slice("Spark SQL", from, length),
                expected,
                "{from} {length}"
            );
        }
    }
}
