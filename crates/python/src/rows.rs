//! The rows of a query: asked for when they are needed, kept from then on, handed out as an Arrow stream.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use analytics::{Prepared, render};
use app::output::{Destination, Output};
use arrow::array::{ArrayRef, RecordBatch, StructArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Fields, SchemaRef};
use arrow::error::ArrowError;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;
use pyo3_arrow::ffi::{ArrayIterator, to_stream_pycapsule};
use telemetry::parquet::RowWriter;

use crate::error::{self, InputError};
use crate::interrupt::{Wanted, attend};
use crate::logs::{OpenLogs, ReadSummary, SummaryParts};

/// The rows of a query.
#[pyclass(frozen, name = "Rows")]
pub(crate) struct NativeRows {
    opened: OpenLogs,
    inputs: Vec<PathBuf>,
    prepared: Arc<Prepared>,
    kept: Mutex<Option<Arc<Kept>>>,
}

/// Rows as the engine gave them, text as dictionaries.
struct Kept {
    schema: SchemaRef,
    names: Vec<String>,
    batches: Vec<RecordBatch>,
    summary: ReadSummary,
}

/// Why there are no rows.
enum Failure {
    Engine(analytics::Error),
    Write(String),
    /// Nobody waits for them.
    Unwanted,
}

impl From<analytics::Error> for Failure {
    fn from(error: analytics::Error) -> Self {
        Self::Engine(error)
    }
}

impl NativeRows {
    pub(crate) fn new(opened: OpenLogs, prepared: Prepared, inputs: Vec<PathBuf>) -> Self {
        Self {
            opened,
            inputs,
            prepared: Arc::new(prepared),
            kept: Mutex::default(),
        }
    }

    fn rows(&self) -> Option<Arc<Kept>> {
        self.kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn needed(&self) -> PyResult<Arc<Kept>> {
        self.rows()
            .ok_or_else(|| InputError::new_err("the rows have not been read"))
    }

    fn raise(py: Python<'_>, failure: Failure) -> PyErr {
        match failure {
            Failure::Engine(e) => error::of_engine(py, &e),
            Failure::Write(why) => InputError::new_err(why),
            Failure::Unwanted => InputError::new_err("interrupted"),
        }
    }
}

fn read(opened: &OpenLogs, prepared: &Prepared, wanted: &Wanted) -> Result<Kept, Failure> {
    let engine = &opened.engine;
    engine.share(&[prepared]);
    let answer = engine.run(prepared)?;
    let (schema, names) = (answer.schema(), render::distinct_names(&answer.columns));
    let mut batches = Vec::new();
    for batch in answer {
        let batch = batch?;
        if !wanted.still() {
            return Err(Failure::Unwanted);
        }
        if batch.num_rows() > 0 {
            batches.push(batch);
        }
    }
    Ok(Kept {
        schema,
        names,
        batches,
        summary: ReadSummary::of(&engine.outcome(&[prepared])),
    })
}

/// The type of a column for readers that know no dictionaries.
fn plain(of: &DataType) -> DataType {
    match of {
        DataType::Dictionary(_, value) => plain(value),
        other => other.clone(),
    }
}

impl Kept {
    fn fields(&self) -> Fields {
        let fields = self.schema.fields().iter().zip(&self.names);
        fields
            .map(|(field, name)| Field::new(name, plain(field.data_type()), true))
            .collect()
    }
}

/// A batch as one array of structures with these fields.
fn structure(batch: &RecordBatch, fields: &Fields) -> Result<ArrayRef, ArrowError> {
    let columns = batch.columns().iter().zip(fields);
    let columns = columns
        .map(|(column, field)| cast(column, field.data_type()))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Arc::new(StructArray::try_new_with_length(
        fields.clone(),
        columns,
        None,
        batch.num_rows(),
    )?))
}

