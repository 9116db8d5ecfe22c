//! The folder of public files, and the little that is needed to read them: no source is parsed further than the facts
//! that are taken from it.

use std::path::{Path, PathBuf};

/// Why a table cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A file or folder cannot be read or written.
    #[error("{}: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is not what it should be.
    #[error("{}: {what}", path.display())]
    Content {
        /// Which.
        path: PathBuf,
        /// What was expected.
        what: String,
    },
}

/// The folder that holds one folder for each source.
pub struct Sources {
    root: PathBuf,
}

impl Sources {
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }

    /// The text of one file.
    pub fn text(&self, path: &str) -> Result<String, Failure> {
        read(&self.root.join(path))
    }

    /// The files below `folder` whose name ends in `ending`, with their text, in the order of their paths.
    pub fn files(&self, folder: &str, ending: &str) -> Result<Vec<(PathBuf, String)>, Failure> {
        let mut paths = Vec::new();
        walk(&self.root.join(folder), ending, &mut paths)?;
        paths.sort();
        paths
            .into_iter()
            .map(|path| read(&path).map(|text| (path, text)))
            .collect()
    }

    /// A complaint about a file.
    pub fn wrong(&self, path: &str, what: impl Into<String>) -> Failure {
        Failure::Content {
            path: self.root.join(path),
            what: what.into(),
        }
    }
}

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|source| Failure::Read {
        path: path.to_owned(),
        source,
    })
}

fn walk(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let failed = |source| Failure::Read {
        path: folder.to_owned(),
        source,
    };
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_dir() {
            walk(&path, ending, found)?;
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
    Ok(())
}

/// The fields of a line of CSV; a doubled quote inside quotes stands for one.
pub fn csv(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut chars = line.trim_end_matches('\r').chars().peekable();
    while let Some(c) = chars.next() {
        let field = fields.last_mut().expect("there is always a field");
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                field.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            _ => field.push(c),
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::csv;

    #[test]
    fn lines_of_csv() {
        assert_eq!(csv("a,\"b,c\",\"d\"\"e\",\r"), ["a", "b,c", "d\"e", ""]);
        assert_eq!(csv(""), [""]);
    }
}
