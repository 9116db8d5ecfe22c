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
    /// How much a finding weighs by itself: `critical`, `high`, `medium`, `low` or `informational`.
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
    /// The file it stands in; none of a hunt that comes with the program.
    #[serde(skip)]
    pub file: Option<PathBuf>,
    /// The line of that file where the query begins, from 1.
    #[serde(skip)]
    pub line: usize,
    /// Its text, for the lines of its keys.
    #[serde(skip)]
    text: String,
}

impl Hunt {
    /// Where it stands, for messages: its file and the line where the query begins, or its id.
    pub fn place(&self) -> String {
        match &self.file {
            Some(file) => format!("{}:{}", file.display(), self.line),
            None => format!("hunt {}", self.id),
        }
    }

    /// Where a key of the description stands: its file and line, and the key.
    pub fn place_of(&self, key: &str) -> String {
        match &self.file {
            Some(file) => format!("{}:{}: {key}", file.display(), line_of(&self.text, key)),
            None => format!("hunt {}: {key}", self.id),
        }
    }

    /// What its findings would lack, given the columns of its query: each with where it stands.
    ///
    /// # Errors
    /// Where findings could not be told apart, as a column is not there that the description names.
    pub fn check(&self, columns: &[String]) -> Result<Vec<String>, String> {
        let has = |name: &str| columns.iter().any(|c| c.eq_ignore_ascii_case(name));
        for (key, name) in [("actor", &self.actor), ("target", &self.target)] {
            if !has(name) {
                let near = text::did_you_mean(name, columns);
                let place = self.place_of(key);
                return Err(format!("{place}: the query gives no column {name}{near}"));
            }
        }
        Ok(match has("evidence_file_1") {
            true => Vec::new(),
            false => vec![format!(
                "{}: findings will name no records, as the query gives no column evidence_file_1",
                self.place()
            )],
        })
    }
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
    #[error("{}: no hunts (*.sql) in this folder or below", .0.display())]
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

/// The hunts of a file or folder, or those that come with the program.
///
/// # Errors
/// As [`from_path`].
pub fn load(path: Option<&Path>) -> Result<Vec<Hunt>, PackError> {
    path.map_or_else(built_in, from_path)
}

/// The hunts of a file, or of a folder: every `*.sql` in it at any depth, by name.
///
/// # Errors
/// When the path cannot be read, holds no hunt, or holds a malformed one.
pub fn from_path(path: &Path) -> Result<Vec<Hunt>, PackError> {
    let files = files(path)?;
    if files.is_empty() {
        return Err(PackError::Empty(path.to_owned()));
    }
    let mut hunts: Vec<Hunt> = Vec::new();
    for path in files {
        let text = fs::read_to_string(&path).map_err(io(&path))?;
        let name = path.display().to_string();
        let mut hunt = parse(&name, &text)?;
        let fault = |key: &str, why: String| PackError::Form {
            name: name.clone(),
            line: line_of(&text, key),
            why,
        };
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        if hunt.id != stem {
            let why = format!("the id is {}, and the file is {stem}.sql", hunt.id);
            return Err(fault("id", why));
        }
        if let Some(other) = hunts.iter().find(|h| h.id == hunt.id) {
            let other = other.file.as_deref().unwrap_or(Path::new("")).display();
            let why = format!(
                "a second hunt with the id {}; the first is {other}",
                hunt.id
            );
            return Err(fault("id", why));
        }
        hunt.file = Some(path);
        hunts.push(hunt);
    }
    Ok(hunts)
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> PackError {
    let path = path.to_owned();
    move |error| PackError::Io { path, error }
}

/// The files of hunts behind a path. Links to folders are not followed: one may lead back to where it lies.
fn files(path: &Path) -> Result<Vec<PathBuf>, PackError> {
    if !fs::metadata(path).map_err(io(path))?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut entries: Vec<fs::DirEntry> = fs::read_dir(path)
        .and_then(Iterator::collect)
        .map_err(io(path))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    let mut out = Vec::new();
    for entry in entries {
        let path = entry.path();
        let folder = entry.file_type().map_err(io(&path))?.is_dir();
        let sql = path
            .extension()
            .is_some_and(|e| e.eq_ignore_ascii_case("sql"));
        if folder || (sql && path.is_file()) {
            out.extend(files(&path)?);
        }
    }
    Ok(out)
}

/// The line, from 1, that a key of the description stands on.
fn line_of(text: &str, key: &str) -> usize {
    let says = |line: &str| {
        let rest = line.trim_start().strip_prefix(key);
        rest.is_some_and(|r| r.trim_start().starts_with('='))
    };
    text.lines().position(says).map_or(1, |n| n + 1)
}

/// The levels a hunt may have.
const LEVELS: [&str; 5] = ["critical", "high", "medium", "low", "informational"];

/// Reads one hunt.
///
/// # Errors
/// When the front matter is missing or malformed, with its line.
pub fn parse(name: &str, text: &str) -> Result<Hunt, PackError> {
    let form = |line, why: String| PackError::Form {
        name: name.to_owned(),
        line,
        why,
    };
    let text = text
        .strip_prefix('\u{feff}')
        .unwrap_or(text)
        .replace("\r\n", "\n");
    let body = text.strip_prefix("+++\n").ok_or_else(|| {
        let why = "expected `+++` and the hunt's description in TOML";
        form(1, why.to_owned())
    })?;
    let (front, sql) = body
        .split_once("\n+++\n")
        .ok_or_else(|| form(1, "the description has no closing `+++`".to_owned()))?;
    let mut hunt: Hunt = toml::from_str(front).map_err(|error| {
        let at = error.span().map_or(0, |s| s.start).min(front.len());
        let line = front[..at].matches('\n').count();
        let key = front.lines().nth(line).and_then(|l| l.split_once('='));
        let why = match key {
            // The library names keys that are unknown or missing, and of those that are wrong the type alone.
            Some((key, _)) if !error.message().contains(" field `") => {
                format!("{}: {}", key.trim(), error.message())
            }
            _ => error.message().to_owned(),
        };
        form(2 + line, why)
    })?;
    if !LEVELS.contains(&hunt.level.as_str()) {
        let near = text::did_you_mean(&hunt.level, LEVELS);
        let why = format!(
            "no level {:?}{near}; there are {}",
            hunt.level,
            LEVELS.join(", ")
        );
        return Err(form(line_of(&text, "level"), why));
    }
    if let Some(wrong) = hunt.technique.iter().find(|t| !is_technique(t)) {
        let why = format!("{wrong:?} is no ATT&CK technique, as in T1055 or T1055.001");
        return Err(form(line_of(&text, "technique"), why));
    }
    hunt.sql = sql.trim().to_owned();
    if hunt.sql.is_empty() {
        let why = "there is no query below the description";
        return Err(form(text.lines().count(), why.to_owned()));
    }
    let before = text.len() - sql.trim_start().len();
    hunt.line = text[..before].matches('\n').count() + 1;
    hunt.text = text;
    Ok(hunt)
}

/// `T1055` or `T1055.001`.
fn is_technique(id: &str) -> bool {
    let digits = |text: &str, n| text.len() == n && text.bytes().all(|b| b.is_ascii_digit());
    id.strip_prefix('T')
        .is_some_and(|rest| match rest.split_once('.') {
            Some((whole, part)) => digits(whole, 4) && digits(part, 3),
            None => digits(rest, 4),
        })
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
    fn the_example_of_the_documentation_is_a_hunt() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/hunts.md");
        let page = fs::read_to_string(page).expect("the page is there");
        let example = page.split("```sql\n").nth(1).expect("an example");
        let example = example.split("```").next().expect("an end");
        let hunt = parse("encoded_powershell.sql", example).expect("a hunt");
        let columns: Vec<String> = ["actor", "target", "evidence_file_1"]
            .map(str::to_owned)
            .to_vec();
        assert_eq!(hunt.check(&columns), Ok(Vec::new()));
        for name in columns {
            assert!(hunt.sql.contains(&format!(" AS {name}")), "{name}");
        }
    }

    #[test]
    fn faults_are_named_with_their_line() {
        let fault = parse("x.sql", "+++\nid = \"a\"\ntitle = 3\n+++\nSELECT 1")
            .expect_err("a title is text")
            .to_string();
        assert!(fault.starts_with("x.sql:3: title: "), "{fault}");
        assert!(parse("x.sql", "SELECT 1").is_err());
    }

    const WHOLE: &str = "+++\nid = \"mine\"\ntitle = \"t\"\ntechnique = [\"T1055\"]\nlevel = \"high\"\nactor = \"a\"\n\
        target = \"b\"\nsees = \"\"\ncannot_see = \"\"\nfalse_positives = \"\"\nsource = \"\"\n+++\n\nSELECT 1";

    fn fault(from: &str, to: &str) -> String {
        assert!(WHOLE.contains(from));
        let fault = parse("x.sql", &WHOLE.replace(from, to));
        fault.expect_err("it is wrong").to_string()
    }

    #[test]
    fn what_is_wrong_is_named_with_its_key() {
        let hunt = parse("x.sql", WHOLE).expect("it is whole");
        assert_eq!(hunt.line, 14);
        let list = fault("actor = \"a\"", "actor = [\"a\", \"a_id\"]");
        assert!(list.starts_with("x.sql:6: actor: invalid type"), "{list}");
        let level = fault("high", "hihg");
        assert!(level.starts_with("x.sql:5: no level \"hihg\""), "{level}");
        assert!(level.contains("did you mean high"), "{level}");
        let technique = fault("T1055", "Txxx");
        assert!(technique.starts_with("x.sql:4: \"Txxx\""), "{technique}");
        let unknown = fault("source", "sauce");
        assert!(unknown.contains("`sauce`"), "{unknown}");
    }

    #[test]
    fn folders_are_read_at_any_depth_and_files_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let sub = folder.path().join("sub");
        fs::create_dir(&sub).expect("a folder");
        fs::write(sub.join("mine.sql"), WHOLE).expect("a file");
        for path in [folder.path(), &sub.join("mine.sql")] {
            let hunts = from_path(path).expect("a pack");
            assert_eq!(
                hunts[0].place(),
                format!("{}:14", sub.join("mine.sql").display())
            );
        }
        fs::write(sub.join("other.sql"), WHOLE).expect("a file");
        let fault = from_path(folder.path()).expect_err("an id").to_string();
        assert!(fault.contains("other.sql:2: the id is mine"), "{fault}");
    }
}