#[pymethods]
impl NativeRows {
    /// Reads the rows, unless they were read before; true where they are new.
    fn read(&self, py: Python<'_>, on_progress: Option<Py<PyAny>>) -> PyResult<bool> {
        if self.rows().is_some() {
            return Ok(false);
        }
        let (opened, prepared) = (self.opened.clone(), Arc::clone(&self.prepared));
        let kept = attend(
            py,
            &self.opened.progress,
            on_progress.as_ref(),
            move |wanted| read(&opened, &prepared, wanted),
        )?
        .map_err(|failure| Self::raise(py, failure))?;
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(kept));
        Ok(true)
    }

    #[getter]
    fn count(&self) -> PyResult<usize> {
        let kept = self.needed()?;
        Ok(kept.batches.iter().map(RecordBatch::num_rows).sum())
    }

    /// Names and types of the columns.
    #[getter]
    fn columns(&self) -> PyResult<Vec<(String, String)>> {
        let fields = self.needed()?.fields();
        Ok(fields
            .iter()
            .map(|f| (f.name().clone(), f.data_type().to_string()))
            .collect())
    }

    /// The first rows as text; None is NULL.
    fn head(&self, count: usize) -> PyResult<Vec<Vec<Option<String>>>> {
        let kept = self.needed()?;
        let rows = kept.batches.iter().flat_map(|batch| {
            (0..batch.num_rows()).map(move |row| {
                let columns = batch.columns().iter();
                columns.map(|c| render::text(c, row)).collect()
            })
        });
        Ok(rows.take(count).collect())
    }

    /// What was read: records, files, damage, doubts.
    #[getter]
    fn summary(&self) -> PyResult<SummaryParts> {
        Ok(self.needed()?.summary.clone().parts())
    }

    /// The rows as an Arrow stream, text as plain strings.
    fn stream<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let kept = self.needed()?;
        let fields = kept.fields();
        let whole = Arc::new(Field::new_struct("", fields.clone(), false));
        let arrays = (0..kept.batches.len()).map(move |n| structure(&kept.batches[n], &fields));
        let arrays = Box::new(ArrayIterator::new(arrays, whole));
        Ok(to_stream_pycapsule(py, arrays, requested_schema)?)
    }

    /// Writes the rows as Parquet and gives their number; they are not kept for it.
    fn to_parquet(
        &self,
        py: Python<'_>,
        path: PathBuf,
        overwrite: bool,
        on_progress: Option<Py<PyAny>>,
    ) -> PyResult<u64> {
        let refused = |e: app::output::OutputError| InputError::new_err(e.to_string());
        let destination = Destination::new(&path, overwrite, &self.inputs).map_err(refused)?;
        if let Some(kept) = self.rows() {
            return py
                .detach(|| write(destination, &kept))
                .map_err(|failure| Self::raise(py, failure));
        }
        let (opened, prepared) = (self.opened.clone(), Arc::clone(&self.prepared));
        attend(
            py,
            &self.opened.progress,
            on_progress.as_ref(),
            move |wanted| write_through(&opened, &prepared, destination, wanted),
        )?
        .map_err(|failure| Self::raise(py, failure))
    }
}

fn write(destination: Destination, kept: &Kept) -> Result<u64, Failure> {
    let file = destination.create().map_err(failed)?;
    let mut writer = RowWriter::new(file, &kept.schema, &kept.names).map_err(failed)?;
    for batch in &kept.batches {
        writer.write(batch).map_err(failed)?;
    }
    finish(writer)?;
    Ok(kept.batches.iter().map(|b| b.num_rows() as u64).sum())
}

fn write_through(
    opened: &OpenLogs,
    prepared: &Prepared,
    destination: Destination,
    wanted: &Wanted,
) -> Result<u64, Failure> {
    opened.engine.share(&[prepared]);
    let answer = opened.engine.run(prepared)?;
    let names = render::distinct_names(&answer.columns);
    let file = destination.create().map_err(failed)?;
    let mut writer = RowWriter::new(file, &answer.schema(), &names).map_err(failed)?;
    let mut rows = 0;
    for batch in answer {
        let batch = batch?;
        if !wanted.still() {
            return Err(Failure::Unwanted);
        }
        rows += batch.num_rows() as u64;
        writer.write(&batch).map_err(failed)?;
    }
    finish(writer)?;
    Ok(rows)
}

fn finish(writer: RowWriter<Output>) -> Result<(), Failure> {
    let file = writer.close().map_err(failed)?;
    file.keep().map_err(failed)
}

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::Write(error.to_string())
}
