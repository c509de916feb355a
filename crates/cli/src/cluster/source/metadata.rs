//! What cargo knows about the packages around a directory.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use serde::Deserialize;
use tokio::process::Command;

use crate::text::{printable, why};

/// Names the directory that cargo builds into, if it is not the workspace's own.
const TARGET: &str = "CARGO_TARGET_DIR";

/// How cargo says that no directory up from there has a package.
pub(super) const NO_MANIFEST: &str = "could not find `Cargo.toml`";

/// The answer of `cargo metadata`, as far as it matters here.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Metadata {
    /// Every package, by the order of cargo.
    pub(super) packages: Vec<Package>,
    /// The members of the workspace.
    pub(super) workspace_members: BTreeSet<String>,
    /// The directory of the workspace.
    pub(super) workspace_root: PathBuf,
    resolve: Option<Resolve>,
}

/// A package.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Package {
    /// Its id, which names it to cargo without a doubt.
    pub(super) id: String,
    /// Its name.
    pub(super) name: String,
    /// Where it comes from; none if that is a directory of this machine.
    source: Option<String>,
    /// Its `Cargo.toml`.
    pub(super) manifest_path: PathBuf,
    /// What it builds.
    pub(super) targets: Vec<Target>,
    /// The program that `cargo run` takes.
    pub(super) default_run: Option<String>,
}

/// Something that a package builds.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Target {
    /// Its name.
    pub(super) name: String,
    kind: Vec<String>,
}

impl Target {
    /// Whether it is a program.
    pub(super) fn is_program(&self) -> bool {
        self.kind.iter().any(|kind| kind == "bin")
    }
}

#[derive(Clone, Debug, Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Clone, Debug, Deserialize)]
struct Node {
    id: String,
    dependencies: Vec<String>,
}

/// How much is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    /// The workspace's own packages.
    Members,
    /// Also what they depend on.
    All,
}

impl Metadata {
    /// Asks cargo about the workspace that a directory belongs to.
    ///
    /// # Errors
    /// What cargo said, in one line; without cargo how to get it.
    pub(super) async fn of(directory: &Path, depth: Depth) -> Result<Self, String> {
        let mut command = cargo(directory);
        command.args(["metadata", "--format-version", "1", "--quiet"]);
        if depth == Depth::Members {
            command.arg("--no-deps");
        }
        let answer = command.kill_on_drop(true).output().await.map_err(|error| no_cargo(&error))?;
        if !answer.status.success() {
            return Err(first_error(&String::from_utf8_lossy(&answer.stderr)));
        }
        serde_json::from_slice(&answer.stdout).map_err(|error| {
            format!("the answer of cargo metadata cannot be read: {error}; use the cargo that rustup installs")
        })
    }

    /// The directories of these packages, and of all of this machine that they depend on.
    pub(super) fn directories(&self, ids: &BTreeSet<&str>) -> BTreeSet<PathBuf> {
        let nodes = self.resolve.iter().flat_map(|resolve| &resolve.nodes);
        let nodes: BTreeMap<&str, &Node> = nodes.map(|node| (node.id.as_str(), node)).collect();
        let mut reached = ids.clone();
        let mut next: Vec<&str> = reached.iter().copied().collect();
        while let Some(id) = next.pop() {
            for dependency in nodes.get(id).into_iter().flat_map(|node| &node.dependencies) {
                if reached.insert(dependency) {
                    next.push(dependency);
                }
            }
        }
        let local = |package: &&Package| package.source.is_none() && reached.contains(package.id.as_str());
        let directory = |package: &Package| package.manifest_path.parent().map(Path::to_path_buf);
        self.packages.iter().filter(local).filter_map(directory).collect()
    }
}

/// The cargo of whoever runs `sky` through it, or the one in `PATH`, in this folder: cargo's own configuration and the
/// toolchain are those of the folder.
pub(super) fn cargo(folder: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(folder);
    if let Some(Ok(target)) = std::env::var_os(TARGET).map(std::path::absolute) {
        command.env(TARGET, target);
    }
    command
}

