//! Marks for work to be done belong to the issues and not into the tree.

use crate::{finding::Finding, tree::TextFile};

/// Taken apart, so that this file passes its own rule.
const MARKS: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];

pub(super) fn check(file: &TextFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
        if let Some(mark) = words.find(|word| MARKS.contains(word)) {
            let advice = format!("`{mark}` is left over; do it now, or write an issue");
            findings.push(Finding::new(&file.path, index + 1, "leftover", advice));
        }
    }
    findings
}

#[test]
fn marks_are_found_as_whole_words() {
    for mark in MARKS {
        let file = TextFile::sample("a.rs", &format!("//! A.\n// {mark}: more\n// {mark}{mark} MY_{mark}\n"));
        assert_eq!(crate::finding::found(&check(&file)), [(2, "leftover")]);
    }
}
