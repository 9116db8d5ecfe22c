//! How answers look: tables that fit the terminal, and the formats programs read. Text from logs is shown without the
//! control characters an attacker may have put there.

pub(crate) mod findings;
mod hosts;
pub(crate) mod listing;
pub(crate) mod page;
mod rows;
mod sarif;

pub(crate) use ::text::{grouped, plural};
pub(crate) use rows::{Cells, Rows};

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use app::output::{Destination, Output, OutputError};
use clap::Args;
use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table, Width};

/// A line on the standard output, where `println!` would panic once nobody listens.
macro_rules! say {
    ($($what:tt)*) => {
        std::io::Write::write_fmt(
            &mut std::io::stdout().lock(),
            format_args!("{}\n", format_args!($($what)*)),
        )
    };
}
pub(crate) use say;

/// Where an answer goes besides the standard output.
#[derive(Args, Clone, Debug)]
pub(crate) struct OutputArgs {
    /// Write into this file.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Replace the file if it exists. What is read in the same run is never replaced.
    #[arg(long)]
    pub(crate) force: bool,
}

impl OutputArgs {
    /// The file that was asked for, if it may be written. `inputs` are what the run reads.
    pub(crate) fn destination(
        &self,
        inputs: &[PathBuf],
    ) -> Result<Option<Destination>, OutputError> {
        self.output
            .as_ref()
            .filter(|path| path.as_os_str() != "-")
            .map(|path| Destination::new(path, self.force, inputs))
            .transpose()
    }

    /// Says on standard error which file was written.
    pub(crate) fn say_written(&self, quiet: bool) {
        match &self.output {
            Some(path) if !quiet && path.as_os_str() != "-" => say_written(path),
            _ => {}
        }
    }
}

/// Says on standard error which file was written.
pub(crate) fn say_written(path: &Path) {
    eprintln!("wrote {}", clean(&path.display().to_string()));
}

/// The standard output, or a file.
pub(crate) enum Sink {
    Standard(io::BufWriter<io::Stdout>),
    File(Output),
}

impl Sink {
    pub(crate) fn new(file: Option<Output>) -> Self {
        file.map_or_else(
            || Self::Standard(io::BufWriter::new(io::stdout())),
            Self::File,
        )
    }

    /// Finishes: a file gets its name.
    pub(crate) fn keep(self) -> anyhow::Result<()> {
        match self {
            Self::Standard(mut out) => out.flush()?,
            Self::File(file) => file.keep()?,
        }
        Ok(())
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Standard(out) => out.write(bytes),
            Self::File(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Standard(out) => out.flush(),
            Self::File(file) => file.flush(),
        }
    }
}

/// The ending of a file's name, in lower case.
pub(crate) fn ending(path: &Path) -> Option<String> {
    Some(path.extension()?.to_str()?.to_ascii_lowercase())
}

/// Refuses a name that promises another format than the one that is written.
pub(crate) fn must_end_in(path: &Path, endings: &[&str]) -> anyhow::Result<()> {
    /// The endings that promise one of the formats written by any verb.
    const PROMISES: [&str; 10] = [
        "json", "ndjson", "jsonl", "csv", "parquet", "xml", "html", "svg", "dot", "sarif",
    ];
    match ending(path) {
        Some(is) if PROMISES.contains(&is.as_str()) && !endings.contains(&is.as_str()) => {
            anyhow::bail!(
                "{} would not be .{is}: this writes .{}",
                path.display(),
                endings.join(" or .")
            )
        }
        _ => Ok(()),
    }
}

/// Text as it may be shown on a terminal: control characters become visible marks.
pub(crate) fn clean(text: &str) -> String {
    text::visible(text).into_owned()
}

/// Writes a value as JSON in which no character can steer a terminal; `pretty` spreads it over lines.
pub(crate) fn write_json(
    out: &mut impl Write,
    value: &impl serde::Serialize,
    pretty: bool,
) -> io::Result<()> {
    let json = match pretty {
        true => serde_json::to_string_pretty(value),
        false => serde_json::to_string(value),
    }?;
    out.write_all(text::visible_json(&json).as_bytes())
}

/// Columns of the terminal, if the output goes to one.
pub(crate) fn width() -> Option<u16> {
    if !io::stdout().is_terminal() {
        return None;
    }
    terminal_size::terminal_size().map(|(w, _)| w.0)
}

/// A table without lines between the rows; it is fitted to the terminal, and left as wide as it is for a file.
pub(crate) fn table(
    names: &[&str],
    rows: impl IntoIterator<Item = Vec<String>>,
    numbers: &[usize],
) -> String {
    let mut table = Table::new();
    table.load_preset(comfy_table::presets::NOTHING);
    table.set_header(names);
    for row in rows {
        table.add_row(row);
    }
    if let Some(width) = width() {
        table
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(width);
    }
    for i in numbers {
        if let Some(column) = table.column_mut(*i) {
            column.set_cell_alignment(CellAlignment::Right);
            column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(4)));
        }
    }
    table
        .lines()
        .map(|l| l.trim_end().to_owned())
        .collect::<Vec<_>>()
        .join("\n")
}

/// Writes words under an indent, on as many lines as the width asks for; a word longer than a line is left whole.
pub(crate) fn wrapped(
    out: &mut impl Write,
    indent: &str,
    text: &str,
    width: usize,
) -> io::Result<()> {
    let mut line = String::new();
    let mut lead = indent.to_owned();
    for word in text.split(' ') {
        let needed = lead.chars().count() + line.chars().count() + 1 + word.chars().count();
        if !line.is_empty() && needed > width {
            writeln!(out, "{lead}{line}")?;
            line.clear();
            lead = format!("{indent}  ");
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    writeln!(out, "{lead}{line}")
}
