//! How answers look: tables that fit the terminal, and the formats programs read. Text from logs is shown without the
//! control characters an attacker may have put there.

pub(crate) mod findings;
pub(crate) mod page;
mod rows;

pub(crate) use rows::Rows;
pub(crate) use text::{grouped, plural};

use std::io::{self, IsTerminal};

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

/// Text as it may be shown on a terminal: control characters become visible marks.
pub(crate) fn clean(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' | '\r' | '\t' => ' ',
            c if (c as u32) < 0x20 => char::from_u32(0x2400 + c as u32).unwrap_or('\u{fffd}'),
            '\u{7f}' => '\u{2421}',
            // Directional overrides make a name read backwards.
            '\u{80}'..='\u{9f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
            c => c,
        })
        .collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(
            clean("a\u{1b}[2Jb\r\nc\u{202e}d"),
            "a\u{241b}[2Jb  c\u{fffd}d"
        );
    }
}
