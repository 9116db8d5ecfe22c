//! An output never harms an input, and is whole or not there.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use app::output::{Destination, OutputError, replace};

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn is_input(path: &Path, inputs: &[PathBuf]) -> bool {
    matches!(
        Destination::new(path, true, inputs),
        Err(OutputError::IsInput { .. })
    )
}

#[test]
fn what_is_read_is_not_written_to_under_any_name() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir_all(at("logs/deeper")).unwrap();
    fs::write(at("logs/deeper/a.evtx"), "evidence").unwrap();
    fs::hard_link(at("logs/deeper/a.evtx"), at("other")).unwrap();
    let file = at("logs/deeper/a.evtx");
    for inputs in [vec![file.clone()], vec![at("logs")], vec![at("other")]] {
        assert!(is_input(&file, &inputs), "{inputs:?}");
        assert!(is_input(&at("logs/./deeper/../deeper/a.evtx"), &inputs));
        assert!(is_input(&at("other"), &inputs), "{inputs:?}");
    }
    assert!(!is_input(&at("logs/new"), &[at("logs")]));
}

#[cfg(unix)]
#[test]
fn links_are_seen_through() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("a.evtx"), "evidence").unwrap();
    std::os::unix::fs::symlink("a.evtx", at("link")).unwrap();
    std::os::unix::fs::symlink(at("link"), at("link2")).unwrap();
    assert!(is_input(&at("link2"), &[at("a.evtx")]));
    assert!(is_input(&at("a.evtx"), &[at("link2")]));
    std::os::unix::fs::symlink("round", at("round")).unwrap();
    assert!(Destination::new(&at("round"), true, &[]).is_err());
    // A link to nothing yet is written through.
    std::os::unix::fs::symlink("new", at("link3")).unwrap();
    let mut output = Destination::new(&at("link3"), false, &[])
        .unwrap()
        .create()
        .unwrap();
    output.write_all(b"x").unwrap();
    output.keep().unwrap();
    assert_eq!(fs::read(at("new")).unwrap(), b"x");
    assert!(at("link3").is_symlink());
}

#[test]
fn a_file_is_whole_or_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.csv");
    let mut output = Destination::new(&path, false, &[])
        .unwrap()
        .create()
        .unwrap();
    output.write_all(b"half").unwrap();
    output.flush().unwrap();
    assert!(!path.exists());
    drop(output);
    assert!(names(folder.path()).is_empty());

    let mut output = Destination::new(&path, false, &[])
        .unwrap()
        .create()
        .unwrap();
    output.write_all(b"whole").unwrap();
    // Somebody else was faster.
    fs::write(&path, "other").unwrap();
    assert!(matches!(output.keep(), Err(OutputError::Exists { .. })));
    assert_eq!(fs::read(&path).unwrap(), b"other");
    assert_eq!(names(folder.path()), ["out.csv"]);

    assert!(matches!(
        Destination::new(&path, false, &[]),
        Err(OutputError::Exists { .. })
    ));
    replace(&path, b"new").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"new");
    assert_eq!(names(folder.path()), ["out.csv"]);
}

#[test]
fn a_folder_is_whole_or_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("parts");
    let staged = Destination::folder(&path).unwrap().stage().unwrap();
    fs::create_dir(staged.path()).unwrap();
    fs::write(staged.path().join("part-0"), "x").unwrap();
    assert!(!path.exists());
    staged.keep().unwrap();
    assert_eq!(names(&path), ["part-0"]);
    assert!(Destination::folder(&path).is_err());
    assert!(Destination::folder(&path.join("part-0")).is_err());
    assert!(Destination::new(&path, true, &[]).is_err());
}

#[cfg(unix)]
#[test]
fn folders_that_lead_around_in_circles_end() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("logs")).unwrap();
    for name in ["logs/a", "logs/b", "logs/c"] {
        std::os::unix::fs::symlink(".", at(name)).unwrap();
    }
    fs::write(at("out"), "mine").unwrap();
    assert!(!is_input(&at("out"), &[at("logs")]));
}

#[cfg(unix)]
#[test]
fn a_replaced_file_keeps_its_rights() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret.xml");
    fs::write(&path, "x").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    replace(&path, b"y").unwrap();
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
}

#[cfg(unix)]
#[test]
fn files_have_the_usual_rights() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let (plain, ours) = (folder.path().join("plain"), folder.path().join("ours"));
    fs::write(&plain, "").unwrap();
    let output = Destination::new(&ours, false, &[]).unwrap().create();
    output.unwrap().keep().unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&plain), mode(&ours));
}
