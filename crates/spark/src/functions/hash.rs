//! Digests and encodings: md5, sha1, sha2, crc32, base64. Text goes in as its UTF-8 bytes.

use std::sync::Arc;

use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use datafusion::arrow::array::{Array, ArrayRef, AsArray, BinaryArray, Int64Array};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::Result;
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use super::convert;
use super::udf::{Args, Scalar, build_text, text, whole};

pub(crate) const FUNCTIONS: &[Scalar] = &[
    // md5(x): 32 hexadecimal digits.
    Scalar::new(&["md5"], 1, 1, text, |a| each(a, |b| hex(&Md5::digest(b)))),
    // sha1(x), sha(x): 40 hexadecimal digits.
    Scalar::new(&["sha1", "sha"], 1, 1, text, |a| {
        each(a, |b| hex(&Sha1::digest(b)))
    }),
    // sha2(x, bits): with 224, 256 (or 0), 384 or 512 bits; null for another number.
    Scalar::new(&["sha2"], 2, 2, text, sha2),
    // crc32(x): the checksum as a number.
    Scalar::new(&["crc32"], 1, 1, whole, |a| {
        let bytes = Bytes::of(a)?;
        Ok(Arc::new(
            (0..a.rows)
                .map(|row| bytes.get(row).map(|b| i64::from(crc32fast::hash(b))))
                .collect::<Int64Array>(),
        ))
    }),
    // base64(x): encoded.
    Scalar::new(&["base64"], 1, 1, text, |a| each(a, |b| STANDARD.encode(b))),
    // unbase64(text): the bytes; null where it is not Base64.
    Scalar::new(&["unbase64"], 1, 1, |_| Ok(DataType::Binary), unbase64),
    // decode(bytes, charset): text out of bytes in US-ASCII, ISO-8859-1, UTF-8, UTF-16, UTF-16BE or UTF-16LE.
    Scalar::new(&["decode"], 2, 2, |_| Ok(DataType::Utf8), decode),
];

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Argument 0 as bytes: binary as it is, anything else as the UTF-8 of its text.
struct Bytes {
    array: ArrayRef,
    scalar: bool,
}

impl Bytes {
    fn of(args: &Args<'_>) -> Result<Self> {
        let arg = &args.values[0];
        let array: ArrayRef = match arg.array.data_type() {
            DataType::Binary => Arc::clone(&arg.array),
            _ => Arc::new(convert::to_text(&arg.array)?),
        };
        Ok(Self {
            array,
            scalar: arg.scalar,
        })
    }

    fn get(&self, row: usize) -> Option<&[u8]> {
        let n = if self.scalar { 0 } else { row };
        if self.array.is_null(n) {
            return None;
        }
        Some(match self.array.data_type() {
            DataType::Binary => self.array.as_binary::<i32>().value(n),
            _ => self.array.as_string::<i32>().value(n).as_bytes(),
        })
    }
}

fn each(args: &Args<'_>, of: impl Fn(&[u8]) -> String) -> Result<ArrayRef> {
    let bytes = Bytes::of(args)?;
    Ok(build_text(args.rows, |row| bytes.get(row).map(&of)))
}

fn sha2(args: &Args<'_>) -> Result<ArrayRef> {
    let (bytes, bits) = (Bytes::of(args)?, args.whole(1)?);
    Ok(build_text(args.rows, |row| {
        let b = bytes.get(row)?;
        Some(match bits.get(row)? {
            224 => hex(&Sha224::digest(b)),
            0 | 256 => hex(&Sha256::digest(b)),
            384 => hex(&Sha384::digest(b)),
            512 => hex(&Sha512::digest(b)),
            _ => return None,
        })
    }))
}

fn unbase64(args: &Args<'_>) -> Result<ArrayRef> {
    // As Java's MIME decoder: anything outside the alphabet is passed over, padding may be missing.
    let lenient = GeneralPurpose::new(
        &base64::alphabet::STANDARD,
        GeneralPurposeConfig::new()
            .with_decode_padding_mode(DecodePaddingMode::Indifferent)
            .with_decode_allow_trailing_bits(true),
    );
    let value = args.text(0)?;
    let out: BinaryArray = (0..args.rows)
        .map(|row| {
            let kept: Vec<u8> = value
                .get(row)?
                .bytes()
                .filter(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/'))
                .collect();
            lenient.decode(kept).ok()
        })
        .collect();
    Ok(Arc::new(out))
}

fn decode(args: &Args<'_>) -> Result<ArrayRef> {
    let charset = args
        .constant(1, "character set")?
        .unwrap_or_default()
        .to_uppercase();
    let bytes = Bytes::of(args)?;
    let of: fn(&[u8]) -> String = match charset.as_str() {
        "UTF-8" => |b| String::from_utf8_lossy(b).into_owned(),
        "US-ASCII" => |b| {
            b.iter()
                .map(|b| {
                    if b.is_ascii() {
                        char::from(*b)
                    } else {
                        '\u{fffd}'
                    }
                })
                .collect()
        },
        "ISO-8859-1" => |b| b.iter().map(|b| char::from(*b)).collect(),
        "UTF-16LE" => |b| utf16(b, u16::from_le_bytes),
        "UTF-16BE" => |b| utf16(b, u16::from_be_bytes),
        "UTF-16" => |b| match b {
            [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
            [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
            _ => utf16(b, u16::from_be_bytes),
        },
        other => {
            return datafusion::common::exec_err!(
                "decode: the character set {other:?} is not supported"
            );
        }
    };
    Ok(build_text(args.rows, |row| bytes.get(row).map(of)))
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units: Vec<u16> = bytes.chunks_exact(2).map(|c| unit([c[0], c[1]])).collect();
    let mut text = String::from_utf16_lossy(&units);
    if bytes.len() % 2 == 1 {
        text.push('\u{fffd}');
    }
    text
}
