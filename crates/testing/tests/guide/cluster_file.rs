//! The page of the cluster file's keys has those that `sky up` takes.

use std::{collections::BTreeMap, fs, process::Command};

use skyloom_testing::programs::{program, root};

/// The keys of each section as the page has them: in the first cells of its table, under its heading.
fn documented() -> BTreeMap<String, Vec<String>> {
    let text = fs::read_to_string(root().join("docs/cluster-file.md")).unwrap();
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut section = String::new();
    for line in text.lines() {
        if let Some(heading) = line.strip_prefix("## `[") {
            section = heading.split(']').next().unwrap().to_owned();
            found.entry(section.clone()).or_default();
        } else if let Some(cell) = line.strip_prefix("| `").and_then(|line| line.split('|').next()) {
            let keys = cell.trim_end().trim_end_matches('`').split("`, `").map(str::to_owned);
            found.get_mut(&section).unwrap().extend(keys);
        }
    }
    found
}

/// What `sky` says of a key that no section has.
fn said(section: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("cluster.toml");
    fs::write(&file, format!("{section}qqqqqqqqqqqq = 1\n")).unwrap();
    let output = Command::new(program("sky")).args(["up", "--check"]).arg(&file).output().unwrap();
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn every_key_of_a_cluster_file_is_in_the_table() {
    let pages = documented();
    let sections: Vec<_> = pages.keys().map(String::as_str).collect();
    assert_eq!(sections, ["broker", "gateway", "services.NAME"]);
    assert!(said("").contains("; there are broker, gateway, services\n"), "{}", said(""));
    for (section, keys) in &pages {
        let said = said(&format!("[{section}]\n"));
        let (_, known) = said.trim_end().split_once("; there are ").unwrap_or_else(|| panic!("{said}"));
        let mut known: Vec<_> = known.split(", ").collect();
        let mut keys: Vec<_> = keys.iter().map(String::as_str).collect();
        known.sort_unstable();
        keys.sort_unstable();
        assert_eq!(keys, known, "[{section}] in docs/cluster-file.md, and what sky takes");
    }
}
