//! What each process of the cluster is doing, for those who wait and for those who look.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use rustix::process::Pid;
use serde::Serialize;
use tokio::sync::watch;

/// The section of the configuration that applies to a process, once it has told.
pub(super) type Section = Arc<OnceLock<String>>;

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
    /// Which section of the configuration applies to it.
    #[serde(skip)]
    pub(super) section: Section,
}

/// All processes as they are now, without those that have been taken out and finish their work. Whoever waits is woken
/// at each change.
#[derive(Clone, Debug, Default)]
pub(super) struct Board(Arc<watch::Sender<Processes>>);

/// What is on the board, in the order in which it came.
#[derive(Debug, Default)]
pub(super) struct Processes {
    places: BTreeMap<u64, ProcessState>,
    next: u64,
}

impl Processes {
    /// The states of all.
    pub(super) fn states(&self) -> Vec<ProcessState> {
        self.places.values().cloned().collect()
    }
}

impl Board {
    /// Gives a place to a process that does not run yet.
    pub(super) fn enter(&self, part: &str, name: &str) -> Place {
        let state = ProcessState {
            name: name.to_owned(),
            part: part.to_owned(),
            pid: None,
            starts: 0,
            ready: false,
            last_lines: Vec::new(),
            section: Section::default(),
        };
        let mut number = 0;
        self.0.send_modify(|processes| {
            number = processes.next;
            processes.next += 1;
            processes.places.insert(number, state);
        });
        Place { board: self.clone(), number }
    }

    /// Follows the changes.
    pub(super) fn watch(&self) -> watch::Receiver<Processes> {
        self.0.subscribe()
    }

    /// The sections of the configuration that apply to processes, by their names, as far as these have told.
    pub(super) fn sections(&self) -> BTreeMap<String, String> {
        let processes = self.0.borrow();
        let told = processes.places.values().filter_map(|one| Some((one.name.clone(), one.section.get()?.clone())));
        told.collect()
    }

    /// Resolves when all processes of these parts are ready.
    pub(super) async fn parts_ready(&self, parts: &[String]) {
        self.until_ready(|process| parts.contains(&process.part)).await;
    }

    /// Resolves when every process is ready.
    pub(super) async fn all_ready(&self) {
        self.until_ready(|_| true).await;
    }

    /// Those that have not been started yet, and those that run and are not ready, for which they wait.
    pub(super) fn waiting(&self) -> (Vec<String>, Vec<String>) {
        let processes = self.0.borrow();
        let unready = processes.places.values().filter(|process| !process.ready);
        let (waiting, ahead): (Vec<_>, Vec<_>) = unready.partition(|process| process.starts == 0);
        let names = |processes: Vec<&ProcessState>| processes.into_iter().map(|one| one.name.clone()).collect();
        (names(waiting), names(ahead))
    }

    async fn until_ready(&self, matters: impl Fn(&ProcessState) -> bool) {
        let ready = |processes: &Processes| processes.places.values().all(|process| process.ready || !matters(process));
        // It fails only without a sender, and that is here.
        drop(self.watch().wait_for(ready).await);
    }
}

/// The place of one process on the board. A name can have two, if it comes back while the one before it still has to end.
/// One that finishes its work has left its place, and what becomes of it is not shown.
#[derive(Clone, Debug)]
pub(super) struct Place {
    board: Board,
    number: u64,
}

impl Place {
    /// The board.
    pub(super) fn board(&self) -> &Board {
        &self.board
    }

    /// The process was started.
    pub(super) fn started(&self, pid: Pid, section: Section) {
        self.replaced(pid, section, false);
    }

    /// The process was found ready.
    pub(super) fn ready(&self) {
        self.change(|process| {
            process.ready = true;
            process.last_lines.clear();
        });
    }

    /// Another process has taken the place of the one before.
    pub(super) fn replaced(&self, pid: Pid, section: Section, ready: bool) {
        self.change(|process| {
            process.section = section;
            process.pid = Some(pid.as_raw_nonzero().get());
            process.starts = process.starts.saturating_add(1);
            process.ready = ready;
        });
    }

    /// The process has ended; its last lines if nobody wanted it to.
    pub(super) fn ended(&self, last_lines: Vec<String>) {
        self.change(|process| {
            process.pid = None;
            process.ready = false;
            process.last_lines = last_lines;
        });
    }

    /// The process is no part of the cluster any more.
    pub(super) fn leave(&self) {
        self.board.0.send_modify(|processes| drop(processes.places.remove(&self.number)));
    }

    fn change(&self, change: impl FnOnce(&mut ProcessState)) {
        self.board.0.send_if_modified(|processes| processes.places.get_mut(&self.number).map(change).is_some());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_has_left_holds_up_nobody_and_is_not_taken_for_who_came_after() {
        let board = Board::default();
        let [first, other] = ["qr.1", "links.1"].map(|name| board.enter(name.split('.').next().unwrap(), name));
        assert_eq!(board.waiting(), (vec!["qr.1".to_owned(), "links.1".to_owned()], vec![]));
        first.started(Pid::INIT, Section::default());
        assert_eq!(board.waiting(), (vec!["links.1".to_owned()], vec!["qr.1".to_owned()]));
        other.started(Pid::INIT, Section::default());
        other.ready();
        board.parts_ready(&["links".to_owned()]).await;
        let waiting = tokio::spawn({
            let board = board.clone();
            async move { board.all_ready().await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        first.leave();
        waiting.await.unwrap();

        let again = board.enter("qr", "qr.1");
        again.started(Pid::INIT, Section::default());
        first.ended(vec!["the old one".to_owned()]);
        let states = board.watch().borrow().states();
        let shown: Vec<_> = states.iter().map(|state| (state.name.as_str(), state.starts, state.pid)).collect();
        assert_eq!(shown, [("links.1", 1, Some(1)), ("qr.1", 1, Some(1))]);
    }
}
