//! The guide is read in one order: the list of its pages says it, and each page leads to the next.

use std::fs;

use skyloom_testing::programs::root;

use crate::page::pages;

/// The pages in their order.
const ORDER: [&str; 14] = [
    "getting-started",
    "contracts",
    "handlers",
    "clients",
    "errors-and-deadlines",
    "events-and-streams",
    "testing",
    "configuration",
    "brokers",
    "gateway",
    "operating",
    "supervising",
    "wire",
    "design",
];

fn text(page: &str) -> String {
    fs::read_to_string(root().join("docs").join(page).with_extension("md")).unwrap()
}

/// The pages that an entry of the list is about: the first that it links.
fn listed(list: &str) -> Vec<&str> {
    let entries =
        list.lines().filter(|line| line.split_once(". ").is_some_and(|(number, _)| number.parse::<u8>().is_ok()));
    entries.map(|line| line.split_once("](").and_then(|(_, rest)| rest.split_once(".md)")).unwrap().0).collect()
}

/// Where the last line of a page leads.
fn next(text: &str) -> Option<&str> {
    let last = text.trim_end().lines().next_back()?.strip_prefix("Next: [")?;
    Some(last.split_once("](")?.1.split_once(')')?.0)
}

#[test]
fn the_list_is_in_order_and_has_every_page() {
    let list = text("README");
    assert_eq!(listed(&list), ORDER);
    for page in pages().iter().filter_map(|page| page.path.strip_prefix("docs/")) {
        assert!(page == "README.md" || list.contains(&format!("]({page})")), "docs/README.md does not name {page}");
    }
}

#[test]
fn each_page_leads_to_the_next() {
    for (page, expected) in ORDER.iter().zip(&ORDER[1..]) {
        assert_eq!(next(&text(page)), Some(&*format!("{expected}.md")), "the last line of docs/{page}.md");
    }
    assert_eq!(next(&text("design")), Some("../examples"), "the last line of docs/design.md");
}
