//! The front page of the documentation lists every feature there is, and no other.

#[test]
fn the_front_page_lists_the_features() {
    let manifest: toml::Table = include_str!("../Cargo.toml").parse().expect("the manifest is TOML");
    let features = manifest["features"].as_table().expect("there are features").keys();
    let mut features: Vec<&str> = features.map(String::as_str).filter(|name| *name != "default").collect();
    let page = include_str!("../src/lib.rs");
    let (_, table) = page.split_once("| feature | what it adds |").expect("there is a table");
    let rows = table.lines().skip(2).map_while(|line| line.strip_prefix("//! | `"));
    let mut listed: Vec<&str> = rows.filter_map(|row| row.split('`').next()).collect();
    features.sort_unstable();
    listed.sort_unstable();
    assert_eq!(listed, features);
}
