//! Logs into Parquet, whole or not at all.

use std::io;

use analytics::Engine;
use telemetry::parquet::{Writer, column_names};
use telemetry::{Plan, Report};

use crate::output::{Destination, OutputError};

/// Why logs are not in Parquet.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConvertError {
    /// The output is refused or cannot be written.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// Rows cannot be written.
    #[error("cannot write the rows: {0}")]
    Write(#[from] io::Error),
    /// Fewer events were written than are there.
    #[error("{written} of {read} events were written; the output is not whole")]
    NotWhole {
        /// How many were written.
        written: u64,
        /// How many were read.
        read: u64,
    },
}

/// What was written.
#[derive(Clone, Debug)]
pub struct Converted {
    /// Events.
    pub rows: u64,
    /// Columns of the event table.
    pub columns: usize,
    /// Files of Parquet.
    pub files: usize,
    /// What was read; where it has no records, nothing was written.
    pub report: Report,
}

/// Writes everything the files of an engine hold, into one file or into a folder by channel and event id.
///
/// # Errors
/// Where the output is refused, cannot be written, or would not be whole.
pub fn convert(
    engine: &Engine,
    destination: Destination,
    partitioned: bool,
) -> Result<Converted, ConvertError> {
    // Nothing may be lost, so the fields are learnt before the first row is written.
    let columns = column_names(&engine.fields());
    let learnt = engine.outcome(&[]).report.unwrap_or_default();
    if learnt.records == 0 {
        return Ok(Converted {
            rows: 0,
            columns: 0,
            files: 0,
            report: learnt,
        });
    }
    let staged = destination.stage()?;
    let mut writer = Writer::create(staged.path(), &columns, partitioned)?;
    let plan = Plan::of(columns.iter().map(|c| c.to_lowercase()).collect());
    let mut scan = engine.read(plan);
    for batch in &mut scan {
        writer.write(&batch)?;
    }
    let (rows, files) = writer.close()?;
    let report = scan.report();
    if rows != report.records {
        return Err(ConvertError::NotWhole {
            written: rows,
            read: report.records,
        });
    }
    staged.keep()?;
    Ok(Converted {
        rows,
        columns: columns.len(),
        files,
        report,
    })
}
