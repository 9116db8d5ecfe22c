//! Scotoma for Python: the native half of the package `scotoma`. Every class here is wrapped by one of the same purpose in
//! `python/scotoma`, which has the documentation a user reads. It refuses to know anything itself: what it answers is
//! what the crates below it answer.

#![forbid(unsafe_code)]

mod config;
mod error;
mod interrupt;
mod knowledge;
mod logs;
mod rows;

use pyo3::prelude::*;

#[pymodule]
mod _scotoma {
    #[pymodule_export]
    use crate::config::NativeConfig;
    #[pymodule_export]
    use crate::error::{InputError, QueryError, ScotomaError};
    #[pymodule_export]
    use crate::knowledge::{hunts, line_of_sight, rights, spark_functions, spark_views};
    #[pymodule_export]
    use crate::logs::{NativeBaseline, NativeLogs};
    #[pymodule_export]
    use crate::rows::NativeRows;
}
