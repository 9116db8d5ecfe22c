//! The engine: files and a query in, rows out, with a report of what was read. All tables a query names are read in one
//! go where memory allows. It refuses to print, and it refuses queries that do anything but read.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::error::DataFusionError;
use datafusion::execution::memory_pool::GreedyMemoryPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::{SendableRecordBatchStream, SessionState, SessionStateBuilder};
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use futures::StreamExt;
use spark::dialect::{self, Mention, SessionOptions, SqlError, Tables};
use telemetry::{Options, Origin, Plan, Report, RowFilter, header};
use tokio::runtime::Runtime;

use crate::detection_functions;
use crate::table::{Catalog, Early, Found, QueryState, Reading, Source, sources};

/// Memory that sorting, grouping and joining may take before a query is refused, in bytes.
const QUERY_MEMORY: usize = 2 << 30;

/// Why a query gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A path that cannot be read.
    #[error("{}: {error}", path.display())]
    Path {
        /// The path as given.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// The query is wrong or asks for something that is not supported.
    #[error(transparent)]
    Sql(#[from] SqlError),
    /// The query failed while it ran.
    #[error("{0}")]
    Run(String),
    /// The machine refuses threads or the like.
    #[error("{0}")]
    Start(#[from] std::io::Error),
}

impl From<DataFusionError> for Error {
    fn from(error: DataFusionError) -> Self {
        Self::Run(error.strip_backtrace())
    }
}

/// Queries over one set of files.
pub struct Engine {
    pub(crate) source: Arc<Source>,
    catalog: Catalog,
    state: SessionState,
    runtime: Runtime,
}

/// A query whose names are known, and the tables it reads.
pub(crate) struct Resolved {
    query: dialect::Prepared,
    pub(crate) readings: Vec<Reading>,
    state: Arc<QueryState>,
}

/// A query that is planned and may share its reading with others.
pub struct Prepared {
    pub(crate) plan: Arc<dyn ExecutionPlan>,
    pub(crate) columns: Vec<String>,
    doubtful: Vec<Mention>,
    /// Doubts that need no reading.
    doubts: Vec<String>,
    pub(crate) state: Arc<QueryState>,
    /// What is being read for the queries this one was prepared with.
    pub(crate) early: Early,
}

/// The answer to a query, row by row as it is computed.
pub struct Answer {
    /// Names of the columns as the query wrote them; they may repeat.
    pub columns: Vec<String>,
    stream: SendableRecordBatchStream,
    handle: tokio::runtime::Handle,
}

impl Answer {
    /// The types of the rows, also where there are none.
    pub fn schema(&self) -> SchemaRef {
        self.stream.schema()
    }
}

impl Iterator for Answer {
    type Item = Result<RecordBatch, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.handle.block_on(self.stream.next())?;
        Some(next.map_err(Error::from))
    }
}

/// What a reading found, and what a person should know of the query.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// What was read; `None` when the query needed no reading.
    pub report: Option<Report>,
    /// Doubts about the query, in words.
    pub warnings: Vec<String>,
}

impl Engine {
    /// An engine over the files behind `paths` (`-` is standard input); `views` are further names for the table of all
    /// events.
    ///
    /// # Errors
    /// When a path cannot be read.
    pub fn new(paths: &[PathBuf], views: &[String], options: Options) -> Result<Self, Error> {
        Self::over(paths, views, RowFilter::default(), options)
    }

    /// The same over some of the events alone: all others are as if they were not there.
    ///
    /// # Errors
    /// When a path cannot be read.
    pub fn over(
        paths: &[PathBuf],
        views: &[String],
        only: RowFilter,
        options: Options,
    ) -> Result<Self, Error> {
        let origins =
            telemetry::discover(paths).map_err(|(path, error)| Error::Path { path, error })?;
        let source = Arc::new(Source::new(origins, only, options));
        let catalog = Catalog::new(Arc::clone(&source), views);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .build()?;
        Ok(Self {
            source,
            catalog,
            state: session()?,
            runtime,
        })
    }

