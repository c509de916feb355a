//! Keeps one process running until the cluster stops.

use std::{convert::Infallible, sync::Arc, time::Duration};

use rustix::process::{Pid, Signal};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep},
};

use super::{
    backoff::Backoff,
    board::Board,
    logs::Logs,
    plan::Spec,
    probe::{Brokers, Probe},
    process::{Process, describe},
    signals::{Wish, wished},
};
use crate::text::span;

/// How long a process has after SIGTERM; its own drain takes at most 20 s.
const GRACE: Duration = Duration::from_secs(25);

/// A process that is not ready after so long is worth a word.
const SLOW: Duration = Duration::from_secs(10);

/// One process and all that is needed to keep it running.
pub(super) struct Supervisor {
    /// The process.
    pub(super) spec: Spec,
    /// How to tell that it is ready.
    pub(super) probe: Probe,
    /// The parts that must be ready before it starts.
    pub(super) after: Vec<String>,
    /// Where its output goes.
    pub(super) logs: Logs,
    /// Where its state is noted.
    pub(super) board: Arc<Board>,
    /// The cluster's broker.
    pub(super) brokers: Brokers,
    /// Takes the reason if the cluster cannot do without it and it cannot even start.
    pub(super) give_up: Option<mpsc::Sender<String>>,
}

impl Supervisor {
    /// Runs until it is wished that it stops, and then until it has.
    pub(super) async fn run(self, mut wish: watch::Receiver<Wish>) {
        tokio::select! {
            () = self.board.parts_ready(&self.after) => {}
            () = wished(&mut wish, Wish::Drain) => return,
        }
        let mut backoff = Backoff::default();
        let mut was_ready = false;
        loop {
            let start = Instant::now();
            let ended = match Process::start(&self.spec, &self.logs) {
                Ok(process) => match self.watch_over(process, &mut wish, &mut was_ready).await {
                    Some(ended) => ended,
                    None => return,
                },
                Err(error) => format!("cannot be started: {error}"),
            };
            let name = &self.spec.name;
            if let Some(give_up) = self.give_up.as_ref().filter(|_| !was_ready) {
                // If nobody listens, another has given up already.
                drop(give_up.try_send(format!("{name} {ended} before it was ready; its last lines say why")));
                return;
            }
            let pause = backoff.ended(Instant::now(), start.elapsed(), fastrand::f64());
            self.logs.say(&format!("{name} {ended}; it is started anew in {}", span(pause.time)));
            if pause.often {
                self.logs.say(&format!("{name} ends again and again, 5 times within 10s: see its last lines"));
            }
            tokio::select! {
                () = sleep(pause.time) => {}
                () = wished(&mut wish, Wish::Drain) => return,
            }
        }
    }

    /// How it ended, or none if it was stopped as it was wished.
    async fn watch_over(
        &self,
        mut process: Process,
        wish: &mut watch::Receiver<Wish>,
        was_ready: &mut bool,
    ) -> Option<String> {
        let (name, pid) = (&self.spec.name, process.pid());
        self.board.started(name, pid);
        self.logs.say(&format!("{name} is started, pid {}", pid.as_raw_nonzero()));
        let ended = tokio::select! {
            ended = process.ended() => Some(describe(ended)),
            never = self.become_ready(pid, was_ready) => match never {},
            () = wished(wish, Wish::Drain) => None,
        };
        if ended.is_none() {
            self.stop(&mut process, wish).await;
        }
        self.board.ended(name);
        ended
    }

    async fn become_ready(&self, pid: Pid, was_ready: &mut bool) -> Infallible {
        let mut brokers = self.brokers.clone();
        let ready = self.probe.ready(pid, &mut brokers);
        tokio::pin!(ready);
        tokio::select! {
            () = &mut ready => {}
            () = sleep(SLOW) => {
                self.logs.say(&format!("{} runs for {} and is not ready yet: see its lines", self.spec.name, span(SLOW)));
                ready.await;
            }
        }
        *was_ready = true;
        self.board.ready(&self.spec.name);
        std::future::pending().await
    }

    async fn stop(&self, process: &mut Process, wish: &mut watch::Receiver<Wish>) {
        let name = &self.spec.name;
        process.signal(Signal::TERM);
        let ended = tokio::select! {
            ended = process.ended() => Some(ended),
            () = sleep(GRACE) => {
                self.logs.say(&format!("{name} has not ended within {} of SIGTERM and is killed", span(GRACE)));
                None
            }
            () = wished(wish, Wish::Kill) => None,
        };
        let ended = match ended {
            Some(ended) => ended,
            None => {
                process.signal(Signal::KILL);
                process.ended().await
            }
        };
        self.logs.say(&format!("{name} {}", describe(ended)));
    }
}
