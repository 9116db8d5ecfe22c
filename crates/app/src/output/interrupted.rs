//! What is left to remove when a signal ends the program.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::{Mutex, Once, PoisonError};

use tempfile::TempDir;

/// What a shell reports of a program that was interrupted.
const INTERRUPTED: i32 = 130;

static FOLDERS: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());
static HANDLER: Once = Once::new();

/// How often a folder is tried to be removed while files are still being made in it.
const TRIES: usize = 10;

/// Makes a folder that is removed when the program is interrupted or told to end, whenever that comes.
///
/// # Errors
/// What `make` fails with.
pub(super) fn removed_on_signal(make: impl FnOnce() -> io::Result<TempDir>) -> io::Result<TempDir> {
    HANDLER.call_once(|| {
        // Where a face has a handler of its own already, that one cleans up by ending its runs.
        let _ = ctrlc::try_set_handler(|| {
            for folder in lock().iter() {
                remove(folder);
            }
            process::exit(INTERRUPTED);
        });
    });
    // A signal between making a folder and knowing of it has to wait.
    let mut folders = lock();
    let made = make()?;
    folders.push(made.path().to_owned());
    Ok(made)
}

fn remove(folder: &Path) {
    for _ in 0..TRIES {
        // There is nobody left to tell.
        if fs::remove_dir_all(folder).is_ok() || !folder.exists() {
            return;
        }
    }
}

/// The folder is gone, or soon will be.
pub(super) fn forget(folder: &Path) {
    lock().retain(|f| f != folder);
}

fn lock() -> std::sync::MutexGuard<'static, Vec<PathBuf>> {
    FOLDERS.lock().unwrap_or_else(PoisonError::into_inner)
}
