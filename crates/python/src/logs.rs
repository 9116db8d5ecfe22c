//! Recorded events: files and folders opened together, to be asked questions.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use analytics::{Engine, Outcome};
use app::convert::convert;
use app::hunt::{AnalyticChoice, Arsenal, hunt};
use app::output::Destination;
use pyo3::prelude::*;
use telemetry::{Options, Origin, Progress, header};

use crate::error::{self, InputError};
use crate::interrupt::attend;
use crate::rows::NativeRows;

/// Files and folders with recorded events.
#[pyclass(frozen, name = "Logs")]
pub(crate) struct NativeLogs {
    paths: Vec<PathBuf>,
    views: Vec<String>,
    threads: usize,
    pub(crate) opened: OpenLogs,
}

/// What an answer needs of the logs that gave it.
#[derive(Clone)]
pub(crate) struct OpenLogs {
    pub(crate) engine: Arc<Engine>,
    pub(crate) progress: Arc<Progress>,
}

/// What was read, in words: a summary, damage, and doubts about the query.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReadSummary {
    pub(crate) records: u64,
    pub(crate) files: u64,
    pub(crate) damage: Vec<String>,
    pub(crate) doubts: Vec<String>,
}

/// Records, files, damage and doubts, as Python takes them.
pub(crate) type SummaryParts = (u64, u64, Vec<String>, Vec<String>);

/// A folder of hunts, and whether those that come with the program run where there is none.
type Packs = (Option<PathBuf>, bool);

/// Problems listed one by one; the rest is counted.
const LISTED: usize = 10;

impl ReadSummary {
    pub(crate) fn of(outcome: &Outcome) -> Self {
        let mut summary = Self {
            doubts: outcome.warnings.clone(),
            ..Self::default()
        };
        let Some(report) = &outcome.report else {
            return summary;
        };
        (summary.records, summary.files) = (report.records, report.files as u64);
        let problems = &report.diagnostics;
        let all = problems.damaged + problems.no_logs_count;
        let listed = problems.listed.iter().chain(problems.no_logs.iter());
        let listed: Vec<String> = listed.take(LISTED).map(ToString::to_string).collect();
        let more = all.saturating_sub(listed.len() as u64);
        summary.damage.extend(listed);
        if more > 0 {
            let more = format!("and {more} more parts or files left out");
            summary.damage.push(more);
        }
        let foreign = problems.foreign.values().take(LISTED);
        summary
            .damage
            .extend(foreign.map(|f| format!("not understood: {f}")));
        if let Some(time) = &problems.unread_time {
            summary.damage.push(format!(
                "time not understood: {} events, such as {time:?}",
                problems.unread_times
            ));
        }
        summary
    }

    /// Records, files, damage and doubts.
    pub(crate) fn parts(self) -> SummaryParts {
        (self.records, self.files, self.damage, self.doubts)
    }
}

fn open(paths: &[PathBuf], views: &[String], threads: usize) -> Result<OpenLogs, analytics::Error> {
    let progress = Arc::new(Progress::default());
    let options = Options {
        threads,
        progress: Arc::clone(&progress),
        ..Options::default()
    };
    let engine = Arc::new(Engine::new(paths, views, options)?);
    Ok(OpenLogs { engine, progress })
}

#[pymethods]
impl NativeLogs {
    #[new]
    fn new(
        py: Python<'_>,
        paths: Vec<PathBuf>,
        views: Vec<String>,
        threads: usize,
    ) -> PyResult<Self> {
        if paths.is_empty() {
            return Err(InputError::new_err("scan() needs a file or folder"));
        }
        let opened = py
            .detach(|| open(&paths, &views, threads))
            .map_err(|e| error::of_engine(py, &e))?;
        Ok(Self {
            paths,
            views,
            threads,
            opened,
        })
    }

    /// The same files with further names for the table of all events.
    fn view(&self, py: Python<'_>, names: Vec<String>) -> PyResult<Self> {
        let mut views = self.views.clone();
        views.extend(names);
        Self::new(py, self.paths.clone(), views, self.threads)
    }

    #[getter]
    fn sources(&self) -> Vec<PathBuf> {
        self.paths.clone()
    }

    #[getter]
    fn tables(&self) -> Vec<String> {
        self.opened.engine.tables()
    }

    /// The files behind the paths.
    #[getter]
    fn files(&self) -> Vec<String> {
        let origins = self.opened.engine.origins().iter();
        origins.map(Origin::name).collect()
    }

    /// Names and Spark types of all columns that the files have.
    fn fields(
        &self,
        py: Python<'_>,
        on_progress: Option<Py<PyAny>>,
    ) -> PyResult<Vec<(String, &'static str)>> {
        let engine = Arc::clone(&self.opened.engine);
        let progress = &self.opened.progress;
        let names = attend(py, progress, on_progress.as_ref(), move |_| engine.fields())?;
        let typed = names.into_iter().map(|name| {
            let kind = match header::kind(&name.to_lowercase()) {
                header::Kind::Text => "STRING",
                header::Kind::Int => "BIGINT",
                header::Kind::Time => "TIMESTAMP",
            };
            (name, kind)
        });
        Ok(typed.collect())
    }

