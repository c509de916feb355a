//! The directory of a running cluster: its lock, its state, its logs.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::Write as _,
    net::SocketAddr,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{board::ProcessState, plan::Plan};
use crate::{failure::Failure, text::why};

/// Held for as long as the cluster runs; the system lets go of it however `sky` ends.
const LOCK: &str = "up.lock";

/// What runs, for scripts and for people.
const STATE: &str = "state.json";

/// A directory that this cluster has for itself.
#[derive(Debug)]
pub(super) struct RunDir {
    path: PathBuf,
    lock: File,
    head: Head,
}

/// What does not change while the cluster runs.
#[derive(Clone, Debug, Default, Serialize)]
struct Head {
    pid: u32,
    file: PathBuf,
    broker: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    registry: Option<String>,
    gateway: Option<String>,
}

#[derive(Serialize)]
struct State<'a> {
    #[serde(flatten)]
    head: &'a Head,
    ready: bool,
    processes: &'a [ProcessState],
}

/// What an earlier cluster left in its state.
#[derive(Deserialize)]
struct Left {
    pid: i32,
    processes: Vec<LeftProcess>,
}

#[derive(Deserialize)]
struct LeftProcess {
    name: String,
    pid: Option<i32>,
}

impl RunDir {
    /// Takes the directory for the cluster of this file.
    ///
    /// # Errors
    /// If a cluster runs there already, if an earlier one has left processes behind, or if the
    /// directory cannot be written.
    pub(super) fn take(path: &Path, file: &Path, plan: &Plan) -> Result<Self, Failure> {
        let shown = path.display();
        let unusable =
            |error: std::io::Error| Failure::failed(format!("cannot use the run directory {shown}: {}", why(&error)));
        if path.exists() && !path.is_dir() {
            return Err(Failure::failed(format!("--dir: {shown} is no directory; give another")));
        }
        fs::create_dir_all(path).map_err(unusable)?;
        let lock = File::create(path.join(LOCK)).map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Failure::failed(already_running(path))),
            Err(TryLockError::Error(error)) => return Err(unusable(error)),
        }
        if let Some(sentence) = left_behind(path) {
            return Err(Failure::failed(sentence));
        }
        let head = Head {
            pid: std::process::id(),
            file: file.to_path_buf(),
            broker: plan.endpoints.broker.clone(),
            registry: plan.endpoints.registry.clone(),
            gateway: plan.gateway.map(|address: SocketAddr| format!("http://{address}")),
        };
        let run_dir = Self { path: path.to_path_buf(), lock, head };
        run_dir.write(&[]).map_err(unusable)?;
        Ok(run_dir)
    }

    /// The directory.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes down what runs now. A reader sees either the old state or the new one.
    ///
    /// # Errors
    /// If the directory cannot be written.
    pub(super) fn write(&self, processes: &[ProcessState]) -> std::io::Result<()> {
        let ready = !processes.is_empty() && processes.iter().all(|process| process.ready);
        let mut text = serde_json::to_string_pretty(&State { head: &self.head, ready, processes })?;
        text.push('\n');
        let fresh = self.path.join("state.json.new");
        // The broker's URL may hold a password.
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
        file.write_all(text.as_bytes())?;
        fs::rename(fresh, self.path.join(STATE))
    }
}

impl Drop for RunDir {
    fn drop(&mut self) {
        // What cannot be removed is found to be stale by the next cluster. The lock's file stays:
        // another `sky` may be opening it.
        drop(fs::remove_file(self.path.join(STATE)));
        // Closing the file would not do: a process that is just being started may still share it.
        drop(self.lock.unlock());
    }
}

fn left(path: &Path) -> Option<Left> {
    serde_json::from_slice(&fs::read(path.join(STATE)).ok()?).ok()
}

fn already_running(path: &Path) -> String {
    let pid = left(path).map_or_else(String::new, |left| format!(" (pid {})", left.pid));
    format!(
        "a cluster is already running in {}{pid}: stop it with Ctrl-C or SIGTERM, or give another --dir",
        path.display()
    )
}

