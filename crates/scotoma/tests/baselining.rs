//! The walk-through of `docs/baselining.md`, run as it stands there.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// What a command of the walk-through prints, with line breaks and indents as single blanks.
fn printed(command: &str, folder: &Path) -> String {
    let page = folder.join("threads.html");
    let args: Vec<String> = command
        .split_whitespace()
        .skip(1)
        .map(|arg| match arg {
            "threads.html" | "exclusions.xml" => folder.join(arg).to_string_lossy().into_owned(),
            arg => arg.to_owned(),
        })
        .collect();
    let run = Command::new(env!("CARGO_BIN_EXE_scotoma"))
        .args(&args)
        .current_dir(root())
        .output()
        .unwrap();
    assert!(
        run.status.success(),
        "{command}: {}",
        String::from_utf8_lossy(&run.stderr)
    );
    let mut text = String::from_utf8(run.stdout).unwrap();
    if page.exists() {
        text.push_str(&std::fs::read_to_string(&page).unwrap());
        std::fs::remove_file(&page).unwrap();
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_walk_through_says_what_the_commands_print() {
    let text = std::fs::read_to_string(root().join("docs/baselining.md")).unwrap();
    // What one command writes the next may read.
    let folder = tempfile::tempdir().unwrap();
    let mut output = String::new();
    let (mut commands, mut compared, mut inside) = (0, 0, false);
    for line in text.lines() {
        if let Some(command) = line.strip_prefix("    scotoma ") {
            output = printed(&format!("scotoma {command}"), folder.path());
            assert!(!output.is_empty(), "{command}");
            commands += 1;
        } else if line.starts_with("```") {
            inside = line == "```text";
        } else if inside {
            let expected = line.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(
                output.contains(&expected),
                "{expected}\nis not in\n{output}"
            );
            compared += 1;
        }
    }
    assert_eq!((commands, compared), (8, 7));
}