    /// The files, in the order they are read.
    pub fn origins(&self) -> &[Origin] {
        self.source.origins()
    }

    /// Parses, resolves and plans a query.
    ///
    /// # Errors
    /// When it is not one read-only query, or names or uses what does not exist.
    pub fn prepare(&self, sql: &str) -> Result<Prepared, Error> {
        self.plan(&self.resolve(sql)?, &Early::default())
    }

    pub(crate) fn resolve(&self, sql: &str) -> Result<Resolved, SqlError> {
        let tables = self.catalog.for_query();
        let query = dialect::prepare(sql, &tables)?;
        let state = Arc::new(QueryState::default());
        if let Some(found) = tables.found() {
            state.add(found.clone());
        }
        Ok(Resolved {
            readings: self.catalog.readings(&query, &state),
            query,
            state,
        })
    }

    pub(crate) fn plan(&self, resolved: &Resolved, early: &Early) -> Result<Prepared, Error> {
        let (query, tables) = (&resolved.query, sources(&resolved.readings));
        let logical = dialect::logical_plan(query, &self.state, tables)?;
        let plan = self.state.create_physical_plan(&logical);
        let doubtful = query.mentioned.iter().filter(|m| !m.known);
        Ok(Prepared {
            plan: self.runtime.block_on(plan)?,
            columns: query.column_names(logical.schema()),
            doubtful: doubtful.cloned().collect(),
            doubts: query.doubts.clone(),
            state: Arc::clone(&resolved.state),
            early: Arc::clone(early),
        })
    }

    /// Runs a prepared query.
    ///
    /// # Errors
    /// When it cannot be started; what goes wrong later comes with the rows.
    pub fn run(&self, query: &Prepared) -> Result<Answer, Error> {
        let _inside = self.runtime.enter();
        let stream = execute_stream(Arc::clone(&query.plan), self.state.task_ctx())?;
        Ok(Answer {
            columns: query.columns.clone(),
            stream,
            handle: self.runtime.handle().clone(),
        })
    }

    /// Runs prepared queries and gives what `each` makes of their answers, in the order of the queries. Where one reading
    /// was kept for all of them they run side by side.
    ///
    /// # Errors
    /// As [`Engine::run`], and what `each` fails with.
    pub fn run_all<T: Send, E: From<Error> + Send>(
        &self,
        queries: &[Prepared],
        each: impl Fn(usize, Answer) -> Result<T, E> + Sync,
    ) -> Result<Vec<T>, E> {
        let one = |n: usize| each(n, self.run(&queries[n])?);
        match queries.iter().all(Prepared::is_served) {
            true => side_by_side(queries.len(), threads(), one)
                .into_iter()
                .collect(),
            false => (0..queries.len()).map(one).collect(),
        }
    }

    /// Parses, plans and runs a query.
    ///
    /// # Errors
    /// As [`Engine::prepare`] and [`Engine::run`].
    pub fn query(&self, sql: &str) -> Result<(Prepared, Answer), Error> {
        let prepared = self.prepare(sql)?;
        self.share(&[&prepared])?;
        let answer = self.run(&prepared)?;
        Ok((prepared, answer))
    }

    /// What these queries have read, once their answers are at an end, whatever other queries read; without queries, what
    /// was read to learn the fields.
    pub fn outcome(&self, queries: &[&Prepared]) -> Outcome {
        let mut found = Found::default();
        for query in queries {
            query.state.wait();
            found.add(query.state.found());
        }
        if queries.is_empty() {
            found = self.catalog.discovered().cloned().unwrap_or_default();
        }
        let Found { report, fields } = found;
        let mut warnings: Vec<String> = queries.iter().flat_map(|q| q.doubts.clone()).collect();
        warnings.dedup();
        // A reading that was broken off may not have told what it met; the names are doubtful all the same.
        if report.as_ref().is_none_or(|r| r.records > 0) {
            for mention in queries.iter().flat_map(|q| &q.doubtful) {
                if !fields.contains(&mention.column) {
                    let warning = self.unknown_field(mention, report.as_ref());
                    if !warnings.contains(&warning) {
                        warnings.push(warning);
                    }
                }
            }
        }
        Outcome { report, warnings }
    }

