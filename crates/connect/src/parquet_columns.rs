//! Which columns a file or folder of Parquet has, from the footers and from the names of its folders.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader as _, SerializedFileReader};

/// Why columns are not known.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ColumnsError {
    /// A file or folder cannot be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file is not Parquet.
    #[error("{}: {source}", path.display())]
    NotParquet {
        /// The file.
        path: PathBuf,
        /// What the reader says.
        source: ParquetError,
    },
    /// There is no Parquet in the folder.
    #[error("{}: no Parquet files; `scotoma convert` makes them", .0.display())]
    None(PathBuf),
}

/// Folders inside folders that are looked into.
const MAX_DEPTH: usize = 8;

/// The columns of a file, or of all files in a folder, each once, in the order in which they are first met; then those that
/// stand in the names of folders (`EventID=10`).
///
/// # Errors
/// Where a file cannot be read or is not Parquet, and where there is none.
pub fn columns(path: &Path) -> Result<Vec<String>, ColumnsError> {
    let mut files = Vec::new();
    collect(path, MAX_DEPTH, &mut files)?;
    if files.is_empty() {
        return Err(ColumnsError::None(path.to_owned()));
    }
    let mut found = Found::default();
    for file in &files {
        let refused = |source| ColumnsError::NotParquet {
            path: file.clone(),
            source,
        };
        let open = File::open(file).map_err(|source| ColumnsError::Io {
            path: file.clone(),
            source,
        })?;
        let reader = SerializedFileReader::new(open).map_err(refused)?;
        let schema = reader.metadata().file_metadata().schema();
        for field in schema.get_fields() {
            found.add(field.name());
        }
    }
    for file in &files {
        let below = file.strip_prefix(path).unwrap_or(file);
        let folders = below.parent().into_iter().flat_map(Path::components);
        for folder in folders {
            if let Some((name, _)) = folder.as_os_str().to_string_lossy().split_once('=') {
                found.add(name);
            }
        }
    }
    Ok(found.names)
}

#[derive(Default)]
struct Found {
    names: Vec<String>,
    seen: BTreeSet<String>,
}

impl Found {
    fn add(&mut self, name: &str) {
        if self.seen.insert(name.to_lowercase()) {
            self.names.push(name.to_owned());
        }
    }
}

fn collect(path: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), ColumnsError> {
    let failed = |source| ColumnsError::Io {
        path: path.to_owned(),
        source,
    };
    if !fs::metadata(path).map_err(failed)?.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    if depth == 0 {
        return Ok(());
    }
    let entries = fs::read_dir(path).map_err(failed)?;
    let mut entries = entries
        .map(|entry| entry.map(|e| e.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(failed)?;
    entries.sort();
    for entry in entries {
        let parquet = entry
            .extension()
            .is_some_and(|e| e.eq_ignore_ascii_case("parquet"));
        if parquet || entry.is_dir() {
            collect(&entry, depth - 1, files)?;
        }
    }
    Ok(())
}
