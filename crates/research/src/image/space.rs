//! From an image's addresses to the bytes of its file.

use object::LittleEndian as LE;
use object::pe::ImageSectionHeader;

/// Sections looked at. The Windows loader refuses more than 96; the rest would only make every look-up slow.
const MAX_SECTIONS: usize = 96;

/// The sections of an image.
pub(super) struct Space<'d> {
    data: &'d [u8],
    /// Address, bytes in the file, place in the file.
    sections: Vec<(u32, u32, u32)>,
}

impl<'d> Space<'d> {
    /// The address space of an image with these sections.
    pub(super) fn new<'s>(
        data: &'d [u8],
        sections: impl ExactSizeIterator<Item = &'s ImageSectionHeader>,
        diagnostics: &mut Vec<String>,
    ) -> Self {
        if sections.len() > MAX_SECTIONS {
            diagnostics.push(format!(
                "{} sections, of which the first {MAX_SECTIONS} were read",
                sections.len()
            ));
        }
        let section = |s: &ImageSectionHeader| {
            // The loader maps the smaller of the two sizes, unless the virtual size is left out.
            let (virtual_size, raw) = (s.virtual_size.get(LE), s.size_of_raw_data.get(LE));
            let size = if virtual_size == 0 {
                raw
            } else {
                raw.min(virtual_size)
            };
            (
                s.virtual_address.get(LE),
                size,
                s.pointer_to_raw_data.get(LE),
            )
        };
        Self {
            data,
            sections: sections.take(MAX_SECTIONS).map(section).collect(),
        }
    }

    /// The bytes from `address` to the end of its section. Of overlapping sections the first counts.
    pub(super) fn at(&self, address: u32) -> Option<&'d [u8]> {
        self.sections.iter().find_map(|&(start, size, place)| {
            let offset = address.checked_sub(start).filter(|o| *o < size)?;
            let from = place.checked_add(offset)? as usize;
            let end = (place as usize + size as usize).min(self.data.len());
            self.data.get(from..end)
        })
    }
}
