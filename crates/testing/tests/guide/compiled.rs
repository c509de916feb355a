//! Rust: every page that has some is among the doc tests, and none of it is left out.

use std::fs;

use skyloom_testing::programs::root;

use crate::page::Page;

/// Where the pages are doc tests, by what their Rust stands on.
const DOC_TESTS: [&str; 2] = ["examples/src/lib.rs", "crates/testing/src/lib.rs"];

/// What is wrong with the Rust of a page.
pub(crate) fn mistakes(page: &Page) -> Vec<String> {
    let mut mistakes = Vec::new();
    for block in page.blocks.iter().filter(|block| block.language == "rust") {
        // `ignore` would leave it out; `text` and the like are not Rust at all.
        if block.name.split([' ', ',']).any(|word| word.starts_with("ignore")) {
            mistakes.push(format!("{}: Rust that is not compiled; use `no_run` and hidden lines", page.place(block)));
        }
    }
    if page.has(&["rust"]) && !is_doc_test(&page.path) {
        mistakes.push(format!("{}: its Rust is no doc test; include the page in {}", page.path, DOC_TESTS[0]));
    }
    mistakes
}

fn is_doc_test(path: &str) -> bool {
    let included = format!("/{path}\")");
    DOC_TESTS.iter().any(|file| {
        let text = fs::read_to_string(root().join(file)).unwrap();
        text.lines().any(|line| line.contains("include_str!(") && line.contains(&included))
    })
}
