//! What is shown and not run here, each with its reason and with the test that has the same.

use skyloom_testing::programs::root;

use crate::page::{Block, Page};

/// A command, or a block, that this test does not run.
pub(crate) struct Excuse {
    page: &'static str,
    /// How the line begins.
    begins: &'static str,
    /// Why it is not run.
    pub(crate) reason: &'static str,
    /// The test that shows that what it says is so.
    test: &'static str,
}

const fn excuse(page: &'static str, begins: &'static str, reason: &'static str, test: &'static str) -> Excuse {
    Excuse { page, begins, reason, test }
}

const BUILDS: &str = "it builds a project, which takes minutes";
const SCAFFOLD: &str = "crates/cli/tests/scaffold/guide.rs";
const TERMINAL: &str = "it wants a terminal";
const SHELL: &str = "crates/cli/tests/sky/shell.rs";
const SERVER: &str = "it wants a server of another kind";
const BROKERS: &str = "crates/testing/tests/cluster/brokers.rs";
const PYTHON: &str = "crates/testing/tests/cluster/python.rs";
const SOURCES: &str = "crates/cli/tests/sky/sources.rs";
const COMPLETIONS: &str = "crates/cli/tests/sky/completions.rs";

/// All of them; one that no page needs any more is a mistake, and so is one whose test is not there.
pub(crate) const EXCUSES: &[Excuse] = &[
    excuse("README.md", "sky new orders", BUILDS, SCAFFOLD),
    excuse("README.md", "cd orders && cargo test", BUILDS, SCAFFOLD),
    excuse("README.md", "sky up cluster.toml", BUILDS, SCAFFOLD),
    excuse("README.md", "sky call orders.v1.Orders", "it calls the project that is not built here", SCAFFOLD),
    excuse("README.md", "sky shell", TERMINAL, SHELL),
    excuse("README.md", "./scripts/test.sh", "it runs this test", "scripts/test.sh"),
    excuse("README.md", "cargo run -p onebox", BUILDS, "crates/testing/tests/cluster/walkthrough.rs"),
    excuse("README.md", "./scripts/cluster.sh up --broker", SERVER, BROKERS),
    excuse("README.md", "SKYLOOM_BROKER=redis://", SERVER, PYTHON),
    excuse(
        "README.md",
        "sky broker --beanstalk",
        "it runs on; docs/beanstalkd.md has the same, and there it does",
        PYTHON,
    ),
    excuse("docs/brokers.md", "./scripts/cluster.sh up --broker", SERVER, BROKERS),
    excuse("docs/brokers.md", "SKYLOOM_BROKER=redis://", SERVER, PYTHON),
    excuse("docs/brokers.md", "sky --broker amqp://", SERVER, BROKERS),
    excuse(
        "docs/brokers.md",
        "user skyloom on",
        "it is a line of Redis's configuration",
        "crates/broker-adapters/tests/redis/limits.rs",
    ),
    excuse(
        "docs/brokers.md",
        "SKYLOOM_WRITE_BROKERS=1",
        "it writes that page; without it the suites compare the page",
        "crates/testing/src/conformance/page.rs",
    ),
    excuse("docs/developing.md", "sky up cluster.toml", BUILDS, SOURCES),
    excuse("docs/developing.md", "sky shell", TERMINAL, SHELL),
    excuse("docs/developing.md", "source <(sky completions zsh", "it is for another shell", COMPLETIONS),
    excuse("docs/developing.md", "sky completions fish", "its place is one's home", COMPLETIONS),
    excuse(
        "docs/testing.md",
        "expected exactly",
        "it is what a failed test prints",
        "crates/testing/tests/test_cluster/failures.rs",
    ),
];

/// The excuse of a line of a page.
pub(crate) fn excused(page: &str, line: &str) -> Option<&'static Excuse> {
    EXCUSES.iter().find(|excuse| excuse.page == page && begins(line, excuse))
}

/// Whether a line, of a script or of a console, begins as an excuse says.
fn begins(line: &str, excuse: &Excuse) -> bool {
    let line = line.trim_start();
    line.strip_prefix("$ ").unwrap_or(line).starts_with(excuse.begins)
}

/// Excuses that no line needs although their page is there, and those without a test.
pub(crate) fn unneeded(pages: &[Page]) -> Vec<String> {
    let needed = |excuse: &&Excuse| {
        let mut there = pages.iter().filter(|page| page.path == excuse.page).peekable();
        let needs = |block: &Block| block.code.lines().any(|line| begins(line, excuse));
        there.peek().is_none() || there.any(|page| page.blocks.iter().any(needs))
    };
    let unneeded = EXCUSES
        .iter()
        .filter(|excuse| !needed(excuse))
        .map(|excuse| format!("{}: no line begins with {:?} ({})", excuse.page, excuse.begins, excuse.reason));
    let untested = EXCUSES.iter().filter(|excuse| !root().join(excuse.test).is_file()).map(|excuse| {
        format!("excuses.rs says that {} tests {:?} of {}; correct that", excuse.test, excuse.begins, excuse.page)
    });
    unneeded.chain(untested).collect()
}
