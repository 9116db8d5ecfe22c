//! From the paths a user names to the files to read: folders are walked in name order, so that every run reads the
//! same files in the same order. Resource forks and folder metadata of macOS are left out; whatever else is not read is
//! kept in its place with the reason.

use std::collections::HashSet;
use std::fs::{self, File, FileType};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::NamedTempFile;

use crate::diagnostics::Problem;

/// One file to read.
#[derive(Clone, Debug)]
pub enum Origin {
    /// A file.
    File(PathBuf),
    /// A stream, kept in a temporary file: queries may read more than once.
    Kept {
        /// The name findings and errors use for it.
        name: String,
        /// What came out of it.
        file: Arc<NamedTempFile>,
    },
    /// Something in a folder that is not read.
    Left {
        /// Where it is.
        path: PathBuf,
        /// Why it is not read.
        why: Problem,
    },
}

impl Origin {
    /// The name findings and errors use for it.
    pub fn name(&self) -> String {
        match self {
            Self::File(path) | Self::Left { path, .. } => path.display().to_string(),
            Self::Kept { name, .. } => name.clone(),
        }
    }

    /// A stream, kept in a temporary file until nobody needs it any more.
    pub(crate) fn kept(name: &str, mut stream: impl io::Read) -> io::Result<Self> {
        let mut file = NamedTempFile::new()?;
        io::copy(&mut stream, &mut file)?;
        Ok(Self::Kept {
            name: name.to_owned(),
            file: Arc::new(file),
        })
    }

    /// Opens it from its beginning.
    pub(crate) fn open(&self) -> Result<File, Problem> {
        let file = match self {
            Self::File(path) => File::open(path),
            Self::Kept { file, .. } => file.reopen(),
            Self::Left { why, .. } => return Err(why.clone()),
        };
        file.map_err(|e| Problem::Io(e.to_string()))
    }
}

/// Folders deeper than this are a loop or a trap.
const MAX_DEPTH: usize = 64;

/// The files behind `paths` (`-` is standard input), folders walked recursively. A path that does not exist or cannot be
/// read is an error with its name; what cannot be read inside a folder is an [`Origin::Left`].
pub fn discover(paths: &[PathBuf]) -> Result<Vec<Origin>, (PathBuf, io::Error)> {
    let mut finder = Finder::new(&list);
    for path in paths {
        let fail = |e| (path.clone(), e);
        if path.as_os_str() == "-" {
            let stdin = Origin::kept("-", io::stdin().lock()).map_err(fail)?;
            finder.found.push(stdin);
            continue;
        }
        let kind = fs::metadata(path).map_err(fail)?.file_type();
        if kind.is_dir() {
            finder.folder(path, 0).map_err(fail)?;
        } else if is_stream(kind) {
            let name = path.display().to_string();
            let stream = File::open(path).and_then(|file| Origin::kept(&name, file));
            finder.found.push(stream.map_err(fail)?);
        } else {
            finder.found.push(Origin::File(path.clone()));
        }
    }
    Ok(finder.end(paths))
}

/// What a folder holds: names with what they are, links as such.
type Listing<'l> = dyn Fn(&Path) -> io::Result<Vec<(PathBuf, io::Result<FileType>)>> + 'l;

fn list(folder: &Path) -> io::Result<Vec<(PathBuf, io::Result<FileType>)>> {
    let mut entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    let with_kind = |entry: &fs::DirEntry| (entry.path(), entry.file_type());
    Ok(entries.iter().map(with_kind).collect())
}

/// Walks folders.
struct Finder<'l> {
    list: &'l Listing<'l>,
    found: Vec<Origin>,
    /// Which of them are links in a folder, with what they lead to.
    links: Vec<(usize, PathBuf)>,
}

impl<'l> Finder<'l> {
    fn new(list: &'l Listing<'l>) -> Self {
        Self {
            list,
            found: Vec::new(),
            links: Vec::new(),
        }
    }