    fn unknown_field(&self, mention: &Mention, report: Option<&Report>) -> String {
        let header = header::columns().iter().map(|c| &c.name);
        let declared = schema::sysmon::events().iter().flat_map(|e| &e.fields);
        let met = report.map(|r| r.fields.as_slice()).unwrap_or_default();
        let known = header.chain(declared.map(|f| &f.name)).chain(met);
        let near = text::did_you_mean(&mention.written, known.map(String::as_str));
        format!("no record has a field {}{near}", mention.written)
    }

    /// The answer to a statement that asks what can be asked: `SHOW TABLES`, `DESCRIBE table`, `SHOW FUNCTIONS`. `None` for
    /// any other.
    pub fn describe(&self, sql: &str) -> Option<Result<RecordBatch, Error>> {
        crate::describe::answer(self, &self.catalog, sql)
    }

    /// The names of the tables.
    pub fn tables(&self) -> Vec<String> {
        self.catalog.names()
    }

    /// The names of all fields the files have: the header's, then the others in alphabetical order.
    pub fn fields(&self) -> Vec<String> {
        let header = header::columns().iter().map(|c| c.name.clone());
        header
            .chain(self.catalog.discover().iter().cloned())
            .collect()
    }

    /// A plain reading of some columns, without SQL. It gives all events, whatever the engine was told to look at.
    pub fn read(&self, plan: Plan) -> telemetry::Scan {
        self.source.scan(plan)
    }
}

fn session() -> Result<SessionState, Error> {
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(GreedyMemoryPool::new(QUERY_MEMORY)))
        .build_arc()?;
    let state = dialect::session_state(&SessionOptions::default(), detection_functions::FUNCTIONS);
    let mut state = SessionStateBuilder::new_from_existing(state)
        .with_runtime_env(runtime)
        .build();
    let config = Arc::clone(state.config_options());
    // What `now()` gives, the same in all queries of one run.
    state.execution_props_mut().mark_start_execution(config);
    Ok(state)
}

