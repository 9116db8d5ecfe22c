//! What a hunt would run.

use std::io::Write as _;

use app::hunt::ListedAnalytic;
use app::output::Destination;

use super::{Sink, clean, table, write_json};
use crate::cli::FindingFormat;

/// Shows what would be run: as a table, or as JSON where any other format is asked for.
pub(crate) fn show(
    listed: &[ListedAnalytic],
    format: FindingFormat,
    destination: Option<Destination>,
) -> anyhow::Result<()> {
    let mut out = Sink::new(destination.map(Destination::create).transpose()?);
    match format {
        FindingFormat::Table => {
            let rows = listed.iter().map(|a| {
                let cells = [
                    &a.id,
                    &a.level,
                    &a.title,
                    &a.technique.join(" "),
                    &a.needs.join("; "),
                ];
                cells.map(|c| clean(c)).to_vec()
            });
            let names = ["id", "level", "title", "technique", "needs"];
            writeln!(out, "{}", table(&names, rows, &[]))?;
        }
        FindingFormat::Ndjson => {
            for analytic in listed {
                write_json(&mut out, analytic, false)?;
                writeln!(out)?;
            }
        }
        _ => {
            write_json(&mut out, &listed, true)?;
            writeln!(out)?;
        }
    }
    out.keep()
}
