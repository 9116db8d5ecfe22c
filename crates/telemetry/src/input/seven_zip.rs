//! 7z archives. Their directory stands at the end, so that a cut one cannot be read.

use std::io::{Read, Seek};

use sevenz_rust2::{ArchiveReader, EntryDecision, Error, Password};

use super::discover::is_debris;
use super::open::{Stop, Walk, read_full, shown};
use crate::diagnostics::Problem;

/// Memory for a dictionary, in KiB: what 7-Zip's strongest usual setting asks for, several times over.
const MAX_MEMORY: usize = 512 << 10;

impl Walk<'_> {
    pub(super) fn seven_zip(
        &mut self,
        name: &str,
        mut file: impl Read + Seek,
        depth: u32,
    ) -> Result<(), Stop> {
        let given = self.passwords.iter();
        let given = given.map(|p| Password::new(&String::from_utf8_lossy(p)));
        let mut encrypted = false;
        for password in std::iter::once(Password::empty()).chain(given.collect::<Vec<_>>()) {
            file.rewind()?;
            match opened(&mut file, &password) {
                Ok(true) => {}
                Ok(false) => {
                    encrypted = true;
                    continue;
                }
                Err(error) => return Err(Stop::Failed(problem(&error))),
            }
            file.rewind()?;
            let archive = reader(&mut file, password);
            let mut archive = archive.map_err(|e| Stop::Failed(problem(&e)))?;
            return self.seven_zip_entries(name, &mut archive, depth);
        }
        Err(Stop::Failed(match encrypted {
            true => Problem::Encrypted,
            false => Problem::CutOff,
        }))
    }

    fn seven_zip_entries<R: Read + Seek>(
        &mut self,
        name: &str,
        archive: &mut ArchiveReader<R>,
        depth: u32,
    ) -> Result<(), Stop> {
        let mut stopped = None;
        let outcome = archive.for_each_entries_with_decision(|entry, bytes| {
            let path = entry.name();
            if entry.is_directory() || entry.is_anti_item() || is_debris(path) {
                return Ok(EntryDecision::Continue);
            }
            let mut bounded = self.bounded(bytes);
            match self.entry(&format!("{name}/{}", shown(path)), &mut bounded, depth) {
                Ok(()) => Ok(EntryDecision::Continue),
                Err(stop) => {
                    stopped = Some(stop);
                    Ok(EntryDecision::Stop)
                }
            }
        });
        match (stopped, outcome) {
            (Some(stop), _) => Err(stop),
            (None, Err(error)) => Err(Stop::Failed(problem(&error))),
            (None, Ok(())) => Ok(()),
        }
    }
}

fn reader<R: Read + Seek>(file: R, password: Password) -> Result<ArchiveReader<R>, Error> {
    let mut archive = ArchiveReader::new_with_memory_limit(file, password, MAX_MEMORY)?;
    // The other threads have records to read.
    archive.set_thread_count(1);
    Ok(archive)
}

/// Whether this password opens an archive, told by the first of its content.
fn opened(file: impl Read + Seek, password: &Password) -> Result<bool, Error> {
    let wrong =
        |error: &Error| matches!(error, Error::PasswordRequired | Error::MaybeBadPassword(_));
    let mut archive = match reader(file, password.clone()) {
        Ok(archive) => archive,
        Err(error) if wrong(&error) => return Ok(false),
        // What a wrong password makes of a directory is no directory.
        Err(_) if !password.is_empty() => return Ok(false),
        Err(error) => return Err(error),
    };
    let files = archive.archive().files.len();
    if !(0..files).any(|n| archive.archive().is_file_encrypted(n)) {
        return Ok(true);
    }
    if password.is_empty() {
        return Ok(false);
    }
    let mut readable = true;
    let outcome = archive.for_each_entries_with_decision(|entry, bytes| {
        if !entry.has_stream() {
            return Ok(EntryDecision::Continue);
        }
        readable = read_full(bytes, &mut [0; 4096]).is_ok();
        Ok(EntryDecision::Stop)
    });
    Ok(readable && outcome.is_ok())
}

fn problem(error: &Error) -> Problem {
    match error {
        Error::PasswordRequired | Error::MaybeBadPassword(_) => Problem::Encrypted,
        Error::Io(error, _) if error.kind() == std::io::ErrorKind::UnexpectedEof => Problem::CutOff,
        other => Problem::Io(format!("7z: {other}")),
    }
}
