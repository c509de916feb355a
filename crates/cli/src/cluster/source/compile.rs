//! Runs `cargo build`.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Stdio,
};

use rustix::process::{Pid, Signal, kill_process_group};
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::{
    metadata::{cargo, no_cargo},
    program::Program,
};
use crate::text::why;

/// The most of what cargo says that is kept and shown.
const MAX_SAID: u64 = 256 << 10;

/// The most of its list of artifacts that is read; each dependency takes about a kilobyte.
const MAX_LIST: u64 = 64 << 20;

/// What becomes of what cargo says while it builds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Show {
    /// It is on the screen as it comes, with its progress.
    AsItComes,
    /// It is collected, only what matters, coloured or not.
    Collected {
        /// Whether to colour.
        colored: bool,
    },
}

/// How a build ended.
#[derive(Debug)]
pub(super) struct Built {
    /// The file of each program; of those that failed, none.
    pub(super) programs: BTreeMap<Program, PathBuf>,
    /// Whether all of it succeeded.
    pub(super) succeeded: bool,
    /// Warnings and errors, if they were collected.
    pub(super) said: String,
}

/// Builds programs of one workspace, all at once.
///
/// # Errors
/// If cargo cannot be run.
pub(super) async fn compile(
    workspace: &Path,
    programs: &[&Program],
    release: bool,
    show: Show,
) -> Result<Built, String> {
    let mut command = cargo(workspace);
    command.arg("build").arg("--manifest-path").arg(workspace.join("Cargo.toml"));
    command.arg("--message-format=json-render-diagnostics");
    for program in programs {
        command.args(["--package", &program.package, "--bin", &program.name]);
    }
    if release {
        command.arg("--release");
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    match show {
        Show::AsItComes => command.stderr(Stdio::inherit()),
        Show::Collected { colored } => {
            let when = if colored { "always" } else { "never" };
            // In a group of its own, so that a terminal's Ctrl-C drains the cluster and no more.
            command.args(["--quiet", "--color", when]).stderr(Stdio::piped()).process_group(0)
        }
    };
    let mut child = command.kill_on_drop(true).spawn().map_err(|error| no_cargo(&error))?;
    let mut group = Group(match show {
        Show::AsItComes => None,
        Show::Collected { .. } => child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)),
    });
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let (list, said) = tokio::join!(read(out, MAX_LIST), read(err, MAX_SAID));
    let status = child.wait().await.map_err(|error| format!("cargo build cannot be waited for: {}", why(&error)))?;
    // Its number may belong to somebody else from now on.
    group.0 = None;
    Ok(Built { programs: artifacts(&list, programs), succeeded: status.success(), said })
}

/// The compilers that cargo has started end with it when it is not waited for any more.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            // An error means that it has ended already.
            let _ = kill_process_group(leader, Signal::TERM);
        }
    }
}

async fn read(output: Option<impl AsyncRead + Unpin>, most: u64) -> String {
    let mut bytes = Vec::new();
    if let Some(mut output) = output {
        // What was read before an error is worth showing. The rest is taken and forgotten, so that cargo can end.
        drop((&mut output).take(most).read_to_end(&mut bytes).await);
        drop(tokio::io::copy(&mut output, &mut tokio::io::sink()).await);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[derive(Deserialize)]
struct Message {
    reason: String,
    package_id: Option<String>,
    target: Option<Product>,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Product {
    name: String,
}

/// The programs in cargo's list of what it has built.
fn artifacts(list: &str, programs: &[&Program]) -> BTreeMap<Program, PathBuf> {
    let parse = |line: &str| serde_json::from_str::<Message>(line).ok();
    let file = |message: Message| {
        let (package, target) = (message.package_id?, message.target?);
        let program = programs.iter().find(|program| program.package == package && program.name == target.name)?;
        let file = message.executable.filter(|_| message.reason == "compiler-artifact")?;
        Some(((*program).clone(), file))
    };
    list.lines().filter_map(parse).filter_map(file).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_programs_are_found_in_what_cargo_lists() {
        let program = Program { workspace: "/ws".into(), package: "id#orders".to_owned(), name: "orders".to_owned() };
        let list = r#"{"reason":"compiler-artifact","package_id":"id#serde","target":{"name":"serde"},"executable":null}
not json
{"reason":"compiler-artifact","package_id":"id#orders","target":{"name":"orders"},"executable":"/t/debug/orders"}
{"reason":"build-finished","success":true}"#;
        let found = artifacts(list, &[&program]);
        assert_eq!(found, BTreeMap::from([(program, PathBuf::from("/t/debug/orders"))]));
    }
}
