//! Archives as they lie about: cut, encrypted, behind a program, packed in every way that Windows and its users pack.
#![allow(clippy::unwrap_used)]

mod common;

use std::io::{Cursor, Write};
use std::sync::Arc;

use common::{Table, file, read, read_with, shared};
use proptest::prelude::*;
use sevenz_rust2::{ArchiveEntry, ArchiveWriter};
use telemetry::{Options, Problem};
use zip::write::SimpleFileOptions;
use zip::{AesMode, CompressionMethod, ZipWriter};

fn event(n: usize) -> String {
    format!("{{\"EventID\":{n},\"Channel\":\"Security\"}}\n")
}

fn ids(table: &Table) -> Vec<usize> {
    let ids = table.column("eventid").into_iter().flatten();
    ids.map(|id| id.parse().unwrap()).collect()
}

fn problems(table: &Table) -> Vec<Problem> {
    let all = table.report.diagnostics.listed.iter();
    all.map(|d| d.problem.clone()).collect()
}

/// A zip of files with one event each.
fn zip(files: usize, options: SimpleFileOptions) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for n in 0..files {
        archive.start_file(format!("{n}.json"), options).unwrap();
        archive.write_all(event(n).as_bytes()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// The same by a writer that cannot go back, as streams are zipped: lengths stand behind the data.
fn streamed_zip(files: usize) -> Vec<u8> {
    let mut archive = ZipWriter::new_stream(Vec::new());
    for n in 0..files {
        let options = SimpleFileOptions::default();
        archive.start_file(format!("{n}.json"), options).unwrap();
        archive.write_all(event(n).as_bytes()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn plain() -> SimpleFileOptions {
    SimpleFileOptions::default()
}

fn with_passwords(passwords: &[&str]) -> Options {
    let all: Vec<Vec<u8>> = passwords.iter().map(|p| p.as_bytes().to_vec()).collect();
    Options {
        passwords: Arc::from(all),
        ..Options::default()
    }
}

#[test]
fn every_method_is_read() {
    for method in [
        CompressionMethod::Stored,
        CompressionMethod::Deflated,
        CompressionMethod::Bzip2,
        CompressionMethod::Zstd,
        CompressionMethod::Xz,
    ] {
        let whole = zip(3, plain().compression_method(method));
        let (_guard, path) = file("x.zip", &whole);
        let table = read(&[path]);
        assert_eq!(ids(&table), [0, 1, 2], "{method}");
        assert_eq!(table.report.diagnostics.damaged, 0, "{method}");
    }
    let Some(cases) = shared("cases/readers") else {
        return;
    };
    let table = read(&[cases.join("17_deflate64.zip")]);
    assert_eq!((table.rows(), table.report.diagnostics.damaged), (26, 0));
}

#[test]
fn a_cut_zip_gives_what_stands_before_the_cut() {
    for whole in [zip(20, plain()), streamed_zip(20)] {
        let mut last = usize::MAX;
        for part in (1..=10).rev() {
            let cut = whole.len() * part / 20;
            let (_guard, path) = file("x.zip", &whole[..cut]);
            let table = read(&[path]);
            let ids = ids(&table);
            assert_eq!(ids, (0..ids.len()).collect::<Vec<_>>());
            assert!(ids.len() <= last && table.report.diagnostics.damaged > 0);
            // Half of the file is directory.
            assert!(part < 10 || ids.len() > 10, "{} at {cut}", ids.len());
            last = ids.len();
        }
    }
    let Some(cases) = shared("cases/readers") else {
        return;
    };
    let table = read(&[cases.join("16_zip_cut.zip")]);
    assert!(table.rows() > 3, "{}", table.rows());
    assert!(
        problems(&table)
            .iter()
            .any(|p| matches!(p, Problem::Lacking(_)))
    );
}

#[test]
fn a_zip_is_found_behind_what_stands_before_it() {
    let program = [&b"MZ\x90\0"[..], &[0; 3000]].concat();
    for before in [&program[..], b"#!/bin/sh\nexit\n", &[0xff; 70_000]] {
        let (_guard, path) = file("x.exe", &[before, &zip(4, plain())].concat());
        assert_eq!(ids(&read(&[path])), [0, 1, 2, 3]);
    }
}

#[test]
fn two_entries_of_one_name_are_both_read() {
    let mut bytes = zip(2, plain());
    let renamed = b"0.json";
    for at in memchr::memmem::find_iter(&bytes.clone(), b"1.json") {
        bytes[at..at + renamed.len()].copy_from_slice(renamed);
    }
    let (_guard, path) = file("x.zip", &bytes);
    assert_eq!(ids(&read(&[path])), [0, 1]);
}

#[test]
fn encrypted_archives_need_their_password() {
    let locked = zip(2, plain().with_aes_encryption(AesMode::Aes256, "infected"));
    let old = || {
        let cases = shared("cases/readers")?;
        std::fs::read(cases.join("18_password_infected.zip")).ok()
    };
    for (bytes, rows) in [(Some(locked), 2), (old(), 26)] {
        let Some(bytes) = bytes else { continue };
        // Also where it was cut.
        let cut = bytes[..bytes.len() - 30].to_vec();
        for (bytes, whole) in [(bytes, true), (cut, false)] {
            let (_guard, path) = file("x.zip", &bytes);
            let paths = [path];
            for wrong in [&[][..], &["wrong"], &["wrong", "also wrong"]] {
                let table = read_with(&paths, with_passwords(wrong));
                assert_eq!(table.rows(), 0, "{wrong:?}");
                assert!(table.report.diagnostics.damaged > 0, "{wrong:?}");
            }
            for right in [&["infected"][..], &["wrong", "infected", "other"]] {
                let table = read_with(&paths, with_passwords(right));
                assert_eq!(table.rows(), rows, "{right:?}");
                assert_eq!(table.report.diagnostics.damaged == 0, whole);
            }
        }
    }
}

fn seven_zip(password: Option<&str>) -> Vec<u8> {
    let mut archive = ArchiveWriter::new(Cursor::new(Vec::new())).unwrap();
    if let Some(password) = password {
        use sevenz_rust2::encoder_options::{AesEncoderOptions, Lzma2Options};
        archive.set_content_methods(vec![
            AesEncoderOptions::new(password.into()).into(),
            Lzma2Options::default().into(),
        ]);
    }
    for n in 0..3 {
        let entry = ArchiveEntry::new_file(&format!("logs/{n}.json"));
        let content = event(n);
        archive
            .push_archive_entry(entry, Some(content.as_bytes()))
            .unwrap();
    }
    archive.finish().unwrap().into_inner()
}

#[test]
fn seven_zip_is_read() {
    let (guard, path) = file("x.7z", &seven_zip(None));
    let table = read(&[path]);
    assert_eq!(ids(&table), [0, 1, 2]);
    let source = table.column("source_file")[1].clone().unwrap();
    assert!(source.ends_with("x.7z/logs/1.json"), "{source}");
    let inside = guard.path().join("inside.zip");
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    archive.start_file("a.7z", plain()).unwrap();
    archive.write_all(&seven_zip(None)).unwrap();
    std::fs::write(&inside, archive.finish().unwrap().into_inner()).unwrap();
    assert_eq!(ids(&read(&[inside])), [0, 1, 2]);

    let (_guard, path) = file("locked.7z", &seven_zip(Some("infected")));
    let paths = [path];
    for wrong in [&[][..], &["wrong"]] {
        let table = read_with(&paths, with_passwords(wrong));
        assert_eq!(problems(&table), [Problem::Encrypted], "{wrong:?}");
    }
    let table = read_with(&paths, with_passwords(&["wrong", "infected"]));
    assert_eq!(ids(&table), [0, 1, 2]);
}

#[test]
fn streams_of_bzip2_and_xz_are_read() {
    let text: String = (0..50).map(event).collect();
    let mut bz2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
    bz2.write_all(text.as_bytes()).unwrap();
    let options = lzma_rust2::XzOptions::default();
    let mut xz = lzma_rust2::XzWriter::new(Vec::new(), options).unwrap();
    xz.write_all(text.as_bytes()).unwrap();
    for whole in [bz2.finish().unwrap(), xz.finish().unwrap()] {
        let (_guard, path) = file("x", &whole);
        assert_eq!(ids(&read(&[path])), (0..50).collect::<Vec<_>>());
        let twice = [&whole[..], &whole].concat();
        let (_guard, path) = file("x", &twice);
        assert_eq!(read(&[path]).rows(), 100, "streams one after the other");
        let (_guard, path) = file("x", &whole[..whole.len() - 20]);
        assert!(read(&[path]).report.diagnostics.damaged > 0);
    }
}

#[test]
fn many_small_entries_are_not_read_many_times_over() {
    let Some(cases) = shared("cases/readers") else {
        return;
    };
    let archive = cases.join("20_zip_of_1000_small.zip");
    let size = std::fs::metadata(&archive).unwrap().len();
    let table = read(&[archive]);
    assert_eq!(table.report.files, 1000);
    let read = table.report.bytes;
    assert!(read < 3 * size, "{read} bytes read of {size}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever happened to an archive, reading it ends and invents nothing.
    #[test]
    fn broken_archives_end(
        kind in 0usize..4,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = match kind {
            0 => zip(5, plain()),
            1 => streamed_zip(5),
            2 => seven_zip(None),
            _ => zip(2, plain().with_aes_encryption(AesMode::Aes128, "infected")),
        };
        for (index, byte) in changes {
            let at = index.index(bytes.len());
            bytes[at] = byte;
        }
        let cut = bytes.len() - cut.index(bytes.len()) / 2;
        let (_guard, path) = file("x", &bytes[..cut]);
        let table = read_with(&[path], with_passwords(&["infected"]));
        prop_assert!(table.rows() <= 10);
    }
}
