//! A PE file as far as it tells what a sensor could see: what it imports, which names and GUIDs it carries, whether it is
//! signed, what it calls itself. Nothing is loaded, run or verified; a signature is reported as present, not as good.

mod imports;
mod names;
mod space;
mod version;

pub use imports::{Import, ImportTable, Imports};
pub use names::{Encoding, Named};
pub use version::VersionInfo;

use object::LittleEndian as LE;
use object::pe;
use object::read::pe::{ImageNtHeaders, ImageOptionalHeader, PeFile};
use serde::Serialize;
use std::path::Path;

/// The largest file that is read, in bytes. Drivers and services are far smaller; a larger file is refused, not truncated.
pub const MAX_FILE: u64 = 512 << 20;

/// Why a file is no image to us.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// It could not be read.
    #[error("{file}: {source}")]
    Io {
        /// The file.
        file: String,
        /// The reason.
        source: std::io::Error,
    },
    /// It is larger than [`MAX_FILE`].
    #[error("{file}: {size} bytes, and files above {MAX_FILE} bytes are not read")]
    TooLarge {
        /// The file.
        file: String,
        /// Its size in bytes.
        size: u64,
    },
    /// It is not a PE file, or its headers are broken.
    #[error("{file}: not a PE file: {reason}")]
    NotPe {
        /// The file.
        file: String,
        /// What is wrong.
        reason: String,
    },
}

/// What kind of program an image is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ImageKind {
    /// Native subsystem: a driver (or the kernel itself).
    Driver,
    /// A library.
    Dll,
    /// A program, which a service is too.
    Program,
}

/// A PE file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Image {
    /// The file.
    pub file: String,
    /// Its size in bytes.
    pub size: u64,
    /// The machine, e.g. `x86-64`.
    pub machine: String,
    /// 32 or 64.
    pub bits: u8,
    /// Driver, library or program.
    pub kind: ImageKind,
    /// The linker's time stamp as it stands; builds that can be reproduced put a hash there.
    pub time_stamp: u32,
    /// Size in bytes of the certificate table; `None` without one. A driver may also be signed by a catalogue file, which
    /// does not show here.
    pub certificate: Option<u32>,
    /// Whether the image asks for its signature to be checked on load, which `PsSetCreateProcessNotifyRoutineEx` and
    /// `ObRegisterCallbacks` require.
    pub force_integrity: bool,
    /// What the file says of itself.
    pub version: Option<VersionInfo>,
    /// What it imports.
    pub imports: Imports,
    /// Names and GUIDs of the catalog found in its data.
    pub named: Vec<Named>,
    /// What was broken or skipped.
    pub diagnostics: Vec<String>,
}

/// Reads a file.
pub fn read(path: &Path) -> Result<Image, ImageError> {
    let file = path.display().to_string();
    let io = |source| ImageError::Io {
        file: file.clone(),
        source,
    };
    let size = std::fs::metadata(path).map_err(io)?.len();
    if size > MAX_FILE {
        return Err(ImageError::TooLarge { file, size });
    }
    let data = std::fs::read(path).map_err(io)?;
    parse(&file, &data)
}

/// Reads the bytes of a file. `file` is for messages.
pub fn parse(file: &str, data: &[u8]) -> Result<Image, ImageError> {
    let not_pe = |reason: String| ImageError::NotPe {
        file: file.to_owned(),
        reason,
    };
    let kind = object::FileKind::parse(data).map_err(|e| not_pe(e.to_string()))?;
    match kind {
        object::FileKind::Pe32 => parse_as::<pe::ImageNtHeaders32>(file, data),
        object::FileKind::Pe64 => parse_as::<pe::ImageNtHeaders64>(file, data),
        other => Err(not_pe(format!("it is {other:?}"))),
    }
}

fn parse_as<Headers: ImageNtHeaders>(file: &str, data: &[u8]) -> Result<Image, ImageError> {
    let not_pe = |e: object::Error| ImageError::NotPe {
        file: file.to_owned(),
        reason: e.to_string(),
    };
    let pe = PeFile::<Headers>::parse(data).map_err(not_pe)?;
    let headers = pe.nt_headers();
    let (file_header, optional) = (headers.file_header(), headers.optional_header());
    let mut diagnostics = Vec::new();
    let characteristics = file_header.characteristics.get(LE);
    let kind = if optional.subsystem() == pe::IMAGE_SUBSYSTEM_NATIVE {
        ImageKind::Driver
    } else if characteristics & pe::IMAGE_FILE_DLL != 0 {
        ImageKind::Dll
    } else {
        ImageKind::Program
    };
    let space = space::Space::new(data, pe.section_table().iter(), &mut diagnostics);
    let imports = imports::read(&pe, &space, &mut diagnostics);
    let named = names::search(data, &imports);
    Ok(Image {
        file: file.to_owned(),
        size: data.len() as u64,
        machine: machine(file_header.machine.get(LE)),
        bits: if headers.is_type_64() { 64 } else { 32 },
        kind,
        time_stamp: file_header.time_date_stamp.get(LE),
        certificate: certificate(&pe, data, &mut diagnostics),
        force_integrity: optional.dll_characteristics()
            & pe::IMAGE_DLLCHARACTERISTICS_FORCE_INTEGRITY
            != 0,
        version: version::read(&pe, &space, &mut diagnostics),
        imports,
        named,
        diagnostics,
    })
}

/// The certificate table is addressed by file offset, unlike every other directory.
fn certificate<Headers: ImageNtHeaders>(
    pe: &PeFile<'_, Headers>,
    data: &[u8],
    diagnostics: &mut Vec<String>,
) -> Option<u32> {
    let directory = pe
        .data_directories()
        .get(pe::IMAGE_DIRECTORY_ENTRY_SECURITY)?;
    let (offset, size) = (directory.virtual_address.get(LE), directory.size.get(LE));
    if offset == 0 || size == 0 {
        return None;
    }
    if u64::from(offset) + u64::from(size) > data.len() as u64 {
        diagnostics.push(format!(
            "the certificate table at {offset:#x} lies outside the file"
        ));
    }
    Some(size)
}

fn machine(machine: u16) -> String {
    match machine {
        pe::IMAGE_FILE_MACHINE_I386 => "x86".to_owned(),
        pe::IMAGE_FILE_MACHINE_AMD64 => "x86-64".to_owned(),
        pe::IMAGE_FILE_MACHINE_ARM64 => "arm64".to_owned(),
        pe::IMAGE_FILE_MACHINE_ARMNT => "arm".to_owned(),
        other => format!("{other:#06x}"),
    }
}

/// The functions that turn a name into an address.
pub fn resolvers() -> &'static [&'static str] {
    &names::RESOLVERS
}
