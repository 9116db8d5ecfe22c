//! What tests share: where the recordings are, reading everything, and looking cells up.
#![allow(dead_code, clippy::unwrap_used)]

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Int32Type, Int64Type, TimestampMicrosecondType};
use telemetry::{Options, Plan, Report, Scan, discover, header};

/// The folder of recordings beside the repository, or a visible reason why the test does nothing.
pub fn shared(what: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared")
        .join(what);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: ../shared/{what} is not there");
    None
}

/// All files below a folder, in order.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    files.sort();
    files
}

/// A whole reading: every column of every event.
pub struct Table {
    pub columns: HashMap<String, usize>,
    pub batches: Vec<RecordBatch>,
    pub report: Report,
}

pub fn read(paths: &[PathBuf]) -> Table {
    read_with(paths, Options::default())
}

pub fn read_with(paths: &[PathBuf], options: Options) -> Table {
    let origins = discover(paths).unwrap();
    let mut scan = Scan::new(origins.clone(), Plan::discovery(), options.clone());
    for _ in &mut scan {}
    let mut columns: Vec<String> = header::columns()
        .iter()
        .map(|c| c.name.to_lowercase())
        .collect();
    columns.extend([
        header::SOURCE_FILE.to_owned(),
        header::SOURCE_OFFSET.to_owned(),
    ]);
    for field in scan.report().fields {
        let lower = field.to_lowercase();
        if !columns.contains(&lower) {
            columns.push(lower);
        }
    }
    let plan = Plan::of(columns.clone());
    let mut scan = Scan::new(origins, plan, options);
    let batches: Vec<RecordBatch> = (&mut scan).collect();
    let columns = columns
        .into_iter()
        .enumerate()
        .map(|(i, c)| (c, i))
        .collect();
    Table {
        columns,
        batches,
        report: scan.report(),
    }
}

impl Table {
    pub fn rows(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// Every row as batch and index within it.
    pub fn each(&self) -> impl Iterator<Item = (&RecordBatch, usize)> {
        self.batches
            .iter()
            .flat_map(|b| (0..b.num_rows()).map(move |r| (b, r)))
    }

    /// The cell as text; integers and instants in their plain forms.
    pub fn cell(&self, (batch, row): (&RecordBatch, usize), column: &str) -> Option<String> {
        let array = batch.column(*self.columns.get(column)?);
        if array.is_null(row) {
            return None;
        }
        Some(match array.data_type() {
            DataType::Int64 => array.as_primitive::<Int64Type>().value(row).to_string(),
            DataType::Timestamp(..) => {
                telemetry::time::format(array.as_primitive::<TimestampMicrosecondType>().value(row))
            }
            _ => {
                let d = array.as_dictionary::<Int32Type>();
                d.values().as_string::<i32>().value(d.key(row)?).to_owned()
            }
        })
    }

    /// The cells of one column, all rows.
    pub fn column(&self, column: &str) -> Vec<Option<String>> {
        self.each().map(|at| self.cell(at, column)).collect()
    }
}

/// A file of this content in a folder of its own that goes with the guard.
pub fn file(name: &str, content: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    (folder, path)
}
