//! Ways and an order among siblings that import each other.

use std::collections::{BTreeMap, HashSet, VecDeque};

/// Which sibling imports which, with the file and line of the first import.
pub(super) type Edges<'a> = BTreeMap<(&'a str, &'a str), (&'a str, usize)>;

/// The shortest way along imports from one sibling to another, both included.
pub(super) fn way<'a>(edges: &Edges<'a>, from: &'a str, to: &str) -> Option<Vec<&'a str>> {
    let mut seen = HashSet::from([from]);
    let mut ways = VecDeque::from([vec![from]]);
    while let Some(way) = ways.pop_front() {
        let last = *way.last()?;
        if last == to {
            return Some(way);
        }
        for (_, next) in edges.keys().filter(|(one, _)| *one == last) {
            if seen.insert(next) {
                ways.push_back(way.iter().copied().chain([*next]).collect());
            }
        }
    }
    None
}

/// The names with each after all that it imports, and otherwise as they were.
pub(super) fn sorted<'a>(names: &[&'a str], edges: &Edges<'_>) -> Vec<&'a str> {
    let mut left = names.to_vec();
    let mut order = Vec::new();
    while !left.is_empty() {
        let waits = |name: &str| edges.keys().any(|(one, other)| *one == name && left.contains(other));
        // In a cycle all wait; the first goes first.
        let next = left.iter().position(|name| !waits(name)).unwrap_or_default();
        order.push(left.remove(next));
    }
    order
}

#[test]
fn what_is_imported_comes_first() {
    let edges = Edges::from([(("a", "c"), ("", 1)), (("c", "d"), ("", 1))]);
    assert_eq!(sorted(&["a", "b", "c", "d"], &edges), ["b", "d", "c", "a"]);
    assert_eq!(way(&edges, "a", "d"), Some(vec!["a", "c", "d"]));
    assert_eq!(way(&edges, "d", "a"), None);
}