pub(crate) fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// What `each` makes of the numbers below `count`, in their order, by so many threads, this one among them.
pub(crate) fn side_by_side<T: Send>(
    count: usize,
    threads: usize,
    each: impl Fn(usize) -> T + Sync,
) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let n = next.fetch_add(1, Ordering::Relaxed);
            if n >= count {
                return done;
            }
            done.push((n, each(n)));
        }
    };
    let mut done = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads.min(count)).map(|_| scope.spawn(work)).collect();
        let mut done = work();
        for other in others {
            match other.join() {
                Ok(more) => done.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    done.sort_unstable_by_key(|(n, _)| *n);
    done.into_iter().map(|(_, made)| made).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::atomic::Ordering;

    use super::*;
    use crate::pack;

    fn samples() -> PathBuf {
        PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../samples"))
    }

    /// How many records were read for these queries, how many there are, and the rows each gave.
    fn read(queries: &[&str]) -> (u64, u64, Vec<usize>) {
        let options = Options::default();
        let progress = Arc::clone(&options.progress);
        let engine = Engine::new(&[samples()], &[], options).unwrap();
        let prepared: Vec<Prepared> = engine
            .prepare_all(queries.iter().copied())
            .into_iter()
            .map(Result::unwrap)
            .collect();
        let all: Vec<&Prepared> = prepared.iter().collect();
        engine.share(&all).unwrap();
        let rows = engine.run_all(&prepared, |_, answer| {
            let rows = answer.map(|batch| batch.map(|b| b.num_rows()));
            rows.sum::<Result<usize, Error>>()
        });
        let records = engine.outcome(&all).report.unwrap().records;
        (
            progress.records.load(Ordering::Relaxed),
            records,
            rows.unwrap(),
        )
    }

    #[test]
    fn what_the_built_in_hunts_need_is_foreseen() {
        let hunts = pack::built_in().unwrap();
        let queries: Vec<&str> = hunts.iter().map(|h| h.sql.as_str()).collect();
        let (read_for_all, records, together) = read(&queries);
        assert!(records > 0);
        assert_eq!(read_for_all, records, "the files were read more than once");
        let alone: Vec<usize> = queries.iter().flat_map(|q| read(&[q]).2).collect();
        assert_eq!(together, alone);
    }

    #[test]
    fn lists_of_event_ids_are_foreseen() {
        let (read_for_all, records, _) = read(&[
            "SELECT process_path FROM sysmon_events WHERE event_id IN (1, 5)",
            "SELECT a.process_path FROM sysmon_events a JOIN sysmon_events b ON a.process_guid = b.process_guid \
             WHERE a.event_id = '1' AND (b.event_id IN (5, 10) AND 8 != b.event_id)",
        ]);
        assert_eq!(read_for_all, records, "the files were read more than once");
    }

    #[test]
    fn what_was_not_foreseen_is_read_all_the_same() {
        // The event id of the second table is told in a place that is not looked at.
        let queries = [
            "SELECT Image FROM events WHERE EventID = 1",
            "SELECT a.Image FROM sysmon_process_create a JOIN events b ON a.ProcessGuid = b.ProcessGuid AND b.EventID = 5",
            "SELECT process_path FROM sysmon_events WHERE event_id IN (1, '5') AND lower(process_name) LIKE '%.exe'",
            "SELECT count(*) FROM sysmon_events",
        ];
        let (_, records, together) = read(&queries);
        assert!(records > 0);
        let alone: Vec<usize> = queries.iter().flat_map(|q| read(&[q]).2).collect();
        assert_eq!(together, alone);
        assert!(together.iter().all(|n| *n > 0), "{together:?}");
    }

    fn rows(answer: Answer) -> usize {
        answer.map(|batch| batch.unwrap().num_rows()).sum()
    }

    #[test]
    fn each_query_tells_of_its_own_reading() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("events.json");
        let event = |id: u32| {
            format!("{{\"Channel\":\"Security\",\"EventID\":{id},\"Image\":\"a.exe\"}}\n")
        };
        std::fs::write(
            &file,
            event(1) + "{\"Channel\":\"Security\",\"EventID\":1, broken\n" + &event(1),
        )
        .unwrap();
        let engine = Engine::new(std::slice::from_ref(&file), &[], Options::default()).unwrap();
        // A join of the table with itself, so that rows are kept.
        let join = "SELECT a.Image FROM events a JOIN events b ON a.Image = b.Image WHERE a.Nothing IS NULL";
        let (first, answer) = engine.query(join).unwrap();
        assert_eq!(rows(answer), 4);
        std::fs::write(&file, event(1)).unwrap();
        let (second, answer) = engine.query("SELECT Image FROM events").unwrap();
        assert_eq!(rows(answer), 1, "rows of a file as it was before");

        let (one, two) = (engine.outcome(&[&first]), engine.outcome(&[&second]));
        let damage = |o: &Outcome| format!("{:?}", o.report.as_ref().unwrap().diagnostics);
        assert_eq!(one.report.as_ref().unwrap().records, 2);
        assert_eq!(two.report.as_ref().unwrap().records, 1);
        assert_ne!(damage(&one), damage(&two));
        assert_eq!(one.warnings.len(), 1, "{:?}", one.warnings);
        assert!(two.warnings.is_empty(), "{:?}", two.warnings);

        let (third, answer) = engine.query(join).unwrap();
        assert_eq!(rows(answer), 1);
        assert_eq!(engine.outcome(&[&third]).report.unwrap().records, 1);
    }
}