    fn sql(
        &self,
        py: Python<'_>,
        query: String,
        on_progress: Option<Py<PyAny>>,
    ) -> PyResult<NativeRows> {
        let engine = Arc::clone(&self.opened.engine);
        let text = query.clone();
        let prepared = attend(py, &self.opened.progress, on_progress.as_ref(), move |_| {
            engine.prepare(&text)
        })?
        .map_err(|e| error::of_engine(py, &e))?;
        Ok(NativeRows::new(
            self.opened.clone(),
            prepared,
            self.paths.clone(),
        ))
    }

    /// The answer of hunts and rules as JSON, and what was read.
    #[pyo3(signature = (packs, rules, only, why, on_progress))]
    fn hunt(
        &self,
        py: Python<'_>,
        packs: Packs,
        rules: Vec<PathBuf>,
        only: Vec<String>,
        why: bool,
        on_progress: Option<Py<PyAny>>,
    ) -> PyResult<(String, SummaryParts)> {
        let refused = |e: &dyn std::fmt::Display| InputError::new_err(e.to_string());
        let (folder, built_in) = packs;
        let mut arsenal = Arsenal::load(folder.as_deref(), &rules, &[]).map_err(|e| refused(&e))?;
        if !built_in && folder.is_none() {
            arsenal.hunts.clear();
        }
        let choice = AnalyticChoice {
            only,
            ..AnalyticChoice::default()
        };
        choice.apply(&mut arsenal).map_err(|e| refused(&e))?;
        let engine = Arc::clone(&self.opened.engine);
        let answer = attend(py, &self.opened.progress, on_progress.as_ref(), move |_| {
            hunt(&engine, &arsenal, why)
        })?
        .map_err(|e| refused(&e))?;
        let text = json(&answer)?;
        let outcome = Outcome {
            report: Some(answer.report),
            warnings: answer.warnings,
        };
        Ok((text, ReadSummary::of(&outcome).parts()))
    }

    /// How often each thing happens, and what was read.
    fn baseline(
        &self,
        py: Python<'_>,
        events: Vec<String>,
        by: Vec<String>,
        on_progress: Option<Py<PyAny>>,
    ) -> PyResult<(NativeBaseline, SummaryParts)> {
        let refused = |e: &dyn std::fmt::Display| InputError::new_err(e.to_string());
        let specs = app::baseline::streams(&events, &by).map_err(|e| refused(&e))?;
        let origins = self.opened.engine.origins().to_vec();
        let options = Options {
            threads: self.threads,
            progress: Arc::clone(&self.opened.progress),
            ..Options::default()
        };
        let (report, read) = attend(
            py,
            &self.opened.progress,
            on_progress.as_ref(),
            move |wanted| {
                let parameters = baseline::Parameters::default();
                app::baseline::count(&origins, &specs, &parameters, &options, || wanted.still())
            },
        )?
        .map_err(|e| refused(&e))?;
        let outcome = Outcome {
            report: Some(read),
            warnings: Vec::new(),
        };
        Ok((NativeBaseline(report), ReadSummary::of(&outcome).parts()))
    }

    fn to_parquet(
        &self,
        py: Python<'_>,
        path: PathBuf,
        partitioned: bool,
        overwrite: bool,
        on_progress: Option<Py<PyAny>>,
    ) -> PyResult<(u64, SummaryParts)> {
        let destination = destination(&path, partitioned, overwrite, &self.paths)?;
        let engine = Arc::clone(&self.opened.engine);
        let written = attend(py, &self.opened.progress, on_progress.as_ref(), move |_| {
            convert(&engine, destination, partitioned)
        })?
        .map_err(|e| InputError::new_err(e.to_string()))?;
        let outcome = Outcome {
            report: Some(written.report),
            warnings: Vec::new(),
        };
        Ok((written.rows, ReadSummary::of(&outcome).parts()))
    }
}

/// How often each thing happens.
#[pyclass(frozen, name = "Baseline")]
pub(crate) struct NativeBaseline(baseline::Report);

#[pymethods]
impl NativeBaseline {
    fn json(&self) -> PyResult<String> {
        json(&self.0)
    }

    fn html(&self) -> String {
        baseline::html(&self.0)
    }
}

fn destination(
    path: &Path,
    folder: bool,
    overwrite: bool,
    inputs: &[PathBuf],
) -> PyResult<Destination> {
    let made = match folder {
        true => Destination::folder(path),
        false => Destination::new(path, overwrite, inputs),
    };
    made.map_err(|e| InputError::new_err(e.to_string()))
}

/// A plain value as JSON text.
pub(crate) fn json(value: &impl serde::Serialize) -> PyResult<String> {
    serde_json::to_string(value).map_err(|e| InputError::new_err(e.to_string()))
}
