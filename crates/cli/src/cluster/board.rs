//! What each process of the cluster is doing, for those who wait and for those who look.

use rustix::process::Pid;
use serde::Serialize;
use tokio::sync::watch;

use super::plan::Plan;

/// One process as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct ProcessState {
    /// Its name, such as `qr.2`.
    pub(super) name: String,
    /// The part that it belongs to, such as `qr`.
    pub(super) part: String,
    /// Its process id; none while it does not run.
    pub(super) pid: Option<i32>,
    /// How often it was started.
    pub(super) starts: u32,
    /// Whether it was found ready since its last start.
    pub(super) ready: bool,
    /// The last lines it wrote before it ended, if it ended by itself.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) last_lines: Vec<String>,
}

/// All processes as they are now. Cheap to read, and whoever waits is woken at each change.
#[derive(Debug)]
pub(super) struct Board(watch::Sender<Vec<ProcessState>>);

impl Board {
    /// None of the plan's processes runs yet.
    pub(super) fn new(plan: &Plan) -> Self {
        let of_part = |part: &super::plan::Part| {
            let state = |name: &String| ProcessState {
                name: name.clone(),
                part: part.name.clone(),
                pid: None,
                starts: 0,
                ready: false,
                last_lines: Vec::new(),
            };
            part.processes.iter().map(|spec| state(&spec.name)).collect::<Vec<_>>()
        };
        Self(watch::Sender::new(plan.parts.iter().flat_map(of_part).collect()))
    }

    /// Follows the changes.
    pub(super) fn watch(&self) -> watch::Receiver<Vec<ProcessState>> {
        self.0.subscribe()
    }

    /// A process was started.
    pub(super) fn started(&self, name: &str, pid: Pid) {
        self.change(name, |process| {
            process.pid = Some(pid.as_raw_nonzero().get());
            process.starts = process.starts.saturating_add(1);
            process.ready = false;
        });
    }

    /// A process was found ready.
    pub(super) fn ready(&self, name: &str) {
        self.change(name, |process| {
            process.ready = true;
            process.last_lines.clear();
        });
    }

    /// Another process has taken the place of the one before.
    pub(super) fn replaced(&self, name: &str, pid: Pid, ready: bool) {
        self.change(name, |process| {
            process.pid = Some(pid.as_raw_nonzero().get());
            process.starts = process.starts.saturating_add(1);
            process.ready = ready;
        });
    }

    /// A process has ended; its last lines if nobody wanted it to.
    pub(super) fn ended(&self, name: &str, last_lines: Vec<String>) {
        self.change(name, |process| {
            process.pid = None;
            process.ready = false;
            process.last_lines = last_lines;
        });
    }

    /// Resolves when all processes of these parts are ready.
    pub(super) async fn parts_ready(&self, parts: &[String]) {
        let ready = |processes: &Vec<ProcessState>| {
            processes.iter().filter(|process| parts.contains(&process.part)).all(|process| process.ready)
        };
        // It fails only without a sender, and that is here.
        drop(self.watch().wait_for(ready).await);
    }

    /// Resolves when every process is ready.
    pub(super) async fn all_ready(&self) {
        drop(self.watch().wait_for(|processes| processes.iter().all(|process| process.ready)).await);
    }

    fn change(&self, name: &str, change: impl FnOnce(&mut ProcessState)) {
        self.0.send_modify(|processes| {
            if let Some(process) = processes.iter_mut().find(|process| process.name == name) {
                change(process);
            }
        });
    }
}
