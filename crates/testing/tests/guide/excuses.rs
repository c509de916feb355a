//! What is shown and not run here, each with its reason.

use crate::page::{Block, Page};

/// A command, or a block, that this test does not run.
pub(crate) struct Excuse {
    page: &'static str,
    /// How the line begins.
    begins: &'static str,
    /// Why it is not run, and where it is tested.
    pub(crate) reason: &'static str,
}

const fn excuse(page: &'static str, begins: &'static str, reason: &'static str) -> Excuse {
    Excuse { page, begins, reason }
}

/// All of them; one that no page needs any more is a mistake.
pub(crate) const EXCUSES: &[Excuse] = &[
    excuse("README.md", "sky new orders", "crates/cli/tests/scaffold/guide.rs does the same, with what comes after it"),
    excuse("README.md", "cd orders && cargo test", "crates/cli/tests/scaffold/guide.rs"),
    excuse(
        "README.md",
        "sky up cluster.toml",
        "it builds; crates/cli/tests/scaffold/guide.rs and tests/sky/sources.rs",
    ),
    excuse("README.md", "sky call orders.v1.Orders", "crates/cli/tests/scaffold/guide.rs"),
    excuse("README.md", "sky shell", "it wants a terminal; crates/cli/tests/sky/shell.rs gives it one"),
    excuse("README.md", "sky routes;  sky doctor", "crates/cli/tests/sky/routes.rs, and doctor.rs beside it"),
    excuse("README.md", "sky log INSTANCE", "docs/operating.md has the same, and there it runs"),
    excuse("README.md", "./scripts/test.sh", "it runs this test"),
    excuse("README.md", "cargo run -p onebox", "it builds; tests/cluster/walkthrough.rs runs the program"),
    excuse("README.md", "./scripts/cluster.sh up --broker", "tests/cluster/brokers.rs does, on each broker"),
    excuse("README.md", "SKYLOOM_BROKER=redis://", "it builds; tests/cluster/python.rs runs the program"),
    excuse("README.md", "sky broker --beanstalk", "docs/beanstalkd.md has the same, and there it runs"),
    excuse("docs/brokers.md", "./scripts/cluster.sh up --broker", "tests/cluster/brokers.rs does, on each broker"),
    excuse("docs/brokers.md", "SKYLOOM_BROKER=redis://", "it builds; tests/cluster/python.rs runs the program"),
    excuse("docs/brokers.md", "sky --broker amqp://", "tests/cluster/brokers.rs asks for queues on RabbitMQ"),
    excuse("docs/brokers.md", "user skyloom on", "crates/broker-adapters/tests/redis has these rights tested"),
    excuse("docs/brokers.md", "SKYLOOM_WRITE_BROKERS=1", "it writes that page; without it the suites compare the page"),
    excuse("docs/developing.md", "sky up cluster.toml", "it builds; crates/cli/tests/sky/sources.rs does the same"),
    excuse("docs/developing.md", "sky shell", "it wants a terminal; crates/cli/tests/sky/shell.rs gives it one"),
    excuse("docs/developing.md", "sky doctor", "it looks at the machine; crates/cli/tests/sky/doctor.rs"),
    excuse("docs/developing.md", "source <(sky completions zsh", "it is for zsh; crates/cli/tests/sky/completions.rs"),
    excuse(
        "docs/developing.md",
        "sky completions fish",
        "its place is one's home; crates/cli/tests/sky/completions.rs",
    ),
    excuse("docs/supervising.md", "svscan", "it scans for ever; crates/testing/tests/cluster/daemontools.rs"),
    excuse("docs/supervising.md", "cp units", "it changes the machine; crates/testing/tests/cluster/systemd.rs"),
    excuse("docs/supervising.md", "systemctl", "it changes the machine; crates/testing/tests/cluster/systemd.rs"),
    excuse("docs/supervising.md", "sky broker --daemon", "it leaves its test; crates/testing/tests/cluster/life.rs"),
    excuse("docs/testing.md", "expected exactly", "crates/testing/tests/test_cluster/failures.rs has such texts"),
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

/// Excuses that no line needs, although their page is there.
pub(crate) fn unneeded(pages: &[Page]) -> Vec<String> {
    let needed = |excuse: &&Excuse| {
        let mut there = pages.iter().filter(|page| page.path == excuse.page).peekable();
        let needs = |block: &Block| block.code.lines().any(|line| begins(line, excuse));
        there.peek().is_none() || there.any(|page| page.blocks.iter().any(needs))
    };
    let unneeded = EXCUSES.iter().filter(|excuse| !needed(excuse));
    unneeded
        .map(|excuse| format!("{}: no line begins with {:?} ({})", excuse.page, excuse.begins, excuse.reason))
        .collect()
}
