//! Imported and delay-imported functions. Tables of a hostile file may be endless or point at each other, so descriptors,
//! functions and name lengths are bounded, and what the bounds cut off is said. Addresses are followed wherever they lead:
//! names need not stand in the section of the table that points to them.

use super::space::Space;
use object::LittleEndian as LE;
use object::pe::{IMAGE_DIRECTORY_ENTRY_DELAY_IMPORT, IMAGE_DIRECTORY_ENTRY_IMPORT};
use object::read::pe::{ImageNtHeaders, ImageOptionalHeader, PeFile};
use serde::Serialize;

/// Modules read per table.
const MAX_MODULES: usize = 4096;
/// Functions read per file; the largest real images import some thousands.
const MAX_FUNCTIONS: usize = 1 << 16;
/// Bytes of a name; a longer one is no name.
const MAX_NAME: usize = 4096;
/// Diagnostics kept about broken entries.
const MAX_BROKEN: usize = 16;

/// Which table an import stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ImportTable {
    /// Bound when the image is loaded.
    Import,
    /// Bound at the first call.
    Delay,
}

/// An imported function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Import {
    /// The module it is taken from, as written.
    pub module: String,
    /// Its name; of an import by number, the name that the number is known to have.
    pub name: String,
    /// The number, where it is imported by that.
    pub ordinal: Option<u16>,
    /// The table.
    pub table: ImportTable,
}

/// The imports of an image.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Imports {
    /// The modules, in the file's order.
    pub modules: Vec<String>,
    /// The functions imported by name, and by a number whose name is known (`ws2_32`, `oleaut32`), in the file's order.
    pub functions: Vec<Import>,
    /// How many are imported by a number whose name is not known.
    pub by_ordinal: usize,
}

impl Imports {
    /// Whether a function of this name is imported from anywhere.
    pub fn has(&self, name: &str) -> bool {
        self.functions.iter().any(|f| f.name == name)
    }
}

pub(super) fn read<Headers: ImageNtHeaders>(
    pe: &PeFile<'_, Headers>,
    space: &Space<'_>,
    diagnostics: &mut Vec<String>,
) -> Imports {
    let base = pe.nt_headers().optional_header().image_base();
    let directory = |index| {
        pe.data_directories()
            .get(index)
            .map(|d| d.virtual_address.get(LE))
            .filter(|a| *a != 0)
    };
    let mut reader = ImportReader {
        space,
        wide: pe.nt_headers().is_type_64(),
        base,
        imports: Imports::default(),
        broken: 0,
        diagnostics,
    };
    if let Some(at) = directory(IMAGE_DIRECTORY_ENTRY_IMPORT) {
        reader.table(at, ImportTable::Import);
    }
    if let Some(at) = directory(IMAGE_DIRECTORY_ENTRY_DELAY_IMPORT) {
        reader.table(at, ImportTable::Delay);
    }
    reader.imports
}

struct ImportReader<'a, 'd> {
    space: &'a Space<'d>,
    /// Whether table entries have 64 bits.
    wide: bool,
    base: u64,
    imports: Imports,
    broken: usize,
    diagnostics: &'a mut Vec<String>,
}

impl ImportReader<'_, '_> {
    fn broken(&mut self, what: String) {
        self.broken += 1;
        match self.broken {
            MAX_BROKEN => self
                .diagnostics
                .push("more of the import tables is broken".to_owned()),
            count if count < MAX_BROKEN => self.diagnostics.push(what),
            _ => {}
        }
    }

    fn table(&mut self, at: u32, table: ImportTable) {
        let (label, size) = match table {
            ImportTable::Import => ("import table", 20),
            ImportTable::Delay => ("delay import table", 32),
        };
        for place in 0..MAX_MODULES as u32 {
            let descriptor = at
                .checked_add(place * size)
                .and_then(|at| self.space.at(at))
                .and_then(|d| d.get(..size as usize));
            let Some(descriptor) = descriptor else {
                return self.broken(format!("{label}: it ends outside the sections"));
            };
            if descriptor.iter().all(|b| *b == 0) {
                return;
            }
            let field = |offset: usize| {
                descriptor
                    .get(offset..offset + 4)
                    .map_or(0, |b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
            };
            let (name, lookup, fallback) = match table {
                ImportTable::Import => (field(12), field(0), field(16)),
                // In the first version of the format, addresses counted from zero and not from the image.
                ImportTable::Delay => {
                    let old = field(0) & 1 == 0;
                    let rva = |address: u32| {
                        if old {
                            u64::from(address).wrapping_sub(self.base) as u32
                        } else {
                            address
                        }
                    };
                    (rva(field(4)), rva(field(16)), 0)
                }
            };
            // A table without a name ends the list, as it does for the loader.
            if name == 0 {
                return;
            }
            let Some(module) = self.name(name) else {
                self.broken(format!(
                    "{label}: a module's name at {name:#x} is not to be found"
                ));
                continue;
            };
            self.imports.modules.push(module.clone());
            // Some linkers leave the lookup table out; the address table holds the same until the image is bound.
            self.functions(&module, table, if lookup == 0 { fallback } else { lookup });
            if self.imports.functions.len() + self.imports.by_ordinal >= MAX_FUNCTIONS {
                return self
                    .diagnostics
                    .push(format!("only the first {MAX_FUNCTIONS} imports were read"));
            }
        }
        self.diagnostics.push(format!(
            "{label}: only the first {MAX_MODULES} modules were read"
        ));
    }

    fn functions(&mut self, module: &str, table: ImportTable, lookup: u32) {
        let size = if self.wide { 8 } else { 4 };
        let Some(entries) = self.space.at(lookup) else {
            return self.broken(format!(
                "imports of {module}: the table at {lookup:#x} is not to be found"
            ));
        };
        for entry in entries.chunks_exact(size) {
            if self.imports.functions.len() + self.imports.by_ordinal >= MAX_FUNCTIONS {
                return;
            }
            let value = entry
                .iter()
                .rev()
                .fold(0u64, |value, byte| value << 8 | u64::from(*byte));
            if value == 0 {
                return;
            }
            if value >> (size * 8 - 1) == 1 {
                // Only the lower half of the word counts as the number.
                let ordinal = value as u16;
                match catalog::functions::by_ordinal(module, ordinal) {
                    Some(name) => self.imports.functions.push(Import {
                        module: module.to_owned(),
                        name: name.to_owned(),
                        ordinal: Some(ordinal),
                        table,
                    }),
                    None => self.imports.by_ordinal += 1,
                }
                continue;
            }
            // Two bytes of hint stand before the name.
            match u32::try_from(value)
                .ok()
                .and_then(|at| at.checked_add(2))
                .and_then(|at| self.name(at))
            {
                Some(name) => self.imports.functions.push(Import {
                    module: module.to_owned(),
                    name,
                    ordinal: None,
                    table,
                }),
                // One bad name in a table of garbage means the rest is garbage too.
                None => {
                    return self.broken(format!(
                        "imports of {module}: a name at {value:#x} is not to be found"
                    ));
                }
            }
        }
        self.broken(format!("imports of {module}: the table has no end"));
    }

    fn name(&self, at: u32) -> Option<String> {
        let bytes = self.space.at(at)?;
        let bytes = &bytes[..bytes.len().min(MAX_NAME)];
        let end = bytes.iter().position(|b| *b == 0)?;
        (end > 0).then(|| String::from_utf8_lossy(&bytes[..end]).into_owned())
    }
}
