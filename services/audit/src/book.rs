//! How often each link was followed.

use std::collections::HashMap;

/// How many different links are counted; the visits to further ones are counted together.
const MAX_LINKS: usize = 100_000;

/// Under which name the visits to further links are counted.
const OTHERS: &str = "others";

/// Counts by link.
#[derive(Debug, Default)]
pub(crate) struct Book {
    counts: HashMap<String, u64>,
    total: u64,
}

impl Book {
    pub(crate) fn add(&mut self, code: &str) {
        self.total += 1;
        let known = self.counts.contains_key(code) || self.counts.len() < MAX_LINKS;
        *self.counts.entry(if known { code } else { OTHERS }.to_owned()).or_default() += 1;
    }

    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// The links that were followed most, the first in the alphabet among equals.
    pub(crate) fn most(&self, limit: usize) -> Vec<(&str, u64)> {
        let mut rows: Vec<_> = self.counts.iter().map(|(code, count)| (code.as_str(), *count)).collect();
        rows.sort_by(|left, right| right.1.cmp(&left.1).then_with(|| left.0.cmp(right.0)));
        rows.truncate(limit);
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::Book;

    #[test]
    fn counts_by_link_and_sorts() {
        let mut book = Book::default();
        for code in ["b", "a", "c", "a", "b"] {
            book.add(code);
        }
        assert_eq!(book.total(), 5);
        assert_eq!(book.most(2), [("a", 2), ("b", 2)]);
    }
}
