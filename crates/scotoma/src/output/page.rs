//! Running text for the terminal: headings, labelled lines and lists, wrapped to 80 columns. It carries no meaning in
//! colour, because it has none.

use std::fmt::Display;

use super::width;

/// The widest line of a page.
const WIDEST: usize = 80;

/// Text that is being laid out.
pub(crate) struct Page {
    out: String,
    width: usize,
}

impl Page {
    pub(crate) fn new() -> Self {
        let width = width().map_or(WIDEST, |w| usize::from(w).clamp(40, WIDEST));
        Self {
            out: String::new(),
            width,
        }
    }

    /// A page of that width, whatever the terminal's is.
    pub(crate) fn of_width(width: usize) -> Self {
        Self {
            out: String::new(),
            width,
        }
    }

    /// A line of its own at the margin, with a blank line before.
    pub(crate) fn title(&mut self, text: impl Display) {
        if !self.out.is_empty() {
            self.out.push('\n');
        }
        self.wrap("", "  ", &text.to_string());
    }

    /// The head of a list.
    pub(crate) fn head(&mut self, text: impl Display) {
        self.out.push('\n');
        self.wrap("", "  ", &text.to_string());
    }

    /// A list item.
    pub(crate) fn item(&mut self, text: impl Display) {
        self.wrap("  ", "      ", &text.to_string());
    }

    /// A list item, where there is one.
    pub(crate) fn item_if(&mut self, text: Option<&str>) {
        if let Some(text) = text {
            self.item(text);
        }
    }

    /// What belongs to the item above.
    pub(crate) fn under(&mut self, text: impl Display) {
        self.wrap("      ", "        ", &text.to_string());
    }

    /// A list item that begins with fixed columns; what follows hangs behind them.
    pub(crate) fn row(&mut self, columns: &str, text: impl Display) {
        let rest = " ".repeat(columns.chars().count());
        self.wrap(columns, &rest, &text.to_string());
    }

    /// A blank line.
    pub(crate) fn blank(&mut self) {
        self.out.push('\n');
    }

    /// Text as it is, indented: something to copy.
    pub(crate) fn verbatim(&mut self, text: &str) {
        for line in text.lines() {
            self.out.push_str("    ");
            self.out.push_str(line);
            self.out.push('\n');
        }
    }

    pub(crate) fn finish(self) -> String {
        self.out
    }

    fn wrap(&mut self, first: &str, rest: &str, text: &str) {
        let mut line = String::from(first);
        let mut empty = true;
        for word in text.split_whitespace() {
            let room = self.width.saturating_sub(line.chars().count());
            if !empty && word.chars().count() + 1 > room {
                self.out.push_str(&line);
                self.out.push('\n');
                line = String::from(rest);
                empty = true;
            }
            if !empty {
                line.push(' ');
            }
            let mut word = word;
            // A word longer than a line (a list of masks, a path) is cut where the line ends.
            while word.chars().count() > self.width.saturating_sub(line.chars().count()) {
                let room = self.width.saturating_sub(line.chars().count()).max(1);
                let at = word
                    .char_indices()
                    .nth(room)
                    .map_or(word.len(), |(at, _)| at);
                let (head, tail) = word.split_at(at);
                self.out.push_str(&line);
                self.out.push_str(head);
                self.out.push('\n');
                line = String::from(rest);
                word = tail;
            }
            line.push_str(word);
            empty = false;
        }
        self.out.push_str(&line);
        self.out.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_wider_than_the_page() {
        let mut page = Page {
            out: String::new(),
            width: 40,
        };
        page.title("a title of several words that does not fit into forty columns");
        page.item("x".repeat(200));
        page.under("short");
        let text = page.finish();
        assert!(text.lines().all(|l| l.chars().count() <= 40), "{text}");
        assert_eq!(text.matches('x').count(), 200);
    }
}
