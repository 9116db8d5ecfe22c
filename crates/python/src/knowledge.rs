//! Answers that need no logs: access masks, the line of sight through a name, the views for Spark, the hunts.

use std::path::PathBuf;

use analytics::pack;
use catalog::map::{LineOfSight, line};
use catalog::rights::{self as masks, parse_mask};
use pyo3::prelude::*;
use serde_json::json;

use crate::error::{InputError, of_pack};
use crate::logs::json;

/// The rights in a mask on a kind of object, as JSON.
#[pyfunction]
pub(crate) fn rights(mask: &str, object: &str) -> PyResult<String> {
    let kinds = || masks::objects().iter().map(|o| o.id).collect::<Vec<_>>();
    let Some(kind) = masks::object(object) else {
        let kinds = kinds().join(", ");
        return Err(InputError::new_err(format!(
            "no kind of object is called {object:?}; there are {kinds}"
        )));
    };
    let bits = parse_mask(mask).map_or_else(
        || {
            let names = mask.split(['|', ',', '+']).map(str::trim);
            kind.sum(names.filter(|n| !n.is_empty()))
                .map_err(|e| InputError::new_err(e.to_string()))
        },
        Ok,
    )?;
    let decoded = kind.decode(bits);
    json(&json!({
        "object": kind.id, "mask": bits, "hex": format!("{bits:#x}"), "rights": decoded.names,
        "unknown_bits": decoded.unknown, "equals": decoded.composite, "as_logged": kind.with_implied(bits),
    }))
}

/// The lines of sight through everything a name may mean, as JSON.
#[pyfunction]
pub(crate) fn line_of_sight(name: &str) -> PyResult<String> {
    let found = catalog::find(name);
    if found.is_empty() {
        let near = catalog::nearest(name, 5).join(", ");
        return Err(InputError::new_err(match near.is_empty() {
            true => format!("nothing is called {name:?}"),
            false => format!("nothing is called {name:?}; the nearest names: {near}"),
        }));
    }
    let lines: Vec<LineOfSight> = found.into_iter().map(|f| line(f.subject)).collect();
    json(&lines)
}

/// The names and texts of the views for Spark over a table with these columns, and of the functions.
#[pyfunction]
pub(crate) fn spark_views(columns: Vec<String>, raw: &str) -> Vec<(String, String)> {
    connect::spark::views(&columns, raw)
}

/// The names and statements of the functions of hunts for Spark 4.
#[pyfunction]
pub(crate) fn spark_functions() -> Vec<(String, String)> {
    connect::spark::functions()
}

/// The built-in hunts, or those of a folder: id, title and query.
#[pyfunction]
pub(crate) fn hunts(folder: Option<PathBuf>) -> PyResult<Vec<(String, String, String)>> {
    let hunts = pack::load(folder.as_deref()).map_err(|e| of_pack(&e))?;
    Ok(hunts.into_iter().map(|h| (h.id, h.title, h.sql)).collect())
}
