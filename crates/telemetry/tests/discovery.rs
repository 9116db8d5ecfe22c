//! Folders as they lie about: links, pipes, files of every other kind. What is not read is named in its place, and the
//! rest is read.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Stdio};

use common::{Table, read};

fn event(n: usize) -> String {
    format!("{{\"EventID\":{n},\"Channel\":\"Security\"}}\n")
}

fn ids(table: &Table) -> Vec<String> {
    table.column("eventid").into_iter().flatten().collect()
}

/// What was left out, by the end of its name, and why.
fn left(table: &Table) -> Vec<(String, String)> {
    let all = table.report.diagnostics.no_logs.iter();
    let all = all.chain(table.report.diagnostics.listed.iter());
    all.map(|d| {
        let name = Path::new(&d.source).file_name().unwrap();
        (name.to_string_lossy().into_owned(), d.problem.to_string())
    })
    .collect()
}

#[test]
fn links_to_files_are_followed_and_no_file_is_read_twice() {
    let elsewhere = tempfile::tempdir().unwrap();
    fs::write(elsewhere.path().join("far.json"), event(3)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("sub")).unwrap();
    fs::write(at("b.json"), event(1)).unwrap();
    fs::write(at("sub/c.json"), event(2)).unwrap();
    symlink(at("b.json"), at("a-link-to-b")).unwrap();
    symlink(elsewhere.path().join("far.json"), at("m-far")).unwrap();
    symlink(elsewhere.path().join("far.json"), at("n-far-again")).unwrap();
    symlink(folder.path(), at("sub/loop")).unwrap();
    symlink(at("sub"), at("y-link-to-sub")).unwrap();
    symlink(elsewhere.path(), at("z-elsewhere")).unwrap();
    symlink(at("missing"), at("z-nothing")).unwrap();
    let table = read(&[folder.path().to_owned()]);
    assert_eq!(ids(&table), ["1", "3", "2"]);
    let left = left(&table);
    assert_eq!(left.len(), 2, "{left:?}");
    assert!(left[0].0 == "z-elsewhere" && left[0].1.contains("link to a folder"));
    assert!(left[1].0 == "z-nothing" && left[1].1.contains("leads to nothing"));
    assert_eq!(table.report.diagnostics.damaged, 1, "the dead link");
    // Named by the user, a link is what it leads to.
    assert_eq!(ids(&read(&[at("a-link-to-b")])), ["1"]);
    assert_eq!(ids(&read(&[at("z-elsewhere")])), ["3"]);
}

#[test]
fn pipes_are_streams_when_named_and_left_alone_in_folders() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    let made = Command::new("mkfifo").arg(&pipe).status();
    if !made.is_ok_and(|s| s.success()) {
        println!("skipped: no mkfifo");
        return;
    }
    let writer = std::thread::spawn({
        let pipe = pipe.clone();
        move || fs::write(pipe, event(7)).unwrap()
    });
    // Queries read more than once, which a pipe does not allow.
    let table = read(std::slice::from_ref(&pipe));
    writer.join().unwrap();
    assert_eq!(ids(&table), ["7"]);
    assert_eq!(
        table.column("source_file")[0].as_deref(),
        pipe.to_str(),
        "it keeps its name"
    );
    fs::write(folder.path().join("log"), event(8)).unwrap();
    let _socket = UnixListener::bind(folder.path().join("socket")).unwrap();
    let table = read(&[folder.path().to_owned()]);
    assert_eq!(ids(&table), ["8"]);
    let left = left(&table);
    assert_eq!(left.len(), 2, "{left:?}");
    assert!(
        left.iter().all(|l| l.1.contains("pipe or device")),
        "{left:?}"
    );
}

#[test]
fn what_is_no_log_is_said_and_is_no_damage() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("a.json"), event(1)).unwrap();
    fs::write(at("empty.evtx"), "").unwrap();
    fs::write(at("hive"), b"regf\x01\0\0\0\0\0").unwrap();
    fs::write(at("notes.txt"), "What to look for\n").unwrap();
    fs::write(at("old.evt"), b"\x30\0\0\0LfLe\x01\0\0\0\x01\0\0\0").unwrap();
    fs::write(at("tool.exe"), b"MZ\x90\0\x03\0\0\0\x04\0").unwrap();
    let table = read(&[folder.path().to_owned()]);
    assert_eq!(ids(&table), ["1"]);
    assert_eq!(table.report.diagnostics.damaged, 0);
    let left = left(&table);
    let said = ["empty", "registry hive", "text", "Windows XP", "program"];
    assert_eq!(left.len(), said.len(), "{left:?}");
    for (left, said) in left.iter().zip(said) {
        assert!(left.1.contains(said), "{left:?}");
    }
}

/// The same files in the same order, the same problems in the same order, however many threads race.
#[test]
fn every_run_lists_the_same() {
    let folder = tempfile::tempdir().unwrap();
    for file in 0..40 {
        let mut out = fs::File::create(folder.path().join(format!("{file:02}.json"))).unwrap();
        for line in 0..60 {
            match (file + line) % 3 {
                0 => writeln!(out, "{{\"EventID\": oops}}").unwrap(),
                _ => out.write_all(event(line).as_bytes()).unwrap(),
            }
        }
    }
    let run = |threads: usize| {
        let mut options = telemetry::Options {
            threads,
            ..Default::default()
        };
        options.limits.problems = 100;
        options.limits.block = 512;
        let table = common::read_with(&[folder.path().to_owned()], options);
        let listed = table.report.diagnostics.listed.iter();
        let listed: Vec<String> = listed.map(ToString::to_string).collect();
        (
            listed,
            table.report.diagnostics.damaged,
            table.report.records,
        )
    };
    let alone = run(1);
    assert_eq!((alone.0.len(), alone.1), (100, 800));
    assert!(alone.0[0].contains("00.json"));
    for threads in [2, 5, 8] {
        assert_eq!(run(threads), alone);
    }
}

/// A process substitution of a shell is a pipe under a name of the system's.
#[test]
fn a_process_substitution_is_read() {
    if !Path::new("/dev/fd").exists() {
        println!("skipped: no /dev/fd");
        return;
    }
    let mut child = Command::new("printf")
        .arg(event(9).replace('%', "%%"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let out = child.stdout.take().unwrap();
    let path = format!("/dev/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&out));
    let table = read(&[path.into()]);
    child.wait().unwrap();
    assert_eq!(ids(&table), ["9"]);
}
