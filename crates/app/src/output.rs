//! Outputs that harm nothing. What is read in the same run is never written to, what exists is not replaced unless asked
//! for, and a file bears its name only once it is whole: it is made beside its place and renamed.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

mod interrupted;

/// Why an output cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutputError {
    /// The output is a file that this run reads.
    #[error("{} is read in this run; write into another file", path.display())]
    IsInput {
        /// The output as it was named.
        path: PathBuf,
    },
    /// The output exists.
    #[error("{} exists; --force replaces it", path.display())]
    Exists {
        /// The output as it was named.
        path: PathBuf,
    },
    /// A folder stands where a file is to be written, or the other way round.
    #[error("{} is {is}, not {wanted}", path.display())]
    Kind {
        /// The output as it was named.
        path: PathBuf,
        /// What stands there.
        is: &'static str,
        /// What was to be written.
        wanted: &'static str,
    },
    /// The system refuses.
    #[error("cannot write {}: {source}", path.display())]
    Io {
        /// The output as it was named.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// A place where a file or folder may be written. Making one touches nothing, so that a wrong name is told before work
/// is done.
#[derive(Clone, Debug)]
pub struct Destination {
    /// As it was named.
    path: PathBuf,
    /// Behind links.
    target: PathBuf,
    force: bool,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Nothing, or a file or folder that may be replaced.
    Ordinary,
    /// A pipe or device, which is written to as it stands.
    Stream,
}

impl Destination {
    /// A file to be written. `inputs` are the files and folders that the run reads; `force` allows replacing a file.
    ///
    /// # Errors
    /// Where the file is an input or lies in one that is read, under whatever name; where it exists and `force` is not
    /// set; where it is a folder.
    pub fn new(path: &Path, force: bool, inputs: &[PathBuf]) -> Result<Self, OutputError> {
        let fail = |source| OutputError::Io {
            path: path.to_owned(),
            source,
        };
        let target = behind_links(path).map_err(fail)?;
        let kind = match fs::metadata(&target) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Kind::Ordinary,
            Err(error) => return Err(fail(error)),
            Ok(is) if is.is_dir() => {
                return Err(OutputError::Kind {
                    path: path.to_owned(),
                    is: "a folder",
                    wanted: "a file",
                });
            }
            Ok(is) if is.is_file() => {
                if is_read(&target, inputs) {
                    return Err(OutputError::IsInput {
                        path: path.to_owned(),
                    });
                }
                if !force {
                    return Err(OutputError::Exists {
                        path: path.to_owned(),
                    });
                }
                Kind::Ordinary
            }
            Ok(_) => Kind::Stream,
        };
        Ok(Self {
            path: path.to_owned(),
            target,
            force,
            kind,
        })
    }

    /// A folder to be written: one that does not exist, or is empty.
    ///
    /// # Errors
    /// Where it has something in it, or is no folder.
    pub fn folder(path: &Path) -> Result<Self, OutputError> {
        let fail = |source| OutputError::Io {
            path: path.to_owned(),
            source,
        };
        let target = behind_links(path).map_err(fail)?;
        match fs::read_dir(&target) {
            Ok(mut entries) => {
                if entries.next().is_some() {
                    return Err(OutputError::Io {
                        path: path.to_owned(),
                        source: io::Error::new(
                            io::ErrorKind::DirectoryNotEmpty,
                            "the folder is not empty",
                        ),
                    });
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                return Err(OutputError::Kind {
                    path: path.to_owned(),
                    is: "a file",
                    wanted: "a folder",
                });
            }
            Err(error) => return Err(fail(error)),
        }
        Ok(Self {
            path: path.to_owned(),
            target,
            force: false,
            kind: Kind::Ordinary,
        })
    }

    /// Begins to write a file.
    ///
    /// # Errors
    /// Where the system refuses.
    pub fn create(self) -> Result<Output, OutputError> {
        let fail = |source| OutputError::Io {
            path: self.path.clone(),
            source,
        };
        if self.kind == Kind::Stream {
            let stream = fs::OpenOptions::new().write(true).open(&self.target);
            let stream = stream.map_err(fail)?;
            return Ok(Output {
                path: self.path,
                file: io::BufWriter::new(stream),
                staged: None,
            });
        }
        let staged = self.stage()?;
        let file = File::create_new(staged.path()).map_err(|source| OutputError::Io {
            path: staged.destination.path.clone(),
            source,
        })?;
        Ok(Output {
            path: staged.destination.path.clone(),
            file: io::BufWriter::new(file),
            staged: Some(staged),
        })
    }

    /// Gives a path beside the destination where the file or folder is to be made by the caller. [`Staged::keep`] gives
    /// it its name.
    ///
    /// # Errors
    /// Where the system refuses, and for pipes and devices.
    pub fn stage(self) -> Result<Staged, OutputError> {
        if self.kind == Kind::Stream {
            return Err(OutputError::Kind {
                path: self.path,
                is: "a pipe or device",
                wanted: "a file",
            });
        }
        let parent = match self.target.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let name = self.target.file_name().unwrap_or_default();
        let make = || {
            tempfile::Builder::new()
                .prefix(".scotoma-")
                .tempdir_in(parent)
        };
        let made = interrupted::removed_on_signal(make).map_err(|source| OutputError::Io {
            path: self.path.clone(),
            source,
        })?;
        Ok(Staged {
            inside: made.path().join(name),
            made,
            destination: self,
        })
    }
}

/// A file or folder in the making. Dropped, it leaves nothing behind.
#[derive(Debug)]
pub struct Staged {
    made: TempDir,
    inside: PathBuf,
    destination: Destination,
}

impl Staged {
    /// Where to make it. Nothing is there yet.
    pub fn path(&self) -> &Path {
        &self.inside
    }

    /// Gives what was made its name.
    ///
    /// # Errors
    /// Where the system refuses, or a file of the name has come to be meanwhile and may not be replaced.
    pub fn keep(self) -> Result<PathBuf, OutputError> {
        let Destination {
            path,
            target,
            force,
            ..
        } = &self.destination;
        if *force && let Ok(before) = fs::metadata(target) {
            // Whoever could not read what was there is not to read what comes.
            let _ = fs::set_permissions(&self.inside, before.permissions());
        }
        let named = if *force || self.inside.is_dir() {
            fs::rename(&self.inside, target)
        } else {
            // A link is refused where the name is taken; not every file system has links.
            match fs::hard_link(&self.inside, target) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
                Err(_) if !target.exists() => fs::rename(&self.inside, target),
                other => other,
            }
        };
        named.map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => OutputError::Exists { path: path.clone() },
            _ => OutputError::Io {
                path: path.clone(),
                source,
            },
        })?;
        Ok(path.clone())
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        interrupted::forget(self.made.path());
    }
}

