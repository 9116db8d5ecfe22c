//! What Python sees of errors: one exception for input, one for queries, both of the package's own kind.

use analytics::Error;
use analytics::pack::PackError;
use pyo3::exceptions::PyException;
use pyo3::types::PyAnyMethods as _;
use pyo3::{PyErr, Python, create_exception};

create_exception!(scotoma, ScotomaError, PyException, "Scotoma cannot answer.");
create_exception!(
    scotoma,
    InputError,
    ScotomaError,
    "A file, a configuration or a value is not what was expected."
);
create_exception!(
    scotoma,
    QueryError,
    ScotomaError,
    "A query is wrong. `line` and `column` say where, counted from one, or are None."
);

/// An error of the engine.
pub(crate) fn of_engine(py: Python<'_>, error: &Error) -> PyErr {
    match error {
        Error::Path { .. } | Error::Start(_) => InputError::new_err(error.to_string()),
        Error::Sql(sql) => of_query(
            py,
            &error.to_string(),
            sql.at.map(|at| (at.line, at.column)),
        ),
        Error::Run(_) => of_query(py, &error.to_string(), None),
    }
}

fn of_query(py: Python<'_>, message: &str, at: Option<(u64, u64)>) -> PyErr {
    let error = QueryError::new_err(message.to_owned());
    let value = error.value(py);
    let set = value
        .setattr("line", at.map(|at| at.0))
        .and_then(|()| value.setattr("column", at.map(|at| at.1)));
    match set {
        Ok(()) => error,
        Err(other) => other,
    }
}

/// An error of a pack of hunts.
pub(crate) fn of_pack(error: &PackError) -> PyErr {
    InputError::new_err(error.to_string())
}
