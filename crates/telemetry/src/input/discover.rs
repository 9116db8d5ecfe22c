//! From the paths a user names to the files to read: folders are walked in name order, so that every run reads the
//! same files in the same order. Resource forks and folder metadata of macOS are left out.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::NamedTempFile;

/// One file to read.
#[derive(Clone, Debug)]
pub enum Origin {
    /// A file.
    File(PathBuf),
    /// Standard input, kept in a temporary file: queries may read more than once.
    Stdin(Arc<NamedTempFile>),
}

impl Origin {
    /// The name findings and errors use for it.
    pub fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Stdin(_) => "-".to_owned(),
        }
    }

    /// A stream, kept in a temporary file until nobody needs it any more.
    pub(crate) fn kept(mut stream: impl io::Read) -> io::Result<Self> {
        let mut file = NamedTempFile::new()?;
        io::copy(&mut stream, &mut file)?;
        Ok(Self::Stdin(Arc::new(file)))
    }

    /// Opens it from its beginning.
    pub(crate) fn open(&self) -> io::Result<File> {
        match self {
            Self::File(path) => File::open(path),
            Self::Stdin(file) => file.reopen(),
        }
    }
}

/// Folders deeper than this are a loop or a trap.
const MAX_DEPTH: usize = 64;

/// The files behind `paths` (`-` is standard input), folders walked recursively. An unreadable path is an error with
/// its name; so is a path that does not exist.
pub fn discover(paths: &[PathBuf]) -> Result<Vec<Origin>, (PathBuf, io::Error)> {
    let mut found = Vec::new();
    for path in paths {
        if path.as_os_str() == "-" {
            found.push(Origin::kept(io::stdin().lock()).map_err(|e| (path.clone(), e))?);
        } else {
            let meta = fs::metadata(path).map_err(|e| (path.clone(), e))?;
            walk(path, meta.is_dir(), 0, &mut found).map_err(|e| (path.clone(), e))?;
        }
    }
    Ok(found)
}

fn walk(path: &Path, is_dir: bool, depth: usize, found: &mut Vec<Origin>) -> io::Result<()> {
    if !is_dir {
        found.push(Origin::File(path.to_owned()));
        return Ok(());
    }
    if depth > MAX_DEPTH {
        return Ok(());
    }
    let mut entries = fs::read_dir(path)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let kind = entry.file_type()?;
        // Links are not followed inside a folder: a folder that was copied off a machine may point anywhere.
        if kind.is_symlink() || is_debris(&entry.file_name().to_string_lossy()) {
            continue;
        }
        if kind.is_dir() || kind.is_file() {
            walk(&entry.path(), kind.is_dir(), depth + 1, found)?;
        }
    }
    Ok(())
}

/// Whether a file or archive entry of this name is packaging and no data.
pub(crate) fn is_debris(path: &str) -> bool {
    path.split(['/', '\\'])
        .any(|part| part == "__MACOSX" || part.starts_with("._") || part == ".DS_Store")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packaging_is_told_from_data() {
        for debris in ["__MACOSX/x.json", "a/._x.json", ".DS_Store", "a\\._b"] {
            assert!(is_debris(debris), "{debris}");
        }
        for data in ["a/x.json", "_x.json", ".hidden.json"] {
            assert!(!is_debris(data), "{data}");
        }
    }
}
