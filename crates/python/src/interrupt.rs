//! Long work beside the interpreter: other Python threads run meanwhile, progress is summary, and Ctrl-C comes back at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use pyo3::prelude::*;
use telemetry::Progress;

use crate::error::ScotomaError;

/// How often the interpreter is asked whether somebody pressed Ctrl-C.
const LISTEN: Duration = Duration::from_millis(100);

/// Whether work is still wanted; it looks from time to time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted(Arc<AtomicBool>);

impl Wanted {
    /// False once the caller has gone.
    pub(crate) fn still(&self) -> bool {
        !self.0.load(Ordering::Relaxed)
    }
}

/// Does work in a thread of its own and waits for it. `on_progress` is called with the records and bytes read so far.
///
/// # Errors
/// What Python raises while waiting: `KeyboardInterrupt`, or an error of `on_progress`. The work is then summary to end, and what
/// it gives is dropped.
pub(crate) fn attend<T: Send + 'static>(
    py: Python<'_>,
    progress: &Progress,
    on_progress: Option<&Py<PyAny>>,
    work: impl FnOnce(&Wanted) -> T + Send + 'static,
) -> PyResult<T> {
    let (send, mut receive) = channel();
    let wanted = Wanted::default();
    let theirs = wanted.clone();
    thread::Builder::new()
        .name("scotoma".to_owned())
        .spawn(move || {
            // Nobody may be waiting any more.
            let _ = send.send(work(&theirs));
        })?;
    loop {
        let (back, got) = py.detach(move || wait(receive));
        receive = back;
        match got {
            Ok(done) => return Ok(done),
            Err(RecvTimeoutError::Disconnected) => {
                return Err(ScotomaError::new_err("the work ended without an answer"));
            }
            Err(RecvTimeoutError::Timeout) => {
                let raised = py.check_signals().and_then(|()| match on_progress {
                    Some(on_progress) => {
                        let records = progress.records.load(Ordering::Relaxed);
                        let bytes = progress.bytes.load(Ordering::Relaxed);
                        on_progress.call1(py, (records, bytes)).map(drop)
                    }
                    None => Ok(()),
                });
                if let Err(error) = raised {
                    wanted.0.store(true, Ordering::Relaxed);
                    return Err(error);
                }
            }
        }
    }
}

fn wait<T>(receive: Receiver<T>) -> (Receiver<T>, Result<T, RecvTimeoutError>) {
    let got = receive.recv_timeout(LISTEN);
    (receive, got)
}
