//! Aligned columns under a header, without borders.

use std::fmt;

use crate::text::printable;

/// Between two columns.
const GAP: &str = "  ";

/// A column's title and which side its cells keep to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    title: &'static str,
    to_the_right: bool,
}

/// A column of text.
pub(crate) const fn left(title: &'static str) -> Column {
    Column { title, to_the_right: false }
}

/// A column of numbers.
pub(crate) const fn right(title: &'static str) -> Column {
    Column { title, to_the_right: true }
}

/// A table that a person can read. An empty cell shows as `-`.
#[derive(Debug)]
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub(crate) fn new(columns: impl Into<Vec<Column>>) -> Self {
        Self { columns: columns.into(), rows: Vec::new() }
    }

    /// Adds a row with one cell for each column.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let tidy = |cell: String| if cell.is_empty() { "-".to_owned() } else { printable(&cell) };
        self.rows.push(cells.into_iter().map(tidy).collect());
    }

    /// The table with these rows.
    pub(crate) fn with<T, R>(mut self, items: &[T], cells: impl Fn(&T) -> R) -> Self
    where
        R: IntoIterator<Item = String>,
    {
        for item in items {
            self.row(cells(item));
        }
        self
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |index: usize, title: &str| {
            let cells = self.rows.iter().filter_map(|row| row.get(index));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0).max(title.len())
        };
        let widths: Vec<usize> =
            self.columns.iter().enumerate().map(|(index, column)| width(index, column.title)).collect();
        let titles: Vec<String> = self.columns.iter().map(|column| column.title.to_owned()).collect();
        for row in std::iter::once(&titles).chain(&self.rows) {
            let mut line = String::new();
            for ((cell, column), width) in row.iter().zip(&self.columns).zip(&widths) {
                let padding = " ".repeat(width.saturating_sub(cell.chars().count()));
                let (before, after) = if column.to_the_right { (padding.as_str(), "") } else { ("", padding.as_str()) };
                line.extend([before, cell, after, GAP]);
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_lines_have_no_tail() {
        let rows = [("greeter.v1", 3), ("qr", 12_000), ("", 0)];
        let table = Table::new([left("QUEUE"), right("READY")])
            .with(&rows, |(name, ready)| [(*name).to_owned(), ready.to_string()]);
        assert_eq!(table.to_string(), "QUEUE       READY\ngreeter.v1      3\nqr          12000\n-               0\n");
    }

    #[test]
    fn cells_cannot_break_the_table() {
        let table = Table::new([left("NAME")]).with(&["a\nb\x1b[2J"], |name| [(*name).to_owned()]);
        assert_eq!(table.to_string(), "NAME\na\u{fffd}b\u{fffd}[2J\n");
    }
}
