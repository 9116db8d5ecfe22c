//! The examples of docs/proofs.md, as they are printed. `UPDATE_DOCS=1` writes what is printed into the page.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::Command;

struct Block {
    /// What stands behind the opening mark.
    head: String,
    body: String,
}

fn page() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/proofs.md")
}

fn blocks(text: &str) -> Vec<Block> {
    let mut out: Vec<Block> = Vec::new();
    let mut open = false;
    for line in text.lines() {
        match line.strip_prefix("```") {
            Some(head) if !open => {
                open = true;
                out.push(Block {
                    head: head.to_owned(),
                    body: String::new(),
                });
            }
            Some(_) => open = false,
            None if open => {
                let body = &mut out.last_mut().unwrap().body;
                body.push_str(line);
                body.push('\n');
            }
            None => {}
        }
    }
    out
}

#[test]
fn the_examples_are_what_is_printed() {
    let mut text = std::fs::read_to_string(page()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut commands = 0;
    for block in blocks(&text) {
        let (kind, name) = block.head.split_once(' ').unwrap_or((&block.head, ""));
        if matches!(kind, "xml" | "yaml") {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, &block.body).unwrap();
        }
        let Some(line) = block
            .body
            .lines()
            .next()
            .and_then(|l| l.strip_prefix("$ scotoma "))
        else {
            continue;
        };
        commands += 1;
        let output = Command::new(env!("CARGO_BIN_EXE_scotoma"))
            .args(line.split(' '))
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert!(
            output.status.code().is_some_and(|c| c < 2),
            "{line}: {output:?}"
        );
        let printed =
            String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
        let body = format!("$ scotoma {line}\n{printed}");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            text = text.replace(&block.body, &body);
        } else {
            assert_eq!(block.body, body, "{line}");
        }
    }
    assert_eq!(commands, 3);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(page(), text).unwrap();
    }
}
