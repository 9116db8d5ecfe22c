//! A Sysmon configuration: checked, replayed over logs, asked about single events.

use std::path::PathBuf;
use std::sync::Arc;

use pyo3::prelude::*;
use serde_json::json;
use sysmon::event::Event;
use sysmon::explain::{explain, reason};
use sysmon::render::{self, Report};
use sysmon::replay::{Replay, Summary, columns, place, title};
use sysmon::text::Environment;
use sysmon::{Config, Engine, lint, reference};
use telemetry::{Options, Plan, Progress, Scan};

use crate::error::InputError;
use crate::interrupt::attend;
use crate::logs::{ReadSummary, SummaryParts, json};

/// A configuration as one of Sysmon's front ends reads it.
#[pyclass(frozen, name = "Config")]
pub(crate) struct NativeConfig {
    config: Arc<Config>,
}

type Read = (String, SummaryParts);

fn refused(error: impl std::fmt::Display) -> PyErr {
    InputError::new_err(error.to_string())
}

#[pymethods]
impl NativeConfig {
    #[new]
    fn new(name: &str, bytes: &[u8], lenient: bool) -> Self {
        let engine = match lenient {
            true => Engine::Lenient,
            false => Engine::Strict,
        };
        Self {
            config: Arc::new(Config::parse(name, bytes, engine)),
        }
    }

    #[getter]
    fn accepted(&self) -> bool {
        self.config.accepted
    }

    /// The findings of `config check` as JSON.
    fn check(&self, py: Python<'_>) -> PyResult<String> {
        let config = &self.config;
        let found = py.detach(|| lint::check(config));
        json(&render::json(&[Report {
            source: &config.source,
            diagnostics: &found,
        }]))
    }

    /// What the configuration would have kept of recorded events, as JSON, and what was read.
    fn replay(
        &self,
        py: Python<'_>,
        paths: Vec<PathBuf>,
        environment: Vec<(String, String)>,
        top: usize,
        on_progress: Option<Py<PyAny>>,
    ) -> PyResult<Read> {
        let config = self.usable()?;
        let environment = environment_of(environment);
        let origins = telemetry::discover(&paths)
            .map_err(|(path, error)| InputError::new_err(format!("{}: {error}", path.display())))?;
        let progress = Arc::new(Progress::default());
        let options = Options {
            progress: Arc::clone(&progress),
            ..Options::default()
        };
        let theirs = Arc::clone(&config);
        let (summary, report) = attend(py, &progress, on_progress.as_ref(), move |wanted| {
            let plan = Plan::of(columns(&[&theirs.rules]));
            let mut scan = Scan::new(origins, plan, options);
            let mut replay = Replay::new(&theirs.rules, &environment);
            for batch in &mut scan {
                if !wanted.still() {
                    break;
                }
                replay.add(&batch)?;
            }
            Ok::<_, predicate::eval::EvalError>((replay.finish(top), scan.report()))
        })?
        .map_err(refused)?;
        let outcome = analytics::Outcome {
            report: Some(report),
            warnings: Vec::new(),
        };
        Ok((
            json(&answer(&config, &summary))?,
            ReadSummary::of(&outcome).parts(),
        ))
    }

    /// What is decided of events given as JSON, `{"id": N, "fields": {...}}` each, as JSON.
    fn decide(&self, events: Vec<String>, environment: Vec<(String, String)>) -> PyResult<String> {
        let config = self.usable()?;
        let environment = environment_of(environment);
        let mut decisions = Vec::with_capacity(events.len());
        for text in &events {
            let event: Event = serde_json::from_str(text).map_err(refused)?;
            let decision = reference::decide(&config.rules, &environment, &event);
            decisions.push(json!({
                "log": decision.log,
                "rule": decision.rule,
                "why": reason(&config, event.id, &decision),
            }));
        }
        json(&decisions)
    }

    /// The steps of one decision in words.
    fn explain(&self, event: &str, environment: Vec<(String, String)>) -> PyResult<String> {
        let config = self.usable()?;
        let environment = environment_of(environment);
        let event: Event = serde_json::from_str(event).map_err(refused)?;
        Ok(explain(&config, &environment, &event).text(&config, &environment))
    }
}

impl NativeConfig {
    /// The configuration, where Sysmon accepts it.
    fn usable(&self) -> PyResult<Arc<Config>> {
        if self.config.accepted {
            return Ok(Arc::clone(&self.config));
        }
        let config = &self.config;
        let errors = config.diagnostics.iter();
        let mut errors = errors.filter(|d| d.severity == sysmon::diagnostic::Severity::Error);
        let why = match errors.next() {
            Some(d) => {
                let (line, column) = config.source.position(d.span.start);
                format!("{line}:{column}: {} [{}]", d.message, d.code)
            }
            None => "no reason is known".to_owned(),
        };
        Err(InputError::new_err(format!(
            "{}: Sysmon rejects this configuration: {why}",
            config.source.name
        )))
    }
}

fn environment_of(pairs: Vec<(String, String)>) -> Environment {
    pairs
        .into_iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), value))
        .collect()
}

fn answer(config: &Config, summary: &Summary) -> serde_json::Value {
    let events = summary.events.iter();
    let events: Vec<_> = events
        .map(|(id, count)| {
            json!({"event": id, "name": title(*id), "kept": count.kept, "dropped": count.dropped})
        })
        .collect();
    let rules: Vec<_> = summary
        .rules
        .iter()
        .map(|rule| {
            let (line, words) = place(config, rule.element, rule.unit);
            json!({"hits": rule.hits, "keeps": rule.keeps, "last": rule.last.map(telemetry::time::format), "line": line, "rule": words})
        })
        .collect();
    json!({"events": events, "others": summary.others, "rules": rules, "unused": summary.unused.len()})
}
