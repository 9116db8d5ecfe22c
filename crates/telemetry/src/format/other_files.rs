//! What a file is that holds no events, so that a person need not wonder what was passed over. Told by its first bytes;
//! this module refuses to read any further.

use std::borrow::Cow;

use crate::diagnostics::Problem;

/// How files begin, and what they are.
const BEGINNINGS: [(&[u8], &str); 37] = [
    (
        b"\x30\0\0\0LfLe",
        "an event log of Windows XP or 2003 (.evt); export it as .evtx with wevtutil",
    ),
    (b"MZ", "a Windows program (PE)"),
    (b"\x7fELF", "a Linux program (ELF)"),
    (b"regf", "a registry hive"),
    (b"Windows Registry Editor", "a registry export (.reg)"),
    (b"REGEDIT4", "a registry export (.reg)"),
    (b"\xd4\xc3\xb2\xa1", "a network capture (pcap)"),
    (b"\xa1\xb2\xc3\xd4", "a network capture (pcap)"),
    (b"\x4d\x3c\xb2\xa1", "a network capture (pcap)"),
    (b"\xa1\xb2\x3c\x4d", "a network capture (pcap)"),
    (b"\x0a\x0d\x0d\x0a", "a network capture (pcapng)"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"MDMP", "a memory dump of a process (minidump)"),
    (b"PAGEDU64", "a memory dump of Windows"),
    (b"PAGEDUMP", "a memory dump of Windows"),
    (b"HIBR", "a hibernation file"),
    (b"hibr", "a hibernation file"),
    (b"MAM\x04", "a compressed prefetch file"),
    (b"FILE0", "a master file table ($MFT)"),
    (b"L\0\0\0\x01\x14\x02\0", "a Windows shortcut (.lnk)"),
    (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "a compound document (Office, .msi, jump list)",
    ),
    (b"EVF\x09\x0d\x0a\xff\0", "a disk image (E01)"),
    (b"vhdxfile", "a disk image (VHDX)"),
    (b"conectix", "a disk image (VHD)"),
    (b"KDMV", "a disk image (VMDK)"),
    (b"QFI\xfb", "a disk image (QCOW)"),
    (
        b"Rar!\x1a\x07",
        "a RAR archive, which is not opened; unpack it first",
    ),
    (
        b"MSCF\0\0\0\0",
        "a cabinet archive, which is not opened; unpack it first",
    ),
    (
        b"\x04\x22\x4d\x18",
        "LZ4, which is not opened; unpack it first",
    ),
    (
        b"\x1f\x9d",
        "compressed by `compress`, which is not opened; unpack it first",
    ),
    (b"%PDF", "a PDF document"),
    (b"\x89PNG\r\n\x1a\n", "a picture (PNG)"),
    (b"\xff\xd8\xff", "a picture (JPEG)"),
    (b"GIF8", "a picture (GIF)"),
    (b"{\\rtf", "an RTF document"),
    (
        b"PML_",
        "a Process Monitor log (.pml); export it as XML or CSV",
    ),
    (b"!<arch>\n", "a Debian package or library (ar)"),
];

/// What is said of a stream that begins with `head` and holds no events.
pub(crate) fn problem(head: &[u8]) -> Problem {
    match name(head) {
        Some(name) => Problem::NotALog(name.into_owned()),
        None => Problem::UnknownFormat,
    }
}

fn name(head: &[u8]) -> Option<Cow<'static, str>> {
    let known = BEGINNINGS.iter().find(|(b, _)| head.starts_with(b));
    if let Some((_, name)) = known {
        return Some(Cow::Borrowed(name));
    }
    if is_trace(head) {
        let name = "an event trace (.etl); `tracerpt` or `wevtutil` make event XML or .evtx of it";
        return Some(name.into());
    }
    if head.get(4..8) == Some(b"\xef\xcd\xab\x89") {
        return Some("an ESE database (SRUM, ntds.dit and others)".into());
    }
    if head.get(4..8) == Some(b"SCCA") {
        return Some("a prefetch file".into());
    }
    if head.iter().all(|b| *b == 0) {
        return Some("nothing but zeroes".into());
    }
    match head.contains(&0) {
        true => None,
        false => text(head).map(Cow::from),
    }
}

/// Whether this is the buffer that an event trace begins with: its size, and behind the buffer's header that of the first
/// event, which describes the trace.
fn is_trace(head: &[u8]) -> bool {
    const FIRST_EVENT: usize = 0x48;
    let size = head.first_chunk().map_or(0, |b| u32::from_le_bytes(*b));
    let sound = size.is_multiple_of(1024) && (1024..=0x100_0000).contains(&size);
    sound
        && matches!(
            head.get(FIRST_EVENT + 2..FIRST_EVENT + 4),
            Some([1 | 2, 0xc0])
        )
}

/// What a text is.
fn text(head: &[u8]) -> Option<String> {
    let text = head.trim_ascii_start();
    let lower: Vec<u8> = text.iter().take(4096).map(u8::to_ascii_lowercase).collect();
    let has = |what: &[u8]| memchr::memmem::find(&lower, what).is_some();
    if text.starts_with(b"<") {
        if has(b"<sysmon") {
            return Some("a Sysmon configuration".to_owned());
        }
        return match has(b"<!doctype html") || has(b"<html") {
            true => Some("an HTML page".to_owned()),
            false => Some("XML without <Event>".to_owned()),
        };
    }
    if text.starts_with(b"#!") {
        return Some("a script".to_owned());
    }
    let readable = |c: char| !c.is_control() || c.is_ascii_whitespace();
    let whole = match std::str::from_utf8(text) {
        Ok(text) => text,
        // The head may end in the middle of a character.
        Err(e) if e.error_len().is_none() => std::str::from_utf8(&text[..e.valid_up_to()]).ok()?,
        Err(_) => return None,
    };
    whole
        .chars()
        .all(readable)
        .then(|| "text without events".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::sniff::sniff;

    #[test]
    fn what_is_no_log_is_named() {
        let mut trace = vec![0; 0x80];
        trace[..4].copy_from_slice(&0x1_0000u32.to_le_bytes());
        trace[0x48..0x4c].copy_from_slice(&[2, 0, 2, 0xc0]);
        let files: [(&[u8], &str); 10] = [
            (&trace, ".etl"),
            (b"\x30\0\0\0LfLe\x01\0\0\0\x01\0\0\0", ".evt"),
            (b"MZ\x90\0\x03\0\0\0", "PE"),
            (b"regf\x01\0\0\0", "registry hive"),
            (b"\xd4\xc3\xb2\xa1\x02\0\x04\0", "pcap"),
            (&[0; 4096], "zeroes"),
            (b"\x11\0\0\0SCCA", "prefetch"),
            (b"<!DOCTYPE html><html>", "HTML"),
            (
                b"<Sysmon schemaversion='4.90'></Sysmon>",
                "Sysmon configuration",
            ),
            ("What to do first: r\u{e9}sum\u{e9}\n".as_bytes(), "text"),
        ];
        for (head, what) in files {
            assert_eq!(sniff(head), None, "{what}");
            let Problem::NotALog(name) = problem(head) else {
                panic!("{what} is not known");
            };
            assert!(name.contains(what), "{name}");
        }
        assert_eq!(problem(b"\x01\xfe\0\x07"), Problem::UnknownFormat);
    }
}
