//! A table as it stands in a page: aligned columns under a header.

use std::fmt;

/// Between two columns, at least.
const GAP: &str = "  ";

/// A table whose first column names its rows.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Table {
    titles: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Reads a table.
    pub(crate) fn parse(text: &str) -> Self {
        let cells = |line: &str| -> Vec<String> {
            line.split(GAP).map(str::trim).filter(|cell| !cell.is_empty()).map(str::to_owned).collect()
        };
        let mut lines = text.lines().map(cells);
        Self { titles: lines.next().unwrap_or_default(), rows: lines.collect() }
    }

    /// The cell of a row under a title.
    pub(crate) fn get(&self, row: &str, title: &str) -> Option<&str> {
        let column = self.titles.iter().position(|found| found == title)?;
        let row = self.rows.iter().find(|cells| cells.first().is_some_and(|name| name == row))?;
        row.get(column).map(String::as_str)
    }

    /// Sets the cell of a row under a title. A row that is not there yet is added, and so is a column.
    pub(crate) fn set(&mut self, row: &str, title: &str, cell: &str) {
        let column = self.titles.iter().position(|found| found == title).unwrap_or_else(|| {
            self.titles.push(title.to_owned());
            self.titles.len() - 1
        });
        let at = self.rows.iter().position(|cells| cells.first().is_some_and(|name| name == row));
        let at = at.unwrap_or_else(|| {
            self.rows.push(vec![row.to_owned()]);
            self.rows.len() - 1
        });
        let cells = &mut self.rows[at];
        if cells.len() <= column {
            cells.resize(column + 1, "?".to_owned());
        }
        cells[column] = cell.to_owned();
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = || std::iter::once(&self.titles).chain(&self.rows);
        let width = |column: usize| {
            lines().filter_map(|cells| cells.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        for cells in lines() {
            let mut line = String::new();
            for (column, cell) in cells.iter().enumerate() {
                line.push_str(&format!("{cell:width$}{GAP}", width = width(column)));
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
BROKER       AT ONCE  KEEPS
memory       yes      nothing
nats (core)  -        what is on disk
";

    #[test]
    fn a_table_is_written_as_it_was_read() {
        let table = Table::parse(TEXT);
        assert_eq!(table.to_string(), TEXT);
        assert_eq!(table.get("nats (core)", "KEEPS"), Some("what is on disk"));
        assert_eq!((table.get("nats", "KEEPS"), table.get("memory", "DELAY")), (None, None));
    }

    #[test]
    fn a_cell_is_set_and_what_is_new_is_added() {
        let mut table = Table::parse(TEXT);
        table.set("memory", "AT ONCE", "-");
        table.set("a broker of a long name", "DELAY", "yes");
        let expected = "\
BROKER                   AT ONCE  KEEPS            DELAY
memory                   -        nothing
nats (core)              -        what is on disk
a broker of a long name  ?        ?                yes
";
        assert_eq!(table.to_string(), expected);
    }
}