/// A file that is being written.
#[derive(Debug)]
pub struct Output {
    /// As it was named.
    path: PathBuf,
    file: io::BufWriter<File>,
    /// None for pipes and devices.
    staged: Option<Staged>,
}

impl Output {
    /// Finishes the file and gives it its name; what is not kept is gone.
    ///
    /// # Errors
    /// Where the system refuses.
    pub fn keep(mut self) -> Result<(), OutputError> {
        let flushed = self.file.flush();
        match self.staged {
            Some(staged) => {
                flushed.map_err(|source| OutputError::Io {
                    path: staged.destination.path.clone(),
                    source,
                })?;
                staged.keep().map(drop)
            }
            None => flushed.map_err(|source| OutputError::Io {
                path: self.path,
                source,
            }),
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Replaces a file by a text that was made of it, in one step.
///
/// # Errors
/// Where the system refuses.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), OutputError> {
    let mut output = Destination::new(path, true, &[])?.create()?;
    output.write_all(bytes).map_err(|source| OutputError::Io {
        path: path.to_owned(),
        source,
    })?;
    output.keep()
}

/// How many links in a row are followed.
const MAX_LINKS: usize = 40;

/// The place that a path means, links followed, whether there is something or not.
fn behind_links(path: &Path) -> io::Result<PathBuf> {
    let mut at = path.to_owned();
    for _ in 0..MAX_LINKS {
        match fs::read_link(&at) {
            Ok(next) => at = at.parent().map_or(next.clone(), |parent| parent.join(next)),
            Err(_) => return Ok(at),
        }
    }
    Err(io::Error::other("too many links"))
}

/// How deep folders are looked into, as when they are read.
const MAX_DEPTH: usize = 64;

/// Whether a file is one of the inputs, or lies in one of them, under whatever name.
fn is_read(file: &Path, inputs: &[PathBuf]) -> bool {
    let Ok(file) = same_file::Handle::from_path(file) else {
        return false;
    };
    inputs.iter().any(|input| is_or_holds(input, &file, 0))
}

fn is_or_holds(input: &Path, file: &same_file::Handle, depth: usize) -> bool {
    if depth > MAX_DEPTH {
        return false;
    }
    match fs::read_dir(input) {
        // A link to a folder inside a folder may lead around in circles.
        Ok(entries) => entries.flatten().any(|entry| {
            let path = entry.path();
            let around = path.is_dir() && path.is_symlink();
            !around && is_or_holds(&path, file, depth + 1)
        }),
        // Opening a pipe would wait for whoever writes to it.
        Err(_) if fs::metadata(input).is_ok_and(|is| is.is_file()) => {
            same_file::Handle::from_path(input).is_ok_and(|input| input == *file)
        }
        Err(_) => false,
    }
}