/// Says that cargo cannot be started.
pub(super) fn no_cargo(error: &std::io::Error) -> String {
    if error.kind() == std::io::ErrorKind::NotFound {
        return "cargo is not in PATH: install Rust from https://rustup.rs, or give the program's `command` instead"
            .to_owned();
    }
    format!("cargo cannot be started: {}", why(error))
}

/// The first error of cargo's with its causes, in one line.
fn first_error(text: &str) -> String {
    let at = text.lines().take_while(|line| !line.starts_with("error")).map(|line| line.len() + 1).sum();
    let mut paragraphs = text.get(at..).unwrap_or_default().split("\n\n");
    let first = paragraphs.next().unwrap_or_default();
    let causes = paragraphs.map_while(|paragraph| paragraph.trim().strip_prefix("Caused by:"));
    let sentences: Vec<String> = std::iter::once(first).chain(causes).map(sentence).collect();
    let line = sentences.join(": ");
    if line.is_empty() { printable(text.trim()) } else { printable(&line) }
}

/// A paragraph of cargo's in one line. What it quotes of a file is left out, because one line cannot point into another;
/// its place is kept.
fn sentence(paragraph: &str) -> String {
    let is_own = |line: &&str| !line.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ').starts_with('|');
    let lines = paragraph.lines().map(str::trim).filter(is_own);
    let lines = lines.enumerate().take_while(|(number, line)| *number == 0 || !line.starts_with("error"));
    let words: Vec<String> = lines
        .map(|(_, line)| match line.strip_prefix("--> ") {
            Some(place) => format!("({place})"),
            None => line.strip_prefix("error: ").unwrap_or(line).to_owned(),
        })
        .filter(|line| !line.is_empty())
        .collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata() -> Metadata {
        let package = |id: &str, source: &str| {
            serde_json::json!({ "id": id, "name": id, "source": (!source.is_empty()).then_some(source),
                "manifest_path": format!("/ws/{id}/Cargo.toml"), "targets": [], "default_run": null })
        };
        let node = |id: &str, on: &[&str]| serde_json::json!({ "id": id, "dependencies": on });
        serde_json::from_value(serde_json::json!({
            "packages": [package("orders", ""), package("shared", ""), package("other", ""), package("serde", "registry")],
            "workspace_members": ["orders", "shared", "other"],
            "workspace_root": "/ws",
            "resolve": { "nodes": [node("orders", &["shared", "serde"]), node("shared", &["serde"]), node("serde", &[])] },
        }))
        .unwrap()
    }

    #[test]
    fn only_the_sources_that_a_program_is_made_of_are_watched() {
        let found = metadata().directories(&BTreeSet::from(["orders"]));
        assert_eq!(found, BTreeSet::from([PathBuf::from("/ws/orders"), PathBuf::from("/ws/shared")]));
    }

    #[test]
    fn what_cargo_says_is_one_line() {
        let text = "warning: x\nerror: could not find `Cargo.toml` in `/a`\n  or any parent directory\n\nmore\n";
        assert_eq!(first_error(text), "could not find `Cargo.toml` in `/a` or any parent directory");
        assert_eq!(first_error("no such command\n"), "no such command");
        let text = "error: failed to parse manifest at `/a/Cargo.toml`\n\nCaused by:\n  failed to parse the `edition` key\n\n\
                    Caused by:\n  this version of Cargo is older than the `2099` edition\n";
        let line = "failed to parse manifest at `/a/Cargo.toml`: failed to parse the `edition` key: this version of Cargo is \
                    older than the `2099` edition";
        assert_eq!(first_error(text), line);
        let text = "error: missing key, expected key\n  --> Cargo.toml:10:10\n   |\n10 | serde = {{\n   |          ^\n";
        assert_eq!(first_error(text), "missing key, expected key (Cargo.toml:10:10)");
        assert_eq!(first_error("error: one\nerror: two\n"), "one");
    }
}
