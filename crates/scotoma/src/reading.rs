//! Around every reading of logs, with the engine of queries or without: progress while it takes long, the summary, what
//! was skipped, and the exit status.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use analytics::{Engine, Outcome};
use anyhow::bail;
use arrow::array::RecordBatch;
use telemetry::{Options, Origin, Plan, Progress, Report, RowFilter, Scan, discover};

use crate::cli::{FailOn, Manner};
use crate::output::{clean, grouped, plural};

/// A reading from its start: progress while it lasts, and at its end what was read and what was not.
pub(crate) struct Reading {
    started: Instant,
    quiet: bool,
    options: Options,
    /// The caller shows the problems.
    lists: bool,
    ticker: Option<Ticker>,
}

/// Problems shown one by one.
const MAX_SHOWN: usize = 10;

impl Reading {
    pub(crate) fn begin(manner: &Manner) -> Self {
        let progress = Arc::new(Progress::default());
        let options = Options {
            threads: manner.threads,
            passwords: manner
                .password_file
                .as_ref()
                .map(|p| Arc::clone(&p.0))
                .unwrap_or_default(),
            recover: manner.recover,
            zone: manner.time_zone.clone(),
            day_order: manner.time_format.map(Into::into),
            progress: Arc::clone(&progress),
            ..Options::default()
        };
        Self {
            started: Instant::now(),
            quiet: manner.quiet,
            options,
            lists: false,
            ticker: (!manner.quiet && io::stderr().is_terminal()).then(|| Ticker::start(progress)),
        }
    }

    /// Lists so many problems; showing them is left to the caller.
    pub(crate) fn listing(mut self, problems: usize) -> Self {
        self.options.limits.problems = problems;
        self.lists = true;
        self
    }

    /// How files are read in it, with what tells the progress.
    pub(crate) fn options(&self) -> &Options {
        &self.options
    }

    /// Reads files batch by batch.
    pub(crate) fn scan(
        &self,
        origins: &[Origin],
        plan: Plan,
        mut each: impl FnMut(&RecordBatch) -> anyhow::Result<()>,
    ) -> anyhow::Result<Report> {
        let mut scan = Scan::new(origins.to_vec(), plan, self.options.clone());
        for batch in &mut scan {
            each(&batch)?;
        }
        Ok(scan.report())
    }

    /// Takes the progress line away: what follows is for reading.
    pub(crate) fn hush(&mut self) {
        self.ticker = None;
    }

    /// Tells what was read and skipped; an error when there was nothing to read.
    pub(crate) fn end(mut self, report: &Report, warnings: &[String]) -> anyhow::Result<()> {
        self.hush();
        // Damage and doubts about a query are told even to those who want to hear nothing: an answer may be wrong
        // because of them.
        if !self.lists {
            tell_damage(report)?;
        }
        for warning in warnings {
            eprintln!("warning: {}", clean(warning));
        }
        if !self.quiet {
            self.tell(report)?;
        }
        if report.records == 0 {
            bail!("no events read from {}", plural(report.files, "file"));
        }
        Ok(())
    }

    fn tell(&self, report: &Report) -> io::Result<()> {
        let mut err = io::stderr().lock();
        let seconds = self.started.elapsed().as_secs_f64();
        let damage = match report.diagnostics.damaged {
            0 => "nothing skipped".to_owned(),
            n => format!("{} skipped (above)", plural(n, "damaged part")),
        };
        let damage = match report.diagnostics.no_logs_count {
            0 => damage,
            1 => format!("{damage}; 1 file is no log (above)"),
            n => format!("{damage}; {} are no logs (above)", plural(n, "file")),
        };
        let damage = match report.diagnostics.not_understood {
            0 => damage,
            n => format!("{damage}; {} not understood (above)", plural(n, "record")),
        };
        if report.diagnostics.recovered + report.diagnostics.unrecoverable > 0 {
            writeln!(
                err,
                "recovered: {}; too much is gone of {} more",
                plural(report.diagnostics.recovered, "deleted record"),
                grouped(report.diagnostics.unrecoverable)
            )?;
        }
        if let Some(zone) = &self.options.zone {
            writeln!(err, "times that name no zone: read as {zone}")?;
        }
        writeln!(
            err,
            "{} in {} ({}), {seconds:.2} s, {:.0} MB/s; {damage}",
            plural(report.records, "event"),
            plural(report.files, "file"),
            size(report),
            report.expanded.max(report.bytes) as f64 / 1e6 / seconds.max(1e-6),
        )
    }
}