    fn folder(&mut self, path: &Path, depth: usize) -> io::Result<()> {
        if depth > MAX_DEPTH {
            return Err(io::Error::other("folders nested too deep"));
        }
        for (path, kind) in (self.list)(path)? {
            let name = path.file_name().unwrap_or_default();
            if is_debris(&name.to_string_lossy()) {
                continue;
            }
            match kind {
                Err(error) => self.leave(&path, &error),
                Ok(kind) if kind.is_symlink() => self.link(&path),
                Ok(kind) if kind.is_dir() => {
                    if let Err(error) = self.folder(&path, depth + 1) {
                        self.leave(&path, &error);
                    }
                }
                Ok(kind) if kind.is_file() => self.found.push(Origin::File(path)),
                // Reading would wait for whoever writes to it.
                Ok(_) => self.aside(&path, "a pipe or device; in a folder it is not read"),
            }
        }
        Ok(())
    }

    /// A link is followed to a file. A folder that was copied off a machine may have links to folders that point anywhere.
    fn link(&mut self, path: &Path) {
        let target = fs::canonicalize(path).and_then(|t| Ok((fs::metadata(&t)?.file_type(), t)));
        match target {
            Err(error) => {
                let why = Problem::Io(format!("a link that leads to nothing: {error}"));
                self.left(path, why);
            }
            Ok((kind, target)) if kind.is_file() || kind.is_dir() => {
                self.links.push((self.found.len(), target));
                if kind.is_file() {
                    self.found.push(Origin::File(path.to_owned()));
                } else {
                    self.aside(path, "a link to a folder; name the folder to read it");
                }
            }
            Ok(_) => self.aside(path, "a link to a pipe or device, which is not read"),
        }
    }

    fn leave(&mut self, path: &Path, error: &io::Error) {
        self.left(path, Problem::Io(error.to_string()));
    }

    fn aside(&mut self, path: &Path, what: &str) {
        self.left(path, Problem::NotALog(what.to_owned()));
    }

    fn left(&mut self, path: &Path, why: Problem) {
        let path = path.to_owned();
        self.found.push(Origin::Left { path, why });
    }

    /// What was found, without links to what is read anyway.
    fn end(self, paths: &[PathBuf]) -> Vec<Origin> {
        if self.links.is_empty() {
            return self.found;
        }
        let is_link = |n: &usize| self.links.binary_search_by_key(n, |(l, _)| *l).is_ok();
        let roots: Vec<PathBuf> = paths.iter().flat_map(fs::canonicalize).collect();
        let mut read: HashSet<PathBuf> = (0..self.found.len())
            .filter(|n| !is_link(n))
            .filter_map(|n| match &self.found[n] {
                Origin::File(path) => fs::canonicalize(path).ok(),
                _ => None,
            })
            .collect();
        let mut twice = HashSet::new();
        for (at, target) in &self.links {
            let known = match &self.found[*at] {
                Origin::Left { .. } => roots.iter().any(|r| target.starts_with(r)),
                _ => !read.insert(target.clone()),
            };
            if known {
                twice.insert(*at);
            }
        }
        let all = self.found.into_iter().enumerate();
        all.filter(|(n, _)| !twice.contains(n))
            .map(|(_, origin)| origin)
            .collect()
    }
}

/// Whether this can be read once only, from its beginning to its end.
#[cfg(unix)]
fn is_stream(kind: FileType) -> bool {
    use std::os::unix::fs::FileTypeExt;
    kind.is_fifo() || kind.is_char_device()
}

/// Whether this can be read once only, from its beginning to its end.
#[cfg(not(unix))]
fn is_stream(_: FileType) -> bool {
    false
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

    /// Whoever runs the tests may be allowed to read everything, so the refusal is made up.
    #[test]
    fn a_folder_that_cannot_be_read_is_named_and_the_rest_is_found() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        for name in ["a", "locked", "z"] {
            fs::create_dir(at(name)).expect("a folder");
            fs::write(at(name).join("log"), "").expect("a file");
        }
        let refusing = |path: &Path| match path.ends_with("locked") {
            true => Err(io::ErrorKind::PermissionDenied.into()),
            false => list(path),
        };
        let mut finder = Finder::new(&refusing);
        finder.folder(folder.path(), 0).expect("the folder itself");
        let found = finder.end(&[]);
        let names: Vec<PathBuf> = found.iter().map(|o| o.name().into()).collect();
        assert_eq!(names, [at("a/log"), at("locked"), at("z/log")]);
        let problem = Problem::Io("permission denied".to_owned());
        assert_eq!(found[1].open().expect_err("it was left"), problem);
    }
}
