//! Names and GUIDs of the catalog in a file's bytes: functions that a driver resolves by name (`MmGetSystemRoutineAddress`
//! takes UTF-16, `GetProcAddress` takes ASCII), and ETW providers by GUID or name. A name in the data is a hint: that it is
//! ever passed to a resolver is not shown by the bytes.

use super::imports::Imports;
use aho_corasick::{AhoCorasick, MatchKind};
use catalog::MechanismId;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// How a name stands in the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// One byte per character.
    Ascii,
    /// Two bytes per character.
    Utf16,
    /// The sixteen bytes of a GUID.
    Guid,
}

/// A name of the catalog found in a file's data.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Named {
    /// The function or provider.
    pub name: &'static str,
    /// How it stands there.
    pub encoding: Encoding,
    /// Where it stands first, in bytes from the start of the file.
    pub offset: u64,
    /// The mechanisms it belongs to.
    pub mechanisms: Vec<MechanismId>,
    /// Whether it names an ETW provider rather than a function.
    pub provider: bool,
}

struct Needle {
    name: &'static str,
    encoding: Encoding,
    provider: bool,
}

struct Needles {
    automaton: AhoCorasick,
    needles: Vec<Needle>,
    mechanisms: BTreeMap<&'static str, Vec<MechanismId>>,
}

/// Functions that turn a name into an address.
pub(crate) const RESOLVERS: [&str; 6] = [
    "MmGetSystemRoutineAddress",
    "MmGetSystemRoutineAddressEx",
    "FltGetRoutineAddress",
    "GetProcAddress",
    "LdrGetProcedureAddress",
    "RtlFindExportedRoutineByName",
];

static NEEDLES: LazyLock<Option<Needles>> = LazyLock::new(|| {
    let mut mechanisms: BTreeMap<&'static str, Vec<MechanismId>> = BTreeMap::new();
    let mut needles = Vec::new();
    let mut patterns: Vec<Vec<u8>> = Vec::new();
    let mut add = |name, encoding, provider, pattern| {
        needles.push(Needle {
            name,
            encoding,
            provider,
        });
        patterns.push(pattern);
    };
    for mechanism in MechanismId::all() {
        let provider = mechanism.row().provider.as_ref();
        // A COM method stands in no string table.
        let functions = mechanism
            .row()
            .imports
            .iter()
            .map(|i| (i.name, false))
            .filter(|(n, _)| !n.contains("::"));
        for (name, is_provider) in functions.chain(provider.map(|p| (p.name, true))) {
            let known = mechanisms.entry(name).or_default();
            known.push(mechanism);
            if known.len() == 1 {
                add(name, Encoding::Ascii, is_provider, name.as_bytes().to_vec());
                add(
                    name,
                    Encoding::Utf16,
                    is_provider,
                    name.encode_utf16().flat_map(u16::to_le_bytes).collect(),
                );
                if let Some(guid) = provider
                    .filter(|_| is_provider)
                    .and_then(|p| guid_bytes(p.guid))
                {
                    add(name, Encoding::Guid, true, guid);
                }
            }
        }
    }
    let automaton = AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostLongest)
        .build(&patterns)
        .ok()?;
    Some(Needles {
        automaton,
        needles,
        mechanisms,
    })
});

/// The first place of every name and GUID of the catalog in `data`, except functions that are imported anyway.
pub(super) fn search(data: &[u8], imports: &Imports) -> Vec<Named> {
    let Some(needles) = NEEDLES.as_ref() else {
        return Vec::new();
    };
    let mut first: BTreeMap<usize, usize> = BTreeMap::new();
    for found in needles.automaton.find_iter(data) {
        let pattern = found.pattern().as_usize();
        if !first.contains_key(&pattern)
            && stands_alone(
                data,
                found.start(),
                found.end(),
                needles.needles[pattern].encoding,
            )
        {
            first.insert(pattern, found.start());
        }
    }
    let named = first.into_iter().filter_map(|(pattern, offset)| {
        let needle = &needles.needles[pattern];
        if !needle.provider && imports.has(needle.name) {
            return None;
        }
        let mechanisms = needles
            .mechanisms
            .get(needle.name)
            .cloned()
            .unwrap_or_default();
        Some(Named {
            name: needle.name,
            encoding: needle.encoding,
            offset: offset as u64,
            mechanisms,
            provider: needle.provider,
        })
    });
    let mut named: Vec<_> = named.collect();
    named.sort();
    named
}

/// Whether the match is not the inside of a longer word (`PsSetLoadImageNotifyRoutine` in `...RoutineEx`).
fn stands_alone(data: &[u8], start: usize, end: usize, encoding: Encoding) -> bool {
    let word = |at: Option<&u8>| at.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
    match encoding {
        Encoding::Guid => true,
        Encoding::Ascii => {
            !word(data.get(end)) && !word(start.checked_sub(1).and_then(|at| data.get(at)))
        }
        Encoding::Utf16 => {
            let wide = |at: Option<usize>| {
                at.is_some_and(|at| {
                    word(data.get(at)) && data.get(at + 1).is_some_and(|high| *high == 0)
                })
            };
            !wide(Some(end)) && !wide(start.checked_sub(2))
        }
    }
}

/// `{5770385f-c22a-43e0-bf4c-06f5698ffbd9}` as it stands in memory.
fn guid_bytes(text: &str) -> Option<Vec<u8>> {
    let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
    if digits.len() != 32 {
        return None;
    }
    let bytes: Option<Vec<u8>> = (0..16)
        .map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).ok())
        .collect();
    let bytes = bytes?;
    let order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
    Some(order.iter().map(|at| bytes[*at]).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn names(data: &[u8]) -> Vec<(&'static str, Encoding)> {
        search(data, &Imports::default())
            .into_iter()
            .map(|n| (n.name, n.encoding))
            .collect()
    }

    fn wide(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    #[test]
    fn names_in_both_encodings() {
        assert_eq!(
            names(b"\0ObRegisterCallbacks\0"),
            [("ObRegisterCallbacks", Encoding::Ascii)]
        );
        let mut data = vec![0, 0];
        data.extend(wide("CmRegisterCallbackEx"));
        data.extend([0, 0]);
        assert_eq!(names(&data), [("CmRegisterCallbackEx", Encoding::Utf16)]);
    }

    #[test]
    fn a_longer_word_is_another_word() {
        assert_eq!(names(b"xObRegisterCallbacks"), []);
        assert_eq!(names(b"ObRegisterCallbacksFoo\0"), []);
        assert_eq!(
            names(b" PsSetLoadImageNotifyRoutineEx\0"),
            [("PsSetLoadImageNotifyRoutineEx", Encoding::Ascii)]
        );
        assert_eq!(names(&wide("CmRegisterCallbackExtra")), []);
    }

    #[test]
    fn providers_by_guid() {
        let guid = guid_bytes("{f4e1897c-bb5d-5668-f1d8-040f4d8dd344}").unwrap();
        assert_eq!(guid[..4], [0x7c, 0x89, 0xe1, 0xf4]);
        let found = search(&guid, &Imports::default());
        assert_eq!(found[0].name, "Microsoft-Windows-Threat-Intelligence");
        assert_eq!(found[0].encoding, Encoding::Guid);
        assert_eq!(guid_bytes("{f4e1897c}"), None);
    }
}