/// A `sky up` that was killed could not stop its processes.
fn left_behind(path: &Path) -> Option<String> {
    let runs = |process: &LeftProcess| {
        let pid = rustix::process::Pid::from_raw(process.pid?)?;
        // Each led a process group of its own; a process that only has its number again leads none.
        let leads = rustix::process::getpgid(Some(pid)).is_ok_and(|group| group == pid) && !is_dead(pid);
        let pid = pid.as_raw_nonzero().to_string();
        leads.then(|| (format!("{} ({pid})", process.name), pid))
    };
    let (names, pids): (Vec<String>, Vec<String>) = left(path)?.processes.iter().filter_map(runs).unzip();
    if names.is_empty() {
        return None;
    }
    Some(format!(
        "an earlier cluster in {} was killed and left {} behind: end them first, with `kill {}`",
        path.display(),
        names.join(", "),
        pids.join(" ")
    ))
}

/// Whether a process has ended and only nobody has asked how, such as the first process of a container that waits for
/// none but its own: proc_pid_stat(5).
fn is_dead(pid: rustix::process::Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
    // The name, in parentheses, may have any characters in it.
    stat.rsplit_once(") ").is_some_and(|(_, state)| state.starts_with(['Z', 'X']))
}

#[cfg(test)]
mod tests {
    use std::{os::unix::process::CommandExt as _, process::Command};

    use super::*;

    fn plan() -> Plan {
        let gateway = Some(SocketAddr::from(([127, 0, 0, 1], 8080)));
        Plan { endpoints: skyloom::Endpoints::new("unix:/x"), embedded: None, gateway, parts: Vec::new() }
    }

    #[test]
    fn a_directory_belongs_to_one_cluster_at_a_time() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("run");
        let first = RunDir::take(&path, Path::new("cluster.toml"), &plan()).unwrap();
        let process = ProcessState {
            name: "qr.1".to_owned(),
            part: "qr".to_owned(),
            pid: Some(i32::MAX),
            starts: 1,
            ready: true,
            last_lines: Vec::new(),
            section: Default::default(),
        };
        first.write(&[process]).unwrap();
        let state: serde_json::Value = serde_json::from_slice(&fs::read(path.join(STATE)).unwrap()).unwrap();
        assert_eq!(state["ready"], true);
        assert_eq!(state["gateway"], "http://127.0.0.1:8080");
        assert_eq!(state["processes"][0]["name"], "qr.1");
        let second = RunDir::take(&path, Path::new("cluster.toml"), &plan()).unwrap_err().to_string();
        assert!(second.contains(&format!("already running in {} (pid {})", path.display(), std::process::id())));
        drop(first);
        assert!(!path.join(STATE).exists());
        RunDir::take(&path, Path::new("cluster.toml"), &plan()).unwrap();
        let lock = RunDir::take(&path.join(LOCK), Path::new("cluster.toml"), &plan()).unwrap_err().to_string();
        assert!(lock.ends_with("up.lock is no directory; give another"), "{lock}");
    }

    #[test]
    fn processes_that_were_left_behind_are_named() {
        let directory = tempfile::tempdir().unwrap();
        let mut process = Command::new("sleep").arg("60").process_group(0).spawn().unwrap();
        let group = process.id();
        let state =
            format!(r#"{{"pid": 1, "processes": [{{"name": "qr.1", "pid": {group}}}, {{"name": "b", "pid": null}}]}}"#);
        fs::write(directory.path().join(STATE), state).unwrap();
        let refused = RunDir::take(directory.path(), Path::new("c"), &plan());
        process.kill().unwrap();
        process.wait().unwrap();
        let sentence = refused.unwrap_err().to_string();
        assert!(
            sentence.ends_with(&format!("left qr.1 ({group}) behind: end them first, with `kill {group}`")),
            "{sentence}"
        );
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn what_has_ended_is_not_left_behind_though_nobody_has_waited_for_it() {
        let directory = tempfile::tempdir().unwrap();
        let mut process = Command::new("true").process_group(0).spawn().unwrap();
        let id = process.id();
        let state = format!(r#"{{"pid": 1, "processes": [{{"name": "qr.1", "pid": {id}}}]}}"#);
        fs::write(directory.path().join(STATE), state).unwrap();
        let ended = || fs::read_to_string(format!("/proc/{id}/stat")).unwrap().contains(") Z ");
        while !ended() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        RunDir::take(directory.path(), Path::new("c"), &plan()).unwrap();
        process.wait().unwrap();
    }
}
