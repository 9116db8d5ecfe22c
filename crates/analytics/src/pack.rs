//! Hunts as files: a query with what a person must know to trust it, in TOML between `+++` lines above the SQL. The
//! built-in pack lies in `hunts/`. It refuses to run them.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// One hunt.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hunt {
    /// Short name, unique in its pack.
    pub id: String,
    /// What it looks for, in a few words.
    pub title: String,
    /// How much a finding weighs by itself: `high`, `medium`, `low` or `informational`.
    pub level: String,
    /// ATT&CK technique ids.
    pub technique: Vec<String>,
    /// What it sees.
    pub sees: String,
    /// What escapes it.
    pub cannot_see: String,
    /// What else looks like it.
    pub false_positives: String,
    /// What a reader of the query should know.
    #[serde(default)]
    pub notes: String,
    /// Where it comes from.
    pub source: String,
    /// The output column that names who acts.
    pub actor: String,
    /// The output column that names who is acted upon.
    pub target: String,
    /// The query.
    #[serde(skip)]
    pub sql: String,
}

/// Why a pack cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// The folder or a file in it cannot be read.
    #[error("{}: {error}", path.display())]
    Io {
        /// The path.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// A file is no hunt.
    #[error("{name}:{line}: {why}")]
    Form {
        /// The file.
        name: String,
        /// The line in it.
        line: usize,
        /// What is wrong.
        why: String,
    },
    /// There is no hunt in the folder.
    #[error("{}: no hunts (*.sql) in this folder", .0.display())]
    Empty(PathBuf),
}

macro_rules! built_in {
    ($($file:literal),* $(,)?) => { &[$(($file, include_str!(concat!("../hunts/", $file)))),*] };
}

/// The files of the built-in pack, in the order their findings are shown.
const BUILT_IN: &[(&str, &str)] = built_in![
    "reflective_dll_injection_published.sql",
    "reflective_dll_injection_corrected.sql",
    "reflective_dll_injection_call_trace.sql",
    "remote_thread_without_start_module.sql",
    "lsass_access_by_rights.sql",
    "process_creation_by_unusual_parent.sql",
];

/// The hunts that come with the program.
///
/// # Errors
/// When one of them is malformed, which a test rules out.
pub fn built_in() -> Result<Vec<Hunt>, PackError> {
    BUILT_IN
        .iter()
        .map(|(name, text)| parse(name, text))
        .collect()
}

/// The hunts of a folder, or those that come with the program.
///
/// # Errors
/// As [`from_folder`].
pub fn load(folder: Option<&Path>) -> Result<Vec<Hunt>, PackError> {
    folder.map_or_else(built_in, from_folder)
}

/// The hunts of a folder: every `*.sql` in it, by file name.
///
/// # Errors
/// When the folder cannot be read, holds no hunt, or holds a malformed one.
pub fn from_folder(folder: &Path) -> Result<Vec<Hunt>, PackError> {
    let io = |path: &Path| {
        let path = path.to_owned();
        move |error| PackError::Io { path, error }
    };
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .map_err(io(folder))?
        .filter_map(|entry| entry.ok().map(|e| e.path()))
        .filter(|path| {
            path.extension()
                .is_some_and(|e| e.eq_ignore_ascii_case("sql"))
        })
        .collect();
    files.sort();
    if files.is_empty() {
        return Err(PackError::Empty(folder.to_owned()));
    }
    let mut hunts: Vec<Hunt> = Vec::new();
    for path in files {
        let text = fs::read_to_string(&path).map_err(io(&path))?;
        let hunt = parse(&path.display().to_string(), &text)?;
        if hunts.iter().any(|h| h.id == hunt.id) {
            return Err(PackError::Form {
                name: path.display().to_string(),
                line: 1,
                why: format!("a second hunt with the id {}", hunt.id),
            });
        }
        hunts.push(hunt);
    }
    Ok(hunts)
}

/// Reads one hunt.
///
/// # Errors
/// When the front matter is missing or malformed, with its line.
pub fn parse(name: &str, text: &str) -> Result<Hunt, PackError> {
    let form = |line, why: &str| PackError::Form {
        name: name.to_owned(),
        line,
        why: why.to_owned(),
    };
    let text = text
        .strip_prefix('\u{feff}')
        .unwrap_or(text)
        .replace("\r\n", "\n");
    let body = text
        .strip_prefix("+++\n")
        .ok_or_else(|| form(1, "expected `+++` and the hunt's description in TOML"))?;
    let (front, sql) = body
        .split_once("\n+++\n")
        .ok_or_else(|| form(1, "the description has no closing `+++`"))?;
    let mut hunt: Hunt = toml::from_str(front).map_err(|error| {
        let at = error.span().map_or(0, |s| s.start);
        form(
            2 + front[..at.min(front.len())].matches('\n').count(),
            error.message(),
        )
    })?;
    hunt.sql = sql.trim().to_owned();
    if hunt.sql.is_empty() {
        return Err(form(
            text.lines().count(),
            "there is no query below the description",
        ));
    }
    Ok(hunt)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_pack_is_a_hunt() {
        let hunts = built_in().expect("the pack is well-formed");
        let files = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/hunts"))
            .expect("the folder is there")
            .count();
        assert_eq!(hunts.len(), files, "every file is built in");
        for hunt in &hunts {
            assert!(
                !hunt.technique.is_empty()
                    && !hunt.cannot_see.is_empty()
                    && !hunt.source.is_empty(),
                "{}",
                hunt.id
            );
        }
    }

    #[test]
    fn faults_are_named_with_their_line() {
        let fault = parse("x.sql", "+++\nid = \"a\"\ntitle = 3\n+++\nSELECT 1")
            .expect_err("a title is text")
            .to_string();
        assert!(fault.starts_with("x.sql:3:"), "{fault}");
        assert!(parse("x.sql", "SELECT 1").is_err());
    }
}
