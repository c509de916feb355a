//! Blocks that a test of another place checks.

/// Blocks that the crate which they are about checks itself: page, language or `*` for all, and the test.
pub(crate) const ELSEWHERE: &[(&str, &str, &str)] = &[
    ("docs/getting-started.md", ALL, "crates/cli/tests/scaffold/guide.rs"),
    ("docs/wire.md", "hex", "crates/broker/tests/wire/documented.rs"),
    ("docs/brokers.md", "", "crates/cli/src/commands/brokers.rs"),
];

/// All blocks of a page.
pub(crate) const ALL: &str = "*";

/// Whether a test of its own does all that a page says.
pub(crate) fn is_done_elsewhere(page: &str) -> bool {
    ELSEWHERE.iter().any(|(known, what, _)| *known == page && *what == ALL)
}
