//! The values of a detection as patterns: wildcards, and what the modifiers make of them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use predicate::{Case, Glob, GlobPart, Pattern, Test};
use rsigma_parser::value::{SigmaString, SpecialChar, StringPart};

/// What Windows programs take for the dash of an option.
const DASHES: [char; 5] = ['-', '/', '–', '—', '―'];
/// Options in one value up to which each spelling becomes a pattern of its own.
const MAX_SPELT: usize = 2;

/// A part of a value. Texts are bytes until the last modifier has been applied.
#[derive(Clone, Debug, PartialEq)]
enum Piece {
    Bytes(Vec<u8>),
    /// One character of [`DASHES`].
    Dash,
    One,
    Any,
}

/// How the encodings of UTF-16 differ.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Utf16 {
    LittleEndian,
    BigEndian,
    /// Little-endian behind its byte order mark.
    Marked,
}

/// A value on its way through the modifiers.
#[derive(Clone, Debug)]
pub(crate) struct Value(Vec<Piece>);

impl Value {
    /// A value as written, with wildcards and escapes.
    pub(crate) fn new(text: &SigmaString) -> Self {
        let piece = |part: &StringPart| match part {
            StringPart::Plain(text) => Piece::Bytes(text.clone().into_bytes()),
            StringPart::Special(SpecialChar::WildcardMulti) => Piece::Any,
            StringPart::Special(SpecialChar::WildcardSingle) => Piece::One,
        };
        Self(text.parts.iter().map(piece).collect())
    }

    /// A text without wildcards.
    pub(crate) fn plain(text: &str) -> Self {
        Self(vec![Piece::Bytes(text.as_bytes().to_vec())])
    }

    pub(crate) fn begin_anywhere(&mut self) {
        self.0.insert(0, Piece::Any);
    }

    pub(crate) fn end_anywhere(&mut self) {
        self.0.push(Piece::Any);
    }

    /// The texts in UTF-16.
    pub(crate) fn utf16(&mut self, form: Utf16) {
        for piece in &mut self.0 {
            let Piece::Bytes(bytes) = piece else { continue };
            let units: Vec<u16> = String::from_utf8_lossy(bytes).encode_utf16().collect();
            let encode = |unit: u16| match form {
                Utf16::BigEndian => unit.to_be_bytes(),
                _ => unit.to_le_bytes(),
            };
            let mark: &[u8] = match form {
                Utf16::Marked => &[0xff, 0xfe],
                _ => &[],
            };
            *bytes = mark
                .iter()
                .copied()
                .chain(units.into_iter().flat_map(encode))
                .collect();
        }
    }

    /// The one text that the value is, where it has no wildcards.
    fn bytes(&self) -> Result<&[u8], String> {
        match self.0.as_slice() {
            [] => Ok(&[]),
            [Piece::Bytes(bytes)] => Ok(bytes),
            _ => Err("a value with wildcards cannot be encoded in Base64".to_owned()),
        }
    }

    /// Its Base64.
    pub(crate) fn base64(&self) -> Result<Self, String> {
        Ok(Self::plain(&STANDARD.encode(self.bytes()?)))
    }

    /// What its Base64 looks like inside that of a longer text, at each of the three alignments: the characters that
    /// depend on nothing before or behind it.
    pub(crate) fn base64_offset(&self) -> Result<Vec<Self>, String> {
        let bytes = self.bytes()?;
        let at = |offset: usize| {
            let mut shifted = vec![b' '; offset];
            shifted.extend(bytes);
            let encoded = STANDARD.encode(&shifted);
            let begin = [0, 2, 3][offset];
            let end = encoded.len().saturating_sub([0, 3, 2][shifted.len() % 3]);
            Self::plain(encoded.get(begin..end).unwrap_or_default())
        };
        Ok((0..3).map(at).collect())
    }

    /// Takes the dash that begins an option for any of those that Windows programs take for one.
    pub(crate) fn windash(&mut self) {
        let mut out = Vec::new();
        for piece in self.0.drain(..) {
            let Piece::Bytes(bytes) = piece else {
                out.push(piece);
                continue;
            };
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let word = |c: char| c.is_alphanumeric() || c == '_';
            let mut plain = String::new();
            let mut before = None;
            let mut characters = text.chars().peekable();
            while let Some(c) = characters.next() {
                let begins =
                    !before.is_some_and(word) && characters.peek().is_some_and(|c| word(*c));
                if DASHES.contains(&c) && begins {
                    out.push(Piece::Bytes(std::mem::take(&mut plain).into_bytes()));
                    out.push(Piece::Dash);
                } else {
                    plain.push(c);
                }
                before = Some(c);
            }
            out.push(Piece::Bytes(plain.into_bytes()));
        }
        self.0 = out;
    }

    /// The tests of which one must pass.
    pub(crate) fn tests(&self, case: Case) -> Result<Vec<Test>, String> {
        let dashes = self.0.iter().filter(|p| **p == Piece::Dash).count();
        if dashes > MAX_SPELT {
            return Ok(vec![self.expression(case)?]);
        }
        let spellings = DASHES.len().pow(u32::try_from(dashes).unwrap_or(0));
        (0..spellings).map(|n| self.glob(n, case)).collect()
    }

    /// The pattern with its dashes spelt as the digits of a number say.
    fn glob(&self, mut spelling: usize, case: Case) -> Result<Test, String> {
        let mut parts = Vec::with_capacity(self.0.len());
        for piece in &self.0 {
            parts.push(match piece {
                Piece::Bytes(bytes) => GlobPart::Text(text(bytes)?.to_owned()),
                Piece::One => GlobPart::One,
                Piece::Any => GlobPart::Any,
                Piece::Dash => {
                    let dash = DASHES[spelling % DASHES.len()];
                    spelling /= DASHES.len();
                    GlobPart::Text(dash.into())
                }
            });
        }
        Ok(Glob::new(parts, case).into_test())
    }

    /// The pattern as a regular expression.
    fn expression(&self, case: Case) -> Result<Test, String> {
        let mut out = String::from(r"(?s)\A");
        for piece in &self.0 {
            match piece {
                Piece::Bytes(bytes) => out.push_str(&regex::escape(text(bytes)?)),
                Piece::One => out.push('.'),
                Piece::Any => out.push_str(".*"),
                Piece::Dash => out.push_str("[-/–—―]"),
            }
        }
        out.push_str(r"\z");
        let pattern = Pattern::new(&out, case).map_err(|e| e.to_string())?;
        Ok(Test::Regex(pattern))
    }
}

fn text(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes).map_err(|_| "the encoded value is no text".to_owned())
}
