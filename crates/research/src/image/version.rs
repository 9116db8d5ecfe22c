//! The version resource: what a file says of itself. It is not evidence of anything else. The resource tree is walked three
//! levels down and no further, and string blocks are bounded by the resource, so no tree can loop or grow.

use super::space::Space;
use object::LittleEndian as LE;
use object::read::pe::{ImageNtHeaders, PeFile, ResourceDirectory, ResourceDirectoryTable};
use serde::Serialize;

/// `RT_VERSION`.
const VERSION: u16 = 16;
/// Strings kept; real files have about ten.
const MAX_STRINGS: usize = 64;

/// What a file says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct VersionInfo {
    /// File version from the fixed part, `a.b.c.d`.
    pub file_version: Option<String>,
    /// Product version from the fixed part.
    pub product_version: Option<String>,
    /// The strings in the file's order: `CompanyName`, `FileDescription`, `OriginalFilename`, ...
    pub strings: Vec<(String, String)>,
}

impl VersionInfo {
    /// The string of this name.
    pub fn string(&self, name: &str) -> Option<&str> {
        self.strings
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

pub(super) fn read<Headers: ImageNtHeaders>(
    pe: &PeFile<'_, Headers>,
    space: &Space<'_>,
    diagnostics: &mut Vec<String>,
) -> Option<VersionInfo> {
    let directory = match pe
        .data_directories()
        .resource_directory(pe.data(), &pe.section_table())
    {
        Ok(directory) => directory?,
        Err(e) => {
            diagnostics.push(format!("resources: {e}"));
            return None;
        }
    };
    let entry = match find(directory) {
        Ok(entry) => entry?,
        Err(e) => {
            diagnostics.push(format!("resources: {e}"));
            return None;
        }
    };
    let (address, size) = (entry.offset_to_data.get(LE), entry.size.get(LE));
    let Some(data) = space.at(address).and_then(|data| data.get(..size as usize)) else {
        diagnostics.push(format!(
            "resources: the version at {address:#x} lies outside the sections"
        ));
        return None;
    };
    Some(parse(data))
}

/// The first version resource: type, then any name, then any language.
fn find<'d>(
    directory: ResourceDirectory<'d>,
) -> object::read::Result<Option<&'d object::pe::ImageResourceDataEntry>> {
    let types = directory.root()?;
    let Some(versions) = types
        .entries
        .iter()
        .find(|e| e.name_or_id().id() == Some(VERSION))
    else {
        return Ok(None);
    };
    let first = |table: Option<ResourceDirectoryTable<'d>>| table.and_then(|t| t.entries.first());
    let Some(name) = first(versions.data(directory)?.table()) else {
        return Ok(None);
    };
    let Some(language) = first(name.data(directory)?.table()) else {
        return Ok(None);
    };
    Ok(language.data(directory)?.data())
}

/// A block of the version resource: a length, a key, a value and further blocks.
struct VersionBlock<'d> {
    key: String,
    value: &'d [u8],
    children: &'d [u8],
}

/// The block at the start of `data`, and what follows it.
fn block(data: &[u8]) -> Option<(VersionBlock<'_>, &[u8])> {
    let number = |at: usize| {
        data.get(at..at + 2)
            .map(|b| usize::from(u16::from_le_bytes([b[0], b[1]])))
    };
    let (length, value_length, is_text) = (number(0)?, number(2)?, number(4)? == 1);
    let own = data.get(..length).filter(|own| own.len() >= 6)?;
    let key_end = own[6..].chunks_exact(2).position(|c| c == [0, 0])?;
    let key = utf16(&own[6..6 + 2 * key_end]);
    let value_at = (6 + 2 * key_end + 2).next_multiple_of(4).min(own.len());
    // The length of a text counts characters.
    let value_length = if is_text {
        value_length * 2
    } else {
        value_length
    };
    let value_end = (value_at + value_length).min(own.len());
    let children = &own[value_end.next_multiple_of(4).min(own.len())..];
    let next = &data[length.next_multiple_of(4).min(data.len())..];
    Some((
        VersionBlock {
            key,
            value: &own[value_at..value_end],
            children,
        },
        next,
    ))
}

fn parse(data: &[u8]) -> VersionInfo {
    let mut info = VersionInfo::default();
    let Some((root, _)) = block(data) else {
        return info;
    };
    let word = |at: usize| {
        root.value
            .get(at..at + 2)
            .map(|b| u16::from_le_bytes([b[0], b[1]]))
    };
    let version = |at: usize| {
        let parts = [word(at + 2)?, word(at)?, word(at + 6)?, word(at + 4)?];
        Some(parts.map(|p| p.to_string()).join("."))
    };
    // VS_FIXEDFILEINFO begins with 0xFEEF04BD; the versions stand at 8 and 16.
    if word(0) == Some(0x04BD) && word(2) == Some(0xFEEF) {
        info.file_version = version(8);
        info.product_version = version(16);
    }
    let mut rest = root.children;
    while let Some((child, next)) = block(rest) {
        if child.key == "StringFileInfo"
            && let Some((table, _)) = block(child.children)
        {
            let mut strings = table.children;
            while let Some((string, next)) = block(strings) {
                if info.strings.len() >= MAX_STRINGS {
                    break;
                }
                info.strings.push((string.key, utf16(string.value)));
                strings = next;
            }
        }
        rest = next;
    }
    info
}

fn utf16(bytes: &[u8]) -> String {
    let units: Vec<u16> = bytes
        .chunks_exact(2)
        .map(|c| u16::from_le_bytes([c[0], c[1]]))
        .take_while(|u| *u != 0)
        .collect();
    String::from_utf16_lossy(&units)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_end(data in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = parse(&data);
        }
    }

    #[test]
    fn a_block_of_no_length_ends_the_walk() {
        assert_eq!(parse(&[0; 64]), VersionInfo::default());
    }
}
