//! Images made to hurt: endless and circular tables, overlapping and absent sections, sizes at the limits. Every one is
//! answered in bounded time and memory, and what was not read is said. Needs no compiler.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use research::image::{self, Image};
use research::sensor::report;
use std::time::{Duration, Instant};

const PE_AT: usize = 0x80;
const DIRECTORIES: usize = PE_AT + 24 + 112;
const SECTIONS: usize = DIRECTORIES + 16 * 8;

/// A 64-bit driver image with these sections (address, size, place) over `body`, which starts at 0x400 of the file.
fn pe(
    sections: &[(u32, u32, u32)],
    imports: u32,
    delay: u32,
    resources: u32,
    body: &[u8],
) -> Vec<u8> {
    let mut data = vec![0; 0x400.max(SECTIONS + 40 * sections.len())];
    data[..2].copy_from_slice(b"MZ");
    put(&mut data, 0x3C, PE_AT as u32);
    data[PE_AT..PE_AT + 4].copy_from_slice(b"PE\0\0");
    data[PE_AT + 4..PE_AT + 6].copy_from_slice(&0x8664u16.to_le_bytes());
    data[PE_AT + 6..PE_AT + 8].copy_from_slice(&(sections.len() as u16).to_le_bytes());
    data[PE_AT + 20..PE_AT + 22].copy_from_slice(&240u16.to_le_bytes());
    data[PE_AT + 24..PE_AT + 26].copy_from_slice(&0x20Bu16.to_le_bytes());
    data[PE_AT + 24 + 68] = 1;
    put(&mut data, PE_AT + 24 + 108, 16);
    for (index, address) in [(1, imports), (13, delay), (2, resources)] {
        put(&mut data, DIRECTORIES + index * 8, address);
        put(&mut data, DIRECTORIES + index * 8 + 4, 0x1000);
    }
    for (index, (address, size, place)) in sections.iter().enumerate() {
        let at = SECTIONS + 40 * index;
        put(&mut data, at + 8, *size);
        put(&mut data, at + 12, *address);
        put(&mut data, at + 16, *size);
        put(&mut data, at + 20, *place);
    }
    data.extend(body);
    data
}

fn put(data: &mut [u8], at: usize, value: u32) {
    data[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

fn quickly(data: &[u8]) -> Image {
    let start = Instant::now();
    let image = report(image::parse("hostile", data).unwrap(), Vec::new()).image;
    assert!(
        start.elapsed() < Duration::from_secs(20),
        "{:?}",
        start.elapsed()
    );
    image
}

/// One section at 0x1000 with an import of `ntoskrnl.exe!ObRegisterCallbacks`.
fn small() -> Vec<u8> {
    let mut body = vec![0; 0x200];
    put(&mut body, 0, 0x1080);
    put(&mut body, 12, 0x1040);
    put(&mut body, 16, 0x1080);
    body[0x40..0x4C].copy_from_slice(b"ntoskrnl.exe");
    put(&mut body, 0x80, 0x10C0);
    body[0xC2..0xC2 + 19].copy_from_slice(b"ObRegisterCallbacks");
    pe(&[(0x1000, 0x200, 0x400)], 0x1000, 0, 0, &body)
}

#[test]
fn the_small_image_is_read() {
    let image = quickly(&small());
    assert_eq!(image.imports.functions.len(), 1);
    assert_eq!(image.imports.functions[0].name, "ObRegisterCallbacks");
    assert_eq!(image.diagnostics, Vec::<String>::new());
    let found = report(image, Vec::new());
    assert_eq!(found.findings[0].mechanism.slug(), "object-callback");
}

#[test]
fn descriptors_without_end_that_share_one_endless_table() {
    // Every descriptor is the same and its table is the table of descriptors.
    let mut body = Vec::new();
    while body.len() < 4 << 20 {
        let mut descriptor = [0; 20];
        put(&mut descriptor, 0, 0x1000);
        put(&mut descriptor, 12, 0x1004);
        put(&mut descriptor, 16, 0x1000);
        descriptor[4..8].copy_from_slice(b"a.b\0");
        body.extend(descriptor);
    }
    let size = body.len() as u32;
    let image = quickly(&pe(&[(0x1000, size, 0x400)], 0x1000, 0x1000, 0, &body));
    assert!(image.imports.functions.len() + image.imports.by_ordinal <= 1 << 16);
    assert!(image.imports.modules.len() <= 2 * 4096);
    assert!(!image.diagnostics.is_empty() && image.diagnostics.len() < 64);
}

#[test]
fn a_table_of_numbers_without_end() {
    let mut body = vec![0xFF; 8 << 20];
    put(&mut body, 0, 0x1100);
    put(&mut body, 12, 0x1040);
    body[0x40..0x44].copy_from_slice(b"a.b\0");
    let size = body.len() as u32;
    let image = quickly(&pe(&[(0x1000, size, 0x400)], 0x1000, 0, 0, &body));
    assert_eq!(image.imports.by_ordinal, 1 << 16);
    assert!(
        image
            .diagnostics
            .iter()
            .any(|d| d.contains("only the first 65536"))
    );
}

#[test]
fn a_name_without_end_is_no_name() {
    let mut body = vec![b'A'; 1 << 20];
    put(&mut body, 0, 0x1100);
    put(&mut body, 12, 0x1200);
    let size = body.len() as u32;
    let image = quickly(&pe(&[(0x1000, size, 0x400)], 0x1000, 0, 0, &body));
    assert!(image.imports.functions.is_empty());
    assert!(
        image.diagnostics[0].contains("name"),
        "{:?}",
        image.diagnostics
    );
}

#[test]
fn sections_that_overlap_or_lie_outside() {
    let body = small().split_off(0x400);
    let overlapping = [
        (0x1000, 0x200, 0x400),
        (0x1000, 0x10_0000, 0x400),
        (0x1100, 0x200, 0xFFFF_FF00),
    ];
    assert_eq!(
        quickly(&pe(&overlapping, 0x1000, 0, 0, &body))
            .imports
            .functions
            .len(),
        1
    );
    for section in [
        (0x1000, 0x200, 0xFFFF_FFFF),
        (0x1000, 0xFFFF_FFFF, 0x400),
        (0xFFFF_FFFF, 0xFFFF_FFFF, 0xFFFF_FFFF),
    ] {
        let _ = quickly(&pe(&[section], 0x1000, 0xFFFF_FFF0, 0xFFFF_FFFF, &body));
    }
    let many = vec![(0x1000, 0x200, 0x400); 60_000];
    let image = quickly(&pe(&many, 0x1000, 0x1000, 0x1000, &body));
    assert!(image.diagnostics[0].contains("60000 sections"));
}

#[test]
fn resources_that_point_at_themselves() {
    // A directory whose one entry of type 16 is the directory itself.
    let mut body = vec![0; 0x100];
    body[14] = 1;
    put(&mut body, 16, 16);
    put(&mut body, 20, 0x8000_0000);
    let image = quickly(&pe(&[(0x1000, 0x100, 0x400)], 0, 0, 0x1000, &body));
    assert_eq!(image.version, None);
}

proptest! {
    #[test]
    fn any_change_is_answered(changes in proptest::collection::vec((0usize..0x600, any::<u8>()), 1..12), end in 0usize..0x700) {
        let mut data = small();
        for (at, value) in changes {
            data[at] = value;
        }
        data.truncate(end);
        if let Ok(image) = image::parse("changed", &data) {
            let _ = report(image, Vec::new());
        }
    }

    #[test]
    fn any_bytes_are_answered(data in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = image::parse("bytes", &data);
    }
}
