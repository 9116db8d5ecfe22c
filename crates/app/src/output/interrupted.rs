//! What is left to remove when a signal ends the program.

use std::fs;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::{Mutex, Once, PoisonError};

/// What a shell reports of a program that was interrupted.
const INTERRUPTED: i32 = 130;

static FOLDERS: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());
static HANDLER: Once = Once::new();

/// Has a folder removed when the program is interrupted or told to end.
pub(super) fn remove_on_signal(folder: &Path) {
    lock().push(folder.to_owned());
    HANDLER.call_once(|| {
        // Where a face has a handler of its own already, that one cleans up by ending its runs.
        let _ = ctrlc::try_set_handler(|| {
            for folder in lock().iter() {
                // There is nobody left to tell.
                let _ = fs::remove_dir_all(folder);
            }
            process::exit(INTERRUPTED);
        });
    });
}

/// The folder is gone, or soon will be.
pub(super) fn forget(folder: &Path) {
    lock().retain(|f| f != folder);
}

fn lock() -> std::sync::MutexGuard<'static, Vec<PathBuf>> {
    FOLDERS.lock().unwrap_or_else(PoisonError::into_inner)
}