/// The files behind paths; an error names the path.
pub(crate) fn origins(paths: &[PathBuf]) -> anyhow::Result<Vec<Origin>> {
    discover(paths).map_err(|(p, e)| anyhow::Error::new(e).context(p.display().to_string()))
}

/// A reading by the engine of queries.
pub(crate) struct Session {
    pub(crate) engine: Engine,
    reading: Reading,
}

impl Session {
    pub(crate) fn begin(
        paths: &[PathBuf],
        views: &[String],
        manner: &Manner,
    ) -> anyhow::Result<Self> {
        Self::over(paths, views, RowFilter::default(), manner)
    }

    /// The same over the events alone that pass a filter.
    pub(crate) fn over(
        paths: &[PathBuf],
        views: &[String],
        only: RowFilter,
        manner: &Manner,
    ) -> anyhow::Result<Self> {
        let reading = Reading::begin(manner);
        let engine = Engine::over(paths, views, only, reading.options.clone())?;
        Ok(Self { engine, reading })
    }

    /// Takes the progress line away: what follows is for reading.
    pub(crate) fn hush(&mut self) {
        self.reading.hush();
    }

    /// Tells what was read and skipped; an error when there was nothing to read.
    pub(crate) fn end(
        self,
        outcome: &Outcome,
        found: bool,
        fail_on: &[FailOn],
    ) -> anyhow::Result<ExitCode> {
        let Some(report) = &outcome.report else {
            for warning in &outcome.warnings {
                eprintln!("warning: {}", clean(warning));
            }
            return Ok(ExitCode::SUCCESS);
        };
        self.reading.end(report, &outcome.warnings)?;
        let failed = fail_on.iter().any(|f| match f {
            FailOn::Findings => found,
            FailOn::Damage => report.diagnostics.damaged > 0,
        });
        Ok(if failed {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        })
    }
}

fn size(report: &Report) -> String {
    let mb = |bytes: u64| format!("{:.1} MB", bytes as f64 / 1e6);
    if report.expanded > report.bytes {
        format!("{}, {} unpacked", mb(report.bytes), mb(report.expanded))
    } else {
        mb(report.bytes)
    }
}

fn tell_damage(report: &Report) -> io::Result<()> {
    let mut err = io::stderr().lock();
    let problems = &report.diagnostics;
    let told = [
        ("skipped", &problems.listed, problems.damaged),
        ("left out", &problems.no_logs, problems.no_logs_count),
    ];
    for (word, listed, all) in told {
        for problem in listed.iter().take(MAX_SHOWN) {
            writeln!(err, "{word}: {}", clean(&problem.to_string()))?;
        }
        let more = all.saturating_sub(MAX_SHOWN as u64);
        if more > 0 {
            writeln!(
                err,
                "{word}: and {} more (`scotoma events --damage` lists them)",
                grouped(more)
            )?;
        }
    }
    for foreign in problems.foreign.values().take(MAX_SHOWN) {
        writeln!(err, "not understood: {}", clean(&foreign.to_string()))?;
    }
    let more = problems.foreign.len().saturating_sub(MAX_SHOWN);
    if more > 0 {
        writeln!(
            err,
            "not understood: records of {} more",
            plural(more as u64, "file")
        )?;
    }
    if let Some(time) = &problems.unread_time {
        writeln!(
            err,
            "time not understood: {}, such as \"{}\" (--time-format says whether the day or the month stands first)",
            plural(problems.unread_times, "event"),
            clean(time)
        )?;
    }
    Ok(())
}

/// A line on the terminal that says how far the reading has come; it appears only when reading takes long.
struct Ticker {
    stop: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Ticker {
    fn start(progress: Arc<Progress>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let mut shown = false;
            let started = Instant::now();
            while !stopped.load(Ordering::Relaxed) {
                thread::park_timeout(Duration::from_millis(200));
                if started.elapsed() < Duration::from_secs(1) || stopped.load(Ordering::Relaxed) {
                    continue;
                }
                let (records, bytes) = (
                    progress.records.load(Ordering::Relaxed),
                    progress.bytes.load(Ordering::Relaxed),
                );
                eprint!(
                    "\r\x1b[2Kreading: {} events, {:.0} MB",
                    grouped(records),
                    bytes as f64 / 1e6
                );
                shown = true;
            }
            if shown {
                eprint!("\r\x1b[2K");
            }
        });
        Self {
            stop,
            thread: Some(thread),
        }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // It only prints; there is nothing to learn from how it ended.
            let _ = thread.join();
        }
    }
}
