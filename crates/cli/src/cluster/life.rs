//! One process from its start to its end.

use std::net::TcpListener;

use tokio::time::{Duration, Instant, sleep_until};

use rustix::process::{Pid, Signal};
use tokio::sync::watch;

use super::{
    backoff::STEADY,
    board::Section,
    logs::Logs,
    plan::Spec,
    probe::{Brokers, Probe},
    process::{Process, describe},
    program::refused,
    signals::{Wish, wished},
};
use crate::text::span;

/// How long a process has after SIGTERM. It ends within 25.5 s by itself, and says why if something blocks it. One with
/// a longer drain time says that it needs more.
const GRACE: Duration = Duration::from_secs(28);

/// A process that is not ready after so long is worth a word.
pub(super) const SLOW: Duration = Duration::from_secs(10);

/// What a process is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Edition {
    /// How it is started.
    pub(super) spec: Spec,
    /// Differs if its program is another one under the same path, or what it reads is.
    pub(super) version: u64,
}

/// A process that was started.
pub(super) struct Life {
    process: Process,
    edition: Edition,
    name: String,
    start: Instant,
    ready: bool,
    told_slow: bool,
    steady: bool,
}

/// What becomes of a process.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// It is ready.
    Ready,
    /// It is not ready after [`SLOW`].
    Slow,
    /// It has run for [`STEADY`].
    Steady,
    /// It has ended: how.
    Ended(String),
}

impl Life {
    /// Starts a process, with a listening socket if there is one for it.
    ///
    /// # Errors
    /// How it failed, in words.
    pub(super) fn start(edition: &Edition, socket: Option<&TcpListener>, logs: &Logs) -> Result<Self, String> {
        let spec = &edition.spec;
        let process = Process::start(spec, socket, logs)
            .map_err(|error| format!("cannot be started: {}", refused(&spec.program, &spec.directory, &error)))?;
        Ok(Self {
            process,
            edition: edition.clone(),
            name: edition.spec.name.clone(),
            start: Instant::now(),
            ready: false,
            told_slow: false,
            steady: false,
        })
    }

    /// What it is.
    pub(super) fn edition(&self) -> &Edition {
        &self.edition
    }

    /// Its process id.
    pub(super) fn pid(&self) -> Pid {
        self.process.pid()
    }

    /// Which section of the configuration applies to it, once it has told.
    pub(super) fn section(&self) -> Section {
        self.process.section()
    }

    /// How long it runs.
    pub(super) fn age(&self) -> Duration {
        self.start.elapsed()
    }

    /// Whether it was found ready.
    pub(super) fn is_ready(&self) -> bool {
        self.ready
    }

    /// Waits for what happens next. May be dropped and asked again.
    pub(super) async fn next(&mut self, probe: Probe, brokers: &Brokers) -> Event {
        let (pid, mut brokers) = (self.process.pid(), brokers.clone());
        // Whoever shares a socket cannot be asked through it, and for a broker another may answer that was quicker.
        let is_shared = self.process.has_socket();
        let told = self.process.told().filter(|_| is_shared || probe.is_of_a_broker());
        let ready = async {
            if let Some(told) = told {
                told.await;
            }
            if !is_shared {
                probe.ready(pid, &mut brokers).await;
            }
        };
        tokio::select! {
            ended = self.process.ended() => Event::Ended(describe(ended)),
            () = ready, if !self.ready => {
                self.ready = true;
                Event::Ready
            }
            () = sleep_until(self.start + SLOW), if !self.ready && !self.told_slow => {
                self.told_slow = true;
                Event::Slow
            }
            () = sleep_until(self.start + STEADY), if !self.steady => {
                self.steady = true;
                Event::Steady
            }
        }
    }

    /// As [`Life::stop`], for one whose successor is there already.
    pub(super) async fn leave(mut self, logs: Logs, wish: watch::Receiver<Wish>) {
        self.name = format!("the old {}", self.name);
        self.stop(logs, wish).await;
    }

    /// Has it finish its work and end; kills it if it does not, or at once if that is wished.
    pub(super) async fn stop(mut self, logs: Logs, mut wish: watch::Receiver<Wish>) {
        let (process, name) = (&mut self.process, &self.name);
        process.signal(Signal::TERM);
        let asked = Instant::now();
        let ended = tokio::select! {
            ended = process.ended_within(GRACE) => {
                if ended.is_none() {
                    logs.say(&format!("{name} has not ended {} after SIGTERM and is killed", span(asked.elapsed())));
                }
                ended
            }
            () = wished(&mut wish, Wish::Kill) => None,
        };
        let ended = match ended {
            Some(ended) => ended,
            None => {
                process.signal(Signal::KILL);
                process.ended().await
            }
        };
        logs.say(&format!("{name} {}", describe(ended)));
    }
}

#[cfg(test)]
mod tests {
    use skyloom::Connection;

    use super::*;
    use crate::output::{ColorChoice, Paint};

    #[tokio::test]
    async fn a_broker_is_not_ready_because_another_answers() {
        let spec = Spec {
            name: "broker".to_owned(),
            program: "/bin/sh".into(),
            arguments: vec!["-c".to_owned(), "sleep 0.2; exit 111".to_owned()],
            environment: Default::default(),
            directory: "/".into(),
        };
        let logs = Logs::new(std::io::sink(), Paint::stderr(ColorChoice::Never), None);
        let (_connected, brokers) = watch::channel(Some(Connection::memory()));
        for probe in [Probe::Broker, Probe::Registry] {
            let mut life = Life::start(&Edition { spec: spec.clone(), version: 0 }, None, &logs).unwrap();
            assert_eq!(life.next(probe, &brokers).await, Event::Ended("ended with exit code 111".to_owned()));
        }
    }
}
